package host

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"rp/engine/state"
)

func init() {
	register("walk", kind{read: readWalks, imagine: imagineWalk})
}

// walkMax bounds how many entries one walk finds.
const walkMax = 2_000_000

func readWalks(ctx context.Context, l *Linux, ss []state.State) ([]state.State, error) {
	out := make([]state.State, len(ss))
	for i, s := range ss {
		w := s.(state.Walk)
		es := []state.Entry{}
		seen := map[[2]int64]bool{}
		if err := l.walk(ctx, w, w.Path, 1, seen, &es); err != nil {
			return nil, err
		}
		w.Entries = state.Is(es)
		out[i] = w
	}
	return out, nil
}

// walk lists dir, each directory before what is in it, by name. What is gone or
// not readable below the top is left out, as find(1) goes on.
func (l *Linux) walk(ctx context.Context, w state.Walk, dir string, depth int, seen map[[2]int64]bool, es *[]state.Entry) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	list, err := os.ReadDir(l.path(dir))
	if isAbsent(err) || err != nil && depth > 1 {
		return nil
	}
	if err != nil {
		return fmt.Errorf("cannot list %s: %w", dir, bare(err))
	}
	for _, d := range list {
		path := filepath.Join(dir, d.Name())
		fi, err := os.Lstat(l.path(path))
		if err != nil {
			continue
		}
		if len(*es) >= walkMax {
			return fmt.Errorf("cannot list %s: there are more than %d files", w.Path, walkMax)
		}
		*es = append(*es, entryOf(path, fi))
		if !fi.IsDir() && !(w.Follow && leadsToDirectory(l.path(path), fi)) || w.Depth > 0 && depth >= w.Depth {
			continue
		}
		if w.Follow && looped(l.path(path), seen) {
			continue
		}
		if err := l.walk(ctx, w, path, depth+1, seen, es); err != nil {
			return err
		}
	}
	return nil
}

func leadsToDirectory(path string, fi fs.FileInfo) bool {
	if fi.Mode()&fs.ModeSymlink == 0 {
		return false
	}
	to, err := os.Stat(path)
	return err == nil && to.IsDir()
}

// looped reports whether the directory at path was walked before, by device and inode.
func looped(path string, seen map[[2]int64]bool) bool {
	fi, err := os.Stat(path)
	if err != nil {
		return true
	}
	info := map[string]any{}
	inodeInfo(info, fi)
	dev, _ := info["dev"].(int64)
	ino, _ := info["inode"].(int64)
	k := [2]int64{dev, ino}
	was := seen[k]
	seen[k] = true
	return was
}

func entryOf(path string, fi fs.FileInfo) state.Entry {
	uid, gid := ownerOf(fi)
	a, c := times(fi)
	return state.Entry{
		Path: path, Type: typeOf(fi.Mode()), Mode: modeOf(fi.Mode()), UID: uid, GID: gid, Size: fi.Size(),
		MTime: fi.ModTime().UnixNano(), ATime: a, CTime: c,
	}
}

// imagineWalk lists the predicted files of a directory too, and leaves out those that will be gone.
func imagineWalk(ctx context.Context, v *View, asked, base state.State) (state.State, error) {
	w, was := asked.(state.Walk), base.(state.Walk)
	got, err := v.Read(ctx, state.File{Path: w.Path})
	if err != nil {
		return nil, err
	}
	typ, known := got[0].(state.File).Type.Get()
	if !known {
		return state.Obscure(w, got[0].(state.File).Type.After()), nil
	}
	if typ != state.Directory {
		w.Entries = state.Is([]state.Entry{})
		return w, nil
	}
	if d, ok := v.mem.deed("package"); ok && !below(w.Path, usersOwn...) {
		return state.Obscure(w, d.task), nil
	}
	im := walkImagined{v: v, w: w, entries: map[string]state.Entry{}}
	e, written := v.mem.get(state.Key{Kind: "file", Name: w.Path})
	a := v.above(w.Path)
	if hidden := written && e.fresh || a.hidden || a.none; !hidden {
		es, known := was.Entries.Get()
		if !known {
			return was, nil
		}
		for _, e := range es {
			im.entries[e.Path] = e
		}
	}
	for _, e := range v.mem.all("file") {
		if task, unsure := im.lay(ctx, e); unsure {
			return state.Obscure(w, task), nil
		}
	}
	w.Entries = state.Is(im.sorted())
	return w, nil
}

type walkImagined struct {
	v       *View
	w       state.Walk
	entries map[string]state.Entry
}

// sorted are the entries as a walk finds them: by name, a directory before what is in it.
func (im *walkImagined) sorted() []state.Entry {
	es := make([]state.Entry, 0, len(im.entries))
	for _, e := range im.entries {
		es = append(es, e)
	}
	slices.SortFunc(es, func(a, b state.Entry) int {
		return slices.Compare(strings.Split(a.Path, "/"), strings.Split(b.Path, "/"))
	})
	return es
}

// lay lays one predicted file over the entries; unsure where the list then cannot be told.
func (im *walkImagined) lay(ctx context.Context, e entry) (task string, unsure bool) {
	path := e.s.(state.File).Path
	rel, ok := strings.CutPrefix(path, strings.TrimSuffix(im.w.Path, "/")+"/")
	if !ok {
		return "", false
	}
	got, err := im.v.Read(ctx, state.File{Path: path, Content: state.Ask[state.Content](), MTime: state.Ask[int64]()})
	if err != nil {
		return e.task, true
	}
	f := got[0].(state.File)
	typ, known := f.Type.Get()
	mode, knownMode := f.Mode.Get()
	if !known || typ != state.Absent && !knownMode || im.w.Follow && typ == state.Link {
		return e.task, true
	}
	if e.fresh {
		for p := range im.entries {
			// what was predicted below before was forgotten when this was made anew
			if _, later := im.v.mem.get(state.Key{Kind: "file", Name: p}); !later && strings.HasPrefix(p, path+"/") {
				delete(im.entries, p)
			}
		}
	}
	if typ == state.Absent {
		delete(im.entries, path)
		return "", false
	}
	if im.w.Depth > 0 && strings.Count(rel, "/")+1 > im.w.Depth {
		return "", false
	}
	x, was := im.entries[path]
	if !was || e.fresh || !f.MTime.IsKnown() {
		x = state.Entry{Path: path, Size: -1, UID: -1, GID: -1, Predicted: e.task}
	}
	x.Type, x.Mode = typ, mode
	info := map[string]any{}
	ownerInfo(ctx, im.v, info, f)
	if id, ok := info["uid"].(int64); ok {
		x.UID = id
	}
	if id, ok := info["gid"].(int64); ok {
		x.GID = id
	}
	if c, ok := f.Content.Get(); ok && typ == state.Regular {
		x.Size = c.Size
	}
	if t, ok := f.Target.Get(); ok {
		x.Size = int64(len(t))
	}
	if t, ok := f.MTime.Get(); ok {
		x.MTime = t
	}
	im.entries[path] = x
	return "", false
}

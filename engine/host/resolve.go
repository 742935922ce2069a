package host

import (
	"context"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"rp/engine/state"
)

// linksMax is how many symbolic links a path may lead through (path_resolution(7)).
const linksMax = 40

// resolve puts the paths of asks where they really lead, through the links that
// are there and those that are predicted. What it cannot tell of, as it is not known
// where a link leads or whether there is one, it gives by index, with the task that decides that.
func (v *View) resolve(ctx context.Context, asks []state.State) map[int]string {
	doubts := map[int]string{}
	w := walker{v: v, known: map[string]state.File{}}
	for _, s := range asks {
		if s != nil && isPath(s) {
			w.want(pathOf(s))
		}
	}
	w.fetch(ctx)
	for i, s := range asks {
		if s != nil && isPath(s) {
			asks[i] = withPath(s, w.real(ctx, pathOf(s), follows(s)))
			if w.doubt != "" {
				doubts[i] = w.doubt
			}
		}
	}
	return doubts
}

// real is where path leads; a link at its end is followed with follow set.
func (v *View) real(ctx context.Context, path string, follow bool) string {
	w := walker{v: v, known: map[string]state.File{}}
	w.want(path)
	w.fetch(ctx)
	return w.real(ctx, path, follow)
}

// predicts reports whether a prediction has a say in what path is, followed to its end,
// and where it leads; doubt is the task after which that is known, "" where it is.
func (v *View) predicts(ctx context.Context, path string) (end, doubt string, yes bool) {
	w := walker{v: v, known: map[string]state.File{}}
	w.want(path)
	w.fetch(ctx)
	end = w.real(ctx, path, true)
	if _, ok := v.mem.get(state.Key{Kind: "file", Name: end}); ok || v.above(end) != (ancestry{}) {
		w.touched = true
	}
	return end, w.doubt, w.touched
}

// walker resolves paths; it reads what the machine has of their parts in batches.
type walker struct {
	v *View
	// touched: a prediction had a say in where the last path leads.
	touched bool
	// doubt is the task after which it is known where the last path leads; "" where it is known.
	doubt   string
	known   map[string]state.File // what the machine has, by path
	missing map[string]bool
}

// want notes that path and the directories above it are needed.
func (w *walker) want(path string) {
	for p := filepath.Clean(path); p != "/" && p != "."; p = filepath.Dir(p) {
		if _, ok := w.known[p]; ok || w.missing[p] {
			continue
		}
		if w.missing == nil {
			w.missing = map[string]bool{}
		}
		w.missing[p] = true
	}
}

func (w *walker) fetch(ctx context.Context) {
	paths := slices.Sorted(maps.Keys(w.missing))
	w.missing = nil
	asks := make([]state.State, len(paths))
	for i, p := range paths {
		asks[i] = state.File{Path: p}
	}
	for i, s := range w.v.tolerant(ctx, asks) {
		f, _ := s.(state.File)
		w.known[paths[i]] = f
	}
}

// real is where path leads. What is not there or not known is taken for no link.
func (w *walker) real(ctx context.Context, path string, follow bool) string {
	w.touched, w.doubt = false, ""
	return realPath(path, follow, func(p string) (string, bool) { return w.link(ctx, p) })
}

// realPath walks path part by part (path_resolution(7)); link tells of a path whose
// directory is resolved whether it is a symbolic link, and its target.
func realPath(path string, follow bool, link func(path string) (target string, isLink bool)) string {
	done, rest, links := "/", parts(path), 0
	for len(rest) > 0 {
		next := filepath.Join(done, rest[0])
		rest = rest[1:]
		target, isLink := "", false
		if len(rest) > 0 || follow {
			target, isLink = link(next)
		}
		if !isLink {
			done = next
			continue
		}
		if links++; links > linksMax {
			return filepath.Clean(path)
		}
		if filepath.IsAbs(target) {
			done = "/"
		}
		rest = append(parts(target), rest...)
	}
	return done
}

// parts are the names in a path. ".." stays: it is resolved where the links before it lead.
func parts(path string) []string {
	return slices.DeleteFunc(strings.Split(path, "/"), func(p string) bool { return p == "" || p == "." })
}

// link is the target of the link at path, whose directory is resolved.
func (w *walker) link(ctx context.Context, path string) (string, bool) {
	e, predicted := w.v.mem.get(state.Key{Kind: "file", Name: path})
	if predicted {
		w.touched = true
		f := e.s.(state.File)
		t, known := f.Type.Get()
		if known && t != state.Link || known && e.fresh && !f.Target.IsUnknown() {
			return f.Target.Or(""), t == state.Link
		}
		if known && f.Target.IsKnown() {
			return f.Target.Or(""), true
		}
		if f.Target.IsUnknown() {
			w.doubt = e.task
			return "", false
		}
	}
	if a := w.v.above(path); a.hidden || a.none {
		return "", false
	}
	target, isLink := w.realLink(ctx, path)
	if isLink && predicted && !e.s.(state.File).Type.IsKnown() {
		w.doubt = e.task
	}
	return target, isLink
}

// realLink is the target of the link that the machine has at path.
func (w *walker) realLink(ctx context.Context, path string) (string, bool) {
	f, ok := w.known[path]
	if !ok {
		w.want(path)
		w.fetch(ctx)
		f = w.known[path]
	}
	t, known := f.Target.Get()
	return t, known && f.Type.Or("") == state.Link
}

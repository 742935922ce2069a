package host

import (
	"context"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"rp/engine/state"
)

// isPath reports whether s is read by a path, which predicted links and directories affect.
func isPath(s state.State) bool { return pathOf(s) != "" }

func pathOf(s state.State) string {
	switch s := s.(type) {
	case state.File:
		return s.Path
	case state.Stat:
		return s.Path
	case state.Walk:
		return s.Path
	}
	return ""
}

// withPath is s with another path, where s has one.
func withPath(s state.State, path string) state.State {
	switch s := s.(type) {
	case state.File:
		s.Path = path
		return s
	case state.Stat:
		s.Path = path
		s.Info = state.Map(s.Info, func(info map[string]any) map[string]any {
			if _, ok := info["path"]; ok {
				info = maps.Clone(info)
				info["path"] = path
			}
			return info
		})
		return s
	case state.Walk:
		return moveWalk(s, path)
	}
	return s
}

// moveWalk is what w found, as found from path.
func moveWalk(w state.Walk, path string) state.Walk {
	if w.Path != path {
		w.Entries = state.Map(w.Entries, func(es []state.Entry) []state.Entry {
			es = slices.Clone(es)
			for i := range es {
				es[i].Path = path + strings.TrimPrefix(es[i].Path, w.Path)
			}
			return es
		})
	}
	w.Path = path
	return w
}

// follows reports whether reading s goes through a link at the end of its path.
func follows(s state.State) bool {
	switch s := s.(type) {
	case state.Stat:
		return s.Follow
	case state.Walk:
		return true
	}
	return false
}

// ancestry is what is predicted of the directories above a path.
type ancestry struct {
	none   bool // one of them is not there, or no directory: the path cannot exist
	hidden bool // one of them was made anew: what the machine has below that name does not count
	doubt  bool // it is not known whether one of them is there
	seq    int  // of the latest such prediction
	task   string
}

// above looks at the predictions of the directories above path, which is resolved.
func (v *View) above(path string) ancestry {
	var a ancestry
	for p := filepath.Dir(path); p != "/" && p != "."; p = filepath.Dir(p) {
		e, ok := v.mem.get(state.Key{Kind: "file", Name: p})
		if !ok {
			continue
		}
		t, known := e.s.(state.File).Type.Get()
		switch {
		case !known:
			a.doubt = true
		case t != state.Directory:
			a.none = true
		case e.fresh:
			a.hidden = true
		default:
			continue
		}
		if e.seq > a.seq {
			a.seq, a.task = e.seq, e.task
		}
	}
	return a
}

// file is what the view shows for asked. real is asked by the path where it leads; base is what the machine has there.
func (v *View) file(ctx context.Context, asked, real, base state.File) (state.File, error) {
	e, written := v.mem.get(real.Key())
	a := v.above(real.Path)
	shown := base
	if a.hidden || a.none {
		shown = state.File{Path: real.Path, Type: state.Is(state.Absent)}
	}
	if a.doubt && a.seq > e.seq {
		return stripped(asked, state.Obscure(asked, a.task).(state.File)), nil
	}
	if written && (!a.none || e.seq > a.seq) {
		shown = e.over(shown).(state.File)
	}
	shown = v.doubtFile(shown, real.Path, e.seq)
	shown, err := v.owners(ctx, asked, shown)
	return stripped(asked, v.bytesAtHand(ctx, asked, shown)), err
}

// stripped is f with asked's name, and without the fields that are read only when they are asked for.
func stripped(asked, f state.File) state.File {
	f.Path, f.Lock, f.InPlace = asked.Path, asked.Lock, asked.InPlace
	f.Backup, f.Validate, f.Recurse = false, "", false
	if !asked.Content.IsSet() {
		f.Content = state.Value[state.Content]{}
	}
	if !asked.MTime.IsSet() {
		f.MTime = state.Value[int64]{}
	}
	return f
}

// usersOwn are the directories in which no package puts anything.
var usersOwn = []string{"/home", "/root", "/tmp", "/var/tmp", "/run/user"}

// packaged are the directories whose files are packages' own.
var packaged = []string{"/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/opt", "/etc/init.d", "/etc/systemd"}

func below(path string, dirs ...string) bool {
	return slices.ContainsFunc(dirs, func(d string) bool {
		return path == d || strings.HasPrefix(path, strings.TrimSuffix(d, "/")+"/")
	})
}

// doubtFile makes unknown what a package predicted after seq may have brought, changed or removed.
func (v *View) doubtFile(f state.File, path string, seq int) state.File {
	t, known := f.Type.Get()
	if !known {
		return f
	}
	if t == state.Absent {
		if d, ok := v.mem.deed("package"); ok && d.seq > seq && !below(path, usersOwn...) {
			return state.Obscure(f, d.task).(state.File)
		}
		return f
	}
	d, ok := v.mem.deed("removal")
	if ok && d.seq > seq && t != state.Directory && below(path, packaged...) && !below(path, "/usr/local") {
		return state.Obscure(f, d.task).(state.File)
	}
	return f
}

// bytesAtHand gives a predicted content its bytes where a reader of the written file
// would get them; where that cannot be, a content that was asked for is unknown.
func (v *View) bytesAtHand(ctx context.Context, asked, f state.File) state.File {
	c, known := f.Content.Get()
	if !known || c.AtHand() || c.Size > state.InlineMax || asked.Content.IsKnown() {
		return f
	}
	if src, ok := strings.CutPrefix(c.From, "path:"); ok && c.Size >= 0 {
		got, err := v.base.Read(ctx, state.File{Path: src, Content: state.Ask[state.Content]()})
		if err == nil {
			if have, ok := got[0].(state.File).Content.Get(); ok && have.Equal(c) {
				f.Content = state.Is(have)
				return f
			}
		}
	}
	e, _ := v.mem.get(f.Key())
	f.Content = state.Unknown[state.Content](e.task)
	return f
}

// rememberFile notes what c leaves of a file. path resolution is done once, here:
// the memory has files by the paths where they really lie.
func (v *View) rememberFile(ctx context.Context, c state.Change, to state.File) {
	from, _ := c.From.(state.File)
	path := v.real(ctx, to.Path, false)
	from.Path, to.Path = path, path
	after := state.Merge(from, to, v.task).(state.File)
	present, known := state.Present(after)
	gone := known && !present
	rewritten := replaces(c) || contentDiffers(from, to) || to.Target.IsSet() && to.Target.Or("") != from.Target.Or("")
	if rewritten && !to.MTime.IsSet() && !gone {
		after.MTime = state.Unknown[int64](v.task)
	}
	fresh := replaces(c) && !v.may
	if fresh && from.Type.Or(state.Directory) == state.Directory {
		v.mem.forgetBelow(path)
	}
	v.mem.put(v.perhaps(from, after), v.task, fresh)
	if rewritten {
		v.stirred(ctx, filepath.Dir(path))
	}
}

func contentDiffers(from, to state.File) bool {
	want, ok := to.Content.Get()
	have, known := from.Content.Get()
	return to.Content.IsUnknown() || ok && (!known || !want.Equal(have))
}

// stirred: an entry of dir was made, removed or replaced, so its time is another.
func (v *View) stirred(ctx context.Context, dir string) {
	if e, ok := v.mem.get(state.Key{Kind: "file", Name: dir}); ok && e.s.(state.File).MTime.IsUnknown() {
		return
	}
	got, err := v.Read(ctx, state.File{Path: dir})
	if err != nil {
		return
	}
	d := got[0].(state.File)
	if d.Type.Or("") != state.Directory {
		return
	}
	d.MTime = state.Unknown[int64](v.task)
	v.mem.put(d, v.task, false)
}

// writable fails where writing f would, as far as the prediction knows.
func (v *View) writable(ctx context.Context, from, f state.File) error {
	if err := adjustable(from, f); err != nil {
		return err
	}
	if t, known := f.Type.Get(); known && t == state.Absent {
		return v.removable(ctx, from, f, "remove")
	}
	if t, known := from.Type.Get(); known && t == state.Directory && f.Type.IsKnown() && f.Type.Or("") != t {
		return v.removable(ctx, from, f, "replace")
	}
	if t, known := from.Type.Get(); known && t != state.Absent {
		return nil
	}
	dir := filepath.Dir(f.Path)
	if dir == "/" {
		return nil
	}
	got, err := v.Read(ctx, state.Stat{Path: dir, Follow: true})
	if err != nil {
		return err
	}
	info, known := got[0].(state.Stat).Info.Get()
	if !known {
		return nil
	}
	return parentError(f.Path, info)
}

// adjustable fails where f asks for what the thing that is there cannot have.
func adjustable(from, f state.File) error {
	was, known := from.Type.Get()
	want := f.Type.Or(was)
	switch {
	case known && was == state.Absent && !f.Type.IsSet():
		return fmt.Errorf("cannot change %s: there is no such file", f.Path)
	case want == state.Link && f.Mode.Or(0o777) != 0o777:
		return fmt.Errorf("cannot set the mode of %s: a symbolic link has none", f.Path)
	}
	return nil
}

// parentError says why path cannot be made in the directory that info (see [state.Stat]) tells of; nil if it can.
func parentError(path string, info map[string]any) error {
	dir := filepath.Dir(path)
	if info["exists"] == false {
		return fmt.Errorf("cannot create %s: directory %s does not exist", path, dir)
	}
	if info["isdir"] == false {
		return fmt.Errorf("cannot create %s: %s is not a directory", path, dir)
	}
	return nil
}

func (v *View) removable(ctx context.Context, from, f state.File, verb string) error {
	if from.Type.Or("") != state.Directory || f.Recurse {
		return nil
	}
	got, err := v.Read(ctx, state.Walk{Path: f.Path, Depth: 1})
	if err != nil {
		return err
	}
	if es, known := got[0].(state.Walk).Entries.Get(); known && len(es) > 0 {
		return fmt.Errorf("cannot %s %s: the directory is not empty", verb, f.Path)
	}
	return nil
}

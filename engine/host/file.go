package host

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"rp/engine/state"
	"rp/engine/value"
)

func init() {
	register("file", kind{read: readFiles, plan: planFile, write: writeFiles})
}

// readFiles looks at paths with lstat(2). A path below something that is no directory is absent.
func readFiles(ctx context.Context, l *Linux, ss []state.State) ([]state.State, error) {
	n := newNames(l)
	out := make([]state.State, len(ss))
	for i, s := range ss {
		f, err := l.readFile(ctx, n, s.(state.File))
		if err != nil {
			return nil, err
		}
		out[i] = f
	}
	return out, nil
}

func (l *Linux) readFile(ctx context.Context, n *names, asked state.File) (state.File, error) {
	f := state.File{Path: asked.Path, Lock: asked.Lock, InPlace: asked.InPlace}
	if !filepath.IsAbs(asked.Path) {
		return f, fmt.Errorf("cannot look at %q: the path is not absolute", asked.Path)
	}
	path := l.path(asked.Path)
	fi, err := os.Lstat(path)
	if isAbsent(err) {
		f.Type = state.Is(state.Absent)
		return f, nil
	}
	if err != nil {
		return f, fmt.Errorf("cannot look at %s: %w", asked.Path, bare(err))
	}
	f.Type = state.Is(typeOf(fi.Mode()))
	f.Mode = state.Is(modeOf(fi.Mode()))
	uid, gid := ownerOf(fi)
	owner, err := n.user(ctx, uid, asked.Owner.Or(""))
	if err != nil {
		return f, err
	}
	group, err := n.group(ctx, gid, asked.Group.Or(""))
	if err != nil {
		return f, err
	}
	f.Owner, f.Group = state.Is(owner), state.Is(group)
	if asked.MTime.IsSet() {
		f.MTime = state.Is(fi.ModTime().UnixNano())
	}
	switch f.Type.Or("") {
	case state.Link:
		target, err := os.Readlink(path)
		if err != nil {
			return f, fmt.Errorf("cannot read the link %s: %w", asked.Path, bare(err))
		}
		f.Target = state.Is(target)
	case state.Regular:
		if asked.Content.IsSet() {
			c, err := readContent(ctx, path)
			if err != nil {
				return f, fmt.Errorf("cannot read %s: %w", asked.Path, bare(err))
			}
			f.Content = state.Is(c)
			if asked.Content.IsSecret() {
				f.Content = f.Content.Secret()
			}
		}
	}
	return f, nil
}

// isAbsent reports whether err says that there is nothing at a path.
func isAbsent(err error) bool {
	return errors.Is(err, fs.ErrNotExist) || errors.Is(err, errNotDir)
}

// bare is err without the path and the system call that package os puts before it.
func bare(err error) error {
	var pe *fs.PathError
	var le *os.LinkError
	switch {
	case errors.As(err, &pe):
		return pe.Err
	case errors.As(err, &le):
		return le.Err
	}
	return err
}

func typeOf(m fs.FileMode) string {
	switch m & fs.ModeType {
	case 0:
		return state.Regular
	case fs.ModeDir:
		return state.Directory
	case fs.ModeSymlink:
		return state.Link
	case fs.ModeNamedPipe:
		return state.Fifo
	case fs.ModeSocket:
		return state.Socket
	case fs.ModeDevice | fs.ModeCharDevice:
		return state.CharDev
	}
	return state.BlockDev
}

func modeOf(m fs.FileMode) state.Mode {
	out := state.Mode(m.Perm())
	if m&fs.ModeSetuid != 0 {
		out |= 0o4000
	}
	if m&fs.ModeSetgid != 0 {
		out |= 0o2000
	}
	if m&fs.ModeSticky != 0 {
		out |= 0o1000
	}
	return out
}

// planFile says what a new file will be where that was left open.
func planFile(ctx context.Context, r Reader, c state.Change) (state.Change, error) {
	from, to := c.From.(state.File), c.To.(state.File)
	if to.Type.Or("") == state.Absent {
		return c, nil
	}
	if !to.Type.IsSet() {
		switch {
		case to.Content.IsSet():
			to.Type = state.Is(state.Regular)
		case to.Target.IsSet():
			to.Type = state.Is(state.Link)
		}
	}
	c.To = to
	if to.Backup && from.Type.Or("") == state.Regular && (contentDiffers(from, to) || replaces(c)) && to.Content.IsSet() {
		c.With = append(c.With, backupOf(from))
	}
	// replaces speaks of removals too, but those were sent back above
	if !replaces(c) || !to.Type.IsKnown() {
		return c, nil
	}
	if to.Type.Or("") == state.Regular && !to.Content.IsSet() {
		to.Content = state.Is(state.Bytes(nil))
	}
	to, err := newFileOwner(ctx, r, to)
	c.To = to
	return c, err
}

// backupOf is the copy that is kept of a replaced file, under the name that Ansible gives it.
func backupOf(from state.File) state.Change {
	keep := from
	keep.Path = fmt.Sprintf("%s.%d.%s~", from.Path, os.Getpid(), time.Now().Format("2006-01-02@15:04:05"))
	keep.MTime, keep.Lock, keep.InPlace = state.Value[int64]{}, "", false
	return state.Change{From: state.File{Path: keep.Path, Type: state.Is(state.Absent)}, To: keep}
}

// newFileOwner fills in the owner, group and mode that the system gives a new file:
// the process's own, the group of a set-gid directory, and what umask(2) leaves of the mode.
func newFileOwner(ctx context.Context, r Reader, to state.File) (state.File, error) {
	if to.Owner.IsSet() && to.Group.IsSet() && to.Mode.IsSet() {
		return to, nil
	}
	got, err := r.Read(ctx, state.System{}, state.Stat{Path: filepath.Dir(to.Path), Follow: true})
	if err != nil {
		return to, err
	}
	sys, dir := got[0].(state.System), got[1].(state.Stat)
	group, setgid := inherited(dir, sys.Group)
	if !to.Owner.IsSet() {
		to.Owner = sys.User
	}
	if !to.Group.IsSet() {
		to.Group = group
	}
	if !to.Mode.IsSet() {
		to.Mode = newMode(to.Type.Or(""), sys.Umask, setgid)
	}
	return to, nil
}

func newMode(typ string, umask state.Value[state.Mode], setgid state.Value[bool]) state.Value[state.Mode] {
	if typ == state.Link {
		return state.Is(state.Mode(0o777))
	}
	if typ == state.Directory && !setgid.IsKnown() {
		return state.Unknown[state.Mode](setgid.After())
	}
	return state.Map(umask, func(u state.Mode) state.Mode {
		if typ != state.Directory {
			return 0o666 &^ u
		}
		m := 0o777 &^ u
		if setgid.Or(false) {
			m |= 0o2000
		}
		return m
	})
}

// inherited is the group of a new file in dir, and whether dir passes its set-gid bit on.
func inherited(dir state.Stat, own state.Value[string]) (group state.Value[string], setgid state.Value[bool]) {
	info, known := dir.Info.Get()
	if !known {
		return state.Unknown[string](dir.Info.After()), state.Unknown[bool](dir.Info.After())
	}
	switch isgid := info["isgid"].(type) {
	case value.Unknown:
		return state.Unknown[string](isgid.After), state.Unknown[bool](isgid.After)
	case bool:
		if !isgid {
			break
		}
		switch name := info["gr_name"].(type) {
		case string:
			return state.Is(name), state.Is(true)
		case value.Unknown:
			return state.Unknown[string](name.After), state.Is(true)
		}
	}
	return own, state.Is(false)
}

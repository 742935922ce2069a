package host

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"rp/engine/state"
)

// writeFiles makes changes of files one after the other. Everything new is made
// aside, in the same directory, given its owner, mode and attributes, synced, and put
// in place by rename(2): whoever looks sees the old or the new, never half of it.
func writeFiles(ctx context.Context, l *Linux, cs []state.Change) error {
	n := newNames(l)
	for _, c := range cs {
		to := c.To.(state.File)
		w := &fileWriter{l: l, names: n, to: to, path: l.path(to.Path)}
		w.from, _ = c.From.(state.File)
		if len(c.With) > 0 {
			w.backup, _ = c.With[0].To.(state.File)
		}
		if err := w.locked(ctx); err != nil {
			return err
		}
	}
	return nil
}

// fileWriter makes one change of one file.
type fileWriter struct {
	l        *Linux
	names    *names
	from, to state.File
	backup   state.File // Path is "" for none
	path     string     // where to.Path lies for this process
	now      os.FileInfo
}

func (w *fileWriter) failed(verb string, err error) error {
	return fmt.Errorf("cannot %s %s: %w", verb, w.to.Path, bare(err))
}

func (w *fileWriter) locked(ctx context.Context) error {
	if !filepath.IsAbs(w.to.Path) {
		return fmt.Errorf("cannot write %q: the path is not absolute", w.to.Path)
	}
	if state.AnyUnknown(w.to) {
		return fmt.Errorf("cannot write %s: not all that it should be is known", w.to.Path)
	}
	switch w.to.Lock {
	case "":
		return w.write(ctx)
	case "shadow":
		unlock, err := w.l.lockShadow(ctx, w.to.Path)
		if err != nil {
			return w.failed("write", err)
		}
		defer unlock()
		if err := w.unchanged(ctx); err != nil {
			return err
		}
		return w.write(ctx)
	}
	return fmt.Errorf("cannot write %s: there is no lock named %q", w.to.Path, w.to.Lock)
}

// unchanged makes sure, under the lock, that nobody wrote the file since it was read.
func (w *fileWriter) unchanged(ctx context.Context) error {
	was, known := w.from.Content.Get()
	if !known || !w.to.Content.IsSet() {
		return nil
	}
	c, err := readContent(ctx, w.path)
	if err != nil {
		return w.failed("read", err)
	}
	if !c.Equal(was) {
		return fmt.Errorf("cannot write %s: another program changed it a moment ago; run again", w.to.Path)
	}
	return nil
}

func (w *fileWriter) write(ctx context.Context) error {
	now, err := os.Lstat(w.path)
	switch {
	case err == nil:
		w.now = now
	case !isAbsent(err):
		return w.failed("look at", err)
	}
	was := state.Absent
	if w.now != nil {
		was = typeOf(w.now.Mode())
	}
	want := w.to.Type.Or(was)
	if err := adjustable(state.File{Type: state.Is(was)}, w.to); err != nil {
		return err
	}
	switch {
	case want == state.Absent:
		return w.remove()
	case w.now != nil && typeOf(w.now.Mode()) == want && !w.rewrite(want):
		return w.adjust(ctx)
	}
	if w.now == nil {
		if err := w.parent(); err != nil {
			return err
		}
	}
	return w.make(ctx, want)
}

// parent fails where the directory that the path lies in is not there.
func (w *fileWriter) parent() error {
	fi, err := os.Stat(filepath.Dir(w.path))
	switch {
	case isAbsent(err):
		return parentError(w.to.Path, map[string]any{"exists": false})
	case err != nil:
		return w.failed("create", err)
	}
	return parentError(w.to.Path, map[string]any{"isdir": fi.IsDir()})
}

// rewrite reports whether what is there already, of the right type, must be made anew.
func (w *fileWriter) rewrite(want string) bool {
	switch want {
	case state.Regular:
		return contentDiffers(w.from, w.to)
	case state.Link:
		t, err := os.Readlink(w.path)
		return err != nil || w.to.Target.IsSet() && t != w.to.Target.Or("")
	}
	return false
}

// make makes the file anew and puts it in place.
func (w *fileWriter) make(ctx context.Context, want string) error {
	if w.now != nil && w.now.IsDir() && want != state.Directory && !w.to.Recurse && !emptyDir(w.path) {
		return w.failed("replace", errNotEmpty)
	}
	a, err := w.attributes(ctx, want)
	if err != nil {
		return err
	}
	if want == state.Regular && w.to.InPlace && w.sameType(want) {
		return w.overwrite(ctx, a)
	}
	tmp, err := w.aside(ctx, want)
	if err != nil {
		return err
	}
	defer os.RemoveAll(tmp) //nolint:errcheck // gone already when all went well
	err = a.apply(tmp)
	if errors.Is(err, fs.ErrPermission) && w.keepsForeignOwner(want) {
		return w.overwrite(ctx, a) // only root can give a file away: write through the old one
	}
	if err != nil {
		return w.failed("set the owner and mode of", err)
	}
	if want == state.Regular {
		if err := w.validate(ctx, tmp); err != nil {
			return err
		}
		if err := w.keepBackup(ctx); err != nil {
			return err
		}
	}
	if err := w.clear(want); err != nil {
		return err
	}
	if err := os.Rename(tmp, w.path); err != nil {
		return w.failed("put in place", err)
	}
	return syncDir(filepath.Dir(w.path))
}

func (w *fileWriter) sameType(t string) bool { return w.now != nil && typeOf(w.now.Mode()) == t }

// keepsForeignOwner reports whether an existing file of somebody else is to stay that user's.
func (w *fileWriter) keepsForeignOwner(want string) bool {
	return want == state.Regular && w.sameType(want) && !w.to.Owner.IsSet() && !w.to.Group.IsSet()
}

// clear makes room where rename(2) would not replace what is there.
func (w *fileWriter) clear(want string) error {
	if w.now == nil || w.now.IsDir() == (want == state.Directory) {
		return nil
	}
	if err := w.unlink(); err != nil {
		return w.failed("replace", err)
	}
	return nil
}

func (w *fileWriter) unlink() error {
	if w.now.IsDir() && w.to.Recurse {
		return os.RemoveAll(w.path)
	}
	err := os.Remove(w.path)
	if errors.Is(err, syscall.ENOTEMPTY) || errors.Is(err, syscall.EEXIST) {
		return errNotEmpty
	}
	return err
}

var errNotEmpty = errors.New("the directory is not empty")

func emptyDir(path string) bool {
	d, err := os.Open(path)
	if err != nil {
		return false
	}
	defer d.Close() //nolint:errcheck // only read
	names, err := d.Readdirnames(1)
	return len(names) == 0 && errors.Is(err, io.EOF)
}

func (w *fileWriter) remove() error {
	if w.now == nil {
		return nil
	}
	if filepath.Clean(w.to.Path) == "/" {
		return errors.New("cannot remove /")
	}
	if err := w.unlink(); err != nil {
		return w.failed("remove", err)
	}
	return syncDir(filepath.Dir(w.path))
}

// adjust changes the owner, mode and time of what is there.
func (w *fileWriter) adjust(ctx context.Context) error {
	a, err := w.attributes(ctx, typeOf(w.now.Mode()))
	if err != nil {
		return err
	}
	a.keepXattrsOf = ""
	if !w.to.Owner.IsSet() && !w.to.Group.IsSet() {
		a.uid, a.gid = -1, -1
	}
	if err := a.apply(w.path); err != nil {
		return w.failed("set the owner and mode of", err)
	}
	return nil
}

// attributes are the owner, mode and time that the file shall have: what is asked for, and otherwise
// what the file of that type that is there has, and otherwise the system's defaults.
func (w *fileWriter) attributes(ctx context.Context, want string) (attributes, error) {
	a := attributes{uid: -1, gid: -1, mode: w.defaultMode(ctx, want), link: want == state.Link}
	if w.sameType(want) {
		uid, gid := ownerOf(w.now)
		a.uid, a.gid, a.mode = int(uid), int(gid), modeOf(w.now.Mode())
		a.keepXattrsOf = w.path
	}
	if m, ok := w.to.Mode.Get(); ok {
		a.mode = m
	}
	if name, ok := w.to.Owner.Get(); ok {
		uid, err := w.names.uid(ctx, name)
		if err != nil {
			return a, fmt.Errorf("cannot set the owner of %s: %w", w.to.Path, err)
		}
		a.uid = uid
	}
	if name, ok := w.to.Group.Get(); ok {
		gid, err := w.names.gid(ctx, name)
		if err != nil {
			return a, fmt.Errorf("cannot set the group of %s: %w", w.to.Path, err)
		}
		a.gid = gid
	}
	if t, ok := w.to.MTime.Get(); ok {
		a.mtime = time.Unix(0, t)
	}
	return a, nil
}

func (w *fileWriter) defaultMode(ctx context.Context, want string) state.Mode {
	if w.to.Mode.IsSet() || w.sameType(want) {
		return 0
	}
	m := state.Mode(0o666)
	if want == state.Directory {
		m = 0o777
	}
	return m &^ w.l.umask(ctx)
}

// syncDir makes the names in dir last; not every file system can.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return nil //nolint:nilerr // a directory that can be written but not read: the name is there
	}
	err = d.Sync()
	if cerr := d.Close(); err == nil {
		err = cerr
	}
	if err != nil && !errors.Is(err, syscall.EINVAL) && !errors.Is(err, syscall.ENOTSUP) && !errors.Is(err, syscall.EBADF) {
		return fmt.Errorf("cannot sync %s: %w", dir, bare(err))
	}
	return nil
}

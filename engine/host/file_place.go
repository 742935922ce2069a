package host

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"rp/engine/state"
)

// aside makes the new thing under a name of its own beside the path.
func (w *fileWriter) aside(ctx context.Context, want string) (string, error) {
	for range 100 {
		tmp := filepath.Join(filepath.Dir(w.path), ".rp-"+randomName())
		err := w.create(ctx, want, tmp)
		if errors.Is(err, fs.ErrExist) {
			continue
		}
		if err != nil {
			_ = os.Remove(tmp)
			return "", w.failed("create", err)
		}
		return tmp, nil
	}
	return "", fmt.Errorf("cannot create %s: no free name beside it", w.to.Path)
}

func randomName() string {
	var b [6]byte
	_, _ = rand.Read(b[:]) // crypto/rand never fails
	return hex.EncodeToString(b[:])
}

func (w *fileWriter) create(ctx context.Context, want, tmp string) error {
	switch want {
	case state.Regular:
		return w.createRegular(ctx, tmp)
	case state.Directory:
		return os.Mkdir(tmp, 0o700)
	case state.Fifo:
		return unix.Mkfifo(tmp, 0o600)
	case state.Link:
		t, ok := w.to.Target.Get()
		if !ok || t == "" {
			return errors.New("the link has no target")
		}
		return os.Symlink(t, tmp)
	}
	return fmt.Errorf("making a file of type %q is not supported", want)
}

func (w *fileWriter) createRegular(ctx context.Context, tmp string) error {
	f, err := os.OpenFile(tmp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	err = w.l.copyContent(ctx, f, w.to.Content.Or(state.Bytes(nil)))
	if err == nil {
		err = f.Sync()
	}
	return errors.Join(err, f.Close())
}

// overwrite writes through the file that is there. The new content is made and
// checked first, where there is room for it, so that little can go wrong in between.
func (w *fileWriter) overwrite(ctx context.Context, a attributes) error {
	tmp, err := w.aside(ctx, state.Regular)
	if errors.Is(err, fs.ErrPermission) || errors.Is(err, syscall.EROFS) {
		dir, serr := w.l.scratch()
		if serr != nil {
			return err
		}
		tmp = filepath.Join(dir, ".rp-"+randomName())
		err = w.createRegular(ctx, tmp)
	}
	if err != nil {
		return err
	}
	defer os.Remove(tmp) //nolint:errcheck // a copy
	if err := w.validate(ctx, tmp); err != nil {
		return err
	}
	if err := w.keepBackup(ctx); err != nil {
		return err
	}
	if err := pour(ctx, tmp, w.path); err != nil {
		return w.failed("write", err)
	}
	a.keepXattrsOf = "" // the inode still has them
	if !w.to.Owner.IsSet() && !w.to.Group.IsSet() {
		a.uid, a.gid = -1, -1
	}
	if err := a.apply(w.path); err != nil && !(errors.Is(err, fs.ErrPermission) && w.keepsForeignOwner(state.Regular) && !w.to.Mode.IsSet()) {
		return w.failed("set the owner and mode of", err)
	}
	return nil
}

// pour replaces the content of the file to by that of from.
func pour(ctx context.Context, from, to string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close() //nolint:errcheck // only read
	out, err := os.OpenFile(to, os.O_WRONLY|unix.O_NOFOLLOW, 0)
	if err != nil {
		return err
	}
	_, err = copyAll(ctx, out, in)
	if err == nil {
		err = out.Sync()
	}
	return errors.Join(err, out.Close())
}

func copyAll(ctx context.Context, out *os.File, in *os.File) (int64, error) {
	if err := out.Truncate(0); err != nil {
		return 0, err
	}
	return out.ReadFrom(during{ctx, in})
}

// validate runs the command that must accept the new content.
func (w *fileWriter) validate(ctx context.Context, tmp string) error {
	if w.to.Validate == "" {
		return nil
	}
	if !strings.Contains(w.to.Validate, "%s") {
		return fmt.Errorf("cannot validate %s: the command %q has no %%s", w.to.Path, w.to.Validate)
	}
	argv, err := splitWords(w.to.Validate)
	if err != nil || len(argv) == 0 {
		return fmt.Errorf("cannot validate %s: the command %q cannot be split into words: %w", w.to.Path, w.to.Validate, err)
	}
	for i := range argv {
		argv[i] = strings.ReplaceAll(argv[i], "%s", tmp)
	}
	if _, err := w.l.must(ctx, call{argv: argv}); err != nil {
		return fmt.Errorf("the new content of %s was refused: %w", w.to.Path, err)
	}
	return nil
}

// keepBackup keeps the file that is there under the backup's name.
func (w *fileWriter) keepBackup(ctx context.Context) error {
	if w.backup.Path == "" || !w.sameType(state.Regular) {
		return nil
	}
	to := w.l.path(w.backup.Path)
	if !w.to.InPlace && os.Link(w.path, to) == nil {
		return nil // the old inode itself, with all that it has
	}
	b := &fileWriter{l: w.l, names: w.names, to: w.backup, path: to}
	b.to.Content = state.Is(state.Content{Size: -1, From: "path:" + w.to.Path})
	a, err := w.attributes(ctx, state.Regular)
	if err != nil {
		return err
	}
	a.uid, a.gid, a.mode = -1, -1, modeOf(w.now.Mode())
	a.mtime = w.now.ModTime()
	tmp, err := b.aside(ctx, state.Regular)
	if err != nil {
		return err
	}
	if uid, gid := ownerOf(w.now); os.Geteuid() == 0 {
		a.uid, a.gid = int(uid), int(gid)
	}
	if err := a.apply(tmp); err != nil {
		return errors.Join(b.failed("keep", err), os.Remove(tmp))
	}
	return os.Rename(tmp, to)
}

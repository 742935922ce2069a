package host

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"rp/engine/state"
)

// pinned is a file held by a descriptor, so that what is done to it is done to
// that file, even if somebody puts a link in its place meanwhile.
type pinned struct {
	fd   int
	path string
}

func pin(path string) (*pinned, error) {
	fd, err := unix.Open(path, unix.O_PATH|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, &os.PathError{Op: "open", Path: path, Err: err}
	}
	return &pinned{fd, path}, nil
}

func (p *pinned) close() { _ = unix.Close(p.fd) }

// proc is the file's name as /proc has it; chmod(2) and utimensat(2) take no O_PATH descriptor.
func (p *pinned) proc() string { return fmt.Sprintf("/proc/self/fd/%d", p.fd) }

func (p *pinned) stat() (fs.FileInfo, error) { return os.Stat(p.proc()) }

func (p *pinned) chown(uid, gid int) error {
	return unix.Fchownat(p.fd, "", uid, gid, unix.AT_EMPTY_PATH)
}

func (p *pinned) chmod(m state.Mode) error { return unix.Chmod(p.proc(), uint32(m)) }

func (p *pinned) setTime(t time.Time) error {
	ts := []unix.Timespec{{Nsec: unix.UTIME_OMIT}, unix.NsecToTimespec(t.UnixNano())}
	path, flags := p.proc(), 0
	if fi, err := os.Lstat(p.path); err == nil && fi.Mode()&fs.ModeSymlink != 0 {
		path, flags = p.path, unix.AT_SYMLINK_NOFOLLOW
	}
	if err := unix.UtimesNanoAt(unix.AT_FDCWD, path, ts, flags); err != nil {
		return &os.PathError{Op: "set the time of", Path: p.path, Err: err}
	}
	return nil
}

// xattrMax bounds one extended attribute (xattr(7): 64 KiB) and their list.
const xattrMax = 64 << 10

// copyXattrs gives p the extended attributes that from has. What only the system or root may set
// (security.*, trusted.*) is left out where it is refused: the file then has what the system gives it.
func (p *pinned) copyXattrs(from string) error {
	list := make([]byte, xattrMax)
	n, err := unix.Llistxattr(from, list)
	if errors.Is(err, unix.ENOTSUP) || errors.Is(err, unix.ENOSYS) {
		return nil
	}
	if err != nil {
		return &os.PathError{Op: "list the attributes of", Path: from, Err: err}
	}
	for _, name := range strings.Split(strings.TrimRight(string(list[:n]), "\x00"), "\x00") {
		if name == "" {
			continue
		}
		if err := copyXattr(from, p.proc(), name); err != nil {
			return err
		}
	}
	return nil
}

func copyXattr(from, to, name string) error {
	value := make([]byte, xattrMax)
	n, err := unix.Lgetxattr(from, name, value)
	if errors.Is(err, unix.ENODATA) {
		return nil
	}
	if err == nil {
		err = unix.Setxattr(to, name, value[:n], 0)
	}
	privileged := strings.HasPrefix(name, "security.") || strings.HasPrefix(name, "trusted.")
	if privileged && (errors.Is(err, unix.EPERM) || errors.Is(err, unix.EACCES) || errors.Is(err, unix.ENOTSUP)) {
		return nil
	}
	if err != nil {
		return &os.PathError{Op: "copy the attribute " + name + " to", Path: to, Err: err}
	}
	return nil
}

// openRegular opens a regular file for reading; of anything else (a FIFO would block) it is an error.
func openRegular(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	fi, err := f.Stat()
	if err == nil && !fi.Mode().IsRegular() {
		err = fmt.Errorf("it is a %s", typeOf(fi.Mode()))
	}
	if err != nil {
		_ = f.Close()
		return nil, err
	}
	return f, nil
}

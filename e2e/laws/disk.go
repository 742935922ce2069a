package laws

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// ReadDisk reads what upper holds, against base, and all that lies on the mounts (path on the host → folder
// here). It may be read while the host runs: overlayfs keeps data in the upper directory's own inodes.
func ReadDisk(upper, base string, mounts map[string]string) (*Manifest, error) {
	m := &Manifest{Base: base, Names: map[string]Fields{}}
	err := walk(upper, func(path string) error {
		if _, mounted := mounts[path]; mounted {
			return fs.SkipDir // what lies below a mount is not to be seen
		}
		return m.overlaid(upper, path)
	})
	if err != nil {
		return nil, err
	}
	for at, dir := range mounts {
		err := walk(dir, func(path string) error {
			f, err := ReadFields(filepath.Join(dir, path))
			if f != nil {
				m.Names[filepath.Join(at, path)] = f
			}
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	return m, nil
}

// walk calls fn with every path below root, "/" first. What vanishes meanwhile is passed over.
func walk(root string, fn func(path string) error) error {
	err := filepath.WalkDir(root, func(p string, _ fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil {
			return err
		}
		return fn("/" + strings.TrimPrefix(strings.TrimPrefix(p, root), "/"))
	})
	if err != nil {
		return fmt.Errorf("cannot read %s: %w", root, err)
	}
	return nil
}

// overlaid adds one path of the upper directory, as overlayfs would show it, unless it is as in the base.
// Whiteouts and opaque directories: Documentation/filesystems/overlayfs.rst.
func (m *Manifest) overlaid(upper, path string) error {
	now, err := ReadFields(filepath.Join(upper, path))
	if err != nil || now == nil {
		return err
	}
	below, err := m.below(path)
	if err != nil {
		return err
	}
	if now["type"] == "char" && now["rdev"] == "0:0" {
		if below != nil {
			m.Names[path] = Fields{}
		}
		return nil
	}
	if now["type"] == "directory" && below["type"] == "directory" && isOpaque(filepath.Join(upper, path)) {
		if err := m.hide(upper, path); err != nil {
			return err
		}
	}
	if !maps.Equal(now, below) {
		m.Names[path] = now
	}
	return nil
}

// hide marks as gone what an opaque directory covers.
func (m *Manifest) hide(upper, path string) error {
	es, err := os.ReadDir(filepath.Join(m.Base, path))
	if err != nil {
		return fmt.Errorf("cannot read the base: %w", err)
	}
	for _, e := range es {
		p := filepath.Join(path, e.Name())
		if _, err := os.Lstat(filepath.Join(upper, p)); errors.Is(err, fs.ErrNotExist) {
			m.Names[p] = Fields{}
		}
	}
	return nil
}

// below is what the base has at path; nil where it has nothing.
func (m *Manifest) below(path string) (Fields, error) { return ReadFields(filepath.Join(m.Base, path)) }

func isOpaque(path string) bool {
	buf := make([]byte, 8)
	for _, attr := range []string{"trusted.overlay.opaque", "user.overlay.opaque"} {
		if n, err := unix.Lgetxattr(path, attr, buf); err == nil && string(buf[:n]) == "y" {
			return true
		}
	}
	return false
}

var typeNames = map[fs.FileMode]string{
	0: "file", fs.ModeDir: "directory", fs.ModeSymlink: "link", fs.ModeNamedPipe: "fifo",
	fs.ModeSocket: "socket", fs.ModeDevice: "block", fs.ModeDevice | fs.ModeCharDevice: "char",
}

// ReadFields reads one file, without following a link; nil where there is nothing.
func ReadFields(path string) (Fields, error) {
	fi, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("cannot look at %s: %w", path, err)
	}
	st, ok := fi.Sys().(*syscall.Stat_t)
	if !ok {
		return nil, fmt.Errorf("cannot look at %s: no stat", path)
	}
	f := Fields{
		"type": typeNames[fi.Mode().Type()], "mode": fmt.Sprintf("%04o", st.Mode&0o7777),
		"uid": strconv.FormatUint(uint64(st.Uid), 10), "gid": strconv.FormatUint(uint64(st.Gid), 10),
	}
	when := "mtime"
	if fi.IsDir() {
		when = "dir-mtime" // says only that names in it came and went, so it is excused more easily
	}
	f[when] = fi.ModTime().UTC().Format(time.RFC3339Nano)
	switch f["type"] {
	case "file":
		f["size"] = strconv.FormatInt(fi.Size(), 10)
		f["sha256"], err = sum(path)
	case "link":
		f["link"], err = os.Readlink(path)
	case "char", "block":
		f["rdev"] = fmt.Sprintf("%d:%d", unix.Major(uint64(st.Rdev)), unix.Minor(uint64(st.Rdev))) //nolint:unconvert // 32 bits on some machines
	}
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("cannot read %s: %w", path, err)
	}
	return f, f.addAttributes(path)
}

// addAttributes adds the extended attributes that are not overlayfs's own.
func (f Fields) addAttributes(path string) error {
	names := make([]byte, 1<<16)
	n, err := unix.Llistxattr(path, names)
	if errors.Is(err, unix.ENOTSUP) || errors.Is(err, unix.ENOENT) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("cannot list the attributes of %s: %w", path, err)
	}
	value := make([]byte, 1<<16)
	for name := range strings.SplitSeq(string(names[:n]), "\x00") {
		if name == "" || strings.HasPrefix(name, "trusted.overlay.") || strings.HasPrefix(name, "user.overlay.") {
			continue
		}
		n, err := unix.Lgetxattr(path, name, value)
		if err != nil {
			return fmt.Errorf("cannot read %s of %s: %w", name, path, err)
		}
		f["xattr:"+name] = hex.EncodeToString(value[:n])
	}
	return nil
}

func sum(path string) (string, error) {
	file, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer file.Close() //nolint:errcheck // only read
	h := sha256.New()
	if _, err := io.Copy(h, file); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

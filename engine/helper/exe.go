package helper

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
)

var copyOnce = sync.OnceValues(makeCopy)

// readableCopy is a path of this program that another user can read and
// execute and not write: the program itself where it lies open to all (or root
// is to run it, who can read everything), or a copy in a directory that may execute.
func readableCopy(forRoot bool) (string, error) {
	exe, err := os.Executable()
	if err != nil {
		return "", fmt.Errorf("cannot tell where the helper lies: %w", err)
	}
	if forRoot || openToAll(exe) {
		return exe, nil
	}
	return copyOnce()
}

// openToAll reports whether everybody can reach and execute path.
func openToAll(path string) bool {
	for p := path; ; p = filepath.Dir(p) {
		fi, err := os.Stat(p)
		if err != nil || fi.Mode().Perm()&0o001 == 0 {
			return false
		}
		if p == path && fi.Mode().Perm()&0o004 == 0 {
			return false
		}
		if p == "/" || p == "." {
			return true
		}
	}
}

func makeCopy() (string, error) {
	var tried []string
	for _, base := range []string{"/var/tmp", "/dev/shm", "/tmp", "/run"} {
		path, err := copyInto(base)
		if err == nil {
			return path, nil
		}
		tried = append(tried, fmt.Sprintf("%s (%v)", base, err))
	}
	return "", fmt.Errorf("cannot place a copy of the helper that another user may execute: %s", strings.Join(tried, ", "))
}

func copyInto(base string) (string, error) {
	dir, err := os.MkdirTemp(base, ".rp-as-")
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, "rp-helper")
	err = copySelf(path)
	if err == nil {
		err = errors.Join(os.Chmod(dir, 0o755), os.Chmod(path, 0o755)) //nolint:gosec // the other user must execute it
	}
	if err == nil { // a file system mounted noexec refuses here
		err = exec.Command(path, "__version").Run()
	}
	if err != nil {
		return "", errors.Join(err, os.RemoveAll(dir))
	}
	copies = append(copies, dir)
	return path, nil
}

var copies []string

// RemoveCopies takes away what was placed for other users. It is called when the helper ends.
func RemoveCopies() {
	for _, dir := range copies {
		_ = os.RemoveAll(dir) // in a directory that the system cleans
	}
}

func copySelf(to string) error {
	in, err := os.Open("/proc/self/exe")
	if err != nil {
		return err
	}
	defer in.Close() //nolint:errcheck // only read
	out, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o700)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	return errors.Join(err, out.Close())
}

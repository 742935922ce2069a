package jinja

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// Tests of files on the controller.
func init() {
	file := func(name string, is func(path string) bool, alias ...string) {
		addTest(define(name, "", 0, func(c *call) (any, error) { return is(c.text(c.self)), nil }), alias...)
	}
	mode := func(stat func(string) (os.FileInfo, error), ok func(os.FileMode) bool) func(string) bool {
		return func(path string) bool {
			i, err := stat(path)
			return err == nil && ok(i.Mode())
		}
	}
	there := func(os.FileMode) bool { return true }
	file("exists", mode(os.Stat, there))
	file("link_exists", mode(os.Lstat, there))
	file("file", mode(os.Stat, os.FileMode.IsRegular), "is_file")
	file("directory", mode(os.Stat, os.FileMode.IsDir), "is_dir")
	file("link", mode(os.Lstat, func(m os.FileMode) bool { return m&os.ModeSymlink != 0 }), "is_link")
	file("abs", filepath.IsAbs, "is_abs")
	file("mount", isMount, "is_mount")
	addTest(define("same_file", "other", 0, func(c *call) (any, error) {
		a, err := os.Stat(c.text(c.self))
		if err != nil {
			return nil, err
		}
		b, err := os.Stat(c.anyText(0))
		if err != nil {
			return nil, err
		}
		return os.SameFile(a, b), nil
	}), "is_same_file")
}

// isMount reports whether a file system other than the parent's begins at path.
func isMount(path string) bool {
	i, err := os.Lstat(path)
	if err != nil || i.Mode()&os.ModeSymlink != 0 {
		return false
	}
	parent, err := os.Lstat(filepath.Join(path, ".."))
	if err != nil {
		return false
	}
	a, okA := i.Sys().(*syscall.Stat_t)
	b, okB := parent.Sys().(*syscall.Stat_t)
	return okA && okB && (a.Dev != b.Dev || a.Ino == b.Ino)
}

func (c *call) vaultedFile() (any, error) {
	f, err := os.Open(c.text(c.self))
	if err != nil {
		return nil, fmt.Errorf("cannot test if the file is vaulted: %w", err)
	}
	defer func() { _ = f.Close() }()
	head := make([]byte, 15)
	n, _ := f.Read(head)
	return strings.HasPrefix(string(head[:n]), "$ANSIBLE_VAULT"), nil
}

package engine

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"rp/engine/play"
)

// files are the controller's files: the machine's own, or those of a bundled playbook.
type files struct{ play.Source }

// Open opens a file for reading. A file of the machine is not read into memory.
func (f files) Open(path string) (io.ReadCloser, error) {
	if f.Source == play.OS() {
		return os.Open(path)
	}
	b, err := f.ReadFile(path)
	return io.NopCloser(bytes.NewReader(b)), err
}

// Walk gives what lies below root, relative and with / between names. Links are followed.
func (f files) Walk(root string, visit func(rel string, dir bool)) error {
	return f.walk(root, "", visit, 0)
}

// maxDepth bounds a walk through links that lead in circles.
const maxDepth = 64

func (f files) walk(root, rel string, visit func(string, bool), depth int) error {
	if depth > maxDepth {
		return errors.New("directories are nested too deep: does a link lead in a circle?")
	}
	entries, err := f.ReadDir(filepath.Join(root, rel))
	if err != nil {
		return err
	}
	for _, e := range entries {
		name := filepath.ToSlash(filepath.Join(rel, e.Name()))
		fi, err := f.Stat(filepath.Join(root, name))
		if err != nil {
			return err
		}
		visit(name, fi.IsDir())
		if fi.IsDir() {
			if err := f.walk(root, name, visit, depth+1); err != nil {
				return err
			}
		}
	}
	return nil
}

// Glob gives the files that pattern names, in which only the last element may hold wildcards.
func (f files) Glob(pattern string) ([]string, error) {
	dir, last := filepath.Split(pattern)
	if f.Source == play.OS() && strings.ContainsAny(dir, "*?[") {
		return filepath.Glob(pattern)
	}
	entries, err := f.ReadDir(filepath.Clean(dir))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var out []string
	for _, e := range entries {
		if ok, err := filepath.Match(last, e.Name()); err != nil {
			return nil, err
		} else if ok {
			out = append(out, filepath.Join(dir, e.Name()))
		}
	}
	return out, nil
}

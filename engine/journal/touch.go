package journal

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"rp/engine/state"
)

// Touch is a path that a write touched: as it was before, and as it was left.
type Touch struct {
	Path          string
	Before, After Look
}

// Look is what a path was at one moment.
type Look struct {
	Exists bool
	Mode   fs.FileMode
	MTime  time.Time
	// Sum is the SHA-256 of a regular file of at most KeepMax bytes, Kept that the journal holds its content.
	Sum  string `json:",omitempty"`
	Kept bool   `json:",omitempty"`
}

func (l Look) same(o Look) bool {
	if l.Exists != o.Exists || l.Mode != o.Mode || l.Sum != o.Sum {
		return false
	}
	// a directory's time is all there is to see of it; a file may have been rewritten as it was
	return !l.Exists || !l.Mode.IsDir() || l.MTime.Equal(o.MTime)
}

func look(path string) (Look, error) {
	fi, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) || err != nil && strings.Contains(err.Error(), "not a directory") {
		return Look{}, nil
	}
	if err != nil {
		return Look{}, fmt.Errorf("cannot look at %s: %w", path, err)
	}
	l := Look{Exists: true, Mode: fi.Mode(), MTime: fi.ModTime()}
	if fi.Mode().IsRegular() && fi.Size() <= KeepMax {
		if l.Sum, err = sumFile(path); err != nil {
			return l, err
		}
	}
	return l, nil
}

func sumFile(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", fmt.Errorf("cannot read %s: %w", path, err)
	}
	defer f.Close() //nolint:errcheck // only read
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", fmt.Errorf("cannot read %s: %w", path, err)
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// keep puts path's content into the store by its hash.
func (j *Journal) keep(path, sum string) error {
	if err := makeDirs(j.dir); err != nil {
		return err
	}
	to := j.blob(sum)
	if _, err := os.Stat(to); err == nil {
		return nil
	}
	in, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("cannot keep %s: %w", path, err)
	}
	defer in.Close() //nolint:errcheck // only read
	out, err := os.CreateTemp(filepath.Dir(to), ".keep-")
	if err != nil {
		return fmt.Errorf("cannot keep %s: %w", path, err)
	}
	_, err = io.Copy(out, in)
	err = errors.Join(err, out.Sync(), out.Close())
	if err == nil {
		err = os.Rename(out.Name(), to)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("cannot keep %s: %w", path, err), os.Remove(out.Name()))
	}
	return nil
}

// Toucher is a Host that can say which paths writing a change touches besides those it names.
type Toucher interface{ Touches(c state.Change) []string }

// paths are all that writing cs touches, with the directories they lie in.
func paths(cs []state.Change, t Toucher) []string {
	var ps []string
	var walk func(cs []state.Change)
	walk = func(cs []state.Change) {
		for _, c := range cs {
			if f, ok := c.To.(state.File); ok {
				ps = append(ps, f.Path)
			}
			if t != nil {
				ps = append(ps, t.Touches(c)...)
			}
			walk(c.With)
		}
	}
	walk(cs)
	for _, p := range slices.Clone(ps) {
		ps = append(ps, filepath.Dir(p))
	}
	slices.Sort(ps)
	return slices.Compact(ps)
}

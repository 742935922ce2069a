package laws

import (
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
)

// Difference is one field of one thing that two manifests have differently; "" is not there.
type Difference struct {
	Path, Field string
	From, To    string
}

func (d Difference) String() string {
	show := func(s string) string {
		if s == "" {
			return "-"
		}
		return s
	}
	return fmt.Sprintf("%s %s: %s → %s", d.Path, d.Field, show(d.From), show(d.To))
}

// Diff says what b has otherwise than a, sorted by path. Of a thing that is in one of them only, "type" (or
// "value") alone is said.
func Diff(a, b *Manifest) []Difference {
	paths := map[string]bool{}
	for p := range a.Names {
		paths[p] = true
	}
	for p := range b.Names {
		paths[p] = true
	}
	var ds []Difference
	for _, p := range slices.Sorted(maps.Keys(paths)) {
		from, to := a.at(p), b.at(p)
		if len(from) == 0 || len(to) == 0 {
			if len(from) != len(to) {
				ds = append(ds, Difference{p, "exists", exists(from), exists(to)})
			}
			continue
		}
		ds = append(ds, fields(p, from, to)...)
	}
	return ds
}

func exists(f Fields) string {
	if t := f["type"]; t != "" {
		return strings.TrimSpace(t + " " + f["mode"] + " " + f["link"])
	}
	return f["value"]
}

func fields(path string, from, to Fields) []Difference {
	names := map[string]bool{}
	for n := range from {
		names[n] = true
	}
	for n := range to {
		names[n] = true
	}
	var ds []Difference
	for _, n := range slices.Sorted(maps.Keys(names)) {
		if from[n] != to[n] {
			ds = append(ds, Difference{path, n, from[n], to[n]})
		}
	}
	return ds
}

// at is a path's fields: the manifest's own, else the base's, which the manifest leaves out. A path below a
// directory that is gone is gone.
func (m *Manifest) at(path string) Fields {
	if f, ok := m.Names[path]; ok || strings.HasPrefix(path, "live:") || m.Base == "" {
		return f
	}
	for dir := filepath.Dir(path); dir != "/"; dir = filepath.Dir(dir) {
		if f, ok := m.Names[dir]; ok && f["type"] != "directory" {
			return nil
		}
	}
	f, err := m.below(path)
	if err != nil {
		return Fields{"type": err.Error()} // differs from everything, and says why
	}
	return f
}

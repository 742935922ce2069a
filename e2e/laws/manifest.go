// Package laws compares hosts before and after rp has been there: the four
// laws of docs/architecture.md, held over a whole machine.
//
// A Manifest writes down what a host is: the disk (what lies in the upper
// directory of its overlay and on what is mounted into it, against the lower
// directory) and live state (sysctls, units, accounts, processes). Diff says in
// what two manifests differ, Exceptions which of that is excused, and why;
// Promises compares what a dry run foretold with what the run did.
//
// It imports the standard library only: it judges rp and takes nothing from it.
package laws

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
)

// Fields say what one thing is: a file's type, mode, uid, gid, size, sha256, link, mtime (of a directory: dir-mtime),
// rdev and xattr:NAME, or a live thing's value. A thing that is not there has no fields.
type Fields map[string]string

// Manifest is a host at one moment, by path: "/etc/passwd" or "live:sysctl/user.max_user_namespaces".
// A path of the overlay that is as in the base is left out.
type Manifest struct {
	Base  string // the lower directory, for what is left out
	Names map[string]Fields
}

// Write writes one JSON object a line, sorted by path.
func (m *Manifest) Write(w io.Writer) error {
	enc := json.NewEncoder(w)
	if err := enc.Encode(map[string]any{"base": m.Base}); err != nil {
		return fmt.Errorf("cannot write the manifest: %w", err)
	}
	paths := make([]string, 0, len(m.Names))
	for p := range m.Names {
		paths = append(paths, p)
	}
	slices.Sort(paths)
	for _, p := range paths {
		if err := enc.Encode(map[string]any{"path": p, "is": m.Names[p]}); err != nil {
			return fmt.Errorf("cannot write the manifest: %w", err)
		}
	}
	return nil
}

// ReadManifest reads what Write wrote.
func ReadManifest(path string) (*Manifest, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("cannot read the manifest: %w", err)
	}
	defer f.Close() //nolint:errcheck // only read
	m := &Manifest{Names: map[string]Fields{}}
	dec := json.NewDecoder(bufio.NewReader(f))
	for {
		var l struct {
			Base, Path string
			Is         Fields
		}
		if err := dec.Decode(&l); err == io.EOF {
			return m, nil
		} else if err != nil {
			return nil, fmt.Errorf("cannot read %s: %w", path, err)
		}
		if l.Path == "" {
			m.Base = l.Base
		} else {
			m.Names[l.Path] = l.Is
		}
	}
}

// AddLive takes lines of "NAME<tab>VALUE"; a name that comes twice gets the values of both, sorted.
func (m *Manifest) AddLive(r io.Reader) error {
	values := map[string][]string{}
	s := bufio.NewScanner(r)
	s.Buffer(nil, 1<<20)
	for s.Scan() {
		name, value, ok := strings.Cut(s.Text(), "\t")
		if !ok {
			return fmt.Errorf("cannot read the live state: %q has no tab", s.Text())
		}
		if !slices.Contains(values[name], value) {
			values[name] = append(values[name], value)
		}
	}
	for name, vs := range values {
		slices.Sort(vs)
		m.Names["live:"+name] = Fields{"value": strings.Join(vs, "; ")}
	}
	return s.Err()
}

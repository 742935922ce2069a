// Package hosttest is the conformance suite that every Host passes: the real
// machine, and the dry run's view of one.
//
// [Run] takes one Host through the loop that the engine has (read, plan, write, read
// again) for a table of wants, and takes every change back. [Promise] holds a view and
// the real machine side by side: after each want, whatever the view says it knows of a
// list of probes must be what the machine then says. Tests import this package;
// nothing else does.
package hosttest

import (
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"rp/engine/host"
	"rp/engine/state"
)

// Fixture is a Host to be tested and a directory on it that tests may use freely.
type Fixture struct {
	Host host.Host
	// Dir is an empty directory which both the test and Host reach by this path.
	Dir string
	// System: accounts may be made and removed, too. A view always allows it; a real machine only as
	// root, where it is there for tests.
	System bool
	// Real: what is written is really there, so that it can be looked at with other eyes.
	Real bool
}

// Case is a chain of wants below a directory.
type Case struct {
	Name string
	// Prepare puts files into dir before anything is wanted.
	Prepare func(t *testing.T, dir string)
	// Wants are brought about one after the other.
	Wants func(dir string) []state.State
	// Err is in the error that the last want gives; "" for none.
	Err string
	// Late: the error shows only when the content really arrives; a view cannot foresee it.
	Late bool
	// Once: the wants cannot be taken back alone (a directory that was removed with all that
	// was in it: the journal keeps that).
	Once bool
}

// Run runs the suite on Hosts that mk makes.
func Run(t *testing.T, mk func(t *testing.T) Fixture) {
	t.Run("absent", func(t *testing.T) { absent(t, mk(t)) })
	t.Run("order", func(t *testing.T) { order(t, mk(t)) })
	for _, c := range Cases() {
		t.Run(c.Name, func(t *testing.T) { run(t, mk(t), c) })
	}
	for _, c := range SystemCases() {
		t.Run(c.Name, func(t *testing.T) {
			f := mk(t)
			if !f.System {
				t.Skip("this machine's accounts are not to be touched")
			}
			run(t, f, c)
		})
	}
}

// absent: reading what is not there is no error.
func absent(t *testing.T, f Fixture) {
	for _, path := range []string{"none", "none/below", "file/below"} {
		if path == "file/below" {
			WriteFile(t, filepath.Join(f.Dir, "file"), "x", 0o644)
		}
		got := read(t, f.Host, state.File{Path: filepath.Join(f.Dir, path), Content: state.Ask[state.Content]()})
		if present, known := state.Present(got); present || !known {
			t.Errorf("%s: got %+v, want absent", path, got)
		}
	}
}

// order: the answers come in the order of the questions, whatever their kinds.
func order(t *testing.T, f Fixture) {
	WriteFile(t, filepath.Join(f.Dir, "a"), "x", 0o644)
	asked := []state.State{
		state.File{Path: filepath.Join(f.Dir, "a")},
		state.Stat{Path: f.Dir},
		state.Tool{Name: "sh"},
		state.File{Path: filepath.Join(f.Dir, "b")},
		state.System{},
		state.Walk{Path: f.Dir},
		state.Accounts{},
	}
	got, err := f.Host.Read(context.Background(), asked...)
	if err != nil {
		t.Fatal(err)
	}
	for i := range asked {
		if got[i].Key() != asked[i].Key() {
			t.Errorf("answer %d is of %s, want %s", i, got[i].Key(), asked[i].Key())
		}
	}
}

func run(t *testing.T, f Fixture, c Case) {
	if c.Prepare != nil {
		c.Prepare(t, f.Dir)
	}
	before := Snapshot(t, f.Dir)
	var made []state.Change
	for _, want := range c.Wants(f.Dir) {
		last := Snapshot(t, f.Dir)
		ch, needed, err := bring(f.Host, want)
		if err != nil {
			if c.Err == "" || !strings.Contains(err.Error(), c.Err) {
				t.Fatalf("%s: %v, want %q", want.Key(), err, c.Err)
			}
			checkUnchanged(t, last, f.Dir)
			return
		}
		if !needed {
			t.Errorf("%s: nothing to do", want.Key())
			continue
		}
		made = append(made, ch)
		now := read(t, f.Host, ch.To)
		if left := state.Disagreement(ch.To, now); len(left) > 0 {
			t.Errorf("%s is not as wanted: %+v", want.Key(), left)
		}
		if again := (state.Change{From: read(t, f.Host, want), To: want}); again.Needed() {
			t.Errorf("%s: a second run would change %+v", want.Key(), again.Diff())
		}
	}
	if c.Err != "" && (f.Real || !c.Late) {
		t.Fatalf("no error, want %q", c.Err)
	}
	if f.Real && !c.Once {
		takeBack(t, f.Host, made)
		if diff := Compare(before, Snapshot(t, f.Dir)); diff != "" {
			t.Errorf("undo left:\n%s", diff)
		}
	}
	if !f.Real {
		checkUnchanged(t, before, f.Dir)
	}
}

func checkUnchanged(t *testing.T, before map[string]string, dir string) {
	t.Helper()
	if diff := Compare(before, Snapshot(t, dir)); diff != "" {
		t.Errorf("something was touched:\n%s", diff)
	}
}

// bring is the engine's loop.
func bring(h host.Host, want state.State) (c state.Change, needed bool, err error) {
	ctx := context.Background()
	got, err := h.Read(ctx, want)
	if err != nil {
		return c, false, err
	}
	c = state.Change{From: got[0], To: want}
	if !c.Needed() {
		return c, false, nil
	}
	before := c
	if c, err = h.Plan(ctx, c); err != nil {
		return c, true, err
	}
	if _, err := h.Plan(ctx, before); err != nil {
		return c, true, err
	}
	if c.From, err = whole(h, c.From, c.To); err != nil {
		return c, true, err
	}
	return c, true, h.Write(ctx, c)
}

// whole is a file that is about to be removed or replaced, with its content, as the journal keeps it.
func whole(h host.Host, from, to state.State) (state.State, error) {
	f, isFile := from.(state.File)
	if !isFile || f.Type.Or("") != state.Regular || to.(state.File).Type.Or(state.Regular) == state.Regular {
		return from, nil
	}
	f.Content = state.Ask[state.Content]()
	got, err := h.Read(context.Background(), f)
	if err != nil {
		return from, err
	}
	return got[0], nil
}

// takeBack undoes changes, newest first.
func takeBack(t *testing.T, h host.Host, made []state.Change) {
	t.Helper()
	for i := len(made) - 1; i >= 0; i-- {
		u := made[i].Undo()
		u.From = read(t, h, u.To)
		if !u.Needed() {
			continue
		}
		if err := h.Write(context.Background(), u); err != nil {
			t.Errorf("cannot take back %s: %v", u.To.Key(), err)
		}
		for _, w := range u.With {
			if w.From = read(t, h, w.To); !w.Needed() {
				continue // it went with what it came with
			}
			if err := h.Write(context.Background(), w); err != nil {
				t.Errorf("cannot take back %s: %v", w.To.Key(), err)
			}
		}
	}
}

func read(t *testing.T, h host.Reader, s state.State) state.State {
	t.Helper()
	got, err := h.Read(context.Background(), s)
	if err != nil {
		t.Fatalf("cannot read %s: %v", s.Key(), err)
	}
	return got[0]
}

// WriteFile makes a file with exactly this mode, with a time in the past.
func WriteFile(t *testing.T, path, text string, mode fs.FileMode) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	past := time.Date(2020, 1, 2, 3, 4, 5, 6, time.UTC)
	if err := os.Chtimes(path, past, past); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, mode); err != nil {
		t.Fatal(err)
	}
}

// Snapshot is what lies in dir: by path, type, mode, owner, content and target.
func Snapshot(t *testing.T, dir string) map[string]string {
	t.Helper()
	m := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || path == dir {
			return err
		}
		fi, err := d.Info()
		if err != nil {
			return err
		}
		text := fi.Mode().String() + owners(fi)
		switch {
		case fi.Mode().IsRegular():
			b, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			text += " " + state.Bytes(b).Sum
		case fi.Mode()&fs.ModeSymlink != 0:
			to, err := os.Readlink(path)
			if err != nil {
				return err
			}
			text += " -> " + to
		}
		m[path] = text
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// Compare says in lines how two snapshots differ; "" where they do not.
func Compare(before, after map[string]string) string {
	var lines []string
	for p, b := range before {
		if a, ok := after[p]; !ok {
			lines = append(lines, "gone: "+p)
		} else if a != b {
			lines = append(lines, p+": was "+b+", is "+a)
		}
	}
	for p := range after {
		if _, ok := before[p]; !ok {
			lines = append(lines, "left: "+p)
		}
	}
	return strings.Join(lines, "\n")
}

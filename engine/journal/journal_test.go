package journal

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"rp/engine/host"
	"rp/engine/state"
)

// desk is a directory to work in, a journal, and this machine behind it.
type desk struct {
	t    *testing.T
	dir  string
	j    *Journal
	host host.Host
	real *host.Linux
}

func newDesk(t *testing.T) *desk {
	t.Helper()
	d := &desk{t: t, dir: t.TempDir(), real: host.NewLinux(host.Options{})}
	d.j = Open(filepath.Join(t.TempDir(), "store"), "run1")
	d.host = Wrap(d.real, d.j, "")
	t.Cleanup(func() { _ = d.j.Close() })
	return d
}

func (d *desk) path(names ...string) string {
	return filepath.Join(append([]string{d.dir}, names...)...)
}

// old is a moment that no test happens at.
var old = time.Date(2019, 8, 7, 6, 5, 4, 321, time.UTC)

func (d *desk) put(text string, names ...string) string {
	d.t.Helper()
	p := d.path(names...)
	if err := errors.Join(os.MkdirAll(filepath.Dir(p), 0o755), os.WriteFile(p, []byte(text), 0o640)); err != nil {
		d.t.Fatal(err)
	}
	for q := p; len(q) >= len(d.dir); q = filepath.Dir(q) {
		if err := os.Chtimes(q, old, old); err != nil {
			d.t.Fatal(err)
		}
	}
	return p
}

// change brings the host to want, journalled.
func (d *desk) change(want state.State) {
	d.t.Helper()
	ctx := With(d.t.Context(), Info{Task: "a task", Pos: "p.yml:1:2"})
	have, err := d.host.Read(ctx, want)
	if err != nil {
		d.t.Fatal(err)
	}
	c, err := d.host.Plan(ctx, state.Change{From: have[0], To: want})
	if err != nil {
		d.t.Fatal(err)
	}
	if err := d.host.Write(ctx, c); err != nil {
		d.t.Fatal(err)
	}
}

func (d *desk) entries() []Entry {
	d.t.Helper()
	es, err := d.j.Load("run1")
	if err != nil {
		d.t.Fatal(err)
	}
	return es
}

// back undoes all, newest first, and gives the states.
func (d *desk) back(force bool) string {
	d.t.Helper()
	var out []string
	es := d.entries()
	for i := len(es) - 1; i >= 0; i-- {
		for _, it := range d.j.Undo(d.t.Context(), d.real, es[i], true, force) {
			out = append(out, it.State)
		}
	}
	return strings.Join(out, " ")
}

func regular(path, text string) state.File {
	return state.File{Path: path, Type: state.Is(state.Regular), Content: state.Is(state.Bytes([]byte(text)))}
}

func TestEntry(t *testing.T) {
	d := newDesk(t)
	p := d.put("before", "f")
	d.change(regular(p, "after"))
	es := d.entries()
	if len(es) != 1 {
		t.Fatalf("%d entries", len(es))
	}
	e := es[0]
	if e.Task != "a task" || e.Pos != "p.yml:1:2" || e.Run != "run1" || !e.Done || e.Err != "" || e.User != "" || time.Since(e.At) > time.Minute {
		t.Errorf("%+v", e)
	}
	if len(e.Touched) != 2 || e.Touched[1].Path != p || !e.Touched[1].Before.Kept || !e.Touched[1].Before.MTime.Equal(old) || e.Touched[1].Before.Sum == e.Touched[1].After.Sum {
		t.Errorf("%+v", e.Touched)
	}
	b, err := os.ReadFile(d.j.blob(e.Touched[1].Before.Sum))
	if err != nil || string(b) != "before" {
		t.Errorf("the replaced content is %q, %v", b, err)
	}
}

// TestClosedToOthers: what the journal holds is its owner's alone.
func TestClosedToOthers(t *testing.T) {
	d := newDesk(t)
	d.change(regular(d.put("secret", "f"), "x"))
	err := filepath.WalkDir(d.j.dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || path == d.j.dir {
			return err
		}
		fi, err := e.Info()
		if err == nil && fi.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s is %s", path, fi.Mode())
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestFilesComeBack(t *testing.T) {
	for _, c := range []struct {
		name string
		do   func(d *desk)
	}{
		{"content", func(d *desk) { d.change(regular(d.path("f"), "new")) }},
		{"twice", func(d *desk) { d.change(regular(d.path("f"), "new")); d.change(regular(d.path("f"), "newer")) }},
		{"mode", func(d *desk) { d.change(state.File{Path: d.path("f"), Mode: state.Is(state.Mode(0o600))}) }},
		{"made", func(d *desk) { d.change(regular(d.path("new"), "x")) }},
		{"made in a directory that was made", func(d *desk) {
			d.change(state.File{Path: d.path("d"), Type: state.Is(state.Directory)})
			d.change(regular(d.path("d", "x"), "x"))
		}},
		{"removed", func(d *desk) { d.change(state.File{Path: d.path("f"), Type: state.Is(state.Absent)}) }},
		{"removed directory", func(d *desk) {
			d.change(state.File{Path: d.path("dir"), Type: state.Is(state.Absent), Recurse: true})
		}},
		{"link instead of a file", func(d *desk) {
			d.change(state.File{Path: d.path("f"), Type: state.Is(state.Absent)})
			d.change(state.File{Path: d.path("f"), Type: state.Is(state.Link), Target: state.Is("dir")})
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := newDesk(t)
			d.put("before", "f")
			d.put("deep", "dir", "sub", "x")
			if err := os.Chtimes(d.path("dir"), old, old); err != nil {
				t.Fatal(err)
			}
			before := d.look()
			c.do(d)
			if d.look() == before {
				t.Fatal("nothing has changed")
			}
			if got := d.back(false); strings.Trim(strings.ReplaceAll(got, Undone, ""), " ") != "" {
				t.Errorf("undo: %s", got)
			}
			if got := d.look(); got != before {
				t.Errorf("it is\n%s\nand was\n%s", got, before)
			}
			if got := d.back(false); strings.Contains(got, Failed) {
				t.Errorf("a second undo: %s", got)
			}
		})
	}
}

// look is all that lies in the directory.
func (d *desk) look() string {
	d.t.Helper()
	var b strings.Builder
	err := filepath.WalkDir(d.dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		fi, err := e.Info()
		if err != nil {
			return err
		}
		text := []byte(nil)
		if fi.Mode().IsRegular() {
			if text, err = os.ReadFile(path); err != nil {
				return err
			}
		}
		b.WriteString(strings.TrimPrefix(path, d.dir) + " " + fi.Mode().String() + " " + fi.ModTime().UTC().Format(time.RFC3339Nano) + " " + string(text) + "\n")
		return nil
	})
	if err != nil {
		d.t.Fatal(err)
	}
	return b.String()
}

func TestBlocked(t *testing.T) {
	d := newDesk(t)
	p := d.put("before", "f")
	d.change(regular(p, "ours"))
	if err := os.WriteFile(p, []byte("theirs"), 0o600); err != nil {
		t.Fatal(err)
	}
	items := d.j.Undo(t.Context(), d.real, d.entries()[0], true, false)
	if len(items) != 1 || items[0].State != Blocked || !strings.Contains(items[0].Why, p) {
		t.Errorf("%+v", items)
	}
	if b, _ := os.ReadFile(p); string(b) != "theirs" {
		t.Errorf("it holds %q", b)
	}
	if got := d.back(true); got != Undone {
		t.Error(got)
	}
	if b, _ := os.ReadFile(p); string(b) != "before" {
		t.Errorf("it holds %q", b)
	}
}

// TestLimitedToWhatWasTouched: a mode that somebody set is no hindrance to taking back a content.
func TestLimitedToWhatWasTouched(t *testing.T) {
	d := newDesk(t)
	p := d.put("before", "f")
	d.change(regular(p, "ours"))
	if err := os.Chmod(p, 0o600); err != nil {
		t.Fatal(err)
	}
	if got := d.back(false); got != Undone {
		t.Fatal(got)
	}
	fi, err := os.Stat(p)
	if err != nil || fi.Mode().Perm() != 0o600 {
		t.Errorf("%v %v", fi.Mode(), err)
	}
}

func TestEventsHaveNoInverse(t *testing.T) {
	d := newDesk(t)
	if _, err := d.host.Do(t.Context(), state.Command{Argv: []string{"true"}}); err != nil {
		t.Fatal(err)
	}
	if got := d.back(true); got != Impossible {
		t.Error(got)
	}
}

type failing struct{ host.Host }

func (f failing) Write(context.Context, ...state.Change) error { return errors.New("no space left") }

func (f failing) Do(context.Context, state.Event) (state.Outcome, error) {
	return state.Outcome{}, errors.New("it burns")
}

// TestFailuresAreWrittenDown: the error stands in the journal and is what the caller gets.
func TestFailuresAreWrittenDown(t *testing.T) {
	d := newDesk(t)
	d.host = Wrap(failing{d.real}, d.j, "ann")
	p := d.path("f")
	have, err := d.real.Read(t.Context(), regular(p, "x"))
	if err != nil {
		t.Fatal(err)
	}
	if err := d.host.Write(t.Context(), state.Change{From: have[0], To: regular(p, "x")}); err == nil || err.Error() != "no space left" {
		t.Error(err)
	}
	if _, err := d.host.Do(t.Context(), state.Command{Argv: []string{"x"}}); err == nil || err.Error() != "it burns" {
		t.Error(err)
	}
	es := d.entries()
	if len(es) != 2 || es[0].Err != "no space left" || !es[0].Done || es[0].User != "ann" || es[1].Err != "it burns" {
		t.Errorf("%+v", es)
	}
}

// TestCutOff: an intent without an end is open; a record that was being written is passed over.
func TestCutOff(t *testing.T) {
	d := newDesk(t)
	p := d.put("before", "f")
	e := &Entry{Task: "t", Changes: []state.Change{{From: regular(p, "before"), To: regular(p, "after")}}}
	if err := d.j.begin(e); err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile(d.j.path("run1"), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	_, err = f.WriteString(`{"end":{"Seq":`)
	if err := errors.Join(err, f.Close()); err != nil {
		t.Fatal(err)
	}
	es := d.entries()
	if len(es) != 1 || es[0].Done {
		t.Fatalf("%+v", es)
	}
	runs, err := d.j.Runs()
	if err != nil || len(runs) != 1 || !runs[0].Open || runs[0].Undone || runs[0].ID != "run1" || runs[0].Entries != 1 {
		t.Errorf("%+v %v", runs, err)
	}
	if got := d.back(false); got != Redundant { // it was never made
		t.Error(got)
	}
}

func TestMarkUndone(t *testing.T) {
	d := newDesk(t)
	d.change(regular(d.path("f"), "x"))
	d.change(regular(d.path("g"), "x"))
	es := d.entries()
	if es[0].Seq >= es[1].Seq {
		t.Errorf("%d is not before %d", es[0].Seq, es[1].Seq)
	}
	for i, e := range es {
		if err := d.j.MarkUndone(e.Seq, "run2"); err != nil {
			t.Fatal(err)
		}
		runs, err := d.j.Runs()
		if err != nil || runs[0].Undone != (i == 1) {
			t.Errorf("%+v %v", runs, err)
		}
	}
	if es = d.entries(); es[0].Undone != "run2" {
		t.Errorf("%+v", es[0])
	}
}

func TestNothingYet(t *testing.T) {
	j := Open(filepath.Join(t.TempDir(), "none"), "x")
	es, err := j.Load("x")
	runs, rerr := j.Runs()
	if err != nil || rerr != nil || len(es)+len(runs) > 0 {
		t.Errorf("%v %v %v %v", es, err, runs, rerr)
	}
	if err := j.Close(); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(j.dir); err == nil {
		t.Error("looking has made it")
	}
}

func TestDamaged(t *testing.T) {
	d := newDesk(t)
	d.change(regular(d.path("f"), "x"))
	text, err := os.ReadFile(d.j.path("run1"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := parse(bytes.NewReader(append([]byte("not a record\n"), text...))); err == nil || !strings.Contains(err.Error(), "1") {
		t.Errorf("%v", err)
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(`{"intent":{"Seq":1,"Run":"r","Changes":[]}}` + "\n" + `{"end":{"Seq":1}}` + "\n" + `{"undone":{"Seq":1,"By":"x"}}` + "\n"))
	f.Add([]byte(`{"end":{"Seq":7}}` + "\n"))
	f.Add([]byte("{}\n{"))
	f.Fuzz(func(t *testing.T, text []byte) {
		es, err := parse(bytes.NewReader(text))
		if err == nil && len(es) > bytes.Count(text, []byte("\n")) {
			t.Errorf("%d entries in %d lines", len(es), bytes.Count(text, []byte("\n")))
		}
	})
}

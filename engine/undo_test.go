package engine_test

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"testing"
	"time"

	"rp/engine"
	"rp/engine/journal"
	"rp/inventory"
)

// tree is what lies below dir: type, mode, time and content of everything but the journal.
func tree(t *testing.T, dir string) string {
	t.Helper()
	var lines []string
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.Name() == ".journal" {
			return filepath.SkipDir
		}
		fi, err := d.Info()
		if err != nil {
			return err
		}
		text := ""
		switch {
		case fi.Mode().IsRegular():
			b, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			text = string(b)
		case fi.Mode()&fs.ModeSymlink != 0:
			if text, err = os.Readlink(path); err != nil {
				return err
			}
		}
		rel, _ := filepath.Rel(dir, path)
		when := ""
		if rel != "." { // the journal's own directory lies in it
			when = fi.ModTime().UTC().Format(time.RFC3339Nano)
		}
		lines = append(lines, fmt.Sprintf("%s %s %s %q", rel, fi.Mode(), when, text))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	sort.Strings(lines)
	return strings.Join(lines, "\n")
}

// undo takes a run back on all hosts.
func (l *lab) undo(run string, list, force bool) map[string]engine.UndoResult {
	l.t.Helper()
	c, _, err := l.config()
	if err != nil {
		l.t.Fatal(err)
	}
	var hosts []*inventory.Host
	hosts = append(hosts, c.Inventory.Hosts()...)
	out := map[string]engine.UndoResult{}
	for _, r := range engine.Undo(l.ctx, engine.UndoConfig{Config: c, Run: run, Hosts: hosts, List: list, Force: force}) {
		out[r.Host] = r
	}
	return out
}

func states(r engine.UndoResult) string {
	var all []string
	for _, i := range r.Items {
		all = append(all, i.State)
	}
	return strings.Join(all, " ")
}

const changesFiles = `
-- hosts --
a
b
-- files/tree/one --
one
-- files/tree/sub/two --
two
-- play.yml --
- hosts: all
  gather_facts: false
  tasks:
    - file: {path: "{{ here }}/new/deep", state: directory, mode: "0750"}
    - copy: {content: "text\n", dest: "{{ here }}/new/deep/file", mode: "0600"}
    - copy: {content: "other\n", dest: "{{ here }}/old/file"}
    - file: {path: "{{ here }}/old/mode", mode: "0640"}
    - lineinfile: {path: "{{ here }}/old/lines", line: three}
    - file: {path: "{{ here }}/old/gone", state: absent}
    - file: {path: "{{ here }}/old/dir", state: absent}
    - file: {src: file, dest: "{{ here }}/old/link", state: link}
    - copy: {src: tree/, dest: "{{ here }}/tree/"}
    - lineinfile: {path: "{{ here }}/old/lines", line: four}
    - file: {path: "{{ here }}/old/file", state: absent}
`

// prepare puts files on the hosts, all of them of long ago.
func (l *lab) prepare() {
	for _, host := range []string{"a", "b"} {
		l.write(l.on(host, "old", "file"), "before\n")
		l.write(l.on(host, "old", "mode"), "mode\n")
		l.write(l.on(host, "old", "lines"), "one\ntwo\n")
		l.write(l.on(host, "old", "gone"), "gone\n")
		l.write(l.on(host, "old", "dir", "x", "y"), "deep\n")
		l.write(l.on(host, "old", "kept"), "kept\n")
		old := time.Date(2020, 2, 3, 4, 5, 6, 789, time.UTC)
		_ = filepath.WalkDir(l.on(host, "old"), func(path string, _ fs.DirEntry, err error) error {
			if err == nil {
				err = os.Chtimes(path, old, old)
			}
			return err
		})
		_ = os.Chtimes(l.on(host, "old"), old, old)
	}
}

// TestUndo is the fourth law for a run over files: after run and undo all is as it was.
func TestUndo(t *testing.T) {
	l := newLab(t, changesFiles)
	l.prepare()
	before := tree(t, l.on("a"))
	o := l.run()
	if o.Code() != 0 || o.Stats["a"].Changed != 11 {
		t.Fatalf("%s", o.text)
	}
	after := tree(t, l.on("a"))

	listed := l.undo(o.id, true, false)["a"]
	if tree(t, l.on("a")) != after {
		t.Error("the list has changed something")
	}
	if listed.Failed || len(listed.Items) < 11 || strings.Trim(strings.ReplaceAll(states(listed), journal.Pending, ""), " ") != "" {
		t.Errorf("listed: %v %s %+v", listed.Err, states(listed), listed)
	}
	done := l.undo(o.id, false, false)
	for _, host := range []string{"a", "b"} {
		if r := done[host]; r.Err != nil || r.Failed {
			t.Errorf("%s: %v %s %s", host, r.Err, r.Msg, states(r))
		}
		if got := tree(t, l.on(host)); got != before {
			t.Errorf("%s is not as it was:\n%s\nwas:\n%s", host, got, before)
		}
	}
	if again := l.undo(o.id, false, false)["a"]; len(again.Items) != 0 || again.Failed {
		t.Errorf("there is something left to undo: %s", states(again))
	}
}

// TestUndoBlocked: what somebody has changed since stands in the way and is named; force goes on all the same.
func TestUndoBlocked(t *testing.T) {
	l := newLab(t, tasks(`copy: {content: "ours\n", dest: "{{ here }}/f"}`, `copy: {content: "also\n", dest: "{{ here }}/g"}`))
	l.write(l.on("a", "f"), "before\n")
	o := l.run()
	l.write(l.on("a", "f"), "somebody's\n")
	for _, list := range []bool{true, false} {
		r := l.undo(o.id, list, false)["a"]
		if !r.Failed || !strings.Contains(states(r), journal.Blocked) {
			t.Errorf("list=%v: %+v", list, r)
		}
		for _, i := range r.Items {
			if i.State == journal.Blocked && !strings.Contains(i.Why, l.on("a", "f")) {
				t.Errorf("it does not say what is in the way: %q", i.Why)
			}
		}
	}
	if got := l.read(l.on("a", "f")); got != "somebody's\n" {
		t.Errorf("it holds %q", got)
	}
	if r := l.undo(o.id, false, true)["a"]; r.Failed {
		t.Errorf("%+v", r)
	}
	if got := l.read(l.on("a", "f")); got != "before\n" {
		t.Errorf("it holds %q", got)
	}
	if _, err := os.Stat(l.on("a", "g")); err == nil {
		t.Error("what was made is still there")
	}
}

// TestUndoOfEvents: what was done has no inverse, and the list says so.
func TestUndoOfEvents(t *testing.T) {
	l := newLab(t, tasks(`command: "true"`, `file: {path: "{{ here }}/d", state: directory}`))
	o := l.run()
	r := l.undo(o.id, true, false)["a"]
	if got := states(r); got != journal.Pending+" "+journal.Impossible {
		t.Errorf("%s: %+v", got, r)
	}
}

// TestNoJournalWithoutChange: a run that changes nothing, and a dry run, write no journal.
func TestNoJournalWithoutChange(t *testing.T) {
	l := newLab(t, tasks(`stat: {path: "{{ here }}"}`, `file: {path: "{{ here }}", state: directory}`))
	l.run()
	l.set = func(c *engine.Config) { c.Check = true }
	l.write(filepath.Join(l.dir, "play.yml"), strings.TrimPrefix(tasks(`file: {path: "{{ here }}/x", state: directory}`, "command: touch {{ here }}/y"), "-- play.yml --\n"))
	before := tree(t, l.dir)
	o := l.run()
	if o.Stats["a"].Changed != 2 {
		t.Errorf("%s", o.text)
	}
	if tree(t, l.dir) != before {
		t.Error("the dry run has changed something")
	}
	if _, err := os.Stat(l.on("a", ".journal")); err == nil {
		t.Error("there is a journal")
	}
}

package hosttest

import (
	"context"
	"fmt"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"rp/engine/host"
	"rp/engine/state"
	"rp/engine/value"
)

// Promise holds what a view predicts against what the machine then is, for every chain of
// wants of the suite: all probes, after each want. mk gives the machine and a directory on it.
// Further cases (see [SystemCases]) are held, too; what they make is left.
func Promise(t *testing.T, mk func(t *testing.T) (real host.Host, dir string), further ...Case) {
	for _, c := range append(Cases(), further...) {
		if c.Late {
			continue
		}
		t.Run(c.Name, func(t *testing.T) {
			real, dir := mk(t)
			promise(t, real, dir, c)
		})
	}
}

// PromiseMay holds the views of tasks that only may run: what they know is so whether the
// tasks run or not.
func PromiseMay(t *testing.T, mk func(t *testing.T) (real host.Host, dir string)) {
	for _, c := range Cases() {
		if c.Late || c.Err != "" {
			continue
		}
		t.Run(c.Name, func(t *testing.T) {
			real, dir := mk(t)
			c.Prepare(t, dir)
			memory := host.NewMemory()
			for i, want := range c.Wants(dir) {
				if _, _, err := bring(memory.View(real, fmt.Sprintf("task %d", i+1), true), want); err != nil {
					t.Fatal(err)
				}
			}
			seen := probe(t, memory.View(real, "afterwards", false), dir)
			holds(t, "when none ran", seen, probe(t, real, dir))
			for i, want := range c.Wants(dir) {
				if _, _, err := bring(real, want); err != nil {
					t.Fatal(err)
				}
				if i == len(c.Wants(dir))-1 {
					holds(t, "when all ran", seen, probe(t, real, dir))
				}
			}
		})
	}
}

// holds fails where something that was known is not so, and gives how much was known.
func holds(t *testing.T, when string, was, is []state.State) (known int) {
	t.Helper()
	for j := range is {
		n, broken := kept(was[j], is[j])
		known += n
		for _, b := range broken {
			t.Errorf("%s, %s: %s", when, is[j].Key(), b)
		}
	}
	return known
}

func promise(t *testing.T, real host.Host, dir string, c Case) {
	if c.Prepare != nil {
		c.Prepare(t, dir)
	}
	memory := host.NewMemory()
	var predicted [][]state.State
	var foretold []string
	for i, want := range c.Wants(dir) {
		v := memory.View(real, fmt.Sprintf("task %d", i+1), false)
		ch, _, err := bring(v, want)
		foretold = append(foretold, diffText(ch, err))
		predicted = append(predicted, probe(t, v, dir))
	}
	known := 0
	for i, want := range c.Wants(dir) {
		ch, _, err := bring(real, want)
		if got := diffText(ch, err); got != foretold[i] {
			t.Errorf("step %d was foretold as\n%s\nand is\n%s", i+1, foretold[i], got)
		}
		known += holds(t, fmt.Sprintf("after step %d", i+1), predicted[i], probe(t, real, dir))
	}
	if known == 0 {
		t.Error("the view knew nothing at all")
	}
}

// diffText is what a report shows of a change.
func diffText(c state.Change, err error) string {
	if err != nil {
		return err.Error()
	}
	var lines []string
	for _, d := range c.Diff() {
		lines = append(lines, fmt.Sprintf("%s: %s -> %s", d.Field, d.From, d.To))
	}
	return strings.Join(lines, "\n")
}

// probe asks about everything that a case may have touched, in every way.
func probe(t *testing.T, h host.Reader, dir string) []state.State {
	t.Helper()
	ss := []state.State{
		state.Walk{Path: dir},
		state.Walk{Path: dir, Depth: 1},
		state.Walk{Path: filepath.Join(dir, "d")},
		state.Walk{Path: filepath.Join(dir, "ld")},
		state.Walk{Path: filepath.Join(dir, "n")},
		state.Accounts{},
		state.Tool{Name: "sh"},
		state.User{Name: testUser},
		state.Group{Name: testGroup},
		state.Group{Name: testUser},
		state.SubIDs{User: testUser},
		state.SubIDs{User: testUser, Groups: true},
		state.File{Path: "/etc/subuid", Content: state.Ask[state.Content]()},
		state.Stat{Path: "/home/" + testUser},
		state.Walk{Path: "/home/" + testUser},
		state.File{Path: filepath.Join(dir, "f")},
		state.Tool{Name: filepath.Join(dir, "program")},
		state.Tool{Name: filepath.Join(dir, "new")},
		state.Tool{Name: filepath.Join(dir, "lf")},
	}
	for _, name := range []string{
		"old", "program", "d", "d/x", "d/sub", "d/sub/y", "lf", "ld", "ld/x", "ld/new", "ld/sub/y", "dangling",
		"new", "new/below", "n", "n/f", "e", "e/new", "link", "link/x", "d/new", "d/z", "empty", "none", ".",
	} {
		p := filepath.Join(dir, name)
		ss = append(ss,
			state.File{Path: p, Content: state.Ask[state.Content](), MTime: state.Ask[int64]()},
			state.Stat{Path: p, Checksum: "sha1"}, state.Stat{Path: p, Follow: true, Checksum: "sha256"})
	}
	got, err := h.Read(context.Background(), ss...)
	if err != nil {
		t.Fatalf("cannot probe: %v", err)
	}
	return got
}

// kept compares a prediction with what is: how much was known, and which of it is not so.
func kept(was, is state.State) (known int, broken []string) {
	for _, d := range state.Disagreement(flat(was), flat(is)) {
		broken = append(broken, fmt.Sprintf("%s was foretold as %s and is %s", d.Field, d.To, d.From))
	}
	switch w := was.(type) {
	case state.Stat:
		return keptInfo(w, is.(state.Stat))
	case state.Walk:
		return keptEntries(w, is.(state.Walk))
	case state.File:
		if w.Type.IsKnown() {
			known++
		}
	}
	return known, broken
}

// flat is s without what is compared part by part.
func flat(s state.State) state.State {
	switch s := s.(type) {
	case state.Stat:
		s.Info = state.Value[map[string]any]{}
		return s
	case state.Walk:
		s.Entries = state.Value[[]state.Entry]{}
		return s
	}
	return s
}

func keptInfo(was, is state.Stat) (known int, broken []string) {
	a, ok := was.Info.Get()
	if !ok {
		return 0, nil
	}
	b := is.Info.Or(nil)
	for k, v := range a {
		if _, unsure := v.(value.Unknown); unsure || k == "atime" { // the probes themselves read
			continue
		}
		known++
		if !reflect.DeepEqual(v, b[k]) {
			broken = append(broken, fmt.Sprintf("%s was foretold as %v and is %v", k, v, b[k]))
		}
	}
	for k, v := range b {
		if _, ok := a[k]; !ok {
			broken = append(broken, fmt.Sprintf("%s was not foretold and is %v", k, v))
		}
	}
	return known, broken
}

func keptEntries(was, is state.Walk) (known int, broken []string) {
	a, ok := was.Entries.Get()
	if !ok {
		return 0, nil
	}
	b := is.Entries.Or(nil)
	if len(a) != len(b) {
		return 0, []string{fmt.Sprintf("%d files were foretold, there are %d:\n%s\n%s", len(a), len(b), names(a), names(b))}
	}
	for i := range a {
		x, y := a[i], b[i]
		y.ATime, y.CTime = x.ATime, x.CTime
		if x.Predicted != "" {
			y.Predicted, y.MTime = x.Predicted, x.MTime
			for _, unsure := range []struct{ x, y *int64 }{{&x.Size, &y.Size}, {&x.UID, &y.UID}, {&x.GID, &y.GID}} {
				if *unsure.x == -1 {
					*unsure.y = -1
				}
			}
		}
		known++
		if x != y {
			broken = append(broken, fmt.Sprintf("foretold %+v, is %+v", x, y))
		}
	}
	return known, broken
}

func names(es []state.Entry) string {
	var ns []string
	for _, e := range es {
		ns = append(ns, e.Path)
	}
	return strings.Join(ns, " ")
}

package report

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"rp/engine/diag"
	"rp/engine/state"
	"rp/engine/value"
	"rp/engine/wire"
)

var update = flag.Bool("update", false, "write the golden files anew")

func at(line int) diag.Pos { return diag.Pos{File: "site.yml", Line: line, Col: 7} }

func text(s string) *string { return &s }

// task is a task's header and one result of it.
func task(name string, line int, e Event) []Event {
	e.Task, e.Pos, e.Module, e.Run, e.Play = name, at(line), "copy", "r1", "web"
	if e.Type == "" {
		e.Type = Result
	}
	start := Event{Type: TaskStart, Run: "r1", Play: "web", Task: name, Pos: e.Pos, Module: "copy", Role: e.Role, Handler: e.Handler}
	return []Event{start, e}
}

func recap(stats map[string]*Stats) Event {
	return Event{Type: Recap, Run: "r1", Stats: stats, Took: 1234 * time.Millisecond, Profile: &Profile{
		Wall: 1234 * time.Millisecond,
		Hosts: map[string]HostProfile{
			"web1": {RoundTrips: 3, Sent: 1200, Received: 800, Connect: 80 * time.Millisecond, HelperPushed: true},
		},
	}}
}

// scenarios are what runs report; each has a golden file with all its forms.
var scenarios = map[string][]Event{
	"changes": join(
		[]Event{{Type: RunStart, Run: "r1"}, {Type: PlayStart, Run: "r1", Play: "web", Hosts: []string{"web1", "web2"}}},
		task("a page", 3, Event{Host: "web1", Status: Changed, Result: value.DictOf("changed", true), Changes: []wire.Change{{
			Kind: "file", Name: "/srv/index.html", Status: wire.Done,
			Deltas: []state.Delta{{Field: "Content", From: "a", To: "b"}, {Field: "Mode", From: "0600", To: "0644"}},
			Before: text("one\ntwo\n"), After: text("one\nthree"),
		}}}),
		task("a user", 9, Event{Host: "web2", Status: Changed, Delegate: "db1", Result: value.DictOf("changed", true), Changes: []wire.Change{{
			Kind: "user", Name: "deploy", Status: wire.Done,
			Deltas: []state.Delta{{Field: "Present", From: "no", To: "yes"}, {Field: "Password", From: "-", To: "$6$x", Secret: true}},
			With:   []wire.Change{{Kind: "file", Name: "/home/deploy", Status: wire.Done, Deltas: []state.Delta{{Field: "Type", From: "absent", To: "directory"}}}},
		}}}),
		task("reload", 12, Event{Host: "web1", Role: "nginx", Handler: true, Status: Changed, Changes: []wire.Change{
			{Kind: "unit", Name: "nginx reloaded", Event: true, Status: wire.Done},
		}}),
		[]Event{recap(map[string]*Stats{"web1": {OK: 2, Changed: 2}, "web2": {OK: 1, Changed: 1}})},
	),
	"failures": join(
		[]Event{{Type: PlayStart, Run: "r1", Play: "web", Hosts: []string{"web1", "web2", "web3"}}},
		task("a command", 3, Event{Host: "web1", Status: Failed, Msg: "non-zero return code", Result: value.DictOf(
			"rc", int64(1), "stdout", "", "stderr", "cp: \x1b[31mno such file\x1b[0m\r\nsecond line",
		)}),
		[]Event{
			{Type: Result, Host: "web2", Task: "a command", Pos: at(3), Status: Unreachable, Msg: "cannot connect to web2: timeout"},
			{Type: Retry, Host: "web3", Task: "a command", Pos: at(3), Left: 2},
			{Type: Result, Host: "web3", Task: "a command", Pos: at(3), Status: Ignored, Msg: "non-zero return code"},
		},
		task("a secret thing", 8, Event{Host: "web3", Status: Failed, NoLog: true, Msg: "", Result: value.DictOf("stdout", "s3cr3t")}),
		[]Event{
			{Type: Warning, Pos: at(1), Msg: "old syntax"},
			{Type: NoMoreHosts},
			recap(map[string]*Stats{"web1": {Failed: 1}, "web2": {Unreachable: 1}, "web3": {OK: 1, Failed: 1, Ignored: 1}}),
		},
	),
	"unknown": join(
		[]Event{{Type: PlayStart, Run: "r1", Play: "web", Hosts: []string{"web1"}}},
		task("restart", 3, Event{Host: "web1", Status: May, After: "a page", Result: value.Unknown{After: "a page"}}),
		task("the unit", 5, Event{Host: "web1", Status: Changed, After: "the package", Changes: []wire.Change{{
			Kind: "unit", Name: "nginx.service", Status: wire.Predicted,
			Deltas: []state.Delta{{Field: "Enabled", From: "(unknown)", To: "yes", Maybe: true}},
		}, {Kind: "file", Name: "/etc/x", Status: wire.MayChange, Deltas: []state.Delta{{Field: "Mode", From: "0600", To: "0644"}}}}}),
		task("look", 7, Event{Host: "web1", Status: Changed, Real: true}),
		[]Event{recap(map[string]*Stats{"web1": {OK: 3, Changed: 2, May: 1}})},
	),
	"loops": join(
		[]Event{{Type: PlayStart, Run: "r1", Play: "web", Hosts: []string{"web1"}}},
		task("files", 3, Event{Type: ItemResult, Host: "web1", Item: "a", HasItem: true, Status: OK, Result: value.DictOf("changed", false)}),
		[]Event{
			{Type: ItemResult, Host: "web1", Task: "files", Pos: at(3), Item: "b\x07", HasItem: true, Status: Skipped},
			{Type: Result, Host: "web1", Task: "files", Pos: at(3), HasItem: true, Status: OK, Result: value.DictOf("results", value.NewList())},
		},
		task("say", 5, Event{Host: "web1", Status: OK, Print: value.DictOf("msg", "wörld 世界", "n", int64(3)), Warnings: []string{"careful"}}),
		task("say text", 6, Event{Host: "web1", Status: OK, Print: "two\nlines"}),
		[]Event{{Type: NoHosts, Play: "db"}, recap(map[string]*Stats{"web1": {OK: 3, Skipped: 1}})},
	),
}

func join(parts ...[]Event) []Event {
	var all []Event
	for _, p := range parts {
		all = append(all, p...)
	}
	return all
}

// forms are the ways to show a scenario.
var forms = []struct {
	name string
	show func(events []Event) string
}{
	{"text", func(es []Event) string { return plainly(Text{}, es) }},
	{"text -v --profile", func(es []Event) string { return plainly(Text{Verbosity: 1, Profile: true}, es) }},
	{"text --check --diff -vv", func(es []Event) string { return plainly(Text{Check: true, Diff: true, Verbosity: 2}, es) }},
	{"text --diff --color=always", func(es []Event) string {
		return strings.ReplaceAll(plainly(Text{Diff: true, Colour: true}, es), "\x1b", "ESC")
	}},
	{"json", func(es []Event) string {
		var b bytes.Buffer
		for _, e := range es {
			(&JSON{Out: &b}).Emit(e)
		}
		return b.String()
	}},
}

// plainly is what t writes to stdout, and behind "stderr: " what it writes there.
func plainly(t Text, es []Event) string {
	var out bytes.Buffer
	t.Out, t.Err = &out, marked{&out}
	for _, e := range es {
		t.Emit(e)
	}
	return out.String()
}

type marked struct{ b *bytes.Buffer }

func (m marked) Write(p []byte) (int, error) {
	m.b.WriteString("stderr: " + string(p))
	return len(p), nil
}

func TestForms(t *testing.T) {
	for name, events := range scenarios {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join("testdata", name+".txtar")
			var got txtar.Archive
			for _, f := range forms {
				got.Files = append(got.Files, txtar.File{Name: f.name, Data: []byte(f.show(events))})
			}
			if *update {
				if err := os.WriteFile(file, txtar.Format(&got), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(string(want), string(txtar.Format(&got))); d != "" {
				t.Errorf("%s differs (-want +got); -update writes it anew:\n%s", file, d)
			}
		})
	}
}

package modules_test

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/pmezard/go-difflib/difflib"
	"github.com/rogpeppe/go-internal/txtar"
	"gopkg.in/yaml.v3"

	"rp/engine/host"
	"rp/engine/state"
	"rp/engine/value"
	"rp/engine/wire"
	"rp/modules"
	"rp/modules/moduletest"
)

var update = flag.Bool("update", false, "write the golden files anew")

// golden is one file of testdata: a host, tasks that are run on it one after the
// other, and what they change and give. They are run a second time, which must
// change nothing except for tasks with "event: true"; and before both in a dry
// run, which must announce every change that the run then makes.
type golden struct {
	host    goldenHost
	tasks   []goldenTask
	control *moduletest.Control
}

type goldenTask struct {
	Module string
	Args   map[string]any
	Event  bool // reported changed each time
	Sight  bool // the dry run cannot tell: an earlier event decides
}

type goldenHost struct {
	Files map[string]string
	Dirs  []string
	Links map[string]string
	Users map[string]struct {
		UID         int64
		Home, Shell string
	}
	Packages  map[string]string
	Sysctls   map[string]string
	Units     map[string]struct{ Enabled, Active, Masked bool }
	Guards    map[string]int
	Downloads map[string]string
	HTTP      map[string]map[string]any
	Ports     map[string]bool
	Archives  map[string]map[string]string
	SubIDs    map[string][]int64
	Outcomes  map[string]map[string]any
	Facts     map[string]any
	Manager   string
	Service   string
	UID       *int64
}

func (h goldenHost) machine() *moduletest.Machine {
	m := moduletest.New()
	for _, d := range h.Dirs {
		m.Dir(d)
	}
	for p, text := range h.Files {
		m.File(p, text)
	}
	for p, target := range h.Links {
		m.Put(state.File{Path: p, Type: state.Is(state.Link), Target: state.Is(target), Owner: state.Is("root"), Group: state.Is("root"), Mode: state.Is(state.Mode(0o777))})
	}
	for n, u := range h.Users {
		m.User(n, u.UID, u.Home, u.Shell)
	}
	for n, v := range h.Packages {
		m.Put(state.Package{Name: n, Present: state.Is(true), Version: state.Is(state.Version(v))})
	}
	for n, v := range h.Sysctls {
		m.Put(state.Sysctl{Name: n, Present: state.Is(true), Value: state.Is(v)})
	}
	for n, u := range h.Units {
		unit := state.Unit{Name: n, Present: state.Is(true), Enabled: state.Is(u.Enabled), Active: state.Is(u.Active), Masked: state.Is(u.Masked)}
		if name, user, ok := strings.Cut(n, " of "); ok {
			unit.Name, unit.Scope, unit.User = name, state.UserScope, user
		}
		m.Put(unit)
	}
	m.Effects = func(m *moduletest.Machine, e state.Event) {
		if c, ok := e.(state.Command); ok && c.Argv[0] == "ln" {
			src, dest := c.Argv[len(c.Argv)-2], c.Argv[len(c.Argv)-1]
			f := m.States[state.Key{Kind: "file", Name: src}].(state.File)
			f.Path = dest
			m.Put(f)
			m.Hard = map[string]string{dest: src}
		}
	}
	h.answers(m)
	return m
}

func (h goldenHost) answers(m *moduletest.Machine) {
	for cmd, rc := range h.Guards {
		m.Answer(state.Guard{Command: state.Command{Argv: []string{cmd}, Shell: true}, RC: state.Is(rc)})
	}
	for u, text := range h.Downloads {
		d := state.Download{URL: u, Content: state.Is(state.Text(text)), Info: state.Is(map[string]any{"status": int64(200), "url": u, "msg": "OK"})}
		if text == "404" {
			d.Content, d.Info = state.Is(state.Text("")), state.Is(map[string]any{"status": int64(404), "url": u, "msg": "Not Found"})
		}
		m.Answer(d)
	}
	for u, a := range h.HTTP {
		m.Answer(state.HTTP{Request: state.HTTPRequest{URL: u}, Answer: state.Is(a)})
	}
	for p, open := range h.Ports {
		m.Answer(state.Port{Host: p, Open: state.Is(open)})
	}
	for u, r := range h.SubIDs {
		m.Answer(state.SubIDs{User: u, Ranges: state.Is([]state.SubRange{{Start: r[0], Count: r[1]}})})
	}
	for p, members := range h.Archives {
		m.Answer(archive(p, members))
	}
	for k, fields := range h.Outcomes {
		kind, name, _ := strings.Cut(k, " ")
		m.Outcomes[state.Key{Kind: kind, Name: name}] = state.Outcome{Failed: fmt.Sprint(fields["rc"]) != "0" && fields["rc"] != nil, Fields: fields}
	}
	if h.Facts != nil {
		m.Answer(state.Facts{Info: state.Is(h.Facts)})
	}
	if h.Manager != "" {
		m.System.PackageManager = state.Is(h.Manager)
	}
	if h.Service != "" {
		m.System.ServiceManager = state.Is(h.Service)
	}
	if h.UID != nil {
		m.System.UID, m.System.User, m.System.Home = state.Is(*h.UID), state.Is("me"), state.Is("/home/me")
	}
}

// archive is a tar archive whose members are named with their text: a name with / at its end is a
// directory, a text that begins with -> is a link's.
func archive(p string, members map[string]string) state.Archive {
	es := []state.ArchiveEntry{}
	for _, name := range slices.Sorted(maps.Keys(members)) {
		e := state.ArchiveEntry{Name: strings.TrimSuffix(name, "/"), Type: state.Regular, Mode: 0o755, Owner: "builder", UID: 1001, GID: 1001, Content: state.Text(members[name])}
		if target, ok := strings.CutPrefix(members[name], "->"); ok {
			e.Type, e.Target, e.Content = state.Link, target, state.Content{}
		} else if strings.HasSuffix(name, "/") {
			e.Type, e.Content = state.Directory, state.Content{}
		}
		es = append(es, e)
	}
	format := "tar"
	if len(members) == 0 {
		format = ""
	}
	return state.Archive{Source: state.Content{From: "path:" + p}, Format: state.Is(format), Entries: state.Is(es)}
}

func load(t *testing.T, a *txtar.Archive) golden {
	t.Helper()
	g := golden{control: &moduletest.Control{Files: fstest.MapFS{}, Vars: map[string]any{"inventory_hostname": "web1", "yes": true, "no": false}}}
	for _, f := range a.Files {
		var err error
		switch name, isControl := strings.CutPrefix(f.Name, "control/"); {
		case isControl:
			g.control.Files[name] = &fstest.MapFile{Data: f.Data, Mode: 0o640}
		case f.Name == "host.yml":
			d := yaml.NewDecoder(bytes.NewReader(f.Data))
			d.KnownFields(true)
			err = d.Decode(&g.host)
		case f.Name == "vars.yml":
			err = yaml.Unmarshal(f.Data, &g.control.Vars)
		case f.Name == "tasks.yml":
			g.tasks, err = tasksOf(f.Data)
		}
		if err != nil {
			t.Fatalf("%s: %v", f.Name, err)
		}
	}
	return g
}

func tasksOf(data []byte) ([]goldenTask, error) {
	var list []map[string]any
	if err := yaml.Unmarshal(data, &list); err != nil {
		return nil, err
	}
	var tasks []goldenTask
	for _, m := range list {
		var t goldenTask
		t.Event, _ = m["event"].(bool)
		t.Sight, _ = m["sight"].(bool)
		delete(m, "event")
		delete(m, "sight")
		for name, args := range m {
			t.Module = name
			if text, ok := args.(string); ok {
				spec, _ := modules.Find(name)
				args = map[string]any{spec.FreeForm: text}
			}
			t.Args, _ = args.(map[string]any)
		}
		tasks = append(tasks, t)
	}
	return tasks, nil
}

func TestGolden(t *testing.T) {
	modules.SetClock(t, time.Date(2024, 5, 6, 7, 8, 9, 0, time.UTC))
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no golden files: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			a, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			g := load(t, a)
			m := g.host.machine()
			before := maps.Clone(m.States)
			predicted := g.predict(t, m)
			if !maps.EqualFunc(before, m.States, func(a, b state.State) bool { return fmt.Sprint(a) == fmt.Sprint(b) }) || len(m.Done) > 0 {
				t.Error("the dry run touched the machine")
			}
			got := g.run(t, m, predicted)
			setOrCompare(t, file, a, got)
		})
	}
}

func setOrCompare(t *testing.T, file string, a *txtar.Archive, got string) {
	t.Helper()
	i := slices.IndexFunc(a.Files, func(f txtar.File) bool { return f.Name == "want" })
	if i < 0 {
		i = len(a.Files)
		a.Files = append(a.Files, txtar.File{Name: "want"})
	}
	if *update {
		a.Files[i].Data = []byte(got)
		if err := os.WriteFile(file, txtar.Format(a), 0o644); err != nil { //nolint:gosec // test data
			t.Fatal(err)
		}
		return
	}
	if want := string(a.Files[i].Data); got != want {
		t.Errorf("differs (run with -update to accept):\n%s", unified(want, got))
	}
}

func unified(a, b string) string {
	text, _ := difflib.GetUnifiedDiffString(difflib.UnifiedDiff{A: difflib.SplitLines(a), B: difflib.SplitLines(b), Context: 2})
	return strings.ReplaceAll(text, "\r", "\\r")
}

// predict runs all tasks in a dry run and gives, task by task, what is announced; nil where it cannot tell.
func (g golden) predict(t *testing.T, m *moduletest.Machine) []map[string]bool {
	t.Helper()
	mem := host.NewMemory()
	var out []map[string]bool
	for _, task := range g.tasks {
		r, err := moduletest.Run(context.Background(), modules.Find, mem.View(m, "the task", false), g.control, task.Module, task.Args)
		if err != nil || r.Unknown || task.Sight {
			out = append(out, nil)
			continue
		}
		announced := map[string]bool{}
		if r.Failed {
			announced["failed: "+r.Msg] = true
		}
		for _, c := range r.Changes {
			note(announced, c)
		}
		out = append(out, announced)
	}
	return out
}

func note(seen map[string]bool, c wire.Change) {
	seen[c.Kind+" "+c.Name] = true
	for _, w := range c.With {
		note(seen, w)
	}
}

func (g golden) run(t *testing.T, m *moduletest.Machine, predicted []map[string]bool) string {
	t.Helper()
	var b strings.Builder
	for i, task := range g.tasks {
		fmt.Fprintf(&b, "%d. %s: ", i+1, task.Module)
		r, err := moduletest.Run(context.Background(), modules.Find, m, g.control, task.Module, task.Args)
		if err != nil {
			fmt.Fprintf(&b, "refused: %v\n", err)
			continue
		}
		b.WriteString(status(r))
		for _, c := range r.Changes {
			if predicted[i] != nil && !r.Failed && !predicted[i][c.Kind+" "+c.Name] {
				t.Errorf("task %d (%s): the dry run announced %v and not %s %s", i+1, task.Module, slices.Sorted(maps.Keys(predicted[i])), c.Kind, c.Name)
			}
			show(&b, c)
		}
		for _, w := range r.Warnings {
			fmt.Fprintf(&b, "   warning: %s\n", w)
		}
		if !r.Failed {
			fmt.Fprintf(&b, "   result: %s\n", resultText(t, r))
			g.again(t, m, i)
		}
	}
	return b.String()
}

func status(r moduletest.Ran) string {
	switch {
	case r.Failed:
		return "failed: " + r.Msg + "\n"
	case r.Skipped:
		return "skipped\n"
	case r.Changed:
		return "changed\n"
	}
	return "ok\n"
}

func show(b *strings.Builder, c wire.Change) {
	if c.Event {
		fmt.Fprintf(b, "   does %s %s\n", c.Kind, c.Name)
		return
	}
	fmt.Fprintf(b, "   %s %s\n", c.Kind, c.Name)
	for _, d := range c.Deltas {
		if d.Field != "Content" || d.Secret {
			fmt.Fprintf(b, "      %s: %s → %s\n", strings.ToLower(d.Field), d.From, d.To)
		}
	}
	if c.Before != nil && c.After != nil {
		for l := range strings.Lines(unified(*c.Before, *c.After)) {
			if !strings.HasPrefix(l, "@@") && strings.TrimSpace(l) != "---" && strings.TrimSpace(l) != "+++" {
				b.WriteString("      " + strings.TrimRight(l, "\n") + "\n")
			}
		}
	}
}

func resultText(t *testing.T, r moduletest.Ran) string {
	t.Helper()
	fields := map[string]any{}
	for k, v := range r.Fields {
		if v != nil && k != "changed" {
			fields[k] = v
		}
	}
	text, err := value.Encode(fields)
	if err != nil {
		t.Errorf("the result cannot be sent: %v", err)
	}
	var sorted any
	if json.Unmarshal(text, &sorted) == nil {
		text, _ = json.Marshal(sorted)
	}
	return strings.ReplaceAll(string(text), `\u0000`, "~")
}

// again runs a task that went well once more: law 3.
func (g golden) again(t *testing.T, m *moduletest.Machine, i int) {
	t.Helper()
	task := g.tasks[i]
	r, err := moduletest.Run(context.Background(), modules.Find, m, g.control, task.Module, task.Args)
	if err != nil || r.Failed {
		t.Errorf("task %d (%s) fails in a second run: %v %s", i+1, task.Module, err, r.Msg)
		return
	}
	if r.Changed == task.Event {
		return
	}
	var b strings.Builder
	for _, c := range r.Changes {
		show(&b, c)
	}
	t.Errorf("task %d (%s): changed is %t in a second run:\n%s", i+1, task.Module, r.Changed, b.String())
}

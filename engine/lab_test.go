package engine_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/txtar"

	"rp/engine"
	"rp/engine/diag"
	"rp/engine/helper"
	"rp/engine/jinja"
	"rp/engine/module"
	"rp/engine/play"
	"rp/engine/report"
	"rp/engine/value"
	"rp/inventory"
	"rp/modules"
)

// lab is a directory with a playbook and an inventory, and hosts that are
// helpers in this process: each with a lock, a journal and a directory of its
// own ({{ here }}) on this machine, reached over pipes.
type lab struct {
	t    *testing.T
	dir  string
	fake map[string]*module.Spec
	// set changes the configuration before a run.
	set func(*engine.Config)
	// unreachable hosts cannot be connected to; links are those that were.
	unreachable map[string]bool
	stop        chan struct{}
	// lock is that of all hosts; empty, each has its own.
	lock string
	ctx  context.Context

	mu    sync.Mutex
	links map[string][]*link
	log   []string
}

// link is one helper's streams, which a test may cut.
type link struct {
	toHelper   *io.PipeWriter
	fromHelper *io.PipeReader
	ended      chan struct{}
}

func (l *link) cut() {
	_ = l.toHelper.CloseWithError(io.EOF)
	_ = l.fromHelper.CloseWithError(errors.New("the cable was pulled"))
}

var runs atomic.Int64

// newLab unpacks archive, a txtar, into a directory. A file "hosts" that is missing names one host, a.
func newLab(t *testing.T, archive string) *lab {
	t.Helper()
	l := &lab{t: t, dir: t.TempDir(), unreachable: map[string]bool{}, links: map[string][]*link{}, ctx: t.Context()}
	ar := txtar.Parse([]byte(archive))
	if !slices.ContainsFunc(ar.Files, func(f txtar.File) bool { return f.Name == "hosts" }) {
		ar.Files = append(ar.Files, txtar.File{Name: "hosts", Data: []byte("a\n")})
	}
	for _, f := range ar.Files {
		path := filepath.Join(l.dir, f.Name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, f.Data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return l
}

// find looks a module up among the test's own and then among rp's.
func (l *lab) find(name string) (*module.Spec, bool) {
	if s, ok := l.fake[name]; ok {
		return s, true
	}
	return modules.Find(name)
}

// note adds a line to what happened, in order.
func (l *lab) note(format string, args ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.log = append(l.log, fmt.Sprintf(format, args...))
}

func (l *lab) noted() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.log)
}

// on is the directory of a host.
func (l *lab) on(host string, names ...string) string {
	return filepath.Join(append([]string{l.dir, "on", host}, names...)...)
}

// connect starts a host's helper in this process.
func (l *lab) connect(_ context.Context, h *inventory.Host, _ inventory.Connection, hello []byte) (engine.Link, error) {
	if l.unreachable[h.Name] {
		return engine.Link{}, errors.New("no route to host")
	}
	inR, inW := io.Pipe()
	outR, outW := io.Pipe()
	lock := l.lock
	if lock == "" {
		lock = "@rp.test" + l.dir + "/" + h.Name
	}
	k := &link{toHelper: inW, fromHelper: outR, ended: make(chan struct{})}
	l.mu.Lock()
	l.links[h.Name] = append(l.links[h.Name], k)
	l.mu.Unlock()
	go func() {
		defer close(k.ended)
		err := helper.Serve(inR, outW, helper.Options{
			Find: l.find, JournalDir: l.on(h.Name, ".journal"), Lock: lock,
		})
		_ = inR.Close()
		_ = outW.CloseWithError(errors.Join(err, io.EOF))
	}()
	if _, err := inW.Write(hello); err != nil {
		return engine.Link{}, err
	}
	return engine.Link{In: inW, Out: outR, Close: func() {
		_ = inW.Close()
		select {
		case <-k.ended:
		case <-time.After(5 * time.Second):
		}
	}}, nil
}

// outcome is how a run ended.
type outcome struct {
	engine.Summary
	text   string
	events []report.Event
	id     string
}

// run runs play.yml on hosts.
func (l *lab) run() outcome {
	l.t.Helper()
	c, sink, err := l.config()
	if err != nil {
		l.t.Fatal(err)
	}
	stop := l.stop
	if stop == nil {
		stop = make(chan struct{})
	}
	ctx, cancel := context.WithTimeout(l.ctx, 60*time.Second)
	defer cancel()
	o := outcome{Summary: engine.Run(ctx, c, stop), id: c.ID, events: sink.all}
	if ctx.Err() != nil && l.ctx.Err() == nil {
		l.t.Fatalf("the run hung; so far:\n%.3000s", sink.String())
	}
	o.text = sink.String()
	return o
}

func (l *lab) config() (engine.Config, *transcript, error) {
	inv, ds := inventory.Load(l.ctx, []string{filepath.Join(l.dir, "hosts")}, inventory.Options{})
	if ds.Failed() {
		return engine.Config{}, nil, ds.Err()
	}
	for _, h := range inv.Hosts() {
		if err := os.MkdirAll(l.on(h.Name), 0o755); err != nil {
			return engine.Config{}, nil, err
		}
	}
	extra := value.DictOf("lab", l.dir, "here", value.Template{Source: filepath.Join(l.dir, "on") + "/{{ inventory_hostname }}"})
	sink := &transcript{dir: l.dir}
	c := engine.Config{
		ID: fmt.Sprintf("test-%d-%d", os.Getpid(), runs.Add(1)), Inventory: inv, ExtraVars: extra,
		Find: l.find, Connect: l.connect, Sink: sink, User: "tester",
		Become: engine.BecomeFlags{User: "root", Method: "sudo"},
	}
	if l.set != nil {
		l.set(&c)
	}
	env := engine.NewEnv(engine.EnvOptions{Check: c.Check, Inventory: inv})
	c.Env = env
	c.Loader = &play.Loader{Modules: table{l}, Static: func(t value.Template, vars []*value.Dict) (any, error) {
		known := jinja.MapVars{}
		for _, d := range append(vars, extra) {
			if d != nil {
				for k, v := range d.All() {
					known[fmt.Sprint(k)] = v
				}
			}
		}
		return jinja.Render(context.Background(), env, known, t)
	}}
	var pb *play.Playbook
	pb, ds = c.Loader.Load(filepath.Join(l.dir, "play.yml"))
	c.Playbook = pb
	return c, sink, ds.Err()
}

// table is the modules as the loader sees them.
type table struct{ l *lab }

func (t table) Find(name string) (play.Module, bool) {
	spec, ok := t.l.find(name)
	if !ok {
		return play.Module{}, false
	}
	m := play.Module{Name: spec.Name, FreeForm: spec.FreeForm}
	if spec.FreeForm == "cmd" {
		for _, a := range spec.Args {
			if a.Name != spec.FreeForm {
				m.TextOptions = append(append(m.TextOptions, a.Name), a.Aliases...)
			}
		}
	}
	return m, true
}

func (t table) Names() []string {
	return append(slices.Sorted(maps.Keys(t.l.fake)), modules.Names()...)
}

func (t table) Check(string, *value.Dict, func(string) diag.Pos, diag.Pos) diag.List { return nil }

// transcript writes events as short lines, one a result.
type transcript struct {
	dir string
	mu  sync.Mutex
	out bytes.Buffer
	all []report.Event
}

func (s *transcript) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return byHost(strings.ReplaceAll(s.out.String(), s.dir, "DIR"))
}

// byHost orders the lines below each header by their hosts, whose order is theirs.
func byHost(text string) string {
	var out, block []string
	host := func(line string) string { return strings.Fields(line)[0] }
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, "  ") {
			block = append(block, line)
			continue
		}
		slices.SortStableFunc(block, func(a, b string) int { return strings.Compare(host(a), host(b)) })
		out, block = append(append(out, block...), line), nil
	}
	return strings.Join(append(out, block...), "")
}

func (s *transcript) Emit(e report.Event) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.all = append(s.all, e)
	name := e.Task
	if e.Role != "" {
		name = e.Role + " : " + name
	}
	switch e.Type {
	case report.PlayStart:
		fmt.Fprintf(&s.out, "PLAY %s\n", e.Play)
	case report.TaskStart:
		word := "TASK"
		if e.Handler {
			word = "HANDLER"
		}
		fmt.Fprintf(&s.out, "%s %s\n", word, name)
	case report.NoHosts, report.NoMoreHosts:
		fmt.Fprintln(&s.out, strings.ToUpper(string(e.Type)))
	case report.Retry:
		fmt.Fprintf(&s.out, "  %s retrying, %d left\n", e.Host, e.Left)
	case report.Warning:
		fmt.Fprintf(&s.out, "WARNING %s\n", e.Msg)
	case report.ItemResult, report.Result:
		s.result(e)
	case report.Recap:
		for _, h := range slices.Sorted(maps.Keys(e.Stats)) {
			fmt.Fprintf(&s.out, "RECAP %s%s\n", h, counts(*e.Stats[h]))
		}
	}
}

func (s *transcript) result(e report.Event) {
	fmt.Fprintf(&s.out, "  %s", e.Host)
	if e.Delegate != "" {
		fmt.Fprintf(&s.out, " -> %s", e.Delegate)
	}
	if e.Type == report.ItemResult {
		fmt.Fprintf(&s.out, " (%s)", e.Item)
	}
	fmt.Fprintf(&s.out, " %s", e.Status)
	switch {
	case e.NoLog:
		fmt.Fprint(&s.out, " (no_log)")
	case e.Print != nil:
		fmt.Fprintf(&s.out, ": %s", jinja.Repr(firstValue(e.Print)))
	case e.After != "":
		fmt.Fprintf(&s.out, " after %q", e.After)
	case e.Status == report.Failed || e.Status == report.Ignored || e.Status == report.Rescued || e.Status == report.Unreachable:
		fmt.Fprintf(&s.out, ": %s", strings.ReplaceAll(e.Msg, "\n", "\\n"))
	}
	for _, w := range e.Warnings {
		fmt.Fprintf(&s.out, " [warning: %s]", w)
	}
	fmt.Fprintln(&s.out)
}

// firstValue is what debug printed, without the name before it.
func firstValue(v any) any { return v }

// counts are the statistics that are not zero.
func counts(st report.Stats) string {
	var b strings.Builder
	for _, f := range []struct {
		name string
		n    int
	}{
		{"ok", st.OK},
		{"changed", st.Changed},
		{"unreachable", st.Unreachable},
		{"failed", st.Failed},
		{"skipped", st.Skipped},
		{"rescued", st.Rescued},
		{"ignored", st.Ignored},
		{"may", st.May},
	} {
		if f.n > 0 {
			fmt.Fprintf(&b, " %s=%d", f.name, f.n)
		}
	}
	return b.String()
}

// write makes a file on a host.
func (l *lab) write(path, text string) {
	l.t.Helper()
	if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(text), 0o644)); err != nil {
		l.t.Fatal(err)
	}
}

func (l *lab) read(path string) string {
	b, err := os.ReadFile(path)
	if err != nil {
		return "(" + errors.Unwrap(err).Error() + ")"
	}
	return string(b)
}

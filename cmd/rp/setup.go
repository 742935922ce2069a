package main

import (
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"os"
	"os/user"
	"strings"
	"sync"
	"time"

	"golang.org/x/term"

	"rp/engine"
	"rp/engine/diag"
	"rp/engine/jinja"
	"rp/engine/play"
	"rp/engine/report"
	"rp/engine/value"
	"rp/engine/vars"
	"rp/inventory"
	"rp/modules"
)

// setup is what a command that works on hosts has made before it begins.
type setup struct {
	f      *flags
	inv    *inventory.Inventory
	limit  *inventory.Limit
	extra  *value.Dict
	env    *jinja.Env
	loader *play.Loader
	masker *vars.Masker
	conn   *connector
	sink   report.Sink
}

// masked hides secrets in what is written to w. Each Write is looked at by itself,
// so nothing is held back and whoever writes gives whole lines.
type masked struct {
	masker *vars.Masker
	w      io.Writer
}

func (m masked) Write(p []byte) (int, error) {
	if _, err := io.WriteString(m.w, m.masker.Mask(string(p))); err != nil {
		return 0, err
	}
	return len(p), nil
}

// printDiagnostics writes ds to stderr and gives the exit code for them, or nil.
func (s *setup) printDiagnostics(ds diag.List) error {
	if len(ds) == 0 {
		return nil
	}
	ds.Sort()
	ds.Print(os.Stderr, s.f.useColour(term.IsTerminal(int(os.Stderr.Fd()))), nil) //nolint:gosec // a file descriptor
	if ds.Failed() {
		return exitCode(engine.ExitUsage)
	}
	return nil
}

// newSetup reads the inventory and the extra variables, and makes what evaluates and reports.
func newSetup(ctx context.Context, f *flags) (*setup, error) {
	if err := f.valid(); err != nil {
		return nil, err
	}
	s := &setup{f: f, masker: &vars.Masker{}}
	var ds diag.List
	s.inv, ds = inventory.Load(ctx, f.inventory, inventory.Options{})
	if len(f.inventory) == 0 { // no inventory: this machine, without SSH
		_, _, more := s.inv.AddHost("localhost", value.DictOf("ansible_connection", inventory.Local), nil)
		ds = append(ds, more...)
	}
	extra, eds := vars.ParseExtra(f.extraVars, inventory.Options{})
	limit, lds := inventory.ParseLimit(f.limit)
	s.extra, s.limit = extra, limit
	if f.limit != "" && !lds.Failed() && !ds.Failed() {
		lds = append(lds, s.emptyLimit()...)
	}
	if err := s.printDiagnostics(append(append(ds, eds...), lds...)); err != nil {
		return nil, err
	}
	s.env = engine.NewEnv(engine.EnvOptions{Check: f.check, Inventory: s.inv})
	s.loader = &play.Loader{
		Modules: table{}, Static: s.static, Lookup: engine.HasLoop,
		CheckExpr: checkExpr, CheckTemplate: checkTemplate,
	}
	return s, nil
}

// emptyLimit says that --limit leaves no host at all; Ansible ends there too.
func (s *setup) emptyLimit() diag.List {
	hosts, ds := s.inv.Select([]string{"all", "localhost"}, s.limit)
	if len(hosts) == 0 {
		ds.Errorf(diag.Pos{File: "--limit"}, "%q leaves no hosts", s.f.limit)
	}
	return ds
}

// static evaluates what must be known at load with what is known then.
func (s *setup) static(t value.Template, layers []*value.Dict) (any, error) {
	return jinja.Render(context.Background(), s.env, s.known(layers), t)
}

// known are layers, a later one winning, and the extra variables above them.
func (s *setup) known(layers []*value.Dict) jinja.MapVars {
	known := jinja.MapVars{}
	for _, d := range append(layers, s.extra) {
		if d == nil {
			continue
		}
		for k, v := range d.All() {
			if name, ok := k.(string); ok {
				known[name] = v
			}
		}
	}
	return known
}

// newSink makes what reports: see the rules at the top of report/text.go.
func (s *setup) newSink() report.Sink {
	out, errOut := masked{s.masker, os.Stdout}, masked{s.masker, os.Stderr}
	if s.f.output == "json" {
		return &report.JSON{Out: out}
	}
	terminal := term.IsTerminal(int(os.Stdout.Fd())) //nolint:gosec // a file descriptor
	text := report.Text{
		Out: out, Err: errOut, Colour: s.f.useColour(terminal),
		Diff: s.f.diff, Check: s.f.check, Verbosity: s.f.verbosity, Profile: s.f.profile,
	}
	if width, _ := terminalSize(); terminal && width > 0 {
		text.Width = min(width, 79)
	}
	if !s.f.wantsLive(terminal) {
		return &text
	}
	live := report.NewLive(text, report.LiveOptions{Out: out, Err: errOut, Size: terminalSize, Mask: s.masker.Mask})
	console.live.Store(live)
	return live
}

// closeSink ends the live view: what is written from here on follows the report.
func (s *setup) closeSink() {
	if l, ok := s.sink.(*report.Live); ok {
		l.Close()
	}
}

// close ends what connect made.
func (s *setup) close() {
	s.closeSink()
	s.conn.close()
}

// connect makes what reports and the connector, asking for passwords.
func (s *setup) connect() error {
	s.sink = s.newSink()
	var once sync.Mutex
	warn := func(text string) {
		once.Lock()
		defer once.Unlock()
		s.sink.Emit(report.Event{Type: report.Warning, Msg: text})
	}
	c, err := newConnector(s.f, warn)
	if err != nil {
		return err
	}
	if c.password != "" {
		s.masker.AddText(c.password)
	}
	s.conn = c
	return nil
}

// table is the table of modules as the loader sees it.
type table struct{}

// Find implements [play.Modules].
func (table) Find(name string) (play.Module, bool) {
	spec, ok := modules.Find(name)
	if !ok {
		return play.Module{}, false
	}
	m := play.Module{Name: spec.Name, FreeForm: spec.FreeForm}
	if spec.FreeForm == "cmd" || spec.FreeForm == "_raw_params" {
		for _, a := range spec.Args {
			if a.Name != spec.FreeForm {
				m.TextOptions = append(append(m.TextOptions, a.Name), a.Aliases...)
			}
		}
	}
	return m, true
}

// Names implements [play.Modules].
func (table) Names() []string { return modules.Names() }

// Check implements [play.Modules].
func (table) Check(name string, args *value.Dict, argPos func(string) diag.Pos, pos diag.Pos) diag.List {
	var ds diag.List
	spec, ok := modules.Find(name)
	if !ok {
		return nil
	}
	_, problems := spec.Bind("", args, true)
	for _, p := range problems {
		at := pos
		if p.Arg != "" {
			at = argPos(p.Arg)
		}
		d := ds.Errorf(at, "%s", p.Message)
		if p.Hint != "" {
			d.Hintf("%s", p.Hint)
		}
	}
	return ds
}

// newRunID names a run: when it began, and something that tells it from others of that second.
func newRunID() string {
	return time.Now().UTC().Format("20060102-150405-") + strings.ToLower(rand.Text()[:6])
}

// whoami is who runs rp and where, for a host's lock.
func whoami() string {
	name := os.Getenv("USER")
	if u, err := user.Current(); err == nil {
		name = u.Username
	}
	host, err := os.Hostname()
	if err != nil {
		return name
	}
	return fmt.Sprintf("%s@%s", name, host)
}

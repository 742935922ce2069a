//go:build e2e

package e2e

import (
	"bytes"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"

	"rp/e2e/laws"
)

// lawRun is one playbook under the four laws on the script's hosts.
type lawRun struct {
	ts         *testscript.TestScript
	exceptions laws.Exceptions
	args       []string // of rp run: the playbook, and what follows it
	broken     []string
	partial    bool
	snaps      int
	runs       int
}

// laws [-laws 1234] [-except FILE] [-partial] PLAYBOOK [ARGS OF RP RUN]: holds the four laws over a playbook on all
// hosts that the script has. -except names more exceptions, for what the playbook's own commands do; -partial says
// that undo has to leave something, such as a home with somebody's files in it.
func cmdLaws(ts *testscript.TestScript, neg bool, args []string) {
	fl := flag.NewFlagSet("laws", flag.ContinueOnError)
	fl.SetOutput(io.Discard)
	which := fl.String("laws", "1234", "the laws to hold")
	except := fl.String("except", "", "a file of more exceptions")
	partial := fl.Bool("partial", false, "undo has to leave something, and say so by its exit status")
	if err := fl.Parse(args); err != nil || neg || fl.NArg() == 0 {
		ts.Fatalf("usage: laws [-laws 1234] [-except FILE] [-partial] PLAYBOOK [ARGS...] (%v)", err)
	}
	es, err := laws.ReadExceptions(filepath.Join(root, "e2e", "exceptions.txt"))
	ts.Check(err)
	if *except != "" {
		more, err := laws.ReadExceptions(ts.MkAbs(*except))
		ts.Check(err)
		es = append(es, more...)
	}
	r := &lawRun{ts: ts, exceptions: es, args: fl.Args(), partial: *partial}
	r.hold(*which)
	if len(r.broken) > 0 {
		ts.Fatalf("laws broken:\n%s", strings.Join(r.broken, "\n"))
	}
}

func (r *lawRun) hold(which string) {
	bare := r.snapshot()
	predicted := r.run("--check", "--diff")
	looked := r.snapshot()
	if strings.Contains(which, "1") {
		r.same("1", predicted, bare, looked)
	}
	made := r.run("--diff")
	after := r.snapshot()
	if strings.Contains(which, "2") {
		r.say("2", laws.Promises(predicted, made))
		for i := range after {
			for _, d := range laws.Unexplained(r.exceptions.Filter("2", made, laws.Diff(looked[i], after[i])), made) {
				r.say("2", []string{fmt.Sprintf("host%d: changed, and no change says so: %s", i+1, d)})
			}
		}
	}
	if strings.Contains(which, "3") {
		r.twice(after)
	}
	if strings.Contains(which, "4") {
		if id := laws.Run(made); id == "" {
			r.say("4", []string{"the run has no identifier in its events"})
		} else {
			r.undo(id)
		}
		r.same("4", made, bare, r.snapshot())
	}
}

// twice runs it again: nothing may change but events, which are done each time.
func (r *lawRun) twice(after []*laws.Manifest) {
	again := r.run("--diff")
	onlyEvents := map[string]bool{}
	for _, e := range again {
		if e.Event == "change" {
			if !e.IsEvent {
				r.say("3", []string{fmt.Sprintf("%s, %q: %s %s changed again: %v", e.Host, e.Task, e.Kind, e.Name, e.Diffs)})
			}
			onlyEvents[e.Host+"\x00"+e.Task] = true
		}
	}
	for _, e := range again {
		if e.Event == "result" && e.Status == "changed" && !onlyEvents[e.Host+"\x00"+e.Task] {
			r.say("3", []string{fmt.Sprintf("%s, %q: changed again, and does not say what", e.Host, e.Task)})
		}
	}
	r.same("3", again, after, r.snapshot())
}

// snapshot takes one of each host.
func (r *lawRun) snapshot() []*laws.Manifest {
	var ms []*laws.Manifest
	r.snaps++
	for i := range held(r.ts).hosts {
		file := r.ts.MkAbs(fmt.Sprintf("snapshot%d-host%d", r.snaps, i+1))
		r.ts.Check(r.ts.Exec(lab(), labArgs(r.ts, []string{"snapshot", fmt.Sprint(i + 1), file})...))
		m, err := laws.ReadManifest(file)
		r.ts.Check(err)
		ms = append(ms, m)
	}
	return ms
}

// run is rp run with the events as its output.
func (r *lawRun) run(flags ...string) []laws.Event {
	return r.rp(slices.Concat([]string{"run", "-i", "hosts", "--output", "json"}, flags, r.args)...)
}

// rp runs the binary itself, because testscript would write all the events into the log. What they are stays in
// events-N.json in the script's directory.
func (r *lawRun) rp(args ...string) []laws.Event {
	r.ts.Logf("> rp %s", strings.Join(args, " "))
	var out, errs bytes.Buffer
	c := exec.Command(rp, args...)
	c.Dir, c.Stdout, c.Stderr = r.ts.MkAbs("."), &out, &errs
	c.Env = append(os.Environ(), "HOME="+r.ts.Getenv("HOME"))
	err := c.Run()
	r.runs++
	r.ts.Check(os.WriteFile(r.ts.MkAbs(fmt.Sprintf("events-%d.json", r.runs)), out.Bytes(), 0o600))
	if err != nil {
		r.ts.Fatalf("rp %s: %v\n%s%s", args[0], err, errs.String(), failures(out.String()))
	}
	es, err := laws.ParseEvents(out.Bytes())
	r.ts.Check(err)
	return es
}

// undo takes the run back; that something could not be taken back breaks the fourth law, unless it is an event.
func (r *lawRun) undo(id string) {
	r.ts.Logf("> rp undo %s", id)
	c := exec.Command(rp, "undo", id, "-i", "hosts")
	c.Dir = r.ts.MkAbs(".")
	c.Env = append(os.Environ(), "HOME="+r.ts.Getenv("HOME"))
	out, err := c.CombinedOutput()
	r.ts.Check(os.WriteFile(r.ts.MkAbs("undo.txt"), out, 0o600))
	if (err != nil) != r.partial {
		r.say("4", []string{fmt.Sprintf("rp undo: %v\n%s", err, out)})
	}
}

// failures are the lines of a run's output that tell why it failed.
func failures(out string) string {
	var b strings.Builder
	for l := range strings.Lines(out) {
		if !strings.HasPrefix(l, "{") || strings.Contains(l, `"failed"`) || strings.Contains(l, `"unreachable"`) {
			b.WriteString(l)
		}
	}
	return b.String()
}

func (r *lawRun) same(law string, run []laws.Event, a, b []*laws.Manifest) {
	for i := range a {
		for _, d := range r.exceptions.Filter(law, run, laws.Diff(a[i], b[i])) {
			r.say(law, []string{fmt.Sprintf("host%d: %s", i+1, d)})
		}
	}
}

func (r *lawRun) say(law string, what []string) {
	for _, w := range what {
		r.broken = append(r.broken, "law "+law+": "+w)
	}
}

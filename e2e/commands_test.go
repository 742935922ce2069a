//go:build e2e

package e2e

import (
	"errors"
	"os"
	"os/exec"
	"strconv"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"rp/e2e/laws"
)

// status N PROGRAM ARGS: the program must exit with status N.
func cmdStatus(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: status N PROGRAM ARGS...")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	got := 0
	err = ts.Exec(args[1], args[2:]...)
	var exit *exec.ExitError
	switch {
	case errors.As(err, &exit):
		got = exit.ExitCode()
	case err != nil:
		ts.Fatalf("%v", err)
	}
	if got != want {
		ts.Fatalf("exit status %d, want %d", got, want)
	}
}

// await SECONDS [!] COMMAND…: tries a command (lab …, or a program) until it succeeds, or with ! until it fails.
func cmdAwait(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) < 2 {
		ts.Fatalf("usage: await SECONDS COMMAND...")
	}
	seconds, err := strconv.Atoi(args[0])
	ts.Check(err)
	args = args[1:]
	if args[0] == "!" && len(args) > 1 {
		neg, args = true, args[1:]
	}
	program, rest := args[0], args[1:]
	if program == "lab" {
		program, rest = lab(), labArgs(ts, rest)
	}
	for end := time.Now().Add(time.Duration(seconds) * time.Second); ; time.Sleep(100 * time.Millisecond) {
		err := ts.Exec(program, rest...)
		if (err == nil) != neg {
			return
		}
		if time.Now().After(end) {
			ts.Fatalf("not within %d s: %v", seconds, err)
		}
	}
}

// recap FILE HOST COUNT=N…: the recap in a run's JSON output (FILE may be stdout).
func cmdRecap(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 3 {
		ts.Fatalf("usage: recap FILE HOST COUNT=N...")
	}
	events, err := laws.ParseEvents([]byte(ts.ReadFile(args[0])))
	ts.Check(err)
	s, there := laws.Recap(events)[args[1]]
	if !there {
		ts.Fatalf("no recap for %s", args[1])
	}
	have := map[string]int{
		"ok": s.OK, "changed": s.Changed, "unreachable": s.Unreachable, "failed": s.Failed,
		"skipped": s.Skipped, "rescued": s.Rescued, "ignored": s.Ignored, "may": s.May,
	}
	for _, a := range args[2:] {
		name, n := cut(ts, a)
		if have[name] != n {
			ts.Fatalf("%s: %s=%d, want %d", args[1], name, have[name], n)
		}
	}
}

// trips PLAYBOOK NAME: runs it, which must change nothing, and writes into trips-NAME for how many answers the
// controller waited on host1.
func cmdTrips(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: trips PLAYBOOK NAME")
	}
	ts.Check(ts.Exec("rp", "run", "-i", "hosts", "--output", "json", "--profile", args[0]))
	events, err := laws.ParseEvents([]byte(ts.ReadFile("stdout")))
	ts.Check(err)
	if n := laws.Recap(events)["host1"].Changed; n != 0 {
		ts.Fatalf("%s changed %d tasks", args[0], n)
	}
	for _, e := range events {
		if e.Profile != nil {
			ts.Check(os.WriteFile(ts.MkAbs("trips-"+args[1]), []byte(strconv.Itoa(e.Profile.Hosts["host1"].RoundTrips)), 0o600))
			return
		}
	}
	ts.Fatalf("no profile in the output")
}

func cut(ts *testscript.TestScript, s string) (string, int) {
	for i := range s {
		if s[i] == '=' {
			n, err := strconv.Atoi(s[i+1:])
			ts.Check(err)
			return s[:i], n
		}
	}
	ts.Fatalf("%q is not COUNT=N", s)
	return "", 0
}

package main

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"rp/engine/journal"
)

func TestMain(m *testing.M) {
	if len(os.Args) > 1 && (os.Args[1] == "__helper" || os.Args[1] == "__child") { // rp starts itself on this machine
		os.Exit(realMain())
	}
	testscript.Main(m, map[string]func(){"rp": main})
}

// TestScripts runs the scripts of testdata/script against the real main, on this
// machine, without root and without SSH. Each has its own home, records and journal.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:           filepath.Join("testdata", "script"),
		UpdateScripts: *update,
		Setup: func(e *testscript.Env) error {
			home := filepath.Join(e.WorkDir, ".home")
			e.Setenv("HOME", home)
			e.Setenv("XDG_STATE_HOME", filepath.Join(e.WorkDir, ".state"))
			e.Setenv("XDG_CACHE_HOME", filepath.Join(e.WorkDir, ".cache"))
			e.Setenv(journal.DirVariable, filepath.Join(e.WorkDir, ".journal"))
			e.Setenv("NO_COLOR", "1")
			e.Setenv("SSH_AUTH_SOCK", "")
			return os.Mkdir(home, 0o700)
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"status": cmdStatus, "id": cmdID},
	})
}

// cmdStatus is "status N COMMAND...": it must exit with N.
func cmdStatus(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: status N COMMAND...")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	err = ts.Exec(args[1], args[2:]...)
	got := 0
	var exit *exec.ExitError
	switch {
	case errors.As(err, &exit):
		got = exit.ExitCode()
	case err != nil:
		ts.Fatalf("%v", err)
	}
	if got != want {
		ts.Fatalf("the exit code is %d, not %d", got, want)
	}
}

// cmdID is "id VAR N": the environment variable VAR becomes the id of the Nth run in rp's history, 1 being the first.
func cmdID(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: id VAR N")
	}
	n, err := strconv.Atoi(args[1])
	ts.Check(err)
	ts.Check(ts.Exec("rp", "history", "-n", "0"))
	lines := nonEmpty(ts.ReadFile("stdout"))
	if n > len(lines) {
		ts.Fatalf("there are %d runs", len(lines))
	}
	id, _, _ := cutSpace(lines[n-1])
	ts.Setenv(args[0], id)
}

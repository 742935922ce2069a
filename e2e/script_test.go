//go:build e2e

package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// lent is what a script holds; it is in the environment's Values under its own type.
type lent struct{ hosts []int }

type lentKey struct{}

func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		Setup:               setup,
		Condition:           condition,
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"hosts":  cmdHosts,
			"lab":    cmdLab,
			"status": cmdStatus,
			"await":  cmdAwait,
			"laws":   cmdLaws,
			"recap":  cmdRecap,
			"trips":  cmdTrips,
		},
	})
}

func setup(env *testscript.Env) error {
	home := filepath.Join(env.WorkDir, "home")
	if err := os.MkdirAll(filepath.Join(home, ".ssh"), 0o700); err != nil {
		return fmt.Errorf("cannot make a home: %w", err)
	}
	env.Setenv("HOME", home)
	env.Setenv("LAB", labDir())
	env.Setenv("TOOL_FRESH", "1")
	env.Setenv("KEY", filepath.Join(labDir(), "keys", "id"))
	env.Setenv("PLAYBOOKS", filepath.Join(root, "playbooks"))
	env.Setenv("PATH", filepath.Dir(rp)+":"+env.Getenv("PATH"))
	l := &lent{}
	env.Values[lentKey{}] = l
	begin := time.Now()
	env.Defer(func() {
		pool.give(l.hosts)
		note(filepath.Base(env.WorkDir), time.Since(begin))
	})
	return nil
}

// note writes down how long a script took: LAB/e2e-times.
func note(script string, took time.Duration) {
	f, err := os.OpenFile(filepath.Join(labDir(), "e2e-times"), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return // only a note
	}
	defer f.Close()
	fmt.Fprintf(f, "%6.1f %s\n", took.Seconds(), script)
}

func condition(cond string) (bool, error) {
	if cond == "full" {
		return full, nil
	}
	return false, fmt.Errorf("unknown condition %q", cond)
}

func held(ts *testscript.TestScript) *lent {
	l, ok := ts.Value(lentKey{}).(*lent)
	if !ok {
		ts.Fatalf("no hosts are set up")
	}
	return l
}

// hosts N [SUITE]: takes N fresh hosts. $WORK/hosts is an inventory of them (host1 … hostN, group lab), $HOST1 …
// their addresses, and ~/.ssh/known_hosts has their keys.
func cmdHosts(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 1 || len(args) > 2 {
		ts.Fatalf("usage: hosts N [SUITE]")
	}
	n, err := strconv.Atoi(args[0])
	l := held(ts)
	if err != nil || n < 1 || n > poolSize || len(l.hosts) > 0 {
		ts.Fatalf("hosts: once, and from 1 to %d", poolSize)
	}
	l.hosts = pool.take(n)
	var env []string
	if len(args) == 2 {
		env = append(env, "LAB_SUITE="+args[1])
	}
	ts.Check(fresh(l.hosts, env...))
	inventory, known := "[lab]\n", ""
	for i, h := range l.hosts {
		ip, err := labOutput("ip", strconv.Itoa(h))
		ts.Check(err)
		ts.Setenv(fmt.Sprintf("HOST%d", i+1), ip)
		inventory += fmt.Sprintf("host%d ansible_host=%s\n", i+1, ip)
		for _, kind := range []string{"ed25519", "ecdsa"} {
			known += ip + " " + strings.Join(strings.Fields(ts.ReadFile(filepath.Join(labDir(), "hosts", strconv.Itoa(h), "keys", "ssh_host_"+kind+"_key.pub")))[:2], " ") + "\n"
		}
	}
	inventory += "\n[lab:vars]\nansible_user=root\nansible_ssh_private_key_file=" + ts.Getenv("KEY") + "\n"
	ts.Check(os.WriteFile(ts.MkAbs("hosts"), []byte(inventory), 0o600))
	ts.Check(os.WriteFile(filepath.Join(ts.Getenv("HOME"), ".ssh", "known_hosts"), []byte(known), 0o600))
}

// lab SUBCOMMAND …: lab.sh on the script's own hosts, which it numbers from 1.
func cmdLab(ts *testscript.TestScript, neg bool, args []string) {
	outcome(ts, neg, ts.Exec(lab(), labArgs(ts, args)...))
}

func labArgs(ts *testscript.TestScript, args []string) []string {
	at := map[string]int{"ssh": 1, "exec": 1, "link": 1, "snapshot": 1, "reset": 1, "case": 2}[args[0]]
	if at == 0 {
		return args
	}
	if len(args) <= at {
		ts.Fatalf("lab %s: which host?", args[0])
	}
	out := append([]string(nil), args...)
	out[at] = strconv.Itoa(number(ts, args[at]))
	if args[0] == "snapshot" {
		out[2] = ts.MkAbs(args[2])
	}
	return out
}

// number is the lab's number of the script's host.
func number(ts *testscript.TestScript, s string) int {
	l := held(ts)
	n, err := strconv.Atoi(s)
	if err != nil || n < 1 || n > len(l.hosts) {
		ts.Fatalf("no host %q; hosts N comes first", s)
	}
	return l.hosts[n-1]
}

func outcome(ts *testscript.TestScript, neg bool, err error) {
	if err != nil && !neg {
		ts.Fatalf("failed: %v", err)
	}
	if err == nil && neg {
		ts.Fatalf("succeeded, and should have failed")
	}
}

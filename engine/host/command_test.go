package host

import (
	"context"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"rp/engine/state"
)

func TestCommand(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("RP_INTERNAL", "x")
	t.Setenv("LANG", "C.UTF-8")
	in := "from outside"
	for _, c := range []struct {
		name           string
		c              state.Command
		rc             int64
		stdout, stderr string
	}{
		{"shell", sh("echo a; echo b >&2; exit 3"), 3, "a", "b"},
		{"argv is not split", state.Command{Argv: []string{"printf", "%s|", "a b", "$HOME", "*"}}, 0, "a b|$HOME|*|", ""},
		{"newlines stay", state.Command{Argv: []string{"echo", "x"}}, 0, "x\n", ""},
		{"stdin is empty", sh("cat"), 0, "", ""},
		{"stdin", state.Command{Argv: []string{"cat"}, Stdin: &in}, 0, "from outside", ""},
		{"stdin that is not read", state.Command{Argv: []string{"true"}, Stdin: ptr(strings.Repeat("x", 1<<20))}, 0, "", ""},
		{"directory", state.Command{Argv: []string{"pwd"}, Dir: dir, StripEmptyEnds: true}, 0, dir, ""},
		{"relative program", state.Command{Argv: []string{"./here"}, Dir: dir, StripEmptyEnds: true}, 0, "here", ""},
		{"its own environment", state.Command{Argv: []string{"printenv", "GREETING"}, Env: map[string]string{"GREETING": "hi"}, StripEmptyEnds: true}, 0, "hi", ""},
		{"nothing of ours", sh("echo $RP_INTERNAL$LANG"), 0, "C.UTF-8", ""},
		{"another shell", state.Command{Argv: []string{"echo $0"}, Shell: true, Executable: "/bin/bash", StripEmptyEnds: true}, 0, "/bin/bash", ""},
		{"not UTF-8", sh(`printf 'a\377b'`), 0, "a\uFFFDb", ""},
		{"killed", sh("kill -9 $$"), -9, "", ""},
		{"variables", state.Command{Argv: []string{"echo", "$GREETING", "${GREETING}x", "$NONE", "~/x", "a~"}, ExpandVars: true, Env: map[string]string{"GREETING": "hi", "HOME": "/h"}, StripEmptyEnds: true}, 0, "hi hix $NONE /h/x a~", ""},
		{"script", state.Command{Script: []byte("#!/bin/sh\necho \"$1-$2\"\nexit 4\n"), Argv: []string{"a b", "c"}, StripEmptyEnds: true}, 4, "a b-c", ""},
		{"script without #!", state.Command{Script: []byte("echo $1\n"), Argv: []string{"a"}, StripEmptyEnds: true}, 0, "a", ""},
		{"script by a program", state.Command{Script: []byte("echo ${BASH_VERSION:+bash}\n"), Executable: "/bin/bash -e", StripEmptyEnds: true}, 0, "bash", ""},
		{"a group of its own", sh("ps -o pgid= -p $$ | grep -qw $$ && echo leader"), 0, "leader", ""},
		{"no descriptors of ours", sh("ls /proc/self/fd | tr '\\n' ' '"), 0, "0 1 2 3 ", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			if err := os.WriteFile(filepath.Join(dir, "here"), []byte("#!/bin/sh\necho here\n"), 0o755); err != nil {
				t.Fatal(err)
			}
			l := NewLinux(Options{Scratch: filepath.Join(t.TempDir(), "s")})
			o := do1(t, l, c.c)
			if o.Fields["rc"] != c.rc || o.Fields["stdout"] != c.stdout || o.Fields["stderr"] != c.stderr || o.Failed != (c.rc != 0) {
				t.Errorf("rc %v, stdout %q, stderr %q", o.Fields["rc"], o.Fields["stdout"], o.Fields["stderr"])
			}
			if left, err := os.ReadDir(l.o.Scratch); err == nil && len(left) > 0 {
				t.Errorf("%s is left behind", left[0].Name())
			}
		})
	}
}

func TestCommandResultFields(t *testing.T) {
	o := do1(t, NewLinux(Options{}), sh("sleep 0.1"))
	for field, want := range map[string]string{"start": `^20\d\d-\d\d-\d\d \d\d:\d\d:\d\d\.\d{6}$`, "end": `^20\d\d-`, "delta": `^0:00:00\.1\d{5}$`, "cmd": "^sleep 0.1$"} {
		if got, _ := o.Fields[field].(string); !regexp.MustCompile(want).MatchString(got) {
			t.Errorf("%s is %q", field, got)
		}
	}
	o = do1(t, NewLinux(Options{}), state.Command{Argv: []string{"echo", "a b"}})
	if l, ok := o.Fields["cmd"].([]any); !ok || len(l) != 2 || l[1] != "a b" {
		t.Errorf("cmd is %#v", o.Fields["cmd"])
	}
	if got := delta(25*time.Hour + 61*time.Second + 7*time.Microsecond); got != "25:01:01.000007" {
		t.Errorf("delta %s", got)
	}
}

func TestCommandThatCannotStart(t *testing.T) {
	l := NewLinux(Options{})
	o := do1(t, l, state.Command{Argv: []string{"no-such-program", "x"}})
	if msg, _ := o.Fields["msg"].(string); !o.Failed || o.Fields["rc"] != int64(2) || msg != "cannot run no-such-program x: no such file or directory" {
		t.Errorf("got %+v", o)
	}
	o = do1(t, l, state.Command{Argv: []string{"/etc/passwd"}})
	if !o.Failed || o.Fields["rc"] != int64(13) {
		t.Errorf("got %+v", o)
	}
	for want, c := range map[string]state.Command{
		"cannot change to the directory /none": {Argv: []string{"true"}, Dir: "/none"},
		"there is no command":                  {},
		`there is no user "nobody-here"`:       {Argv: []string{"true"}, As: "nobody-here"},
	} {
		if _, err := l.Do(context.Background(), c); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q in it", err, want)
		}
	}
}

// A daemon that a command leaves behind neither holds the task up nor ends with it.
func TestDaemonIsLeftAlone(t *testing.T) {
	file := filepath.Join(t.TempDir(), "alive")
	start := time.Now()
	o := do1(t, NewLinux(Options{}), sh("(sleep 1; echo printing; echo still here > "+file+") & echo started"))
	if took := time.Since(start); took > 900*time.Millisecond || o.Fields["stdout"] != "started" {
		t.Errorf("after %s: %v", took, o.Fields)
	}
	for range 40 {
		if _, err := os.Stat(file); err == nil {
			return
		}
		time.Sleep(100 * time.Millisecond)
	}
	t.Error("the daemon is gone")
}

func TestTimeoutKillsTheGroup(t *testing.T) {
	file := filepath.Join(t.TempDir(), "alive")
	c := sh("(sleep 2; touch " + file + ") & sleep 30")
	c.Timeout = 1
	_, err := NewLinux(Options{}).Do(context.Background(), c)
	if err == nil || !strings.Contains(err.Error(), "no end after 1s") {
		t.Errorf("error %v", err)
	}
	time.Sleep(1500 * time.Millisecond)
	if _, err := os.Stat(file); err == nil {
		t.Error("a child went on")
	}
}

func TestOutputIsBounded(t *testing.T) {
	_, err := NewLinux(Options{}).Do(context.Background(), sh("yes"))
	if err == nil || !strings.Contains(err.Error(), "more than 64 MiB") {
		t.Errorf("error %v", err)
	}
}

func TestSecretCommandIsNotQuoted(t *testing.T) {
	c := sh("sleep 5 # hunter2")
	c.Timeout, c.Secret = 1, true
	_, err := NewLinux(Options{}).Do(context.Background(), c)
	if err == nil || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("error %v", err)
	}
}

func TestCommandAsAnotherUser(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can")
	}
	l := NewLinux(Options{Scratch: filepath.Join(t.TempDir(), "s")})
	o := do1(t, l, state.Command{Argv: []string{`echo "$(id -un) $HOME $USER $LOGNAME $(id -G)"`}, Shell: true, As: "nobody", StripEmptyEnds: true})
	if o.Fields["stdout"] != "nobody /nonexistent nobody nobody 65534" {
		t.Errorf("got %v", o.Fields)
	}
	o = do1(t, l, state.Command{Script: []byte("#!/bin/sh\nid -un\n"), As: "nobody", StripEmptyEnds: true})
	if o.Fields["stdout"] != "nobody" {
		t.Errorf("got %v", o.Fields)
	}
}

func TestGuard(t *testing.T) {
	l := NewLinux(Options{})
	if g := read1(t, l, state.Guard{Command: sh("exit 7")}); g.RC.Or(0) != 7 {
		t.Errorf("rc %v", g.RC)
	}
	m := NewMemory()
	v := m.View(l, "a task", false)
	if g := read1(t, v, state.Guard{Command: sh("exit 0")}); !g.RC.IsKnown() {
		t.Error("a guard is not asked although nothing is predicted")
	}
	file := filepath.Join(t.TempDir(), "ran")
	do1v(t, v, sh("x"))
	if g := read1(t, v, state.Guard{Command: sh("touch " + file)}); !g.RC.IsUnknown() || g.RC.After() != "a task" {
		t.Errorf("after a prediction a guard says %v", g.RC)
	}
	if _, err := os.Stat(file); err == nil {
		t.Error("the guard ran")
	}
}

package helper

import (
	"bufio"
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/user"
	"strings"
	"sync"
	"time"

	"rp/engine/wire"
)

// becomeTimeout bounds how long a become method may take to start a helper.
const becomeTimeout = 30 * time.Second

// startChild starts a second helper as another user and returns when it is
// ready to be spoken to. end closes it and waits for what it is doing.
func startChild(ctx context.Context, as wire.Become) (in io.WriteCloser, out io.Reader, end func(), err error) {
	if os.Geteuid() == 0 && as.Password == "" && as.Flags == "" && as.Exe == "" && as.Method != "su" {
		return startSetuid(as)
	}
	a, err := newAttempt(as)
	if err != nil {
		return nil, nil, nil, err
	}
	in, out, end, err = a.start(ctx, false)
	if needsTerminal(err) {
		return a.start(ctx, true)
	}
	return in, out, end, err
}

// needsTerminal reports whether sudo or su refused for want of a terminal
// (requiretty in sudoers(5), or an su that insists on one).
func needsTerminal(err error) bool {
	if err == nil {
		return false
	}
	for _, s := range []string{"must have a tty", "run from a terminal", "must be a tty", "a terminal is required", "no tty present", "a tty is required"} {
		if strings.Contains(err.Error(), s) {
			return true
		}
	}
	return false
}

// startSetuid forks straight into another user, as only root can.
func startSetuid(as wire.Become) (io.WriteCloser, io.Reader, func(), error) {
	u, err := user.Lookup(as.User)
	if err != nil {
		return nil, nil, nil, fmt.Errorf("there is no user %q on this host", as.User)
	}
	exe, err := readableCopy(false)
	if err != nil {
		return nil, nil, nil, err
	}
	cmd := exec.Command(exe, "__child")
	if cmd.SysProcAttr, err = credentials(u); err != nil {
		return nil, nil, nil, err
	}
	cmd.Env = []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + u.HomeDir, "USER=" + u.Username, "LOGNAME=" + u.Username,
		"SHELL=" + shellOf(u.Username), "LANG=" + os.Getenv("LANG"), envParentRoot + "=1",
	}
	cmd.Dir = "/"
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, nil, nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, nil, nil, err
	}
	var stderr tail
	cmd.Stderr = &stderr
	if err := cmd.Start(); err != nil {
		return nil, nil, nil, err
	}
	return in, out, func() { _ = in.Close(); _ = cmd.Wait() }, nil
}

// attempt is one way to become another user.
type attempt struct {
	as     wire.Become
	argv   []string
	marker string
	prompt string
}

func newAttempt(as wire.Become) (*attempt, error) {
	exe, err := readableCopy(as.User == "root" || as.User == "")
	if err != nil {
		return nil, err
	}
	var b [12]byte
	_, _ = rand.Read(b[:]) // never fails (crypto/rand)
	id := hex.EncodeToString(b[:])
	a := &attempt{as: as, marker: "RP-READY-" + id, prompt: "[rp " + id + "] password:"}
	env := ""
	if os.Geteuid() == 0 {
		env = envParentRoot + "=1 "
	}
	// what start-up files print comes before the marker and is ignored
	script := fmt.Sprintf("cd /; echo %s; %sexec %s __child", a.marker, env, exe)
	program := as.Exe
	if program == "" {
		program = as.Method
	}
	flags := strings.Fields(as.Flags)
	switch as.Method {
	case "sudo", "":
		if program == "" {
			program = "sudo"
		}
		if len(flags) == 0 {
			flags = []string{"-H"}
		}
		if as.Password == "" {
			flags = append(flags, "-n")
		} else {
			flags = append(flags, "-S", "-p", a.prompt)
		}
		a.argv = append(append([]string{program}, flags...), "-u", as.User, "--", "/bin/sh", "-c", script)
	case "su":
		a.argv = append(append([]string{program}, flags...), "-s", "/bin/sh", as.User, "-c", script)
	case "doas":
		if as.Password == "" {
			flags = append(flags, "-n")
		}
		a.argv = append(append([]string{program}, flags...), "-u", as.User, "--", "/bin/sh", "-c", script)
	default:
		return nil, fmt.Errorf("become_method %q is not supported yet (sudo, su and doas are)", as.Method)
	}
	return a, nil
}

// start runs the become method and waits for the child's marker, answering a
// prompt for the password on the way. With terminal set, the method gets a
// controlling terminal; the frames go through pipes all the same.
func (a *attempt) start(ctx context.Context, terminal bool) (io.WriteCloser, io.Reader, func(), error) {
	cmd := exec.Command(a.argv[0], a.argv[1:]...) //nolint:gosec // the become method, as the playbook names it
	cmd.Dir = "/"
	stderr := &tail{}
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, nil, nil, err
	}
	pipe, err := cmd.StdoutPipe()
	if err != nil {
		return nil, nil, nil, err
	}
	cmd.Stderr = stderr
	tty, err := a.terminal(cmd, terminal || a.as.Method == "doas" && a.as.Password != "")
	if err != nil {
		return nil, nil, nil, err
	}
	if err := cmd.Start(); err != nil {
		tty.close()
		return nil, nil, nil, err
	}
	tty.started()
	end := func() { _ = in.Close(); _ = cmd.Wait(); tty.close() }
	answer := a.answerer(in, tty, cmd.Process)
	stderr.watch(answer)
	tty.watch(answer)
	out := bufio.NewReaderSize(pipe, 64<<10)
	ready := make(chan error, 1)
	go func() { ready <- a.awaitMarker(out) }()
	timer := time.NewTimer(becomeTimeout)
	defer timer.Stop()
	select {
	case err = <-ready:
	case <-timer.C:
		err = fmt.Errorf("no answer within %s", becomeTimeout)
	case <-ctx.Done():
		err = context.Cause(ctx)
	}
	if err == nil {
		return in, out, end, nil
	}
	_ = cmd.Process.Kill()
	end()
	return nil, nil, nil, a.explain(err, stderr.String()+tty.said())
}

func (a *attempt) awaitMarker(out *bufio.Reader) error {
	for seen := 0; seen < 1<<20; {
		line, err := out.ReadString('\n')
		if strings.TrimRight(line, "\r\n") == a.marker {
			return nil
		}
		if err != nil {
			return err
		}
		seen += len(line)
	}
	return errors.New("too much was printed before the helper started")
}

// answerer gives the password to the first prompt for it. At the second the
// password was wrong, and the method is ended instead of being kept waiting.
func (a *attempt) answerer(in io.Writer, tty *terminal, p *os.Process) func(said []byte, fromTerminal bool) {
	var once sync.Once
	return func(said []byte, fromTerminal bool) {
		if a.as.Password == "" || !a.isPrompt(said) {
			return
		}
		if bytes.Count(said, []byte(a.prompt)) > 1 || bytes.Contains(said, []byte("try again")) {
			_ = p.Kill() // it may have ended by itself
			return
		}
		once.Do(func() {
			if fromTerminal {
				tty.write(a.as.Password + "\n")
				return
			}
			_, _ = io.WriteString(in, a.as.Password+"\n") // a method that ended is found out by its silence
		})
	}
}

func (a *attempt) isPrompt(said []byte) bool {
	if a.as.Method == "sudo" || a.as.Method == "" {
		return bytes.Contains(said, []byte(a.prompt))
	}
	said = bytes.ToLower(bytes.TrimRight(said, " "))
	return bytes.HasSuffix(said, []byte(":")) || bytes.Contains(said, []byte("password"))
}

func (a *attempt) explain(err error, said string) error {
	said = strings.TrimSpace(strings.ReplaceAll(said, a.prompt, ""))
	method := a.argv[0]
	switch {
	case a.as.Password == "" && (strings.Contains(said, "password is required") || strings.Contains(said, "uthentication")):
		return fmt.Errorf("%s wants a password: give --ask-become-pass (-K) or ansible_become_password (%s)", method, lastLine(said))
	case strings.Contains(said, "incorrect password") || strings.Contains(said, "Authentication failure") || strings.Contains(said, "Sorry, try again"):
		return fmt.Errorf("%s refused the password (%s)", method, lastLine(said))
	case said != "":
		return fmt.Errorf("%s: %s", method, lastLine(said))
	case errors.Is(err, io.EOF):
		return fmt.Errorf("%s ended without a word", method)
	}
	return fmt.Errorf("%s: %w", method, err)
}

func lastLine(s string) string {
	lines := strings.Split(strings.TrimSpace(s), "\n")
	return strings.TrimSpace(lines[len(lines)-1])
}

// tail keeps the end of what is written to it and shows each piece to a watcher.
type tail struct {
	mu      sync.Mutex
	buf     []byte
	watcher func([]byte, bool)
}

func (t *tail) watch(f func([]byte, bool)) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.watcher = f
	if len(t.buf) > 0 {
		f(t.buf, false)
	}
}

func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.buf = append(t.buf, p...)
	if len(t.buf) > 8<<10 {
		t.buf = t.buf[len(t.buf)-4<<10:]
	}
	if t.watcher != nil {
		t.watcher(t.buf, false)
	}
	return len(p), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return string(t.buf)
}

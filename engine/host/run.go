package host

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

const (
	// defaultPath is the PATH of tools where the login gave none.
	defaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
	// callTimeout bounds a call that names no timeout.
	callTimeout = 5 * time.Minute
	// outputMax bounds what a tool of the system may print on each of its outputs.
	outputMax = 8 << 20
	// pipeGrace is how long to wait for the pipes after the tool itself has ended: a
	// daemon that it left behind may hold them for ever.
	pipeGrace = 2 * time.Second
)

// errNoTool is what calling a tool that the host does not have gives.
var errNoTool = errors.New("there is no such tool on this host")

// cred is a user to run as; only root can.
type cred struct {
	uid, gid   uint32
	groups     []uint32
	name, home string
	shell      string
}

// call is one run of a tool of the system.
type call struct {
	argv    []string // argv[0] is looked up in PATH unless it has a slash
	stdin   []byte   // nil is /dev/null
	env     []string // added: NAME=value
	dir     string   // default /
	timeout time.Duration
	asUser  *cred
}

// reply is what a tool gave. rc is its exit status; killed by a signal, minus the signal's number.
type reply struct {
	stdout, stderr []byte
	rc             int
}

// run runs a tool: in the C locale, in a process group of its own which is
// killed when ctx or the timeout ends, with bounded output. A tool that exits with
// another status than 0 is no error here; see [Linux.must].
func (l *Linux) run(ctx context.Context, c call) (reply, error) {
	path, err := l.tool(c.argv[0])
	if err != nil {
		return reply{}, fmt.Errorf("cannot run %s: %w", c.argv[0], err)
	}
	keepDescriptors()
	timeout := c.timeout
	if timeout <= 0 {
		timeout = callTimeout
	}
	ctx, cancel := context.WithTimeoutCause(ctx, timeout, fmt.Errorf("no end after %s", timeout))
	defer cancel()
	cmd := exec.CommandContext(ctx, path)
	cmd.Args = c.argv
	cmd.Dir = c.dir
	if cmd.Dir == "" {
		cmd.Dir = "/"
	}
	cmd.Env = toolEnv(ctx, c)
	if c.stdin != nil {
		cmd.Stdin = bytes.NewReader(c.stdin)
	}
	out, errs := &bounded{max: outputMax}, &bounded{max: outputMax}
	cmd.Stdout, cmd.Stderr = out, errs
	cmd.SysProcAttr = ownGroup(c.asUser)
	cmd.WaitDelay = pipeGrace
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM) }
	err = cmd.Run()
	r := reply{stdout: out.b.Bytes(), stderr: errs.b.Bytes()}
	if ctx.Err() != nil && cmd.Process != nil {
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) // what is left of the group, if anything
		return r, fmt.Errorf("cannot run %s: %w", line(c.argv), context.Cause(ctx))
	}
	if out.over || errs.over {
		return r, fmt.Errorf("cannot run %s: it printed more than %d MiB", line(c.argv), outputMax>>20)
	}
	var exit *exec.ExitError
	switch {
	case errors.As(err, &exit):
		r.rc = exitStatus(exit)
	case err != nil && !errors.Is(err, exec.ErrWaitDelay):
		return r, fmt.Errorf("cannot run %s: %w", line(c.argv), err)
	}
	return r, nil
}

// must is run for a tool that has to succeed: another status than 0 is an
// error that says what the tool said.
func (l *Linux) must(ctx context.Context, c call) (reply, error) {
	r, err := l.run(ctx, c)
	if err != nil || r.rc == 0 {
		return r, err
	}
	said := strings.TrimSpace(string(r.stderr))
	if said == "" {
		said = strings.TrimSpace(string(r.stdout))
	}
	if n := len(said); n > 4096 { // the end is where tools say what went wrong
		said = "… " + strings.ToValidUTF8(said[n-4096:], "")
	}
	status := fmt.Sprintf("exit status %d", r.rc)
	if r.rc < 0 {
		status = "killed by signal " + syscall.Signal(-r.rc).String()
	}
	if said != "" {
		status += ": " + said
	}
	return r, fmt.Errorf("cannot run %s: %s", line(c.argv), status)
}

// tool is the path of a tool: in the PATH of the login, then in the usual
// places, as sbin is in no plain user's PATH.
func (l *Linux) tool(name string) (string, error) {
	if strings.Contains(name, "/") {
		if !executable(name) {
			return "", fmt.Errorf("%q: %w", name, errNoTool)
		}
		return name, nil
	}
	for _, dir := range toolDirs() {
		if p := filepath.Join(dir, name); executable(p) {
			return p, nil
		}
	}
	return "", fmt.Errorf("%q is not in %s: %w", name, strings.Join(toolDirs(), ":"), errNoTool)
}

// toolDirs are the absolute directories of PATH and of defaultPath, each once.
func toolDirs() []string {
	var dirs []string
	for _, d := range append(filepath.SplitList(os.Getenv("PATH")), filepath.SplitList(defaultPath)...) {
		if filepath.IsAbs(d) && !slices.Contains(dirs, d) {
			dirs = append(dirs, d)
		}
	}
	return dirs
}

func executable(path string) bool {
	st, err := os.Stat(path)
	return err == nil && st.Mode().IsRegular() && st.Mode()&0o111 != 0 && mayExecute(path)
}

func toolEnv(ctx context.Context, c call) []string {
	env := []string{"LC_ALL=C", "PATH=" + strings.Join(toolDirs(), ":")}
	keep := []string{
		"HOME", "USER", "LOGNAME", "SHELL", "XDG_RUNTIME_DIR", "DBUS_SESSION_BUS_ADDRESS", "TMPDIR",
		"http_proxy", "https_proxy", "ftp_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "SSL_CERT_FILE",
	}
	if c.asUser != nil {
		env = append(env, "HOME="+c.asUser.home, "USER="+c.asUser.name, "LOGNAME="+c.asUser.name)
		keep = keep[7:]
	}
	for _, k := range keep {
		if v, ok := os.LookupEnv(k); ok {
			env = append(env, k+"="+v)
		}
	}
	task := EnvOf(ctx)
	for _, k := range slices.Sorted(maps.Keys(task)) {
		if k != "LC_ALL" && k != "PATH" { // their output is parsed, and they are where they are
			env = append(env, k+"="+task[k])
		}
	}
	return append(env, c.env...)
}

// ownGroup starts a process in a group of its own, as u if that is given.
func ownGroup(u *cred) *syscall.SysProcAttr {
	a := &syscall.SysProcAttr{Setpgid: true}
	if u != nil {
		a.Credential = &syscall.Credential{Uid: u.uid, Gid: u.gid, Groups: u.groups}
	}
	return a
}

func exitStatus(e *exec.ExitError) int {
	if ws, ok := e.Sys().(syscall.WaitStatus); ok && ws.Signaled() {
		return -int(ws.Signal())
	}
	return e.ExitCode()
}

// line is argv for a message; long ones are cut.
func line(argv []string) string {
	s := strings.Join(argv, " ")
	if len(s) > 200 {
		s = strings.ToValidUTF8(s[:200], "") + " …"
	}
	return s
}

// bounded keeps up to max bytes and says whether there were more; it fails the
// writer then, so that a tool that never stops printing is stopped.
type bounded struct {
	b    bytes.Buffer
	max  int
	over bool
}

var errTooMuch = errors.New("too much output")

func (w *bounded) Write(p []byte) (int, error) {
	if w.b.Len()+len(p) > w.max {
		w.over = true
		return 0, errTooMuch
	}
	return w.b.Write(p)
}

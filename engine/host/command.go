package host

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"time"

	"rp/engine/state"
)

func init() {
	registerEvent("Command", event{do: doCommand})
	register("guard", kind{read: readGuards, blind: true})
}

const (
	// commandOutputMax bounds what a user's command may print on each of its outputs.
	commandOutputMax = 64 << 20
	// leftBehindGrace is how long the outputs are read on after the command has ended,
	// where a process that it left behind still holds them.
	leftBehindGrace = 500 * time.Millisecond
)

// ran is what came of a command.
type ran struct {
	rc             int
	stdout, stderr string
	start, end     time.Time
}

func doCommand(ctx context.Context, l *Linux, e state.Event) (state.Outcome, error) {
	c := e.(state.Command)
	p, err := l.prepare(ctx, c)
	if err != nil {
		return state.Outcome{}, err
	}
	defer p.cleanUp()
	r, err := p.run(ctx)
	var errno syscall.Errno
	if errors.As(err, &errno) && (errno == syscall.ENOENT || errno == syscall.EACCES || errno == syscall.ENOEXEC) {
		return state.Outcome{Failed: true, Fields: map[string]any{
			"cmd": p.shown, "rc": int64(errno), "stdout": "", "stderr": "", "msg": err.Error(),
		}}, nil
	}
	if err != nil {
		return state.Outcome{}, err
	}
	return state.Outcome{Failed: r.rc != 0, Fields: map[string]any{
		"cmd": p.shown, "rc": int64(r.rc), "stdout": r.stdout, "stderr": r.stderr,
		"start": stamp(r.start), "end": stamp(r.end), "delta": delta(r.end.Sub(r.start)),
	}}, nil
}

// readGuards runs commands that only look, one after the other.
func readGuards(ctx context.Context, l *Linux, ss []state.State) ([]state.State, error) {
	out := make([]state.State, len(ss))
	for i, s := range ss {
		g := s.(state.Guard)
		o, err := doCommand(ctx, l, g.Command)
		if err != nil {
			return nil, err
		}
		rc, _ := o.Fields["rc"].(int64)
		g.RC = state.Is(int(rc))
		out[i] = g
	}
	return out, nil
}

// stamp is a time as Ansible's command module gives it, in the host's time zone.
func stamp(t time.Time) string { return t.Format("2006-01-02 15:04:05.000000") }

// delta is a duration as Python writes it: 0:00:01.002003.
func delta(d time.Duration) string {
	d = d.Round(time.Microsecond)
	h, m, s := d/time.Hour, d/time.Minute%60, d/time.Second%60
	return fmt.Sprintf("%d:%02d:%02d.%06d", h, m, s, d%time.Second/time.Microsecond)
}

// run starts the program and waits for it, not for what it leaves behind.
func (p *program) run(ctx context.Context) (ran, error) {
	keepDescriptors()
	if p.timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, p.timeout, fmt.Errorf("no end after %s", p.timeout))
		defer cancel()
	}
	out, err := newSink()
	if err != nil {
		return ran{}, fmt.Errorf("cannot run %s: %w", p.title, bare(err))
	}
	errs, err := newSink()
	if err != nil {
		out.abandon()
		return ran{}, fmt.Errorf("cannot run %s: %w", p.title, bare(err))
	}
	r := ran{start: time.Now()}
	cmd, err := p.start(out.w, errs.w)
	out.closeWriter()
	errs.closeWriter()
	if err != nil {
		out.abandon()
		errs.abandon()
		return ran{}, fmt.Errorf("cannot run %s: %w", p.title, bare(err))
	}
	err = p.wait(ctx, cmd, out, errs)
	r.end = time.Now()
	stdout, over1 := out.take()
	stderr, over2 := errs.take()
	r.stdout, r.stderr = p.text(stdout), p.text(stderr)
	if over1 || over2 {
		return r, fmt.Errorf("cannot run %s: it printed more than %d MiB", p.title, commandOutputMax>>20)
	}
	var exit *exec.ExitError
	switch {
	case errors.As(err, &exit):
		r.rc = exitStatus(exit)
	case err != nil:
		return r, fmt.Errorf("cannot run %s: %w", p.title, err)
	}
	return r, nil
}

func (p *program) text(b []byte) string {
	s := strings.ToValidUTF8(string(b), "\uFFFD")
	if p.strip {
		s = strings.TrimRight(s, "\r\n")
	}
	return s
}

// start starts the program. Another process may hold a file that was just written for a moment
// between its fork and its exec; then execve(2) says "text file busy" and is tried again.
func (p *program) start(stdout, stderr *os.File) (*exec.Cmd, error) {
	for try := 0; ; try++ {
		cmd := &exec.Cmd{Path: p.path, Args: p.argv, Env: p.env, Dir: p.dir, Stdout: stdout, Stderr: stderr}
		cmd.SysProcAttr = ownGroup(p.as)
		if p.stdin != nil {
			cmd.Stdin = strings.NewReader(*p.stdin)
			cmd.WaitDelay = leftBehindGrace // who does not read all of it does not hold us up
		}
		err := cmd.Start()
		if errors.Is(err, syscall.ETXTBSY) && try < 20 {
			time.Sleep(time.Duration(try+1) * time.Millisecond)
			continue
		}
		return cmd, err
	}
}

// wait waits for the program; when ctx ends or too much is printed, its whole group is killed.
func (p *program) wait(ctx context.Context, cmd *exec.Cmd, out, errs *sink) error {
	done := make(chan error, 1)
	go func() { done <- cmd.Wait() }()
	kill := func() error {
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
		return <-done
	}
	select {
	case err := <-done:
		grace := time.After(leftBehindGrace)
		for _, s := range []*sink{out, errs} {
			select {
			case <-s.done:
			case <-grace:
				grace = time.After(0)
			}
		}
		if errors.Is(err, exec.ErrWaitDelay) || errors.Is(err, syscall.EPIPE) {
			err = nil // it did not read all of its standard input
		}
		return err
	case <-ctx.Done():
		_ = kill()
		return context.Cause(ctx)
	case <-out.full:
		return kill()
	case <-errs.full:
		return kill()
	}
}

// sink collects one output of a program. What comes after take is read and thrown
// away for as long as this process lives, so that a daemon left behind can go on printing.
type sink struct {
	r, w *os.File
	done chan struct{} // all was read
	full chan struct{} // more than commandOutputMax came

	mu    sync.Mutex
	b     []byte
	over  bool
	taken bool
}

func newSink() (*sink, error) {
	r, w, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	s := &sink{r: r, w: w, done: make(chan struct{}), full: make(chan struct{})}
	go s.collect()
	return s, nil
}

func (s *sink) closeWriter() { _ = s.w.Close() }

// abandon is for a program that was not started.
func (s *sink) abandon() { _ = s.w.Close() }

func (s *sink) collect() {
	defer close(s.done)
	defer s.r.Close() //nolint:errcheck // only read
	_, _ = io.Copy(s, s.r)
}

// Write implements io.Writer; it never fails.
func (s *sink) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.taken || s.over:
	case len(s.b)+len(p) > commandOutputMax:
		s.over = true
		close(s.full)
	default:
		s.b = append(s.b, p...)
	}
	return len(p), nil
}

func (s *sink) take() (b []byte, over bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.taken = true
	return s.b, s.over
}

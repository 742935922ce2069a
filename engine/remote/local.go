package remote

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"time"
)

// StartLocal starts a program on this machine as on a host: with a session of
// its own and no terminal, speaking on its stdin and stdout. The end of ctx
// closes these streams; the program is not killed, it has to end by itself.
func StartLocal(ctx context.Context, exe string, args ...string) (*Process, error) {
	cmd := exec.Command(exe, args...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	t := &tail{limit: stderrKept}
	cmd.Stderr = t
	cmd.WaitDelay = time.Second // a grandchild may hold stderr open
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, fmt.Errorf("cannot start %q: %w", exe, err)
	}
	out, theirs, err := os.Pipe() // not StdoutPipe, which Wait closes under the reader
	if err != nil {
		return nil, fmt.Errorf("cannot start %q: %w", exe, err)
	}
	cmd.Stdout = theirs
	err = cmd.Start()
	_ = theirs.Close()
	if err != nil {
		_ = out.Close()
		return nil, fmt.Errorf("cannot start %q: %w", exe, err)
	}
	closeStreams := sync.OnceFunc(func() {
		_ = in.Close()
		_ = out.Close()
	})
	stop := context.AfterFunc(ctx, closeStreams)
	done := make(chan struct{})
	var waitErr error
	go func() {
		waitErr = cmd.Wait()
		close(done)
	}()
	wait := func() (int, error) {
		<-done
		stop()
		var exit *exec.ExitError
		switch {
		case errors.As(waitErr, &exit) && exit.ExitCode() < 0:
			return -1, fmt.Errorf("%q was ended: %w", exe, waitErr)
		case waitErr != nil && !errors.As(waitErr, &exit) && !errors.Is(waitErr, exec.ErrWaitDelay):
			return -1, fmt.Errorf("cannot wait for %q: %w", exe, waitErr)
		}
		return cmd.ProcessState.ExitCode(), nil
	}
	return &Process{Stdin: in, Stdout: out, tail: t, wait: wait, close: closeStreams}, nil
}

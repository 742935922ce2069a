package remote

import (
	"fmt"
	"io"
	"net"
	"os/exec"
	"sync"
	"syscall"
	"time"
)

// proxy is a ProxyCommand whose stdin and stdout are the way to the host.
type proxy struct {
	cmd    *exec.Cmd
	in     io.WriteCloser
	out    io.ReadCloser
	stderr *tail
	once   sync.Once
	ended  chan struct{}
}

// startProxy runs a command as ssh does: by the shell, with exec in front.
func startProxy(command string) (*proxy, error) {
	p := &proxy{cmd: exec.Command("/bin/sh", "-c", "exec "+command), stderr: &tail{limit: 4096}, ended: make(chan struct{})}
	p.cmd.Stderr = p.stderr
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	p.cmd.WaitDelay = time.Second
	var err error
	if p.in, err = p.cmd.StdinPipe(); err == nil {
		p.out, err = p.cmd.StdoutPipe()
	}
	if err == nil {
		err = p.cmd.Start()
	}
	if err != nil {
		return nil, fmt.Errorf("cannot start the ProxyCommand %q: %w", command, err)
	}
	return p, nil
}

func (p *proxy) Read(b []byte) (int, error)  { return p.out.Read(b) }
func (p *proxy) Write(b []byte) (int, error) { return p.in.Write(b) }

// Close ends the command with all that it started.
func (p *proxy) Close() error {
	p.once.Do(func() {
		_ = p.in.Close()
		_ = p.out.Close()
		go func() {
			// One that has failed gets the time to say why.
			soft := time.AfterFunc(300*time.Millisecond, func() { _ = syscall.Kill(-p.cmd.Process.Pid, syscall.SIGTERM) })
			hard := time.AfterFunc(2*time.Second, func() { _ = syscall.Kill(-p.cmd.Process.Pid, syscall.SIGKILL) })
			_ = p.cmd.Wait()
			soft.Stop()
			hard.Stop()
			close(p.ended)
		}()
	})
	return nil
}

// said is what the closed command wrote to stderr, as a hint; nil has said nothing.
func (p *proxy) said() string {
	if p == nil {
		return ""
	}
	select { // it may still be saying it
	case <-p.ended:
	case <-time.After(time.Second):
	}
	if t := oneLine(p.stderr.String()); t != "" {
		return fmt.Sprintf("the ProxyCommand says %q", shorten(t, 300))
	}
	return ""
}

// addr is the address of a pipe, which has none.
type addr struct{}

func (addr) Network() string { return "proxy" }
func (addr) String() string  { return "0.0.0.0:0" }

// A pipe has no addresses and no deadlines; whoever waits closes it.
func (p *proxy) LocalAddr() net.Addr              { return addr{} }
func (p *proxy) RemoteAddr() net.Addr             { return addr{} }
func (p *proxy) SetDeadline(time.Time) error      { return nil }
func (p *proxy) SetReadDeadline(time.Time) error  { return nil }
func (p *proxy) SetWriteDeadline(time.Time) error { return nil }

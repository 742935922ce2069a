package remote

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"
)

// fails dials and checks stage and words of the error.
func fails(t *testing.T, d *Dialer, target Target, stage Stage, words ...string) {
	t.Helper()
	c, err := d.Dial(context.Background(), target)
	if err == nil {
		_ = c.Close()
		t.Fatal("it connects")
	}
	var u *ErrUnreachable
	if !errors.As(err, &u) || u.Stage != stage || u.Target != target.Name {
		t.Fatalf("got %v, want stage %s", err, stage)
	}
	for _, w := range words {
		if !strings.Contains(err.Error(), w) {
			t.Errorf("%q is not in %q", w, err)
		}
	}
	if strings.Contains(err.Error(), "\n") {
		t.Errorf("more than one line: %q", err)
	}
}

func TestDialAndRun(t *testing.T) {
	s := startSSHD(t)
	c := dial(t, newDialer(t, options(t, s.known())), s.target())
	if got := run(t, c, "echo hello"); got != "hello\n" {
		t.Errorf("got %q", got)
	}
	out, errOut, exit, err := c.Run(context.Background(), "cat; echo oops >&2; exit 3", []byte("in"))
	if string(out) != "in" || string(errOut) != "oops\n" || exit != 3 || err != nil {
		t.Errorf("got %q, %q, %d, %v", out, errOut, exit, err)
	}
	if _, _, _, err := c.Run(context.Background(), "head -c 2000000 /dev/zero", nil); !errors.Is(err, ErrOutputTooLong) {
		t.Errorf("two megabytes: %v", err)
	}
	if _, _, exit, err := c.Run(context.Background(), "kill -9 $$", nil); exit != -1 || err == nil || !strings.Contains(err.Error(), "KILL") {
		t.Errorf("killed: %d, %v", exit, err)
	}
	if got, err := c.Client.Run("echo goph"); string(got) != "goph\n" || err != nil {
		t.Errorf("goph's own Run: %q, %v", got, err)
	}
}

func TestRunMoreThanSshdAllowsAtOnce(t *testing.T) {
	s := startSSHD(t)
	c := dial(t, newDialer(t, options(t, s.known())), s.target())
	var g sync.WaitGroup
	for range 25 {
		g.Go(func() {
			if _, _, exit, err := c.Run(context.Background(), "sleep 0.1", nil); exit != 0 || err != nil {
				t.Errorf("exit %d, %v", exit, err)
			}
		})
	}
	g.Wait()
}

func TestSessionsThatTheServerDoesNotGive(t *testing.T) {
	s := startSSHD(t, "MaxSessions 1")
	c := dial(t, newDialer(t, options(t, s.known())), s.target())
	p, err := c.Start(context.Background(), "cat", StartOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if _, _, _, err := c.Run(context.Background(), "true", nil); err == nil || !strings.Contains(err.Error(), "MaxSessions") || strings.Count(err.Error(), "open failed") > 2 {
		t.Errorf("a second session: %v", err)
	}
	if err := p.Stdin.Close(); err != nil {
		t.Fatal(err)
	}
	if exit, err := p.Wait(); exit != 0 || err != nil {
		t.Errorf("exit %d, %v", exit, err)
	}
	for range 5 { // one after the other is enough
		run(t, c, "true")
	}
}

func TestRunEndsWithItsContext(t *testing.T) {
	s := startSSHD(t)
	c := dial(t, newDialer(t, options(t, s.known())), s.target())
	ctx, cancel := context.WithTimeout(context.Background(), 1500*time.Millisecond)
	defer cancel()
	start := time.Now()
	out, _, _, err := c.Run(ctx, "echo begun; sleep 20", nil)
	if !errors.Is(err, context.DeadlineExceeded) || time.Since(start) > 8*time.Second || string(out) != "begun\n" {
		t.Errorf("got %q, %v after %s", out, err, time.Since(start))
	}
	if got := run(t, c, "echo still there"); got != "still there\n" {
		t.Errorf("the connection afterwards: %q", got)
	}
}

func TestStartWithATerminalIsRaw(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("an sshd that is not root's cannot hand out terminals")
	}
	s := startSSHD(t)
	c := dial(t, newDialer(t, options(t, s.known())), s.target())
	p, err := c.Start(context.Background(), "test -t 0 && echo terminal; head -c 5 | od -An -tx1", StartOptions{PTY: true})
	if err != nil {
		t.Fatal(err)
	}
	time.Sleep(100 * time.Millisecond)
	if _, err := p.Stdin.Write([]byte("\x03\r\n\x04\x7f")); err != nil {
		t.Fatal(err)
	}
	out, err := io.ReadAll(p.Stdout)
	if err != nil || string(out) != "terminal\n 03 0d 0a 04 7f\n" {
		t.Errorf("got %q, %v", out, err)
	}
}

func TestConnectionFailures(t *testing.T) {
	closed := freePort(t)
	silent := listen(t, func(_ *fake, _ int, c net.Conn) {})
	web := listen(t, func(_ *fake, _ int, c net.Conn) {
		_, _ = io.WriteString(c, "HTTP/1.1 400 Bad Request\r\n\r\n")
		_ = c.Close()
	})
	mute := listen(t, func(_ *fake, _ int, c net.Conn) { _, _ = io.WriteString(c, "SSH-2.0-mute\r\n") })
	drops := listen(t, func(_ *fake, _ int, c net.Conn) { _ = c.Close() })
	at := func(f *fake) Target {
		return Target{Name: "web1", Address: "127.0.0.1", Port: f.addr.Port, Timeout: time.Second}
	}
	cases := []struct {
		name   string
		target Target
		stage  Stage
		words  []string
	}{
		{"no such name", Target{Name: "web1", Address: "no-such-host.invalid"}, StageResolve, []string{"no-such-host.invalid"}},
		{"refused", Target{Name: "web1", Address: "127.0.0.1", Port: closed}, StageConnect, []string{fmt.Sprintf("127.0.0.1:%d: connection refused", closed)}},
		{"silent", at(silent), StageHandshake, []string{"within 1s"}},
		{"not SSH", at(web), StageHandshake, []string{"HTTP/1.1 400"}},
		{"stops in the handshake", at(mute), StageHandshake, []string{"within 1s"}},
		{"hangs up", Target{Name: "web1", Address: "127.0.0.1", Port: drops.addr.Port}, StageHandshake, []string{"MaxStartups"}},
		{"bad argument", Target{Name: "web1", SSHCommonArgs: "-D 1080"}, StageSettings, []string{"-D is not supported"}},
		{"option as a name", Target{Name: "web1", Address: "-oProxyCommand=x"}, StageSettings, []string{"not a host name"}},
		{"bad jump", Target{Name: "web1", Address: "x", Jumps: []string{"host:port"}}, StageJump, []string{"no valid port"}},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			start := time.Now()
			fails(t, newDialer(t, options(t)), tc.target, tc.stage, tc.words...)
			if took := time.Since(start); took > 5*time.Second {
				t.Errorf("took %s", took)
			}
		})
	}
	if n := drops.conns.Load(); n != tries {
		t.Errorf("tried %d times, want %d", n, tries)
	}
}

func TestServerThatDropsTheFirstIsTriedAgain(t *testing.T) {
	f := listen(t, func(f *fake, n int, c net.Conn) {
		if n < tries {
			_ = c.Close()
			return
		}
		f.serveSSH(c, password("secret"))
	})
	target := f.target()
	target.Password = "secret"
	c := dial(t, newDialer(t, options(t, f.known())), target)
	if got := run(t, c, "echo"); got != "echo" {
		t.Errorf("got %q", got)
	}
}

func TestDialEndsWithItsContext(t *testing.T) {
	silent := listen(t, func(_ *fake, _ int, c net.Conn) {})
	ctx, cancel := context.WithTimeout(context.Background(), 200*time.Millisecond)
	defer cancel()
	start := time.Now()
	_, err := newDialer(t, options(t)).Dial(ctx, silent.target())
	if !errors.Is(err, context.DeadlineExceeded) || time.Since(start) > 2*time.Second {
		t.Errorf("got %v after %s", err, time.Since(start))
	}
}

func TestJumpHostIsShared(t *testing.T) {
	hosts := startSSHD(t)
	jump := startSSHD(t)
	o := options(t, merge(t, hosts.known(), jump.known()))
	o.KeyFiles = []string{filepath.Join(jump.dir, "id")}
	o.MaxPerJump = 2
	d := newDialer(t, o)
	var mu sync.Mutex
	opened := map[string]int{}
	d.tap = func(name string) {
		mu.Lock()
		opened[name]++
		mu.Unlock()
	}
	via := fmt.Sprintf("127.0.0.1:%d", jump.port)
	var g sync.WaitGroup
	for i := range 6 {
		g.Go(func() {
			target := hosts.target()
			target.Name = fmt.Sprintf("web%d", i)
			target.Jumps = []string{via}
			c, err := d.Dial(context.Background(), target)
			if err != nil {
				t.Error(err)
				return
			}
			defer c.Close()
			if out, _, _, err := c.Run(context.Background(), "echo $SSH_CONNECTION", nil); err != nil || !strings.HasSuffix(string(out), fmt.Sprintf("%d\n", hosts.port)) {
				t.Errorf("got %q, %v", out, err)
			}
		})
	}
	g.Wait()
	if opened[via] != 1 || len(opened) != 7 {
		t.Errorf("connections: %v", opened)
	}
}

func TestTwoJumpHosts(t *testing.T) {
	one, two, host := startSSHD(t), startSSHD(t), startSSHD(t)
	o := options(t, merge(t, one.known(), two.known(), host.known()))
	o.KeyFiles = []string{filepath.Join(one.dir, "id"), filepath.Join(two.dir, "id"), filepath.Join(host.dir, "id")}
	target := Target{Name: "web1", Address: "127.0.0.1", Port: host.port}
	target.SSHCommonArgs = fmt.Sprintf("-J 127.0.0.1:%d,127.0.0.1:%d", one.port, two.port)
	c := dial(t, newDialer(t, o), target)
	if got := run(t, c, "echo $SSH_CONNECTION"); !strings.HasSuffix(got, fmt.Sprintf(" %d\n", host.port)) {
		t.Errorf("got %q", got)
	}
	if !strings.Contains(one.log.String(), "Accepted publickey") || !strings.Contains(two.log.String(), "Accepted publickey") {
		t.Error("a jump host was not gone through")
	}
}

func TestJumpFailures(t *testing.T) {
	jump := startSSHD(t)
	forbids := startSSHD(t, "AllowTcpForwarding no")
	silent := listen(t, func(_ *fake, _ int, c net.Conn) {})
	o := options(t, merge(t, jump.known(), forbids.known()))
	o.KeyFiles = []string{filepath.Join(jump.dir, "id"), filepath.Join(forbids.dir, "id")}
	via := func(port, to int) Target {
		return Target{Name: "web1", Address: "127.0.0.1", Port: to, Jumps: []string{fmt.Sprintf("127.0.0.1:%d", port)}, Timeout: 2 * time.Second}
	}
	cases := []struct {
		name   string
		target Target
		stage  Stage
		words  []string
	}{
		{"jump host refuses", via(freePort(t), 22), StageJump, []string{"jump host", "connection refused"}},
		{"nothing behind it", via(jump.port, freePort(t)), StageConnect, []string{"through 127.0.0.1", "refused"}},
		{"no forwarding", via(forbids.port, jump.port), StageConnect, []string{"AllowTcpForwarding"}},
		{"silence behind it", via(jump.port, silent.addr.Port), StageHandshake, []string{"within 2s"}},
		{"circle", Target{Name: "web1", Address: "a", SSHCommonArgs: ""}, StageJump, []string{"circle"}},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			o := o
			if tc.name == "circle" {
				o.ConfigFile = filepath.Join(t.TempDir(), "config")
				write(t, o.ConfigFile, "Host a\n ProxyJump b\nHost b\n ProxyJump a\n")
			}
			fails(t, newDialer(t, o), tc.target, tc.stage, tc.words...)
		})
	}
}

func TestProxyCommand(t *testing.T) {
	s := startSSHD(t)
	o := options(t, s.known())
	o.ConfigFile = filepath.Join(t.TempDir(), "config")
	// The proxy is ssh itself, as `ssh -W`; what it needs of files stands in its own.
	write(t, o.ConfigFile, fmt.Sprintf(`Host web1
  HostName 127.0.0.1
  Port %d
  ProxyCommand ssh -F none -o BatchMode=yes -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -i %s/id -W %%h:%%p -p %%p 127.0.0.1
`, s.port, s.dir))
	c := dial(t, newDialer(t, o), Target{Name: "web1", KeyFiles: s.target().KeyFiles})
	if got := run(t, c, "echo through"); got != "through\n" {
		t.Errorf("got %q", got)
	}
	write(t, o.ConfigFile, "Host *\n ProxyCommand echo no way to %h >&2; exit 1\n")
	fails(t, newDialer(t, o), Target{Name: "web1"}, StageHandshake, "no way to web1")
	write(t, o.ConfigFile, "Host *\n ProxyCommand sleep 60\n")
	fails(t, newDialer(t, o), Target{Name: "web1", Timeout: time.Second}, StageHandshake, "within 1s")
}

func TestDeadPeerIsNoticed(t *testing.T) {
	f := listen(t, func(f *fake, _ int, c net.Conn) {
		cfg := password("secret")
		cfg.AddHostKey(f.key)
		_, chans, _, err := ssh.NewServerConn(c, &cfg) // requests are never answered
		if err != nil {
			return
		}
		for range chans {
		}
	})
	o := options(t, f.known())
	o.KeepAlive, o.KeepAliveCount = 100*time.Millisecond, 2
	target := f.target()
	target.Password = "secret"
	c := dial(t, newDialer(t, o), target)
	start := time.Now()
	_, _, _, err := c.Run(context.Background(), "true", nil)
	if err == nil || !strings.Contains(err.Error(), "no answer for 200ms") || time.Since(start) > 5*time.Second {
		t.Errorf("got %v after %s", err, time.Since(start))
	}
	<-c.Dead()
}

// merge makes one file of several.
func merge(t *testing.T, files ...string) string {
	t.Helper()
	var all strings.Builder
	for _, f := range files {
		data, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		all.Write(data)
	}
	path := filepath.Join(t.TempDir(), "known_hosts")
	write(t, path, all.String())
	return path
}

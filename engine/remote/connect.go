package remote

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/crypto/ssh"
)

// link is an open, logged-in SSH connection with what keeps it alive.
type link struct {
	client *ssh.Client
	banner string
	dead   chan struct{} // closed when the connection has ended
	mu     sync.Mutex
	cause  error // why it ended, where that is known
}

func (l *link) close() { _ = l.client.Close() }

// lost is why the connection ended; nil while it has not, or for no known reason.
func (l *link) lost() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.cause
}

// tries is how often a connection is opened at most, when the server drops it
// before a login is tried: sshd does so at random when many come at once
// (MaxStartups, sshd_config(5)).
const tries = 3

// open connects and logs in. scan, where not nil, is given the host's key, and
// nothing is logged in to.
func (d *Dialer) open(ctx context.Context, s *settings, scan *scanned) (*link, error) {
	j, err := d.jumpFor(ctx, s)
	if err != nil {
		return nil, err
	}
	if j != nil {
		select {
		case j.slots <- struct{}{}:
			defer func() { <-j.slots }()
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	start := time.Now()
	var at *attempt
	for n := range max(tries, s.attempts) {
		at = &attempt{d: d, s: s, jump: j, limit: s.timeout - time.Since(start), scan: scan}
		l, err := at.run(ctx)
		if err == nil {
			go d.keepAlive(l, s)
			return l, nil
		}
		if scan != nil && scan.key != nil {
			return nil, errScanned
		}
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		pause := time.Duration(1<<(2*n))*100*time.Millisecond + rand.N(100*time.Millisecond)
		if !at.again() || time.Since(start)+pause > s.timeout {
			break
		}
		if at.asked {
			start = time.Now() // the person's time is not the host's
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	return nil, at.failure()
}

// attempt is one try to connect and log in.
type attempt struct {
	d     *Dialer
	s     *settings
	jump  *jump
	limit time.Duration
	scan  *scanned
	clock *clock

	stage   Stage
	err     error
	keyErr  error // what is wrong with the host's key
	login   *login
	late    bool // the time was up
	asked   bool // a person was asked something
	heard   *listener
	command *proxy
}

func (a *attempt) run(ctx context.Context) (*link, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	a.clock = startClock(a.limit, cancel)
	defer func() { a.late = a.clock.stop() }()
	if a.d.tap != nil {
		a.d.tap(a.s.name)
	}
	a.stage = StageConnect
	conn, err := a.connect(ctx)
	if err != nil {
		a.err = err
		return nil, err
	}
	a.heard = &listener{Conn: conn}
	// Neither a jump host's channel nor a pipe has deadlines: closing wakes all.
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer stop()
	a.stage = StageHandshake
	a.login = &login{d: a.d, s: a.s, clock: a.clock}
	cfg := a.login.config()
	cfg.HostKeyCallback = a.checkHostKey
	cfg.HostKeyAlgorithms = a.hostKeyAlgorithms()
	sc, chans, reqs, err := ssh.NewClientConn(a.heard, a.s.address(), cfg)
	a.asked = a.login.asked
	if err == nil && !stop() {
		err = context.Cause(ctx)
		_ = sc.Close()
	}
	if err != nil {
		_ = conn.Close()
		switch {
		case a.keyErr != nil:
			a.stage = StageHostKey
		case a.login.started:
			a.stage = StageAuth
		}
		a.err = err
		return nil, err
	}
	a.login.remember()
	l := &link{client: ssh.NewClient(sc, chans, reqs), banner: a.login.banner.String(), dead: make(chan struct{})}
	go func() {
		_ = l.client.Wait()
		_ = conn.Close()
		close(l.dead)
	}()
	return l, nil
}

// connect gives the byte stream to the host.
func (a *attempt) connect(ctx context.Context) (net.Conn, error) {
	switch {
	case a.jump != nil:
		return a.jump.link.client.DialContext(ctx, "tcp", a.s.address())
	case a.s.proxyCommand != "":
		p, err := startProxy(a.s.proxyCommand)
		a.command = p
		if err != nil {
			return nil, err
		}
		return p, nil
	}
	nd := net.Dialer{}
	if a.s.bind != "" {
		addr, err := net.ResolveTCPAddr(a.s.network, net.JoinHostPort(a.s.bind, "0"))
		if err != nil {
			return nil, fmt.Errorf("cannot bind to %q: %w", a.s.bind, err)
		}
		nd.LocalAddr = addr
	}
	return nd.DialContext(ctx, a.s.network, a.s.address())
}

// again reports whether to try once more: the server hung up before it could
// know who we are, or while a person was being asked.
func (a *attempt) again() bool {
	if a.late || a.keyErr != nil {
		return false
	}
	gone := errors.Is(a.err, io.EOF) || errors.Is(a.err, io.ErrUnexpectedEOF) ||
		errors.Is(a.err, syscall.ECONNRESET) || errors.Is(a.err, syscall.EPIPE)
	switch a.stage {
	case StageConnect:
		return errors.Is(a.err, syscall.ECONNRESET)
	case StageHandshake:
		return gone && a.command == nil && a.heard.silentOrSSH()
	case StageAuth:
		return gone && a.asked
	}
	return false
}

// failure is the attempt's error for the user.
func (a *attempt) failure() error {
	s := a.s
	var dns *net.DNSError
	switch {
	case a.stage == StageConnect && errors.As(a.err, &dns):
		return unreachable(s.name, StageResolve, fmt.Errorf("cannot find the address of %q: %s", s.host, dns.Err), "")
	case a.stage == StageConnect:
		return a.connectFailure()
	case a.keyErr != nil:
		return unreachable(s.name, StageHostKey, a.keyErr, keyHint(a.keyErr))
	case a.stage == StageAuth:
		return a.login.failure(a.err, a.late)
	case a.late:
		err := fmt.Errorf("%s took the connection, but there was no SSH handshake within %s", s.address(), s.timeout)
		return unreachable(s.name, StageHandshake, err, a.command.said())
	}
	err := fmt.Errorf("SSH handshake with %s failed: %s", s.address(), cause(a.err))
	hint := a.command.said()
	switch said := a.heard.text(); {
	case said != "" && !strings.Contains(said, "SSH-"):
		hint = fmt.Sprintf("the other end says %q", said)
	case a.again():
		hint = fmt.Sprintf("the server closed the connection before the login, %d times; sshd does so beyond MaxStartups", tries)
	}
	return unreachable(s.name, StageHandshake, err, hint)
}

func (a *attempt) connectFailure() error {
	s := a.s
	via := ""
	if a.jump != nil {
		via = fmt.Sprintf(" through %s", a.jump.name)
	}
	var open *ssh.OpenChannelError
	switch {
	case a.late:
		return unreachable(s.name, StageConnect, fmt.Errorf("no connection to %s%s within %s", s.address(), via, s.timeout), "")
	case errors.As(a.err, &open):
		hint := ""
		if open.Reason == ssh.Prohibited {
			hint = "the jump host does not allow forwarding: AllowTcpForwarding in its sshd_config"
		}
		return unreachable(s.name, StageConnect, fmt.Errorf("cannot connect to %s%s: %s", s.address(), via, open.Message), hint)
	}
	var sys syscall.Errno
	text := cause(a.err)
	if errors.As(a.err, &sys) {
		text = sys.Error()
	}
	return unreachable(s.name, StageConnect, fmt.Errorf("cannot connect to %s%s: %s", s.address(), via, text), "")
}

// cause is an error without x/crypto's prefixes.
func cause(err error) string {
	s := strings.TrimPrefix(err.Error(), "ssh: handshake failed: ")
	return strings.TrimPrefix(s, "ssh: ")
}

// hostKeyAlgorithms is what to ask for: an explicit setting, else what is on file.
func (a *attempt) hostKeyAlgorithms() []string {
	if a.s.hostKeyAlgs != "" {
		return algorithms(a.s.hostKeyAlgs, ssh.SupportedAlgorithms().HostKeys)
	}
	name, _ := a.s.keyName()
	return a.d.hosts(a.s.knownFiles).Algorithms(name)
}

// algorithms reads a list as ssh_config(5) writes it: `+` puts behind, `-` takes
// away, `^` puts in front of what is done by default. What x/crypto does not
// have is left out; nil means its default.
func algorithms(spec string, defaults []string) []string {
	if spec == "" {
		return nil
	}
	names := strings.Split(strings.TrimLeft(spec, "+-^"), ",")
	switch spec[0] {
	case '+':
		names = slices.Concat(defaults, names)
	case '^':
		names = slices.Concat(names, defaults)
	case '-':
		return slices.DeleteFunc(slices.Clone(defaults), func(n string) bool { return slices.Contains(names, n) })
	}
	return names
}

// listener keeps the first bytes of the other end, to tell what it is if not SSH.
type listener struct {
	net.Conn
	mu    sync.Mutex
	first []byte
}

func (l *listener) Read(b []byte) (int, error) {
	n, err := l.Conn.Read(b)
	l.mu.Lock()
	if room := 128 - len(l.first); room > 0 {
		l.first = append(l.first, b[:min(n, room)]...)
	}
	l.mu.Unlock()
	return n, err
}

func (l *listener) text() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return oneLine(string(l.first))
}

// silentOrSSH: nothing was heard, or sshd's own words before it hangs up.
func (l *listener) silentOrSSH() bool {
	t := l.text()
	return t == "" || strings.HasPrefix(t, "SSH-") || strings.Contains(t, "MaxStartups")
}

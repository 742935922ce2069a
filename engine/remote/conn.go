package remote

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/melbahja/goph"
	"golang.org/x/crypto/ssh"
)

// Conn is a host that has been logged in to. It may be used from several
// goroutines.
type Conn struct {
	// Client is goph's, around our own connection.
	Client *goph.Client
	// Target is the inventory's name, User and Address what was logged in to.
	Target, User, Address string
	// Banner is what the server said before the login.
	Banner string

	link  *link
	slots chan struct{}
}

// sessions is how many commands run at once on a connection: sshd's
// MaxSessions is 10 by default.
const sessions = 8

func newConn(s *settings, l *link) *Conn {
	cfg := &goph.Config{User: s.user, Addr: s.host, Port: uint(s.port), Timeout: s.timeout} //nolint:gosec // a port
	return &Conn{
		Client: &goph.Client{Client: l.client, Config: cfg}, Target: s.name, User: s.user, Address: s.address(),
		Banner: l.banner, link: l, slots: make(chan struct{}, sessions),
	}
}

// Close ends the connection and all that runs on it.
func (c *Conn) Close() error { return c.link.client.Close() }

// Dead is closed when the connection has ended, for whatever reason.
func (c *Conn) Dead() <-chan struct{} { return c.link.dead }

// RunLimit is how much of each output [Conn.Run] keeps, in bytes.
const RunLimit = 1 << 20

// ErrOutputTooLong says that a command of [Conn.Run] wrote more than [RunLimit].
var ErrOutputTooLong = errors.New("output is too long")

// Run runs a command by the user's login shell, gives it stdin, and waits.
// exit is -1 where err is not nil and the command gave none. The end of ctx
// sends the command a KILL and closes its session.
func (c *Conn) Run(ctx context.Context, command string, stdin []byte) (stdout, stderr []byte, exit int, err error) {
	errBuf := &head{limit: RunLimit}
	p, err := c.Start(ctx, command, StartOptions{Stderr: errBuf, Kill: true})
	if err != nil {
		return nil, nil, -1, err
	}
	defer p.Close()
	go func() {
		_, _ = p.Stdin.Write(stdin) // a command may end without reading it
		_ = p.Stdin.Close()
	}()
	outBuf := &head{limit: RunLimit}
	_, copyErr := io.Copy(outBuf, p.Stdout)
	exit, err = p.Wait()
	stdout, over1 := outBuf.get()
	stderr, over2 := errBuf.get()
	switch {
	case ctx.Err() != nil:
		exit, err = -1, ctx.Err()
	case err == nil && copyErr != nil:
		err = fmt.Errorf("cannot read the output: %w", copyErr)
	case err == nil && (over1 || over2):
		err = fmt.Errorf("%w: over %d bytes", ErrOutputTooLong, RunLimit)
	}
	return stdout, stderr, exit, err
}

// head is a writer that keeps the first bytes and swallows the rest.
type head struct {
	limit int
	mu    sync.Mutex
	data  []byte
	over  bool
}

func (h *head) Write(b []byte) (int, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	room := max(h.limit-len(h.data), 0)
	h.over = h.over || len(b) > room
	h.data = append(h.data, b[:min(room, len(b))]...)
	return len(b), nil
}

// get gives what was kept, and whether there was more.
func (h *head) get() (data []byte, over bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.data[:len(h.data):len(h.data)], h.over
}

// channel opens a session; the wait for a free one ends with ctx.
func (c *Conn) channel(ctx context.Context) (ssh.Channel, <-chan *ssh.Request, error) {
	select {
	case c.slots <- struct{}{}:
	case <-ctx.Done():
		return nil, nil, ctx.Err()
	}
	var full *ssh.OpenChannelError
	for pause := 50 * time.Millisecond; ; pause *= 2 {
		ch, reqs, err := c.open(ctx)
		switch {
		case err == nil:
			return ch, reqs, nil
		case !errors.As(err, &full) || pause > time.Second:
			<-c.slots
			return nil, nil, err
		}
		// sshd keeps a session that we have seen the end of until it has noticed, too.
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			<-c.slots
			return nil, nil, ctx.Err()
		}
	}
}

// open opens one session channel.
func (c *Conn) open(ctx context.Context) (ssh.Channel, <-chan *ssh.Request, error) {
	type opened struct {
		ch   ssh.Channel
		reqs <-chan *ssh.Request
		err  error
	}
	done := make(chan opened, 1)
	go func() {
		ch, reqs, err := c.link.client.OpenChannel("session", nil)
		done <- opened{ch, reqs, err}
	}()
	select {
	case o := <-done:
		if o.err != nil {
			return nil, nil, c.failed("open a session", o.err)
		}
		return o.ch, o.reqs, nil
	case <-ctx.Done():
		go func() {
			if o := <-done; o.err == nil {
				go ssh.DiscardRequests(o.reqs)
				_ = o.ch.Close()
			}
		}()
		return nil, nil, ctx.Err()
	}
}

// failed is an error on the connection, with the reason why that ended.
func (c *Conn) failed(what string, err error) error {
	if lost := c.link.lost(); lost != nil {
		err = lost
	}
	var open *ssh.OpenChannelError
	if errors.As(err, &open) {
		err = fmt.Errorf("the server says %q (MaxSessions in its sshd_config?): %w", oneLine(open.Message), err)
	} else if errors.Is(err, io.EOF) {
		err = errors.New("connection closed by the host")
	}
	return fmt.Errorf("cannot %s on %q: %w", what, c.Target, err)
}

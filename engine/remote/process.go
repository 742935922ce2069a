package remote

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"

	"golang.org/x/crypto/ssh"
)

// Process is a program under way, on a host or on this machine. Stdout must be
// read to its end, else the program waits. Stderr is read by the Process.
type Process struct {
	Stdin  io.WriteCloser
	Stdout io.Reader

	tail  *tail
	wait  func() (int, error)
	close func()
}

// StartOptions say how a program is started.
type StartOptions struct {
	// PTY gives it a terminal, raw and without echo; stderr is then in Stdout.
	PTY bool
	// Stderr takes what it writes there; nil keeps the last 16 KiB for StderrTail.
	Stderr io.Writer
	// NoReply starts without waiting for the server's word that it has started:
	// what is written to Stdin arrives a round trip earlier. If the server will
	// not start the command, nothing says so, so have a deadline.
	NoReply bool
	// Kill sends the command a KILL when ctx ends, before its session is closed.
	// Without it the command is left to end by itself.
	Kill bool
}

// stderrKept is how much of stderr a Process keeps, in bytes.
const stderrKept = 16 << 10

// StderrTail is the end of what the program wrote to stderr, where
// StartOptions.Stderr took nothing.
func (p *Process) StderrTail() string { return p.tail.String() }

// Wait waits for the end and gives the exit status; -1, and an error, if it was
// killed or the connection went away.
func (p *Process) Wait() (int, error) { return p.wait() }

// Close ends the program's streams. What runs on a host sees the end of its
// stdin and no reader for its stdout; it is not killed.
func (p *Process) Close() { p.close() }

// Start starts a command by the user's login shell. The end of ctx closes the
// session. Wait or Close must be called.
func (c *Conn) Start(ctx context.Context, command string, opt StartOptions) (*Process, error) {
	ch, reqs, err := c.channel(ctx)
	if err != nil {
		return nil, err
	}
	s := &session{conn: c, ch: ch, status: -1, done: make(chan struct{}), closed: make(chan struct{})}
	out, pump := io.Pipe()
	s.out = out
	p := &Process{Stdin: sessionStdin{ch}, Stdout: out, tail: &tail{limit: stderrKept}, wait: s.wait, close: s.close}
	var stderr io.Writer = p.tail
	if opt.Stderr != nil {
		stderr = opt.Stderr
	}
	s.reading.Add(1)
	go func() {
		defer s.reading.Done()
		_, _ = io.Copy(stderr, ch.Stderr()) // ends with the channel
	}()
	go func() {
		_, err := io.Copy(pump, ch)
		_ = pump.CloseWithError(err) // nil means the end
	}()
	go s.requests(reqs)
	if err := s.start(command, opt); err != nil {
		s.close()
		return nil, err
	}
	s.stop = context.AfterFunc(ctx, func() {
		if opt.Kill {
			s.send("KILL")
		}
		s.close()
	})
	return p, nil
}

// session is one command's channel.
type session struct {
	conn    *Conn
	ch      ssh.Channel
	reading sync.WaitGroup
	// out is what the reader sees of stdout. It is not the channel itself, whose
	// Read ends only when the server has closed it, too: sshd does so when the
	// last process that holds it is gone.
	out    *io.PipeReader
	done   chan struct{} // the channel has ended
	closed chan struct{} // we have closed it
	stop   func() bool
	once   sync.Once

	// Set before done is closed.
	status int
	signal string
	ended  bool // the server said how
}

type sessionStdin struct{ ch ssh.Channel }

func (s sessionStdin) Write(b []byte) (int, error) { return s.ch.Write(b) }
func (s sessionStdin) Close() error                { return s.ch.CloseWrite() }

// rawModes are a terminal's that hands on every byte as it is: no echo, no
// line editing, no signals, no newline made of another (RFC 4254, 8).
var rawModes = []byte{
	50, 0, 0, 0, 0, // ISIG
	51, 0, 0, 0, 0, // ICANON
	53, 0, 0, 0, 0, // ECHO
	36, 0, 0, 0, 0, // ICRNL
	38, 0, 0, 0, 0, // IXON
	70, 0, 0, 0, 0, // OPOST
	0,
}

// start asks for the terminal and the command.
func (s *session) start(command string, opt StartOptions) error {
	if opt.PTY {
		pty := struct {
			Term                 string
			Cols, Rows, Wpx, Hpx uint32
			Modes                string
		}{"dumb", 200, 50, 0, 0, string(rawModes)}
		ok, err := s.ch.SendRequest("pty-req", true, ssh.Marshal(pty))
		if err == nil && !ok {
			err = errors.New("the server gives no terminal (PermitTTY)")
		}
		if err != nil {
			return s.conn.failed("get a terminal", err)
		}
	}
	ok, err := s.ch.SendRequest("exec", !opt.NoReply, ssh.Marshal(struct{ Command string }{command}))
	if err == nil && !ok && !opt.NoReply {
		err = errors.New("the server refuses commands")
	}
	if err != nil {
		return s.conn.failed("start a command", err)
	}
	return nil
}

// requests reads what the server says about the command's end.
func (s *session) requests(reqs <-chan *ssh.Request) {
	for r := range reqs {
		switch r.Type {
		case "exit-status":
			var m struct{ Status uint32 }
			if ssh.Unmarshal(r.Payload, &m) == nil {
				s.status, s.ended = int(m.Status), true
			}
		case "exit-signal":
			var m struct {
				Signal string
				Core   bool
				Text   string
				Lang   string
			}
			if ssh.Unmarshal(r.Payload, &m) == nil {
				s.signal, s.ended = m.Signal, true
			}
		}
		if r.WantReply {
			_ = r.Reply(false, nil)
		}
	}
	close(s.done)
	<-s.conn.slots
}

func (s *session) close() {
	s.once.Do(func() {
		_ = s.out.CloseWithError(errClosed)
		_ = s.ch.Close()
		close(s.closed)
	})
}

// errClosed: the Process was closed, or its context ended.
var errClosed = errors.New("the session was closed")

// send sends the command a signal, as RFC 4254 names it; servers may ignore it.
func (s *session) send(name string) {
	_, _ = s.ch.SendRequest("signal", false, ssh.Marshal(struct{ Name string }{name}))
}

func (s *session) wait() (int, error) {
	select {
	case <-s.done:
		s.reading.Wait()
	case <-s.closed:
	}
	if s.stop != nil {
		s.stop()
	}
	select {
	case <-s.done:
	default:
		return -1, s.conn.failed("wait for a command", errClosed)
	}
	switch {
	case s.signal != "":
		return -1, fmt.Errorf("command on %q was ended by signal %s", s.conn.Target, s.signal)
	case s.ended:
		return s.status, nil
	}
	return -1, s.conn.failed("wait for a command", io.EOF)
}

package engine

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"sync"
	"sync/atomic"
	"time"

	"rp/engine/report"
	"rp/engine/wire"
)

// Link is a started helper's two streams. Close ends it.
type Link struct {
	In     io.WriteCloser
	Out    io.Reader
	Close  func()
	Pushed bool // the helper was sent to the host just now
}

// reply is how a sent task came back.
type reply struct {
	result  wire.Result
	changes []wire.Change
	err     error // the host was lost
}

// sent is a task under way on a host.
type sent struct {
	task wire.Task
	// depth is how many answers in a row the controller had waited for when it sent the task.
	depth int64
	// held is told when the task stops before its first write.
	held chan struct{}
	done chan struct{}
	// what follows is written before done is closed
	reply reply
}

// session is the conversation with one host's helper. It is safe for concurrent use.
type session struct {
	host  string
	conn  *wire.Conn
	link  Link
	ready wire.Ready
	blobs *blobs
	took  time.Duration

	nextID atomic.Int64
	// depth counts round trips: an answer that was waited for has the depth of its question plus one.
	depth atomic.Int64

	mu     sync.Mutex
	tasks  map[int64]*sent
	undone chan wire.Undone
	lost   error
	// halted: nothing new is to be begun.
	halted bool
}

// openSession hears the answer of the helper behind l to the hello that it was started with.
func openSession(host string, l Link, b *blobs) (*session, error) {
	s := &session{host: host, conn: wire.NewConn(l.Out, l.In), link: l, blobs: b, tasks: map[int64]*sent{}, undone: make(chan wire.Undone, 1)}
	t, payload, err := s.conn.Receive()
	if err != nil {
		return nil, fmt.Errorf("the helper ended before it answered: %w", err)
	}
	if t == wire.TFatal {
		var f wire.Fatal
		if err := json.Unmarshal(payload, &f); err != nil {
			return nil, fmt.Errorf("cannot understand the helper: %w", err)
		}
		return nil, errors.New(f.Msg)
	}
	if err := json.Unmarshal(payload, &s.ready); err != nil || t != wire.TReady {
		return nil, fmt.Errorf("cannot understand the helper's answer (%q): %w", t, err)
	}
	s.depth.Store(1)
	go s.listen()
	return s, nil
}

// send gives the helper a task and does not wait for it.
func (s *session) send(t wire.Task) *sent {
	t.ID = s.nextID.Add(1)
	st := &sent{task: t, depth: s.depth.Load(), held: make(chan struct{}), done: make(chan struct{})}
	s.mu.Lock()
	lost, halted := s.lost, s.halted
	if lost == nil && !halted {
		s.tasks[t.ID] = st
	}
	s.mu.Unlock()
	if halted {
		st.finish(reply{err: errDropped})
		return st
	}
	if lost == nil {
		lost = s.conn.Send(wire.TTask, t)
	}
	if lost != nil {
		s.fail(lost)
		st.finish(reply{err: lost})
	}
	return st
}

func (st *sent) finish(r reply) {
	select {
	case <-st.done:
	default:
		r.changes = append(st.reply.changes, r.changes...)
		st.reply = r
		close(st.done)
	}
}

// wait is st's reply, as soon as there is one.
func (s *session) wait(ctx context.Context, st *sent) (reply, error) {
	select {
	case <-st.done:
	case <-ctx.Done():
		return reply{}, context.Cause(ctx)
	}
	return st.reply, nil
}

// used notes that the answer to a question of depth d decided what is done next.
func (s *session) used(d int64) {
	for {
		have := s.depth.Load()
		if have >= d+1 || s.depth.CompareAndSwap(have, d+1) {
			return
		}
	}
}

// release lets a held task, and the other items of its loop, write.
func (s *session) release(st *sent) error {
	s.used(st.depth)
	return s.conn.Send(wire.TGo, wire.Go{ID: st.task.ID, Lane: st.task.Lane, Group: st.task.Group})
}

// drop forgets what lane has not begun of the epochs before epoch.
func (s *session) drop(lane string, epoch int) {
	_ = s.conn.Send(wire.TDrop, wire.Drop{Lane: lane, Epoch: epoch}) // a lost host has nothing to drop
}

// errDropped is the reply of a task that the host forgot before it began.
var errDropped = errors.New("dropped before it began")

func (s *session) listen() {
	for {
		t, payload, err := s.conn.Receive()
		if err == nil {
			err = s.frame(t, payload)
		}
		if err != nil {
			if errors.Is(err, io.EOF) {
				err = errors.New("the connection was closed")
			}
			s.fail(err)
			return
		}
	}
}

// fail ends all that is under way: the host is lost.
func (s *session) fail(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.lost == nil {
		s.lost = err
	}
	for id, st := range s.tasks {
		st.finish(reply{err: err})
		delete(s.tasks, id)
	}
	select {
	case s.undone <- wire.Undone{Failed: true, Msg: err.Error()}:
	default:
	}
}

func (s *session) frame(t wire.Type, payload []byte) error {
	switch t {
	case wire.TResult:
		var m wire.Result
		if err := json.Unmarshal(payload, &m); err != nil {
			return err
		}
		if st := s.take(m.ID, true); st != nil {
			st.finish(reply{result: m})
		}
	case wire.TChange:
		var m wire.Change
		if err := json.Unmarshal(payload, &m); err != nil {
			return err
		}
		if st := s.take(m.ID, false); st != nil {
			st.reply.changes = append(st.reply.changes, m)
		}
	case wire.TDropped:
		var m wire.Dropped
		if err := json.Unmarshal(payload, &m); err != nil {
			return err
		}
		for _, id := range m.IDs {
			if st := s.take(id, true); st != nil {
				st.finish(reply{err: errDropped})
			}
		}
	case wire.THeld:
		var m wire.Held
		if err := json.Unmarshal(payload, &m); err != nil {
			return err
		}
		if st := s.take(m.ID, false); st != nil {
			close(st.held)
		}
	case wire.TNeed:
		var m wire.Need
		if err := json.Unmarshal(payload, &m); err != nil {
			return err
		}
		go s.blobs.serve(s.conn, m.Sum)
	case wire.TUndone:
		var m wire.Undone
		if err := json.Unmarshal(payload, &m); err != nil {
			return err
		}
		s.undone <- m
	case wire.TFatal:
		var m wire.Fatal
		if err := json.Unmarshal(payload, &m); err != nil {
			return err
		}
		return errors.New(m.Msg)
	}
	return nil
}

func (s *session) take(id int64, remove bool) *sent {
	s.mu.Lock()
	defer s.mu.Unlock()
	st := s.tasks[id]
	if remove {
		delete(s.tasks, id)
	}
	return st
}

// dropAll makes the helper forget whatever it has not begun.
func (s *session) dropAll() {
	s.mu.Lock()
	s.halted = true
	lanes := map[string]bool{}
	for _, st := range s.tasks {
		lanes[st.task.Lane] = true
	}
	s.mu.Unlock()
	for lane := range lanes {
		s.drop(lane, math.MaxInt)
	}
}

func (s *session) isLost() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.lost != nil
}

// close ends the conversation; the helper finishes what is under way.
func (s *session) close() {
	_ = s.conn.Send(wire.TEnd, struct{}{}) // a lost host needs no goodbye
	s.link.Close()
}

func (s *session) profile() report.HostProfile {
	out, in := s.conn.Traffic()
	return report.HostProfile{RoundTrips: int(s.depth.Load()), Sent: out, Received: in, Connect: s.took, HelperPushed: s.link.Pushed}
}

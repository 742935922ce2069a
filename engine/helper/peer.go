package helper

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"rp/engine/host"
	"rp/engine/journal"
	"rp/engine/state"
	"rp/engine/wire"
)

// peer is the host as another user sees it: a second helper that runs as that
// user, asked over a pipe. It is a host.Host.
type peer struct {
	as    wire.Become
	start sync.Once
	err   error

	conn  *wire.Conn
	blobs *blobStore
	end   func()

	mu    sync.Mutex
	seq   int64
	calls map[int64]chan wire.Reply
	gone  error
	sent  map[string]bool // contents that the child has
}

// peer gives the peer for as, starting it the first time.
func (s *server) peer(ctx context.Context, as wire.Become) (*peer, error) {
	s.mu.Lock()
	p, ok := s.peers[as]
	if !ok {
		p = &peer{as: as, blobs: s.blobs, calls: map[int64]chan wire.Reply{}, sent: map[string]bool{}}
		s.peers[as] = p
	}
	s.mu.Unlock()
	p.start.Do(func() { p.err = p.open(ctx, s) })
	if p.err != nil {
		s.mu.Lock()
		delete(s.peers, as) // the user may come to be; the next task tries again
		s.mu.Unlock()
		return nil, p.err
	}
	return p, nil
}

// dismiss ends the peers that run as user: an account with processes cannot be
// changed or removed. The next task that needs one starts it anew.
func (s *server) dismiss(user string) {
	s.mu.Lock()
	var gone []*peer
	for as, p := range s.peers {
		if as.User == user {
			gone = append(gone, p)
			delete(s.peers, as)
		}
	}
	s.mu.Unlock()
	for _, p := range gone {
		p.close()
	}
}

func (p *peer) open(ctx context.Context, s *server) error {
	in, out, end, err := startChild(ctx, p.as)
	if err != nil {
		return fmt.Errorf("cannot become %s: %w", p.as.User, err)
	}
	p.conn, p.end = wire.NewConn(out, in), end
	hello := s.hello
	if err := p.conn.Send(wire.THello, hello); err != nil {
		end()
		return fmt.Errorf("cannot become %s: %w", p.as.User, err)
	}
	go p.listen()
	return nil
}

func (p *peer) listen() {
	for {
		t, payload, err := p.conn.Receive()
		if err != nil {
			p.fail(fmt.Errorf("the helper of %s ended: %w", p.as.User, err))
			return
		}
		if t != wire.TReply {
			continue
		}
		var r wire.Reply
		if err := json.Unmarshal(payload, &r); err != nil {
			p.fail(fmt.Errorf("cannot understand the helper of %s: %w", p.as.User, err))
			return
		}
		p.mu.Lock()
		c := p.calls[r.Seq]
		delete(p.calls, r.Seq)
		p.mu.Unlock()
		if c != nil {
			c <- r
		}
	}
}

func (p *peer) fail(err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.gone = err
	for seq, c := range p.calls {
		c <- wire.Reply{Seq: seq, Err: err.Error()}
		delete(p.calls, seq)
	}
}

func (p *peer) close() {
	if p.end != nil {
		p.end()
	}
}

// call asks the child and waits for its answer. The child keeps the deadline that ctx has.
func (p *peer) call(ctx context.Context, c wire.Call) (wire.Reply, error) {
	if d, ok := ctx.Deadline(); ok {
		c.Timeout = max(1, time.Until(d).Milliseconds())
	}
	c.Env = host.EnvOf(ctx)
	info, err := json.Marshal(journal.InfoOf(ctx))
	if err != nil {
		return wire.Reply{}, err
	}
	if c.Entry == nil {
		c.Entry = info
	}
	answer := make(chan wire.Reply, 1)
	p.mu.Lock()
	if p.gone != nil {
		p.mu.Unlock()
		return wire.Reply{}, p.gone
	}
	p.seq++
	c.Seq = p.seq
	p.calls[c.Seq] = answer
	p.mu.Unlock()
	if err := p.conn.Send(wire.TCall, c); err != nil {
		return wire.Reply{}, fmt.Errorf("cannot ask the helper of %s: %w", p.as.User, err)
	}
	r := <-answer
	if r.Err != "" {
		return r, errors.New(r.Err)
	}
	return r, nil
}

// Read implements [host.Reader].
func (p *peer) Read(ctx context.Context, ss ...state.State) ([]state.State, error) {
	r, err := p.call(ctx, wire.Call{Op: opRead, States: state.Boxes(ss)})
	if err != nil {
		return nil, err
	}
	return state.Unbox(r.States), nil
}

// Plan implements [host.Host].
func (p *peer) Plan(ctx context.Context, c state.Change) (state.Change, error) {
	r, err := p.call(ctx, wire.Call{Op: opPlan, Changes: []state.Change{c}})
	if err != nil {
		return c, err
	}
	return *r.Change, nil
}

// Write implements [host.Host].
func (p *peer) Write(ctx context.Context, cs ...state.Change) error {
	for _, c := range cs {
		if err := p.give(ctx, c); err != nil {
			return err
		}
	}
	_, err := p.call(ctx, wire.Call{Op: opWrite, Changes: cs})
	return err
}

// Do implements [host.Host].
func (p *peer) Do(ctx context.Context, e state.Event) (state.Outcome, error) {
	r, err := p.call(ctx, wire.Call{Op: opDo, Event: state.EventBox{Event: e}})
	if err != nil {
		return state.Outcome{}, err
	}
	return *r.Outcome, nil
}

// Touches says what writing c touches besides; it is asked of the kinds, which are the same here.
func (p *peer) Touches(c state.Change) []string { return (&host.Linux{}).Touches(c) }

// give sends the child the large contents that c needs.
func (p *peer) give(ctx context.Context, c state.Change) error {
	f, ok := c.To.(state.File)
	content, known := f.Content.Get()
	if !ok || !known || content.From != "blob:" || p.sent[content.Sum] {
		return nil
	}
	r, err := p.blobs.Open(ctx, content.Sum)
	if err != nil {
		return err
	}
	defer r.Close() //nolint:errcheck // only read
	if err := p.conn.SendContent(content.Sum, r); err != nil {
		return fmt.Errorf("cannot give a content to the helper of %s: %w", p.as.User, err)
	}
	p.sent[content.Sum] = true
	return nil
}

package helper

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"

	"rp/engine/host"
	"rp/engine/journal"
	"rp/engine/state"
	"rp/engine/wire"
)

// What a child is asked.
const (
	opRead  = "read"
	opPlan  = "plan"
	opWrite = "write"
	opDo    = "do"
	opLoad  = "journal-load"
	opUndo  = "journal-undo"
)

// ServeChild is the life of a helper that runs as a become user: it reads,
// writes and does what the first helper asks, and keeps the journal of its own
// user unless that one is root and keeps it for all.
func ServeChild(in io.Reader, out io.Writer, o Options) error {
	signal.Ignore(syscall.SIGHUP, syscall.SIGPIPE)
	conn := wire.NewConn(in, out)
	t, payload, err := conn.Receive()
	if err != nil {
		return err
	}
	var hello wire.Hello
	if err := json.Unmarshal(payload, &hello); err != nil || t != wire.THello {
		return fmt.Errorf("cannot understand the first helper's hello: %w", err)
	}
	c, err := newChild(conn, hello, o)
	if err != nil {
		return err
	}
	defer c.close()
	return c.receive()
}

type child struct {
	conn    *wire.Conn
	blobs   *blobStore
	scratch string
	linux   *host.Linux
	h       host.Host // what writes go through
	journal *journal.Journal
	dir     string       // of the journal
	memory  *host.Memory // of what undo would do
	work    sync.WaitGroup
}

// parentIsRoot: then the first helper keeps the journal.
func parentIsRoot() bool { return os.Getenv(envParentRoot) == "1" }

const envParentRoot = "RP_PARENT_ROOT"

func newChild(conn *wire.Conn, hello wire.Hello, o Options) (*child, error) {
	c := &child{conn: conn, memory: host.NewMemory()}
	var err error
	if c.scratch, err = scratchDir(); err != nil {
		return nil, err
	}
	c.blobs = newBlobStore(c.scratch, conn)
	c.linux = host.NewLinux(host.Options{Blobs: c.blobs, Scratch: c.scratch})
	c.h = c.linux
	if c.dir, err = o.journalDir(); err != nil {
		return nil, err
	}
	c.journal = journal.Open(c.dir, hello.Run)
	if !parentIsRoot() {
		c.h = journal.Wrap(c.linux, c.journal, "")
	}
	_ = os.Unsetenv(envParentRoot)
	return c, nil
}

func (c *child) close() {
	c.work.Wait()
	_ = c.journal.Close()
	_ = os.RemoveAll(c.scratch)
}

func (c *child) receive() error {
	for {
		t, payload, err := c.conn.Receive()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		switch t {
		case wire.TCall:
			var m wire.Call
			if err := json.Unmarshal(payload, &m); err != nil {
				return fmt.Errorf("cannot understand a call: %w", err)
			}
			c.work.Go(func() { c.answer(m) })
		case wire.TBlob:
			h, piece, err := wire.ParseBlob(payload)
			if err != nil {
				return err
			}
			c.blobs.expect(h.Sum)
			if err := c.blobs.receive(h, piece); err != nil {
				return err
			}
		}
	}
}

func (c *child) answer(m wire.Call) {
	ctx := host.WithEnv(context.Background(), m.Env)
	if m.Timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, time.Duration(m.Timeout)*time.Millisecond)
		defer cancel()
	}
	var info journal.Info
	if json.Unmarshal(m.Entry, &info) == nil {
		ctx = journal.With(ctx, info)
	}
	r, err := c.do(ctx, m)
	r.Seq = m.Seq
	if err != nil {
		r.Err = err.Error()
	}
	_ = c.conn.Send(wire.TReply, r) // a parent that is gone asks no more
}

func (c *child) do(ctx context.Context, m wire.Call) (r wire.Reply, err error) {
	switch m.Op {
	case opRead:
		ss, err := c.h.Read(ctx, state.Unbox(m.States)...)
		r.States = state.Boxes(ss)
		return r, err
	case opPlan:
		ch, err := c.h.Plan(ctx, m.Changes[0])
		r.Change = &ch
		return r, err
	case opWrite:
		return r, c.h.Write(ctx, m.Changes...)
	case opDo:
		out, err := c.h.Do(ctx, m.Event.Event)
		r.Outcome = &out
		return r, err
	case opLoad, opUndo:
		return c.journalCall(ctx, m)
	}
	return r, fmt.Errorf("cannot do %q", m.Op)
}

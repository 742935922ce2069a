package helper

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"rp/engine/apply"
	"rp/engine/host"
	"rp/engine/journal"
	"rp/engine/wire"
)

// book is a journal with entries of the run to be undone, and whoever takes them back.
type book struct {
	owner string
	load  func(ctx context.Context, run string) ([]journal.Entry, error)
	undo  func(ctx context.Context, e journal.Entry, write, force bool) ([]journal.Item, error)
}

// undo lists or takes back the changes of a run, newest first, over the journals
// of all the users it wrote as.
func (s *server) undo(m wire.Undo) {
	ctx := context.Background()
	reply := wire.Undone{}
	if err := s.undoAll(ctx, m, &reply); err != nil {
		reply.Failed, reply.Msg = true, err.Error()
	}
	_ = s.conn.Send(wire.TUndone, reply) // a controller that is gone sees the rest next time
}

type pageOf struct {
	b book
	e journal.Entry
}

func (s *server) undoAll(ctx context.Context, m wire.Undo, reply *wire.Undone) error {
	if !m.List {
		if err := s.lock.take(); err != nil {
			return err
		}
	}
	books := []book{s.ownBook()}
	for _, as := range m.As {
		if s.isSelf(as) {
			continue
		}
		p, err := s.peer(ctx, as)
		if err != nil {
			return err
		}
		books = append(books, peerBook(p))
	}
	var pages []pageOf
	for _, b := range books {
		es, err := b.load(ctx, m.Run)
		if err != nil {
			return fmt.Errorf("the journal of %s: %w", b.owner, err)
		}
		for _, e := range es {
			if e.Undone == "" {
				pages = append(pages, pageOf{b, e})
			}
		}
	}
	slices.SortStableFunc(pages, func(a, b pageOf) int { return int(min(max(b.e.Seq-a.e.Seq, -1), 1)) })
	for _, p := range pages {
		items, err := p.b.undo(ctx, p.e, !m.List, m.Force)
		if err != nil {
			return err
		}
		for _, i := range items {
			reply.Failed = reply.Failed || i.State == journal.Failed || i.State == journal.Blocked
			reply.Items = append(reply.Items, undoItem(p, i))
		}
	}
	return nil
}

func undoItem(p pageOf, i journal.Item) wire.UndoItem {
	u := wire.UndoItem{Task: p.e.Task, Pos: p.e.Pos, User: p.e.User, State: i.State, Why: i.Why}
	switch {
	case i.Event != "":
		u.Change = wire.Change{Kind: "event", Name: i.Event, Event: true}
	case i.Change.To != nil:
		u.Change = apply.Show(i.Change, 0, i.State, false)
	}
	return u
}

// ownBook is the journal of this helper's own user; where that is root, it has all users' entries.
func (s *server) ownBook() book {
	return book{
		owner: userName(),
		load:  func(_ context.Context, run string) ([]journal.Entry, error) { return s.journal.Load(run) },
		undo: func(ctx context.Context, e journal.Entry, write, force bool) ([]journal.Item, error) {
			var h host.Host = &locked{Host: s.local(), s: s}
			if e.User != "" && e.User != userName() {
				p, err := s.peer(ctx, wire.Become{User: e.User})
				if err != nil {
					return nil, err
				}
				h = p
			}
			if !write {
				h = s.memory.View(h, "undo", false)
			}
			items := s.journal.Undo(ctx, h, e, write, force)
			return items, s.mark(e, items, write)
		},
	}
}

func (s *server) mark(e journal.Entry, items []journal.Item, write bool) error {
	dir, err := s.opt.journalDir()
	if err != nil {
		return err
	}
	return mark(dir, e, items, write, s.hello.Run)
}

// mark notes in the journal of the undone run that e was taken back.
func mark(dir string, e journal.Entry, items []journal.Item, write bool, by string) error {
	if !write || slices.ContainsFunc(items, func(i journal.Item) bool {
		return i.State == journal.Failed || i.State == journal.Blocked || i.State == journal.Impossible
	}) {
		return nil
	}
	of := journal.Open(dir, e.Run)
	if err := of.MarkUndone(e.Seq, by); err != nil {
		return err
	}
	return of.Close()
}

// peerBook is the journal of another user, read and taken back in that user's own helper.
func peerBook(p *peer) book {
	return book{
		owner: p.as.User,
		load: func(ctx context.Context, run string) ([]journal.Entry, error) {
			var es []journal.Entry
			err := p.journalCall(ctx, opLoad, journalRequest{Run: run}, &es)
			return es, err
		},
		undo: func(ctx context.Context, e journal.Entry, write, force bool) ([]journal.Item, error) {
			var items []journal.Item
			err := p.journalCall(ctx, opUndo, journalRequest{Entry: e, Write: write, Force: force}, &items)
			return items, err
		},
	}
}

// journalRequest is what a child is asked of its journal.
type journalRequest struct {
	Run          string        `json:",omitempty"`
	Entry        journal.Entry `json:",omitzero"`
	Write, Force bool          `json:",omitempty"`
}

func (p *peer) journalCall(ctx context.Context, op string, req journalRequest, into any) error {
	entry, err := json.Marshal(req)
	if err != nil {
		return fmt.Errorf("cannot ask for a journal: %w", err)
	}
	r, err := p.call(ctx, wire.Call{Op: op, Entry: entry})
	if err != nil {
		return err
	}
	return json.Unmarshal(r.Data, into)
}

func (c *child) journalCall(ctx context.Context, m wire.Call) (r wire.Reply, err error) {
	var req journalRequest
	if err := json.Unmarshal(m.Entry, &req); err != nil {
		return r, fmt.Errorf("cannot understand a journal request: %w", err)
	}
	var answer any
	if m.Op == opLoad {
		answer, err = c.journal.Load(req.Run)
	} else {
		var h host.Host = c.linux
		if !req.Write {
			h = c.memory.View(h, "undo", false)
		}
		items := c.journal.Undo(ctx, h, req.Entry, req.Write, req.Force)
		answer, err = items, mark(c.dir, req.Entry, items, req.Write, "undo")
	}
	if err != nil {
		return r, err
	}
	r.Data, err = json.Marshal(answer)
	return r, err
}

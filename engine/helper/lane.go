package helper

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"sync"
	"time"

	"rp/engine/apply"
	"rp/engine/host"
	"rp/engine/journal"
	"rp/engine/module"
	"rp/engine/value"
	"rp/engine/wire"
)

// lane runs the tasks of one inventory host in order.
type lane struct {
	s *server

	mu    sync.Mutex
	wake  *sync.Cond
	queue []wire.Task
	// epoch is the lowest that still runs; tasks before it are forgotten.
	epoch int
	// broken is the group that failed: what came after it, in the same epoch, is forgotten.
	broken int64
	// released is the group that may write without asking.
	released int64
	held     map[int64]chan error
	closed   bool
}

var errDropped = errors.New("dropped")

func (s *server) lane(name string) *lane {
	s.mu.Lock()
	defer s.mu.Unlock()
	l, ok := s.lanes[name]
	if !ok {
		l = &lane{s: s, held: map[int64]chan error{}}
		l.wake = sync.NewCond(&l.mu)
		s.lanes[name] = l
		s.work.Go(l.run)
	}
	return l
}

// release lets the held task m.ID write, and the rest of its group.
func (l *lane) release(m wire.Go) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.released = m.Group
	if c, ok := l.held[m.ID]; ok {
		c <- nil
		delete(l.held, m.ID)
	}
}

func (s *server) closeLanes() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, l := range s.lanes {
		l.mu.Lock()
		l.closed, l.queue = true, nil
		l.letGo()
		l.wake.Broadcast()
		l.mu.Unlock()
	}
}

// letGo ends the wait of every held task: it is no longer wanted.
func (l *lane) letGo() {
	for id, c := range l.held {
		c <- errDropped
		delete(l.held, id)
		l.forgot(id)
	}
}

func (l *lane) add(t wire.Task) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.queue = append(l.queue, t)
	l.wake.Signal()
}

// drop forgets what belongs to an epoch before epoch.
func (l *lane) drop(epoch int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if epoch > l.epoch {
		l.epoch, l.broken = epoch, 0
		l.letGo()
		l.wake.Signal() // what is queued is looked at again, and forgotten
	}
}

// forgot tells the controller that nobody will do these tasks.
func (l *lane) forgot(ids ...int64) {
	_ = l.s.conn.Send(wire.TDropped, wire.Dropped{IDs: ids}) // a controller that is gone does not wait for them
}

// next waits for a task that is still wanted.
func (l *lane) next() (wire.Task, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for {
		for len(l.queue) > 0 {
			t := l.queue[0]
			l.queue = l.queue[1:]
			if t.Epoch > l.epoch {
				l.epoch, l.broken = t.Epoch, 0
			}
			if t.Epoch == l.epoch && (l.broken == 0 || t.Group == l.broken) {
				return t, true
			}
			l.forgot(t.ID)
		}
		if l.closed {
			return wire.Task{}, false
		}
		l.wake.Wait()
	}
}

func (l *lane) run() {
	for {
		t, ok := l.next()
		if !ok {
			return
		}
		start := time.Now()
		r, dropped := l.s.task(l, t)
		if dropped {
			continue
		}
		r.ID, r.Micros = t.ID, time.Since(start).Microseconds()
		if r.Failed {
			l.mu.Lock()
			if t.Epoch == l.epoch {
				l.broken = t.Group
			}
			l.mu.Unlock()
		}
		if err := l.s.conn.Send(wire.TResult, r); err != nil {
			return // the controller is gone; what was done stands in the journal
		}
	}
}

// hold says that t would write and waits until it may.
func (l *lane) hold(t wire.Task) func(context.Context) error {
	return func(context.Context) error {
		c := make(chan error, 1)
		l.mu.Lock()
		if l.closed || t.Epoch != l.epoch {
			l.mu.Unlock()
			return errDropped
		}
		if t.Group == l.released {
			l.mu.Unlock()
			return nil
		}
		l.held[t.ID] = c
		l.mu.Unlock()
		if err := l.s.conn.Send(wire.THeld, wire.Held{ID: t.ID}); err != nil {
			return err
		}
		return <-c
	}
}

// task runs one task and says how it ended.
func (s *server) task(l *lane, t wire.Task) (r wire.Result, dropped bool) {
	defer func() {
		if p := recover(); p != nil {
			r = wire.Result{Failed: true, Msg: fmt.Sprintf("module %s broke off: %v\n%s", t.Module, p, debug.Stack())}
		}
	}()
	spec, ok := s.opt.Find(t.Module)
	if !ok || spec.Run == nil {
		return failed(fmt.Errorf("the helper has no module %q", t.Module)), false
	}
	params, err := decodeParams(t)
	if err != nil {
		return failed(err), false
	}
	// what is under way is finished even when the connection goes, so ctx does not end with it
	ctx := journal.With(context.Background(), journal.Info{Task: t.Name, Pos: t.Pos, User: t.As.User})
	if t.Timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, time.Duration(t.Timeout)*time.Second)
		defer cancel()
	}
	ctx = host.WithEnv(ctx, t.Env)
	h, predicts, err := s.hostFor(ctx, t)
	if err != nil {
		return failed(err), false
	}
	at := apply.Task{
		ID: t.ID, Name: t.Name, Spec: spec, Params: params, Predicts: predicts, May: t.May, Diff: t.Diff,
		Report: func(c wire.Change) { s.report(t, c) },
	}
	if t.Hold {
		at.Hold = l.hold(t)
	}
	out := apply.Run(ctx, h, at)
	if out.Dropped {
		return wire.Result{}, true
	}
	return result(t, s.soften(t, out)), false
}

// soften: a task that is really done in a dry run and fails where something is only predicted
// needs what is not there yet; its result is unknown.
func (s *server) soften(t wire.Task, out apply.Outcome) apply.Outcome {
	if t.Real && s.hello.Predict && out.Failed && s.memory.Len() > 0 {
		return apply.Outcome{Unknown: true, After: t.Name, Warnings: append(out.Warnings, "not done, since it needs what is only predicted: "+out.Msg)}
	}
	return out
}

func (s *server) report(t wire.Task, c wire.Change) {
	if t.NoLog {
		c = wire.Change{ID: c.ID, Kind: c.Kind, Status: c.Status, Event: c.Event, Name: "(no_log)"}
	}
	_ = s.conn.Send(wire.TChange, c) // a controller that is gone reads the journal later
}

func failed(err error) wire.Result { return wire.Result{Failed: true, Msg: err.Error()} }

func result(t wire.Task, out apply.Outcome) wire.Result {
	r := wire.Result{
		Changed: out.Changed, Failed: out.Failed, Skipped: out.Skipped, Msg: out.Msg,
		May: out.May, Unknown: out.Unknown, After: out.After, Warn: out.Warnings,
	}
	fields, err := value.Encode(value.FromGo(map[string]any(out.Fields)))
	if err != nil {
		return failed(fmt.Errorf("cannot send the result of %s: %w", t.Module, err))
	}
	r.Fields = fields
	return r
}

func decodeParams(t wire.Task) (module.Params, error) {
	secret := map[string]bool{}
	for _, n := range t.Secret {
		secret[n] = true
	}
	v, err := value.Decode(t.Params)
	if err != nil {
		return module.Params{}, fmt.Errorf("cannot read the arguments of %s: %w", t.Module, err)
	}
	d, ok := v.(*value.Dict)
	if !ok {
		return module.Params{}, fmt.Errorf("cannot read the arguments of %s: not a mapping", t.Module)
	}
	vals := map[string]any{}
	for k, e := range d.All() {
		name, _ := k.(string)
		vals[name] = e
	}
	return module.NewParams(t.Name, vals, secret), nil
}

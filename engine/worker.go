package engine

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"rp/engine/play"
	"rp/engine/report"
	"rp/engine/vars"
	"rp/inventory"
)

// worker takes one host through one play. Its walk goes from task to task and
// sends them ahead; its committer gives them their verdicts in order; when one
// fails for good, the walk goes back to where that task stood and takes the other path.
type worker struct {
	r     *run
	b     *batch
	host  *inventory.Host
	play  *play.Play
	stats *report.Stats
	pipe  *pipeline
	slot  *slot
	ctx   context.Context // the play's, for what outlives a walk

	cur   cursor
	facts *vars.State
	epoch int
	group int64
	here  place
	// seen counts the halts of the batch that the host has taken.
	seen atomic.Int64
	// last is where the host was after the last task that it has its verdict of. Only the
	// committer sets it, and only the walk reads it, when the committer has told of a failure.
	last mark

	mu       sync.Mutex
	notified []string
	// session is opened with the first task that needs the host.
	session *session
	// handlers are the play's, and those that included roles brought.
	handlers []*play.Task
	// public are roles that include_role showed to the rest of the play.
	public []*play.Role
	forced bool
	ps     *playState
	// rolesDone are the keys of the roles that have run on this host in this play.
	rolesDone map[string]bool
	title     string // the play's, as shown
	// begun: the task of --start-at-task has been met.
	begun bool
}

// errEnded ends a host's walk without a failure: end_host, end_play.
var errEnded = errors.New("the play is over for this host")

// run goes through the play. It returns when the host has finished, failed or been stopped.
func (w *worker) run(ctx context.Context) error {
	w.ctx, w.last = ctx, w.mark()
	var committer sync.WaitGroup
	committer.Go(func() { w.commitAll(ctx) })
	defer func() {
		w.pipe.close()
		committer.Wait()
		w.b.leave(w.host.Name)
	}()
	for {
		walk, cancel := context.WithCancelCause(ctx)
		w.pipe.begin(cancel)
		err := w.walk(walk)
		cancel(nil)
		if fl := w.pipe.takeFailure(); fl != nil {
			goesOn := true
			switch {
			case fl.end.aborted:
				goesOn = w.halt(ctx)
			case fl.resume:
				w.goBack(fl.entry.after)
			default:
				goesOn = w.recover(fl)
			}
			if !goesOn {
				return nil
			}
			continue
		}
		switch {
		case err == nil, errors.Is(err, errEnded):
			return nil
		case errors.Is(err, errAborted):
			if !w.halt(ctx) {
				return nil
			}
			continue
		case errors.Is(err, errRollback):
			continue // the failure was taken a moment before
		}
		return err
	}
}

// walk goes ahead until the play is over or something ends it.
func (w *worker) walk(ctx context.Context) error {
	for {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if w.r.stopping() {
			w.stop()
			return errInterrupted
		}
		s := w.cur.next()
		if s.at == nil {
			return w.pipe.drain(ctx)
		}
		w.arrive(s.at)
		if _, halts := w.b.halted(s.at, w.seen.Load()); halts {
			if err := w.pipe.drain(ctx); err != nil {
				return err
			}
			return errAborted
		}
		if err := w.step(ctx, s); err != nil {
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			return err
		}
	}
}

// arrive notes that the walk is at p; with nothing under way, so is the host.
func (w *worker) arrive(p place) {
	w.mu.Lock()
	w.here = p
	w.mu.Unlock()
	if w.pipe.empty() {
		w.b.reach(w.host.Name, p)
	}
}

func (w *worker) step(ctx context.Context, s stop) error {
	switch {
	case s.again != nil: // an always section has run; the failure goes on
		if err := w.pipe.drain(ctx); err != nil {
			return err
		}
		w.pipe.fail(&failure{entry: s.again.entry, end: s.again.end, onward: true})
		return errRollback
	case s.flush:
		return w.flushHandlers(ctx, s.at)
	case s.begins != nil:
		w.beginRole(s.begins)
		return nil
	case s.ends != nil:
		w.endRole(s.ends)
		return nil
	}
	return w.task(ctx, s.task, s.at)
}

// stop ends what the host has not begun, and waits for what it is doing.
func (w *worker) stop() {
	w.epoch++
	if w.session != nil {
		w.session.drop(w.host.Name, w.epoch)
	}
	ctx, cancel := context.WithCancel(w.r.hard)
	defer cancel()
	_ = w.pipe.drain(ctx) // what is dropped has no verdict, what was done has one
}

// recover goes back to where fl's task stood and on to whatever takes care of
// the failure. It reports whether there is anything left to do for the host.
func (w *worker) recover(fl *failure) bool {
	at := w.here
	if !fl.onward {
		at = fl.entry.at
		w.goBack(fl.entry.after)
		if w.fatal(fl.entry.task) && !fl.end.silent {
			w.seen.Store(w.b.stop(at, false)) // the others come to where this host is
		}
	}
	if fl.end.unreachable {
		w.r.markUnreachable(w.host.Name)
		w.finish(fl, report.Unreachable)
		w.seen.Store(w.b.fail(at))
		return false
	}
	rescued, goesOn := w.cur.fail(fl)
	if fl.end.status != "" { // not yet told
		status := report.Failed
		if rescued {
			status = report.Rescued
		}
		w.finish(fl, status)
		fl.end.status = ""
	}
	if !rescued && !goesOn {
		w.r.markFailed(w.host.Name)
		if !fl.end.silent {
			w.seen.Store(w.b.fail(at))
		}
		return w.forceHandlers()
	}
	return true
}

// halt takes the batch's halt: the play is over, or this host fails with another
// one and goes where its own failure would have taken it. It reports whether
// there is anything left to do.
func (w *worker) halt(ctx context.Context) bool {
	h, _ := w.b.halted(w.here, w.seen.Load())
	w.seen.Store(h.n)
	w.goBack(w.last) // what went ahead has no verdict, and nothing of it is to be done
	if h.ended {
		return false
	}
	silent := &failure{entry: &entry{at: h.at}, end: taskEnd{silent: true}}
	if _, goesOn := w.cur.fail(silent); goesOn {
		return true
	}
	w.r.markFailed(w.host.Name)
	return ctx.Err() == nil && w.forceHandlers()
}

// mark is where the walk is now.
func (w *worker) mark() mark {
	return mark{w.cur.clone(), w.facts, w.rolesDone, w.handlers, w.public}
}

// goBack takes the walk back to m, under a new epoch.
func (w *worker) goBack(m mark) {
	w.cur, w.facts, w.rolesDone, w.handlers, w.public = m.cur.clone(), m.facts, m.roles, m.handlers, m.public
	w.epoch++
	if w.session != nil {
		w.session.drop(w.host.Name, w.epoch)
	}
}

// fatal reports whether t's failure ends the play for all hosts.
func (w *worker) fatal(t *play.Task) bool {
	if t == nil {
		return false
	}
	set, err := w.r.boolKeyword(w.ctx, t, "any_errors_fatal", w.scope(t, nil))
	return err == nil && set
}

// finish tells the end of a failed task and counts it.
func (w *worker) finish(fl *failure, s report.Status) {
	end := fl.end
	if end.silent {
		return
	}
	end.status, end.final.Status = s, s
	w.count(fl.entry, end)
	w.tell(fl.entry, end)
}

func (w *worker) tell(e *entry, end taskEnd) {
	for _, item := range end.items {
		w.b.out.emit(e.at, e.start, item)
	}
	w.b.out.emit(e.at, e.start, end.final)
}

// count adds a task's end to the statistics. What only steers the run is not counted.
func (w *worker) count(e *entry, end taskEnd) {
	w.r.mu.Lock()
	defer w.r.mu.Unlock()
	if e.steers && (end.status == report.OK || end.status == report.Skipped) {
		return
	}
	switch end.status {
	case report.OK:
		w.stats.OK++
	case report.Changed:
		w.stats.OK++
		w.stats.Changed++
	case report.Skipped:
		w.stats.Skipped++
	case report.Failed:
		w.stats.Failed++
	case report.Ignored:
		w.stats.OK++
		w.stats.Ignored++
		if end.changed {
			w.stats.Changed++
		}
	case report.Rescued:
		w.stats.Rescued++
	case report.Unreachable:
		w.stats.Unreachable++
	case report.May:
		w.stats.OK++
		w.stats.May++
	}
}

// begins tells that the host is now at the task whose header is start: nothing before
// it is still awaited. It does not go through the orderer, whose order is the tasks'.
func (w *worker) begins(start report.Event) {
	start.Type, start.Host, start.At = report.HostStart, w.host.Name, time.Now()
	w.r.Sink.Emit(start)
}

// commitAll gives the entries their verdicts, in order.
func (w *worker) commitAll(ctx context.Context) {
	for {
		e := w.pipe.head()
		if e == nil {
			return
		}
		begun := time.Now()
		w.begins(e.start)
		end := e.collect(ctx)
		end.final.Took = time.Since(begun)
		w.commit(ctx, e, end)
	}
}

func (w *worker) commit(ctx context.Context, e *entry, end taskEnd) {
	if e.reg != nil {
		e.reg.Resolve(end.result, nil)
	}
	if e.once != nil {
		e.once.set(end)
	}
	if !end.dropped && !end.aborted { // what was done is told even when the run is to end
		end.aborted = errors.Is(w.together(ctx, e.at), errAborted)
	}
	switch {
	case end.dropped:
		w.pipe.done(e)
		return
	case end.aborted:
		w.pipe.fail(&failure{entry: e, end: end})
		return
	}
	w.last = e.after
	w.b.publish(e.at, w.host, e.after.facts)
	if end.failed {
		w.pipe.fail(&failure{entry: e, end: end})
		return
	}
	switch {
	case end.silent:
	case end.quiet && !end.failed:
		w.b.out.begin(e.at, e.start)
	default:
		w.count(e, end)
		w.tell(e, end)
	}
	w.notify(end.notify)
	if end.resume { // the host dropped what was sent after it
		w.pipe.fail(&failure{entry: e, end: end, resume: true})
		w.b.reach(w.host.Name, append(slices.Clone(e.at), 0))
		return
	}
	next := w.pipe.done(e)
	if next == nil {
		w.mu.Lock()
		next = w.here
		w.mu.Unlock()
	}
	w.b.reach(w.host.Name, next)
}

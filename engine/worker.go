package engine

import (
	"context"
	"errors"
	"sync"
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
	w.ctx = ctx
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
			switch {
			case fl.end.aborted:
				return nil
			case fl.resume:
				w.goBack(fl.entry)
			case !w.recover(fl):
				return nil
			}
			continue
		}
		switch {
		case err == nil, errors.Is(err, errEnded), errors.Is(err, errAborted):
			return nil
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
		if w.b.stopped(s.at) {
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
	if !fl.onward {
		w.goBack(fl.entry)
	}
	if fl.end.unreachable {
		w.r.markUnreachable(w.host.Name)
		w.finish(fl, report.Unreachable)
		w.b.fail(fl.entry.at, w.fatal(fl.entry.task))
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
		w.b.fail(fl.entry.at, w.fatal(fl.entry.task))
		return w.forceHandlers()
	}
	return true
}

// goBack takes the walk to just after e, under a new epoch.
func (w *worker) goBack(e *entry) {
	w.cur, w.facts, w.rolesDone, w.handlers = e.after.clone(), e.facts, e.roles, e.handlers
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
	for _, name := range []string{"any_errors_fatal", "run_once"} {
		if set, err := w.r.boolKeyword(w.ctx, t, name, w.scope(t, nil)); err == nil && set {
			return true
		}
	}
	return false
}

// finish tells the end of a failed task and counts it.
func (w *worker) finish(fl *failure, s report.Status) {
	end := fl.end
	end.final.Status = s
	w.count(s)
	w.tell(fl.entry, end)
}

func (w *worker) tell(e *entry, end taskEnd) {
	for _, item := range end.items {
		w.b.out.emit(e.at, e.start, item)
	}
	w.b.out.emit(e.at, e.start, end.final)
}

func (w *worker) count(s report.Status) {
	w.r.mu.Lock()
	defer w.r.mu.Unlock()
	switch s {
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
		w.commit(e, end)
	}
}

func (w *worker) commit(e *entry, end taskEnd) {
	if e.reg != nil {
		e.reg.Resolve(end.result, nil)
	}
	if e.once != nil {
		e.once.set(end)
	}
	switch {
	case end.dropped:
		w.pipe.done(e)
		return
	case end.aborted:
		w.pipe.fail(&failure{entry: e, end: end})
		return
	case end.failed:
		w.pipe.fail(&failure{entry: e, end: end})
		return
	}
	if !end.silent {
		w.count(end.status)
		w.tell(e, end)
	}
	w.notify(end.notify)
	if end.resume { // the host dropped what was sent after it
		w.pipe.fail(&failure{entry: e, end: end, resume: true})
		w.b.reach(w.host.Name, append(e.at, 0))
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

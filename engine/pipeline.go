package engine

import (
	"context"
	"errors"
	"sync"

	"rp/engine/play"
	"rp/engine/report"
	"rp/engine/value"
	"rp/engine/vars"
)

// entry is one task of one host that has been begun: sent ahead, or already
// answered, and not yet had its final verdict.
type entry struct {
	at   place
	task *play.Task
	// start is the task's header in the report.
	start report.Event
	// after is where the host goes on from if this task fails for good.
	after mark
	// reg is what the task's register variable waits for; nil without register.
	reg *value.Pending
	// auto: the helper's own verdict is final, so what follows may be written without asking.
	auto bool
	// collect waits for the answers and decides how the task ended. It is called once, in task order.
	collect func(ctx context.Context) taskEnd
	// asked are the questions that it put to hosts.
	asked []question
	// steers: the task is a word to the run itself, and is not counted.
	steers bool
	// once is set when the entry is the leader of a run_once task.
	once *onceResult
}

// question is what was sent to a host: its session, and how many answers in a
// row had been waited for when it was sent.
type question struct {
	s     *session
	depth int64
}

// use notes that what e's hosts answered decided what is done next.
func (e *entry) use() {
	for _, q := range e.asked {
		q.s.used(q.depth)
	}
}

// taskEnd is how a task ended on a host.
type taskEnd struct {
	status report.Status
	result any // a *value.Dict or value.Unknown: what register gets
	items  []report.Event
	final  report.Event
	// failed: for good, ignore_errors and failed_when considered.
	failed      bool
	unreachable bool
	changed     bool
	// dropped: nobody did it; nobody is told.
	dropped bool
	aborted bool
	notify  []string
	// resume: the host forgot what was sent after it, which is sent again.
	resume bool
	// silent: another host told of it (run_once).
	silent bool
	// quiet: nothing of it is told but that it was reached (meta).
	quiet     bool
	facts     *value.Dict
	factLevel string
}

// mark is all of a host's way through the play that a task may change: where it
// is, what it knows, which roles have run, and what includes have brought.
type mark struct {
	cur      cursor
	facts    *vars.State
	roles    map[string]bool
	handlers []*play.Task
	public   []*play.Role
}

// errRollback ends an evaluation that went ahead of a task that failed.
var errRollback = errors.New("an earlier task failed")

// pipeline holds a host's entries in task order. One goroutine, the committer,
// gives them their verdicts.
type pipeline struct {
	mu    sync.Mutex
	cond  *sync.Cond
	queue []*entry
	// settled are entries with a verdict that nobody has waited for yet.
	settled []*entry
	failure *failure
	closed  bool
	// walk ends the evaluation that is going ahead.
	walk context.CancelCauseFunc
}

func newPipeline() *pipeline {
	p := &pipeline{}
	p.cond = sync.NewCond(&p.mu)
	return p
}

func (p *pipeline) submit(e *entry) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.failure == nil {
		p.queue = append(p.queue, e)
		p.cond.Broadcast()
	}
}

// head waits for the first entry; nil when the pipeline was closed.
func (p *pipeline) head() *entry {
	p.mu.Lock()
	defer p.mu.Unlock()
	for len(p.queue) == 0 && !p.closed {
		p.cond.Wait()
	}
	if len(p.queue) == 0 {
		return nil
	}
	return p.queue[0]
}

// done takes the first entry out; next is the place of the one after it, nil when there is none.
func (p *pipeline) done(e *entry) (next place) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.queue) > 0 && p.queue[0] == e {
		p.queue = p.queue[1:]
		p.settled = append(p.settled, e)
	}
	if len(p.queue) > 0 {
		next = p.queue[0].at
	}
	p.cond.Broadcast()
	return next
}

// fail ends what went ahead of fl's task.
func (p *pipeline) fail(fl *failure) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.failure, p.queue = fl, nil
	if fl.entry != nil {
		fl.entry.use()
	}
	if p.walk != nil {
		p.walk(errRollback)
	}
	p.cond.Broadcast()
}

// takeFailure gives the failure that ended the walk, once.
func (p *pipeline) takeFailure() *failure {
	p.mu.Lock()
	defer p.mu.Unlock()
	fl := p.failure
	p.failure = nil
	return fl
}

// drain waits until every entry has its verdict. It fails when one failed, or ctx ends.
func (p *pipeline) drain(ctx context.Context) error {
	stop := context.AfterFunc(ctx, func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.cond.Broadcast()
	})
	defer stop()
	p.mu.Lock()
	defer p.mu.Unlock()
	for len(p.queue) > 0 && p.failure == nil && ctx.Err() == nil {
		p.cond.Wait()
	}
	for _, e := range p.settled {
		e.use()
	}
	p.settled = nil
	if p.failure != nil {
		return errRollback
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return nil
}

func (p *pipeline) empty() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.queue) == 0
}

// allAuto reports whether every entry's verdict is the helper's own.
func (p *pipeline) allAuto() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.failure != nil { // what is worked out now is of a way that is not taken
		return false
	}
	for _, e := range p.queue {
		if !e.auto {
			return false
		}
	}
	return true
}

// begin makes ctx the one that a failure ends.
func (p *pipeline) begin(cancel context.CancelCauseFunc) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.walk = cancel
}

func (p *pipeline) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
	p.cond.Broadcast()
}

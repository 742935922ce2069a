package engine

import (
	"context"

	"rp/engine/module"
	"rp/engine/report"
	"rp/engine/vars"
)

// barrier reports whether all hosts begin the task together.
func (j *job) barrier() bool {
	return !j.spec.Local || j.once || j.says("delegate_to") || j.repeats() || j.w.r.readsOtherHosts(j.t)
}

// step waits for what has to be finished before the task may begin.
func (j *job) step(ctx context.Context) error {
	w := j.w
	alone := w.b.free || w.b.total == 1
	if !j.barrier() || alone && j.spec.Kind != module.Action && !j.synchronous() {
		return nil
	}
	return j.meet(ctx)
}

// meet waits until this host has its verdicts on all before the task, and the others too.
func (j *job) meet(ctx context.Context) error {
	w := j.w
	if err := w.pipe.drain(ctx); err != nil {
		return err
	}
	w.b.reach(w.host.Name, j.at)
	j.met = true
	if w.b.free || w.b.total == 1 {
		return nil
	}
	return w.waitOthers(ctx, j.at)
}

// outdated reports whether sc was asked for what other hosts have learnt although
// they had not come as far as the task; they have when it returns, and what was made of sc is to be made anew.
func (j *job) outdated(ctx context.Context, sc *vars.Scope) (bool, error) {
	if j.met || !sc.UsedOthers() || j.w.b.free || j.w.b.total == 1 {
		return false, nil
	}
	return true, j.meet(ctx)
}

// waitOthers waits until the other hosts have come as far as p; meanwhile others may use this host's slot.
func (w *worker) waitOthers(ctx context.Context, p place) error {
	waited := false
	err := w.b.wait(ctx, p, w.seen.Load(), func() { waited = true; w.slot.release() })
	if err == nil && waited {
		err = w.slot.acquire(ctx)
	}
	if err == nil && waited && w.r.stopping() {
		err = errInterrupted
	}
	return err
}

// together waits until a verdict on the task at p may be given: in step with the
// other hosts, none of which can end the play for all any more before p.
func (w *worker) together(ctx context.Context, p place) error {
	if w.b.free || w.b.total == 1 {
		return nil
	}
	w.b.reach(w.host.Name, p)
	return w.waitOthers(ctx, p)
}

// leads says, for a run_once task, whether this host runs it.
func (j *job) leads() (bool, *onceResult) {
	if !j.once || j.w.b.free {
		return true, nil
	}
	return j.w.b.lead(j.w.host.Name, j.at)
}

// follow takes the result of a run_once task that another host runs.
func (j *job) follow(ctx context.Context, once *onceResult) error {
	j.e.collect = func(ctx context.Context) taskEnd {
		select {
		case <-once.done:
		case <-ctx.Done():
			return taskEnd{dropped: true}
		case <-j.w.r.soft.Done():
			return taskEnd{dropped: true}
		}
		end := once.end
		end.items, end.notify = nil, nil
		end.changed, end.resume = false, false
		end.failed, end.unreachable = end.failed || end.unreachable, false
		end.final = report.Event{}
		if end.facts != nil {
			j.w.setFacts(end.facts, end.factLevel)
		}
		end.silent = true
		return end
	}
	j.e.auto = false
	j.submit()
	j.w.slot.release() // the host that runs it may need the place
	if err := j.w.pipe.drain(ctx); err != nil {
		return err
	}
	return j.w.slot.acquire(ctx)
}

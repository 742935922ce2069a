package engine

import (
	"context"
	"errors"

	"rp/engine/module"
	"rp/engine/value"
	"rp/engine/wire"
)

// send gives the host a module to run.
func (j *job) send(ctx context.Context, it *item, spec *module.Spec, p module.Params, may *value.Unknown) {
	s, on, err := j.sessionOf(ctx, it)
	if err != nil {
		if ctx.Err() == nil {
			it.ended(unreachableItem(err))
		} else {
			it.wait = func(context.Context) (itemEnd, error) { return itemEnd{}, context.Cause(ctx) }
		}
		return
	}
	m, err := j.message(ctx, it, spec, p)
	if err != nil {
		it.ended(failedItem(err))
		return
	}
	m.May, it.real = may != nil, m.Real
	m.Hold = !j.free()
	j.w.r.uses(on.Name, m.As)
	st := s.send(m)
	j.e.asked = append(j.e.asked, question{s, st.depth})
	it.wait = j.await(s, st, may)
	if on != j.w.host {
		it.delegate = on.Name
	}
}

// free reports whether the helper may write without asking: nobody is waited
// for, and everything before has the helper's own verdict.
func (j *job) free() bool {
	w := j.w
	return (w.b.free || w.b.total == 1 || w.r.Check || j.barrier()) && w.pipe.allAuto()
}

// await waits for the helper's answer and lets it write when its time has come.
func (j *job) await(s *session, st *sent, may *value.Unknown) func(context.Context) (itemEnd, error) {
	return func(ctx context.Context) (itemEnd, error) {
		select {
		case <-st.done:
		case <-ctx.Done():
			return itemEnd{}, context.Cause(ctx)
		case <-st.held:
			if err := j.w.allow(ctx, j); err != nil {
				return itemEnd{}, err
			}
			if err := s.release(st); err != nil {
				return unreachableItem(err), nil
			}
		}
		r, err := s.wait(ctx, st)
		if err != nil {
			return itemEnd{}, err
		}
		e := fromReply(r, may != nil)
		if may != nil {
			e.after = may.After
		}
		return e, nil
	}
}

// allow lets a held task write: every earlier task of this host has its verdict,
// and the other hosts have come this far.
func (w *worker) allow(ctx context.Context, j *job) error {
	if w.r.stopping() {
		return errInterrupted
	}
	if !w.b.free && !w.r.Check {
		w.b.reach(w.host.Name, j.at)
		if err := w.waitOthers(ctx, j.at); err != nil {
			return err
		}
	}
	return nil
}

// message is the task as it travels.
func (j *job) message(ctx context.Context, it *item, spec *module.Spec, p module.Params) (wire.Task, error) {
	w, t := j.w, j.t
	vals, secret := p.Values()
	d := value.NewDict()
	for _, n := range p.Names() {
		d.Set(n, vals[n])
	}
	params, err := value.Encode(d)
	if err != nil {
		return wire.Task{}, err
	}
	m := wire.Task{
		Lane: w.host.Name, Epoch: j.epoch, Group: j.group, Name: j.start.Task, Pos: t.Pos.String(), Module: spec.Name,
		Params: params, NoLog: j.noLog,
	}
	for n, is := range secret {
		if is {
			m.Secret = append(m.Secret, n)
			w.r.Mask(w.r.text(vals[n]))
		}
	}
	if m.As, err = w.r.become(ctx, t, it.vars); err != nil {
		return m, err
	}
	if m.Env, err = w.r.environment(ctx, t, it.vars); err != nil {
		return m, err
	}
	return m, w.r.modes(ctx, t, it.vars, &m)
}

// collect waits for all items, in order, and decides.
func (j *job) collect(ctx context.Context) taskEnd {
	for _, it := range j.items {
		e, err := it.wait(ctx)
		switch {
		case errors.Is(err, errAborted):
			return taskEnd{aborted: true}
		case err != nil:
			return taskEnd{dropped: true}
		case e.dropped:
			return taskEnd{dropped: true}
		}
		it.end = e
		if err := j.judge(ctx, it); err != nil {
			it.end.failed, it.end.msg = true, err.Error()
		}
	}
	return j.decide(ctx)
}

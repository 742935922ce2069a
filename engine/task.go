package engine

import (
	"context"
	"errors"
	"fmt"
	"time"

	"rp/engine/jinja"
	"rp/engine/module"
	"rp/engine/play"
	"rp/engine/report"
	"rp/engine/value"
	"rp/engine/vars"
	"rp/engine/wire"
)

// job is one task on one host while it is being worked out: its variables, its
// module, its items.
type job struct {
	w     *worker
	t     *play.Task
	at    place
	spec  *module.Spec
	start report.Event
	e     *entry
	items []*item
	loop  bool
	// loopVar is the name of the loop's variable.
	loopVar string
	// mayLoop: the list itself is not known, so the one item stands for each.
	mayLoop *value.Unknown
	noLog   bool
	once    bool
	// base is what the task sees outside of its loop; host is nil where there is none yet.
	base *vars.Scope
	// met: the other hosts have come as far as the task.
	met bool
	// epoch and group are the walk's when the task's item was begun.
	epoch int
	group int64
}

// item is one round of a task's loop, or the whole task without one.
type item struct {
	j     *job
	value any
	label string
	index int
	vars  *vars.Scope
	// own are the variables of this round of the loop.
	own map[string]any
	// done has how the item ended once wait returned nil.
	wait func(ctx context.Context) (itemEnd, error)
	end  itemEnd
	// delegate is the host that it runs on, when it is another.
	delegate string
	// real: it is done although the run only predicts.
	real bool
}

// task works t out and sends it ahead, or finds that it has to wait first.
func (w *worker) task(ctx context.Context, t *play.Task, at place) error {
	takes, terr := w.selected(ctx, t)
	if !takes && terr == nil {
		return nil
	}
	w.takeGifts()
	w.group++
	j := &job{w: w, t: t, at: at, loopVar: "item"}
	if err := errors.Join(j.prepare(ctx), terr); err != nil {
		return w.fail(ctx, j, err)
	}
	if t.Include != nil {
		return w.include(ctx, j)
	}
	if err := j.step(ctx); err != nil {
		return err
	}
	if leads, once := j.leads(); once != nil && !leads {
		return j.follow(ctx, once)
	} else if once != nil {
		j.e.once = once
	}
	if err := j.expand(ctx); err != nil {
		return w.fail(ctx, j, err)
	}
	if j.synchronous() {
		return j.runNow(ctx)
	}
	for _, it := range j.items {
		j.begin(ctx, it)
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
	}
	j.e.collect = j.collect
	j.submit()
	return nil
}

// prepare finds the module and what the report says at the task's head.
func (j *job) prepare(ctx context.Context) error {
	w, t := j.w, j.t
	sc := w.scope(t, nil)
	j.base = sc
	j.start = w.header(ctx, t, sc)
	j.e = &entry{at: j.at, task: t, start: j.start, auto: j.autoVerdict()}
	if t.Register != "" {
		j.e.reg = value.NewPending()
		j.e.reg.OnUse = j.e.use
	}
	var err error
	if j.noLog, err = w.r.boolKeyword(ctx, t, "no_log", sc); err != nil {
		return err
	}
	if j.once, err = w.r.boolKeyword(ctx, t, "run_once", sc); err != nil {
		return err
	}
	if t.Include != nil {
		return nil
	}
	spec, ok := w.r.Find(t.Module)
	if !ok {
		return fmt.Errorf("there is no module %q", t.Module)
	}
	j.spec, j.once, j.e.steers = spec, j.once || spec.Once, spec.Steers
	return nil
}

// autoVerdict reports whether the helper's own verdict on the task is final.
func (j *job) autoVerdict() bool {
	return j.t.FailedWhen == nil && !j.repeats() && !j.says("ignore_errors") && !j.once && !j.says("delegate_to")
}

// repeats reports whether the task is tried again until it is well.
func (j *job) repeats() bool { return len(j.t.Until) > 0 || j.t.Retries != nil }

// says reports whether anybody set an inherited keyword for the task.
func (j *job) says(keyword string) bool { _, ok := j.t.Effective(keyword); return ok }

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

// synchronous: the task is tried again until it is well, or runs elsewhere, so nothing goes ahead of it.
func (j *job) synchronous() bool {
	return j.repeats() || j.says("delegate_to") || j.once || j.spec.Facts || j.pauses()
}

func (j *job) pauses() bool {
	return j.t.Loop != nil && j.t.Loop.Control.Pause != nil || j.spec.Kind == module.Action && !j.spec.Local
}

// expand makes the task's items.
func (j *job) expand(ctx context.Context) error {
	if j.t.Loop == nil {
		j.items = []*item{{j: j, vars: j.w.scope(j.t, nil)}}
		return nil
	}
	j.loop = true
	list, err := j.w.loopItems(ctx, j)
	if again, merr := j.outdated(ctx, j.base); merr != nil {
		return merr
	} else if again {
		j.base = j.w.scope(j.t, nil)
		list, err = j.w.loopItems(ctx, j)
	}
	if err != nil {
		return err
	}
	if u, unknown := list.(value.Unknown); unknown {
		j.mayLoop = &u
		list = value.NewList(u)
	}
	l, _ := list.(*value.List)
	return j.makeItems(ctx, l)
}

// submit puts the task into the pipeline. What failed for good goes on from here.
func (j *job) submit() {
	w := j.w
	if j.e.reg != nil {
		w.facts = w.facts.With(j.t.Register, j.e.reg)
	}
	j.e.after = w.mark()
	w.pipe.submit(j.e)
}

// begin evaluates one item and sends it ahead.
func (j *job) begin(ctx context.Context, it *item) {
	j.epoch, j.group = j.w.epoch, j.w.group
	if it.vars.State() != j.w.facts { // an earlier item has set variables
		it.renew()
	}
	if err := j.evaluate(ctx, it); err != nil {
		it.wait = func(context.Context) (itemEnd, error) { return itemEnd{}, err }
	}
}

// renew gives the item its variables as they are now.
func (it *item) renew() { it.vars = it.j.w.scope(it.j.t, it.own) }

// evaluate is begin; it fails when the item is not to be begun at all.
func (j *job) evaluate(ctx context.Context, it *item) error {
	run, may, cond, err := j.condition(ctx, it)
	if again, merr := j.outdated(ctx, it.vars); merr != nil {
		return merr
	} else if again {
		it.renew()
		return j.evaluate(ctx, it)
	}
	switch {
	case err != nil:
		it.ended(failedItem(err))
		return nil
	case !run:
		it.ended(skippedItem(cond))
		return nil
	}
	if j.mayLoop != nil {
		may = j.mayLoop
	}
	return j.launch(ctx, it, may)
}

// launch gives the item to the host, or to its action.
func (j *job) launch(ctx context.Context, it *item, may *value.Unknown) error {
	p, err := j.bind(ctx, it)
	if again, merr := j.outdated(ctx, it.vars); merr != nil {
		return merr
	} else if again {
		it.renew()
		p, err = j.bind(ctx, it)
	}
	switch {
	case err != nil:
		it.ended(failedItem(err))
	case j.spec.Kind == module.Action:
		j.act(ctx, it, p, may)
	default:
		j.send(ctx, it, j.spec, p, may)
	}
	return nil
}

func (it *item) ended(e itemEnd) {
	it.wait = func(context.Context) (itemEnd, error) { return e, nil }
}

// condition evaluates when. may is set when a dry run cannot tell.
func (j *job) condition(ctx context.Context, it *item) (run bool, may *value.Unknown, cond string, err error) {
	for _, c := range j.t.AllWhen() {
		t, err := jinja.Condition(ctx, j.w.r.Env, it.vars, c.Source)
		if err != nil && may != nil {
			break // it may rely on the one before
		}
		if err != nil {
			return false, nil, "", fmt.Errorf("the condition %q: %w", fmt.Sprint(sourceOf(c.Source)), err)
		}
		switch {
		case t.IsUnknown():
			if may == nil {
				may = &value.Unknown{After: t.After}
			}
		case !t.IsTrue():
			return false, nil, fmt.Sprint(sourceOf(c.Source)), nil
		}
	}
	return true, may, "", nil
}

// bind renders the task's arguments and gives them their types.
func (j *job) bind(ctx context.Context, it *item) (module.Params, error) {
	args, err := j.w.r.arguments(ctx, j.t, j.spec, it.vars)
	if err != nil {
		return module.Params{}, err
	}
	p, problems := j.spec.Bind(j.start.Task, args, false)
	if len(problems) > 0 {
		return p, errors.New(problems[0].Message)
	}
	return p, nil
}

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

// runNow runs the items one after the other, each again until it is well.
func (j *job) runNow(ctx context.Context) error {
	w := j.w
	if err := w.pipe.drain(ctx); err != nil {
		return err
	}
	w.begins(j.start)
	for i, it := range j.items {
		if i > 0 {
			if err := j.pause(ctx, it); err != nil {
				return err
			}
		}
		if err := j.tryItem(ctx, it); err != nil {
			return err
		}
	}
	end := j.decide(ctx)
	j.e.collect = func(context.Context) taskEnd { return end }
	j.e.auto = false
	j.submit()
	return w.pipe.drain(ctx)
}

// tryItem runs an item as often as until and retries say.
func (j *job) tryItem(ctx context.Context, it *item) error {
	tries, delay, err := j.w.r.retries(ctx, j.t, it.vars)
	if err != nil {
		it.end = failedItem(err)
		return nil
	}
	for n := 1; ; n++ {
		j.w.group++
		j.begin(ctx, it)
		e, err := it.wait(ctx)
		if err != nil {
			return err
		}
		if e.dropped {
			return errInterrupted
		}
		j.e.use()
		if e.failed {
			j.w.epoch++ // the host drops the rest of an epoch in which something failed
		}
		if j.repeats() {
			e.attempts = n
		}
		it.end = e
		if err := j.judge(ctx, it); err != nil {
			it.end.failed, it.end.msg = true, err.Error()
		}
		if !j.repeats() || it.end.skipped || it.end.unreachable || it.end.may || it.end.unknown {
			return nil
		}
		well, err := j.satisfied(ctx, it)
		if err != nil {
			it.end.failed, it.end.msg = true, err.Error()
		}
		if well || err != nil {
			return nil
		}
		if n >= tries {
			it.end.failed, it.end.attempts = true, n-1 // as Ansible counts them in the end
			return nil
		}
		j.w.retrying(j, it, tries-n)
		select {
		case <-time.After(delay):
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-j.w.r.soft.Done():
			return errInterrupted
		}
	}
}

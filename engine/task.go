package engine

import (
	"context"
	"errors"
	"fmt"

	"rp/engine/jinja"
	"rp/engine/module"
	"rp/engine/play"
	"rp/engine/report"
	"rp/engine/value"
	"rp/engine/vars"
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

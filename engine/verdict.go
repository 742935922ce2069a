package engine

import (
	"context"
	"fmt"

	"rp/engine/jinja"
	"rp/engine/play"
	"rp/engine/report"
	"rp/engine/value"
)

// judge asks changed_when and failed_when of an item's result.
func (j *job) judge(ctx context.Context, it *item) error {
	e := &it.end
	if e.skipped || e.unreachable || e.dropped {
		return nil
	}
	if j.t.ChangedWhen == nil && j.t.FailedWhen == nil {
		return nil
	}
	sc := it.withResult()
	if j.t.ChangedWhen != nil {
		t, err := allOf(ctx, j.w.r.Env, sc, j.t.ChangedWhen)
		if err != nil {
			return fmt.Errorf("changed_when: %w", err)
		}
		if e.changed = t.IsTrue(); t.IsUnknown() {
			e.may, e.after = true, t.After
		}
	}
	if j.t.FailedWhen != nil {
		t, err := allOf(ctx, j.w.r.Env, it.withResult(), j.t.FailedWhen)
		if err != nil {
			return fmt.Errorf("failed_when: %w", err)
		}
		e.rawFailed = e.rawFailed || e.failed
		e.failed = t.IsTrue()
		e.failedWhen = true
	}
	return nil
}

// allOf is the conjunction of conditions.
func allOf(ctx context.Context, env *jinja.Env, sc scope, cs []play.Cond) (jinja.Truth, error) {
	all := jinja.True
	for _, c := range cs {
		t, err := jinja.Condition(ctx, env, sc, c.Source)
		if err != nil {
			return all, fmt.Errorf("%q: %w", fmt.Sprint(sourceOf(c.Source)), err)
		}
		if all = all.And(t); all.IsFalse() {
			return all, nil
		}
	}
	return all, nil
}

// satisfied asks until, or without one whether the item did not fail.
func (j *job) satisfied(ctx context.Context, it *item) (bool, error) {
	if len(j.t.Until) == 0 {
		return !it.end.failed, nil
	}
	t, err := allOf(ctx, j.w.r.Env, it.withResult(), j.t.Until)
	if err != nil {
		return false, fmt.Errorf("until: %w", err)
	}
	return t.IsTrue(), nil
}

// withResult is the item's variables with its own result in the register variable.
func (it *item) withResult() scope {
	if it.j.t.Register == "" {
		return it.vars
	}
	return it.vars.With(map[string]any{it.j.t.Register: it.end.registered()})
}

// sourceOf is a condition as it was written.
func sourceOf(v any) any {
	if t, ok := v.(value.Template); ok {
		return t.Source
	}
	return v
}

// decide makes the task's end of its items'.
func (j *job) decide(ctx context.Context) taskEnd {
	var sum itemEnd
	end := taskEnd{}
	if j.loop {
		ends := make([]itemEnd, len(j.items))
		vals := make([]any, len(j.items))
		for i, it := range j.items {
			ends[i], vals[i] = it.end, it.value
			end.items = append(end.items, j.itemEvent(it))
		}
		sum = loopResult(ends, vals, j.loopVar)
	} else {
		sum = j.items[0].end
	}
	for _, it := range j.items {
		end.resume = end.resume || it.end.failed || it.end.rawFailed
	}
	j.takeFacts(ctx, &end)
	end.changed, end.unreachable = sum.changed, sum.unreachable
	end.quiet = sum.meta
	end.failed = sum.failed
	end.status = sum.status()
	if end.failed && !end.unreachable {
		if ig, err := j.w.r.boolKeyword(ctx, j.t, "ignore_errors", j.items0()); err == nil && ig {
			end.failed, end.status = false, report.Ignored
		}
	}
	if end.unreachable {
		if ig, err := j.w.r.boolKeyword(ctx, j.t, "ignore_unreachable", j.items0()); err == nil && ig {
			end.failed = false
		}
	}
	end.result = sum.registered()
	end.final = j.finalEvent(sum, end)
	end.final.Status = end.status
	if end.changed && !end.failed {
		end.notify = j.notifications(ctx)
	}
	return end
}

func (j *job) items0() scope {
	if len(j.items) > 0 && !j.loop {
		return j.items[0].vars
	}
	return j.base
}

// takeFacts sets the variables that the items' results bring, and notes them for
// the hosts that follow in a run_once task.
func (j *job) takeFacts(ctx context.Context, end *taskEnd) {
	for _, it := range j.items {
		if it.end.facts != nil && !it.end.failed {
			end.facts, end.factLevel = it.end.facts, it.end.factLevel
		}
		if j.spec == nil || !j.spec.Facts || it.end.fields == nil {
			continue
		}
		if f, ok := it.end.fields.Get("ansible_facts"); ok {
			if d, ok := f.(*value.Dict); ok {
				end.facts, end.factLevel = d, "facts"
				j.setFacts(ctx, it, d, "facts")
			}
		}
	}
}

// setFacts sets variables on the task's host, or on the one it is delegated to where delegate_facts says so.
func (j *job) setFacts(ctx context.Context, it *item, d *value.Dict, level string) {
	there, err := j.w.r.boolKeyword(ctx, j.t, "delegate_facts", it.vars)
	if err == nil && there {
		if h, err := j.delegate(ctx, it); err == nil && h != j.w.host {
			j.w.giveFacts(h, gift{d, level})
			return
		}
	}
	j.w.setFacts(d, level)
}

func (j *job) event(e *itemEnd, t report.Type) report.Event {
	ev := j.start
	ev.Type, ev.Status, ev.Msg, ev.After = t, e.status(), e.msg, e.after
	ev.Host, ev.Changes, ev.Warnings, ev.Print, ev.NoLog = j.w.host.Name, e.changes, e.warnings, e.shown, j.noLog
	ev.Attempt = e.attempts
	if !j.noLog {
		ev.Result = e.registered()
	} else {
		ev.Msg, ev.Print = "", nil
	}
	return ev
}

func (j *job) itemEvent(it *item) report.Event {
	ev := j.event(&it.end, report.ItemResult)
	ev.Item, ev.HasItem, ev.Delegate, ev.Real = it.label, true, it.delegate, it.real
	if j.noLog {
		ev.Item = "(hidden: no_log)"
	}
	return ev
}

func (j *job) finalEvent(sum itemEnd, _ taskEnd) report.Event {
	ev := j.event(&sum, report.Result)
	if ev.HasItem = j.loop; !j.loop {
		ev.Delegate, ev.Real = j.items[0].delegate, j.items[0].real
	}
	return ev
}

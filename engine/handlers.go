package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"rp/engine/jinja"
	"rp/engine/play"
	"rp/engine/value"
)

// notifications are the names that a changed task notifies, rendered.
func (j *job) notifications(ctx context.Context) []string {
	var names []string
	for _, n := range j.t.AllNotify() {
		v, err := jinja.Render(ctx, j.w.r.Env, j.items0(), n)
		if err != nil {
			continue // the loader knows it for what it is; a host whose name cannot be told notifies nobody
		}
		if l, ok := v.(*value.List); ok {
			for _, e := range l.Items {
				names = append(names, jinja.Str(e))
			}
			continue
		}
		names = append(names, jinja.Str(v))
	}
	return names
}

// notify marks the handlers that go by these names.
func (w *worker) notify(names []string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, n := range names {
		if !slices.Contains(w.notified, n) {
			w.notified = append(w.notified, n)
		}
	}
}

// flushHandlers runs the notified handlers, in the order in which they are
// written. A handler that notifies another has that one run too.
func (w *worker) flushHandlers(ctx context.Context, at place) error {
	if w.pipe.notifies() {
		if err := w.pipe.drain(ctx); err != nil {
			return err
		}
	}
	w.mu.Lock()
	none := len(w.notified) == 0
	w.mu.Unlock()
	if none {
		return nil
	}
	if err := w.pipe.drain(ctx); err != nil { // they stay notified
		return err
	}
	w.mu.Lock()
	names := w.notified
	w.notified = nil
	w.mu.Unlock()
	all, todo := []play.Node{}, map[*play.Task]bool{}
	found := map[string]bool{}
	for _, h := range w.handlers {
		called := false
		for _, n := range names {
			if w.answers(ctx, h, n) {
				called, found[n] = true, true
			}
		}
		all = append(all, h)
		if called {
			todo[h] = true
		}
	}
	for _, n := range names {
		if !found[n] {
			return w.fail(ctx, w.flushJob(at), fmt.Errorf("no handler goes by the name %q, or listens to it", n))
		}
	}
	// the list is looked at again when it is done: a handler may have notified another
	w.cur.push(frame{nodes: all, only: todo, at: append(slices.Clone(at), 0), flush: true})
	return nil
}

// answers reports whether handler h goes by name: its name, with or without its role's, or a topic.
func (w *worker) answers(ctx context.Context, h *play.Task, name string) bool {
	sc := w.scope(h, nil)
	title := w.r.title(ctx, h.Name, sc)
	if name == title {
		return true
	}
	if h.Role != nil && (name == h.Role.Name+" : "+title || name == h.Role.Name+": "+title) {
		return true
	}
	for _, l := range h.Listen {
		v, err := jinja.Render(ctx, w.r.Env, sc, l)
		if err == nil && jinja.Str(v) == name {
			return true
		}
	}
	return false
}

// flushJob stands for a flush in the report.
func (w *worker) flushJob(at place) *job {
	t := &play.Task{Play: w.play, Module: "meta", Action: "meta"}
	t.Name = "flush_handlers"
	j := &job{w: w, t: t, at: at, loopVar: "item"}
	j.start = w.header(w.ctx, t, w.scope(t, nil))
	j.e = &entry{at: at, task: t, start: j.start}
	return j
}

// forceHandlers runs the notified handlers of a host that failed, where
// force_handlers asks for it. It reports whether there is anything to run.
func (w *worker) forceHandlers() bool {
	if w.forced || !w.r.force(w) {
		return false
	}
	w.forced = true
	w.cur = cursor{}
	section := w.here[0] // they run where those of the other hosts do
	w.cur.push(frame{nodes: w.ps.sections[section], i: len(w.ps.sections[section]), at: place{section}, flush: true})
	return true
}

// notifies reports whether a task under way may still notify somebody.
func (p *pipeline) notifies() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.ContainsFunc(p.queue, func(e *entry) bool { return len(e.task.AllNotify()) > 0 })
}

// fail makes a task's end of an error that came before it could begin.
func (w *worker) fail(ctx context.Context, j *job, err error) error {
	if ctx.Err() != nil || errors.Is(err, errRollback) {
		return err
	}
	it := &item{j: j, vars: w.scope(j.t, nil)}
	it.ended(failedItem(err))
	j.loop, j.items = false, []*item{it}
	if j.e == nil {
		j.e = &entry{at: j.at, task: j.t, start: j.start}
	}
	j.e.auto = false
	j.e.collect = j.collect
	j.submit()
	return nil
}

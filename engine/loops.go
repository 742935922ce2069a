package engine

import (
	"context"
	"fmt"
	"strings"
	"time"

	"rp/engine/jinja"
	"rp/engine/value"
)

// loopItems is what a task's loop goes over: a *value.List, or value.Unknown.
func (w *worker) loopItems(ctx context.Context, j *job) (any, error) {
	l := j.t.Loop
	v, err := jinja.Render(ctx, w.r.Env, j.base, l.Expr)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", l.Kind, err)
	}
	if s, ok := v.(value.Secret); ok {
		v = s.V
	}
	if _, unknown := v.(value.Unknown); unknown {
		return v, nil
	}
	if l.Kind == "loop" {
		items, err := listOf(v)
		if err != nil {
			return nil, fmt.Errorf("loop: %w", err)
		}
		return value.NewList(items...), nil
	}
	return w.lookupLoop(ctx, j, strings.TrimPrefix(l.Kind, "with_"), v)
}

// lookupLoop is with_X for any lookup X. What a dry run cannot ask is unknown.
func (w *worker) lookupLoop(ctx context.Context, j *job, name string, v any) (any, error) {
	ctx = context.WithValue(ctx, kindKey{}, fileKind(j.t.Action))
	items, err := w.r.Env.Lookup(ctx, name, elements(v), value.NewDict(), j.base)
	if err != nil {
		return nil, fmt.Errorf("with_%s: %w", name, err)
	}
	if len(items) == 1 {
		if u, unknown := items[0].(value.Unknown); unknown && unstable[name] {
			return u, nil
		}
	}
	return value.NewList(items...), nil
}

// fileKind is the kind of files that a loop of an action looks for (with_first_found).
func fileKind(action string) string {
	switch {
	case strings.Contains(action, "template"):
		return "templates"
	case strings.Contains(action, "var"):
		return "vars"
	case strings.Contains(action, "tasks"):
		return "tasks"
	}
	return "files"
}

func listOf(v any) ([]any, error) {
	switch v := v.(type) {
	case *value.List:
		return v.Items, nil
	case value.Tuple:
		return v, nil
	}
	return nil, fmt.Errorf("needs a list, got %s: %s", jinja.TypeName(v), jinja.Repr(v))
}

// flattenOnce puts what is in the lists of a list in their place.
func flattenOnce(v any) []any {
	var out []any
	for _, e := range elements(v) {
		out = append(out, elements(e)...)
	}
	return out
}

// flatten puts what is in lists in their place, however deep.
func flatten(v any) []any {
	switch v.(type) {
	case *value.List, value.Tuple:
	default:
		return []any{v}
	}
	var out []any
	for _, e := range elements(v) {
		out = append(out, flatten(e)...)
	}
	return out
}

// makeItems makes the loop's items with their variables.
func (j *job) makeItems(ctx context.Context, l *value.List) error {
	ctl := j.t.Loop.Control
	if ctl.LoopVar != "" {
		j.loopVar = ctl.LoopVar
	}
	for i, v := range l.Items {
		vars := map[string]any{j.loopVar: v, "ansible_loop_var": j.loopVar}
		if ctl.IndexVar != "" {
			vars[ctl.IndexVar] = int64(i)
			vars["ansible_index_var"] = ctl.IndexVar
		}
		if on, err := j.w.r.boolOf(ctx, ctl.Extended, j.w.scope(j.t, vars)); err != nil {
			return fmt.Errorf("loop_control.extended: %w", err)
		} else if on {
			all, err := j.w.r.boolOf(ctx, ctl.ExtendedAllitems, j.w.scope(j.t, vars))
			if err != nil {
				return fmt.Errorf("loop_control.extended_allitems: %w", err)
			}
			vars["ansible_loop"] = extended(l.Items, i, all || ctl.ExtendedAllitems == nil)
		}
		it := &item{j: j, value: v, index: i, own: vars, vars: j.w.scope(j.t, vars)}
		it.label = j.label(ctx, it)
		j.items = append(j.items, it)
	}
	return nil
}

// label is how an item is shown: loop_control.label, or the item itself.
func (j *job) label(ctx context.Context, it *item) string {
	v := it.value
	if l := j.t.Loop.Control.Label; l != nil {
		if r, err := jinja.Render(ctx, j.w.r.Env, it.vars, l); err == nil {
			v = r
		}
	}
	switch v := v.(type) {
	case value.Secret:
		return v.String()
	case value.Unknown:
		return v.String()
	}
	return jinja.Str(v)
}

// extended is the ansible_loop variable (loop_control.extended).
func extended(items []any, i int, all bool) *value.Dict {
	n := len(items)
	d := value.DictOf(
		"index", int64(i+1), "index0", int64(i), "first", i == 0, "last", i == n-1,
		"length", int64(n), "revindex", int64(n-i), "revindex0", int64(n-i-1),
	)
	if all {
		d.Set("allitems", value.NewList(items...))
	}
	if i > 0 {
		d.Set("previtem", items[i-1])
	}
	if i < n-1 {
		d.Set("nextitem", items[i+1])
	}
	return d
}

// pause waits between two items (loop_control.pause, in seconds).
func (j *job) pause(ctx context.Context, it *item) error {
	if j.t.Loop == nil || j.t.Loop.Control.Pause == nil {
		return nil
	}
	v, err := jinja.Render(ctx, j.w.r.Env, it.vars, j.t.Loop.Control.Pause)
	if err != nil {
		return err
	}
	n, err := number(v)
	if err != nil {
		return fmt.Errorf("loop_control.pause: %w", err)
	}
	select {
	case <-time.After(time.Duration(n * float64(time.Second))):
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

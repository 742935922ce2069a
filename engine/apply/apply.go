// Package apply runs one module on one host: it is the one loop that all
// modules share. Read what is, make a change of it, show it, write it, read
// again and fail if it is not as wanted.
//
// It is handed a [host.Host]; given an Overlay's view it predicts, and nothing
// else differs. It runs in the helper, on the target, and must not import
// anything of the controller.
package apply

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"rp/engine/host"
	"rp/engine/module"
	"rp/engine/state"
	"rp/engine/wire"
)

// Task is what Run runs.
type Task struct {
	ID     int64
	Name   string
	Spec   *module.Spec
	Params module.Params
	// Predicts: the host is a view; changes are reported as predicted, or as may with May.
	Predicts, May bool
	// Diff asks for the texts of changed files.
	Diff bool
	// Hold, when not nil, is called before the first write. It returns when writing is
	// allowed, or an error when the task is no longer wanted.
	Hold func(ctx context.Context) error
	// Report is told of each change as it is made.
	Report func(wire.Change)
}

// Outcome is how a task ended.
type Outcome struct {
	Changed, Failed, Skipped, Unknown bool
	// May: it changes something only perhaps, since what is there now is not known.
	May      bool
	After    string // for Unknown: the task that is waited for
	Msg      string
	Fields   module.Result
	Warnings []string
	// Dropped: the task was forgotten while it was held; nobody waits for its result.
	Dropped bool
}

// heldBack makes the module start over: it was held before its first write, and
// what it read before may be stale now.
type heldBack struct{ err error }

// Run runs t's module on h.
func Run(ctx context.Context, h host.Host, t Task) Outcome {
	for {
		out, again := attempt(ctx, h, t)
		if !again {
			return out
		}
		t.Hold = nil
	}
}

func attempt(ctx context.Context, h host.Host, t Task) (out Outcome, again bool) {
	tg := &target{h: h, t: t}
	defer func() {
		switch r := recover().(type) {
		case nil:
		case heldBack:
			if r.err != nil {
				out, again = Outcome{Dropped: true}, false
				return
			}
			again = true
		case module.NotKnown:
			out = Outcome{
				Changed: tg.changed, Unknown: true, After: r.After, Msg: "known after " + fmt.Sprintf("%q", r.After), Warnings: tg.warnings,
			}
			if err := tg.obscure(ctx); err != nil {
				out.Failed, out.Msg = true, err.Error()
			}
		default:
			panic(r)
		}
	}()
	fields, err := t.Spec.Run(ctx, t.Params, tg)
	out = Outcome{Changed: tg.changed, Fields: fields, Warnings: tg.warnings, Unknown: tg.unknown, After: tg.after, May: t.Predicts && tg.changed && !tg.sure}
	conclude(&out, err)
	return out, false
}

// conclude takes changed, failed, skipped and msg from what a module returned.
func conclude(out *Outcome, err error) {
	if v, ok := out.Fields["changed"].(bool); ok {
		out.Changed = v
	}
	if v, ok := out.Fields["failed"].(bool); ok {
		out.Failed = v
	}
	if v, ok := out.Fields["skipped"].(bool); ok {
		out.Skipped = v
	}
	if v, ok := out.Fields["msg"].(string); ok {
		out.Msg = v
	}
	if err == nil {
		return
	}
	out.Failed = true
	if errors.Is(err, context.DeadlineExceeded) {
		err = fmt.Errorf("the task's timeout is over: %w", err)
	}
	out.Msg = strings.TrimSpace(err.Error())
}

// target is the module's view of the host: [module.Target].
type target struct {
	h        host.Host
	t        Task
	changed  bool
	unknown  bool
	after    string
	warnings []string
	// sure: at least one change is made for certain.
	sure bool
}

// obscure notes in a prediction that the task may do what cannot be told: what
// later tasks find is then as uncertain as after a command.
func (g *target) obscure(ctx context.Context) error {
	if !g.t.Predicts || g.t.Spec.Kind != module.States && g.t.Spec.Kind != module.Event {
		return nil
	}
	_, err := g.h.Do(ctx, state.Command{Title: g.t.Name})
	return err
}

func (g *target) Read(ctx context.Context, ss ...state.State) ([]state.State, error) {
	return g.h.Read(ctx, ss...)
}

func (g *target) Changed() bool { return g.changed }

func (g *target) Warn(format string, args ...any) {
	g.warnings = append(g.warnings, fmt.Sprintf(format, args...))
}

// hold waits for leave to write, once, and then starts the module over.
func (g *target) hold(ctx context.Context) {
	if g.t.Hold != nil {
		panic(heldBack{g.t.Hold(ctx)})
	}
}

// Want implements [module.Target].
func (g *target) Want(ctx context.Context, wants ...state.State) ([]state.State, error) {
	var ss []state.State
	for _, w := range wants {
		if w != nil {
			ss = append(ss, w)
		}
	}
	have, err := g.h.Read(ctx, ss...)
	if err != nil {
		return nil, err
	}
	for len(ss) > 0 {
		run := g.next(ss, have)
		if err := g.bring(ctx, ss[:run], have[:run]); err != nil {
			return nil, err
		}
		ss, have = ss[run:], have[run:]
	}
	all := make([]state.State, 0, len(wants))
	for _, w := range wants {
		if w != nil {
			all = append(all, w)
		}
	}
	return g.h.Read(ctx, all...)
}

// next is how many of ss can be written together: packages in one transaction, all else one by one.
func (g *target) next(ss, _ []state.State) int {
	n := 1
	if ss[0].Key().Kind == "package" {
		for n < len(ss) && ss[n].Key().Kind == "package" {
			n++
		}
	}
	return n
}

func (g *target) bring(ctx context.Context, ss, have []state.State) error {
	// what was written a moment ago may have changed what is there now: a home its directory
	if g.changed {
		var err error
		if have, err = g.h.Read(ctx, ss...); err != nil {
			return err
		}
	}
	var cs []state.Change
	for i, s := range ss {
		if c := (state.Change{From: have[i], To: s}); c.Needed() {
			cs = append(cs, c)
		}
	}
	if len(cs) == 0 {
		return nil
	}
	g.hold(ctx)
	var planned []state.Change
	for _, c := range cs {
		c, err := g.h.Plan(ctx, c)
		if err != nil {
			return err
		}
		if c.Needed() { // the plan may find that the newest version is there already
			planned = append(planned, c)
		}
	}
	if cs = planned; len(cs) == 0 {
		return nil
	}
	err := g.h.Write(ctx, cs...)
	g.report(cs, err)
	if err != nil {
		return err
	}
	g.changed = true
	return g.verify(ctx, cs)
}

// verify reads back what was written.
func (g *target) verify(ctx context.Context, cs []state.Change) error {
	for _, c := range cs {
		now, err := g.h.Read(ctx, c.To)
		if err != nil {
			return fmt.Errorf("cannot verify: %w", err)
		}
		if left := state.Disagreement(c.To, now[0]); len(left) > 0 {
			d := left[0]
			return fmt.Errorf("%s is still not as wanted: %s is %s and should be %s", c.To.Key(), strings.ToLower(d.Field), d.From, d.To)
		}
	}
	return nil
}

// Do implements [module.Target].
func (g *target) Do(ctx context.Context, e state.Event) (state.Outcome, error) {
	g.hold(ctx)
	out, err := g.h.Do(ctx, e)
	c := wire.Change{ID: g.t.ID, Kind: e.EventKey().Kind, Name: e.EventKey().Name, Event: true, Status: g.status(err)}
	g.tell(c)
	if err == nil {
		g.changed, g.sure = true, true
	}
	if out.Unknown {
		g.unknown, g.after = true, g.t.Name
	}
	return out, err
}

func (g *target) status(err error) string {
	switch {
	case err != nil:
		return wire.Failed
	case g.t.May:
		return wire.MayChange
	case g.t.Predicts:
		return wire.Predicted
	}
	return wire.Done
}

func (g *target) report(cs []state.Change, err error) {
	for _, c := range cs {
		shown := Show(c, g.t.ID, g.status(err), g.t.Diff)
		g.sure = g.sure || shown.Status != wire.MayChange
		g.tell(shown)
	}
}

func (g *target) tell(c wire.Change) {
	if g.t.Report != nil {
		g.t.Report(c)
	}
}

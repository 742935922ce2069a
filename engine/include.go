package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"rp/engine/diag"
	"rp/engine/jinja"
	"rp/engine/module"
	"rp/engine/play"
	"rp/engine/report"
	"rp/engine/value"
	"rp/inventory"
)

// include puts the tasks that include_tasks or include_role names in the
// task's place, once for each item of its loop.
func (w *worker) include(ctx context.Context, j *job) error {
	if err := j.expand(ctx); err != nil {
		return w.fail(ctx, j, err)
	}
	var frames []frame
	for i, it := range j.items {
		b, err := j.includeItem(ctx, it)
		if err != nil {
			return err
		}
		if b != nil {
			frames = append(frames, frame{nodes: []play.Node{b}, at: append(slices.Clone(j.at), i)})
		}
	}
	j.e.collect, j.e.auto = j.collect, false
	j.e.steers = j.t.Include.Role != nil // as in Ansible, whose recap counts include_tasks and not include_role
	for _, f := range slices.Backward(frames) {
		w.cur.push(f)
	}
	j.submit()
	return nil
}

// includeItem gives what one item includes, nil where that is nothing. It fails
// when the walk is not to go on.
func (j *job) includeItem(ctx context.Context, it *item) (*play.Block, error) {
	run, may, cond, err := j.condition(ctx, it)
	var b *play.Block
	var shown string
	if err == nil && run && j.mayLoop == nil {
		b, shown, err = j.load(ctx, it)
	}
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	if again, merr := j.outdated(ctx, it.vars); merr != nil {
		return nil, merr
	} else if again {
		it.renew()
		return j.includeItem(ctx, it)
	}
	var unforeseen unforeseenError
	switch {
	case j.mayLoop != nil:
		it.ended(itemEnd{may: true, after: j.mayLoop.After, warnings: []string{unforeseenError(*j.mayLoop).Error()}, fields: value.NewDict()})
	case errors.As(err, &unforeseen):
		it.ended(itemEnd{may: true, after: unforeseen.After, warnings: []string{err.Error()}, fields: value.NewDict()})
	case err != nil:
		it.ended(failedItem(err))
	case !run:
		it.ended(skippedItem(cond))
	default:
		if may != nil { // all that is included may run
			b.When = append(slices.Clip(b.When), play.Cond{Source: *may, Pos: j.t.Pos})
		}
		end := itemEnd{fields: value.DictOf("include", shown), may: may != nil}
		if may != nil {
			end.after = may.After
		}
		it.ended(end)
		return b, nil
	}
	return nil, nil //nolint:nilnil // nothing is included
}

// unforeseenError says that a dry run does not know what is included.
type unforeseenError value.Unknown

func (u unforeseenError) Error() string {
	return fmt.Sprintf("what is included is known after %q: the dry run does not see into it", u.After)
}

// load reads what one item includes.
func (j *job) load(ctx context.Context, it *item) (*play.Block, string, error) {
	extra := value.NewDict()
	if j.loop {
		for k, v := range it.own {
			extra.Set(k, v)
		}
	}
	inc := j.t.Include
	if inc.Role == nil {
		name, err := j.includeName(ctx, it, inc.File)
		if err != nil {
			return nil, "", err
		}
		in, ds := j.w.r.Loader.LoadTasks(j.t, name, extra)
		return j.included(in, ds, name)
	}
	name, err := j.includeName(ctx, it, inc.Role)
	if err != nil {
		return nil, "", err
	}
	from, err := j.roleFrom(ctx, it, inc.From)
	if err != nil {
		return nil, "", err
	}
	in, ds := j.w.r.Loader.LoadRole(j.t, name, from, extra)
	return j.included(in, ds, name)
}

// included takes in what an include brings besides its tasks.
func (j *job) included(in *play.Inclusion, ds diag.List, name string) (*play.Block, string, error) {
	j.w.r.warnings(ds)
	if ds.Failed() {
		return nil, "", ds.Err()
	}
	w := j.w
	for _, h := range in.Handlers {
		if !slices.ContainsFunc(w.handlers, func(o *play.Task) bool { return o.Pos == h.Pos }) {
			w.handlers = append(slices.Clip(w.handlers), h)
		}
	}
	w.public = append(slices.Clip(w.public), in.Roles...)
	return in.Block, name, nil
}

func (j *job) includeName(ctx context.Context, it *item, v any) (string, error) {
	v, err := jinja.Render(ctx, j.w.r.Env, it.vars, v)
	if err != nil {
		return "", err
	}
	if u, ok := v.(value.Unknown); ok {
		return "", unforeseenError(u)
	}
	return j.w.r.text(v), nil
}

func (j *job) roleFrom(ctx context.Context, it *item, from play.RoleFrom) (out play.RoleFrom, err error) {
	for _, f := range []struct {
		from any
		to   *any
	}{{from.Tasks, &out.Tasks}, {from.Vars, &out.Vars}, {from.Defaults, &out.Defaults}, {from.Handlers, &out.Handlers}} {
		if f.from == nil {
			continue
		}
		if *f.to, err = j.includeName(ctx, it, f.from); err != nil {
			return out, err
		}
	}
	return out, nil
}

// beginRole notes that a role's own tasks begin; where they ran before on this
// host and may not run twice, they are left out.
func (w *worker) beginRole(b *play.Block) {
	role := b.Role
	if role == nil || role.AllowDuplicates || !w.rolesDone[role.Key] {
		return
	}
	w.cur.pop()
}

// endRole notes that a role's own tasks have run.
func (w *worker) endRole(b *play.Block) {
	if b.Role != nil {
		done := map[string]bool{b.Role.Key: true}
		for k := range w.rolesDone {
			done[k] = true
		}
		w.rolesDone = done
	}
}

// searchPath are the directories in which the task's files are looked for.
func (j *job) searchPath(kind string) []string { return j.t.SearchPath(kind) }

// apply carries out what an action asked of the run: meta's words, and changes to the inventory.
func (w *worker) apply(j *job, e *itemEnd, out module.Outcome) error {
	if out.AddHost != nil {
		a := out.AddHost
		_, _, ds := w.r.Inventory.AddHost(a.Name, a.Vars, a.Groups)
		w.r.warnings(ds)
		if ds.Failed() {
			return ds.Err()
		}
	}
	if g := out.GroupBy; g != nil {
		changed, ds := w.r.Inventory.AddToGroup(g.Group, []*inventory.Host{w.host}, g.Parents)
		if ds.Failed() {
			return ds.Err()
		}
		e.changed = e.changed || changed
	}
	switch out.Meta {
	case "":
		return nil
	case "noop":
	case "flush_handlers":
		w.cur.push(frame{at: append(slices.Clone(j.at), 0), flush: true})
	case "end_host":
		w.cur = cursor{}
	case "end_play", "end_batch":
		w.ps.endPlay(out.Meta == "end_play")
		w.b.stop(j.at, true)
		w.cur = cursor{}
	case "clear_host_errors":
		w.r.clearErrors(w.ps.hosts)
	case "clear_facts":
		w.facts = w.facts.WithoutFacts()
	case "end_role":
		if !w.cur.leaveRole() {
			return errors.New("end_role: the task is in no role")
		}
	default:
		return fmt.Errorf("meta: %s is not supported yet", out.Meta)
	}
	return nil
}

// endPlay ends the play for all hosts, or for this batch.
func (ps *playState) endPlay(all bool) {
	if all {
		ps.over.Store(true)
	}
}

// clearErrors lets hosts that failed take part again.
func (r *run) clearErrors(hosts []*inventory.Host) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, h := range hosts {
		delete(r.failed, h.Name)
		delete(r.unreachable, h.Name)
	}
}

// leaveRole goes to the end of the innermost role's tasks.
func (c *cursor) leaveRole() bool {
	for i := len(c.frames) - 1; i >= 0; i-- {
		if b := c.frames[i].block; b != nil && b.Kind == play.RoleBody {
			c.frames = c.frames[:i+1]
			c.frames[i].i = len(c.frames[i].nodes)
			return true
		}
	}
	return false
}

// retrying tells that an until task is tried again.
func (w *worker) retrying(j *job, it *item, left int) {
	ev := j.event(&it.end, report.Retry)
	ev.Left = left
	w.b.out.emit(j.at, j.start, ev)
}

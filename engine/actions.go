package engine

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"

	"rp/engine/diag"
	"rp/engine/jinja"
	"rp/engine/module"
	"rp/engine/state"
	"rp/engine/value"
	"rp/engine/vars"
)

// act runs an action on the controller. An action that hands the rest of its
// work to the host does not keep what follows waiting: the walk goes on as soon
// as the host's part has been sent.
func (j *job) act(ctx context.Context, it *item, p module.Params, may *value.Unknown) {
	own, cancel := context.WithCancelCause(ctx)
	interrupt := context.AfterFunc(j.w.r.soft, func() { cancel(errInterrupted) })
	c := &controller{ctx: own, j: j, it: it, may: may, handed: make(chan struct{})}
	done := make(chan struct{})
	var end itemEnd
	go func() {
		defer cancel(nil)
		defer interrupt()
		defer close(done)
		end = c.run(p)
	}()
	select {
	case <-done:
		if c.lost == nil && end.failed && errors.Is(context.Cause(own), errInterrupted) {
			c.lost = errInterrupted // a pause, say, that is over before its time
		}
		if c.lost != nil {
			it.wait = func(context.Context) (itemEnd, error) { return itemEnd{}, c.lost }
			return
		}
		j.effects(ctx, it, &end, c.out)
		it.ended(end)
	case <-c.handed:
		it.wait = func(ctx context.Context) (itemEnd, error) {
			select {
			case <-done:
			case <-ctx.Done():
				return itemEnd{}, context.Cause(ctx)
			}
			if c.lost != nil {
				return itemEnd{}, c.lost
			}
			return end, nil
		}
	}
}

// effects carries out what the action asked of the engine.
func (j *job) effects(ctx context.Context, it *item, e *itemEnd, out module.Outcome) {
	if e.failed || e.may {
		return
	}
	if out.Facts != nil {
		j.setFacts(ctx, it, out.Facts, out.FactLevel)
	}
	if err := j.w.apply(j, e, out); err != nil {
		e.failed, e.msg = true, err.Error()
	}
}

// controller is what an action sees of the run: [module.Controller].
type controller struct {
	ctx context.Context
	j   *job
	it  *item
	may *value.Unknown

	once   sync.Once
	handed chan struct{}
	calls  int
	lost   error
	// after is what a condition that cannot be told waits for.
	after string
	// remote is what the host said of the part that was handed to it.
	remote *itemEnd
	out    module.Outcome
}

func (c *controller) run(p module.Params) (end itemEnd) {
	defer func() {
		if r := recover(); r != nil {
			n, unknown := r.(module.NotKnown)
			if !unknown {
				panic(r)
			}
			end = itemEnd{unknown: true, after: n.After, fields: value.NewDict()}
		}
	}()
	out, err := c.j.spec.Act(c.ctx, p, c)
	c.out = out
	end = fromAction(out, err)
	if c.remote != nil {
		end.changes, end.warnings = c.remote.changes, c.remote.warnings
		end.unknown, end.after = c.remote.unknown, c.remote.after
		end.unreachable, end.dropped = c.remote.unreachable, c.remote.dropped
		end.changed = end.changed || c.remote.changed
		end.failed = end.failed || c.remote.failed
		if end.msg == "" {
			end.msg = c.remote.msg
		}
	}
	if c.may != nil {
		end.may, end.after = true, c.may.After
	}
	if end.unknown && end.after == "" {
		end.after = c.after
	}
	if end.unknown && end.after == "" {
		end.after = c.j.start.Task
	}
	return end
}

func (c *controller) vars() *vars.Scope { return c.it.vars }

func (c *controller) env() *jinja.Env { return c.j.w.r.Env }

// inStep gives what eval makes of the task's variables; where they are of other
// hosts that had not come as far as the task, it makes it anew when they have.
func (c *controller) inStep(ctx context.Context, eval func() (any, error)) (any, error) {
	v, err := eval()
	again, merr := c.j.outdated(ctx, c.it.vars)
	if merr != nil {
		c.lost = merr
		return nil, merr
	}
	if again {
		c.it.renew()
		return eval()
	}
	return v, err
}

func (c *controller) Render(ctx context.Context, v any) (any, error) {
	return c.inStep(ctx, func() (any, error) { return jinja.Render(ctx, c.env(), c.vars(), v) })
}

func (c *controller) RenderFile(ctx context.Context, src, text string, more *value.Dict, opts map[string]string) (any, error) {
	o, err := fileOptions(opts)
	if err != nil {
		return nil, err
	}
	text, o, head, err := jinja.Header(text, o)
	if err != nil {
		return nil, err
	}
	t, err := jinja.Parse(text, diag.Pos{File: src, Line: 1 + head, Col: 1}, o)
	if err != nil {
		return nil, err
	}
	extra := map[string]any{}
	if more != nil {
		for k, v := range more.All() {
			extra[fmt.Sprint(k)] = v
		}
	}
	env := *c.env()
	env.Include = func(name string) (string, diag.Pos, error) { return c.includeTemplate(src, name) }
	return c.inStep(ctx, func() (any, error) { return t.RenderText(ctx, &env, c.vars().With(extra)) })
}

// fileOptions are the template module's arguments as the parser takes them.
func fileOptions(opts map[string]string) (jinja.Options, error) {
	o := jinja.FileOptions()
	for name, to := range map[string]*string{
		"block_start_string": &o.BlockStart, "block_end_string": &o.BlockEnd,
		"variable_start_string": &o.VarStart, "variable_end_string": &o.VarEnd,
		"comment_start_string": &o.CommentStart, "comment_end_string": &o.CommentEnd,
	} {
		*to = opts[name]
	}
	for name, to := range map[string]*bool{"trim_blocks": &o.Trim, "lstrip_blocks": &o.Lstrip} {
		v, given := opts[name]
		if !given {
			continue
		}
		b, err := strconv.ParseBool(v)
		if err != nil {
			return o, fmt.Errorf("%s: %w", name, err)
		}
		*to = b
	}
	return o, nil
}

// includeTemplate finds a template that another one includes: beside it, or where templates are looked for.
func (c *controller) includeTemplate(from, name string) (string, diag.Pos, error) {
	path := filepath.Join(filepath.Dir(from), name)
	text, err := c.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		if path, err = c.Find("templates", name); err == nil {
			text, err = c.ReadFile(path)
		}
	}
	return string(text), diag.Pos{File: path, Line: 1, Col: 1}, err
}

func (c *controller) Eval(ctx context.Context, expr any) (any, error) {
	if t, ok := expr.(value.Template); ok {
		return c.Render(ctx, t)
	}
	src, ok := expr.(string)
	if !ok {
		return expr, nil
	}
	e, err := jinja.ParseExpr(src, c.j.t.Pos)
	if err != nil {
		return nil, err
	}
	return c.inStep(ctx, func() (any, error) { return e.Eval(ctx, c.env(), c.vars()) })
}

func (c *controller) Test(ctx context.Context, cond any) (result, known bool, err error) {
	var t jinja.Truth
	_, err = c.inStep(ctx, func() (any, error) {
		var err error
		t, err = jinja.Condition(ctx, c.env(), c.vars(), cond)
		return nil, err
	})
	if t.IsUnknown() && c.after == "" {
		c.after = t.After
	}
	return t.IsTrue(), !t.IsUnknown(), err
}

func (c *controller) Find(kind, name string) (string, error) {
	if filepath.IsAbs(name) {
		if _, err := c.j.w.r.files.Stat(name); err != nil {
			return "", fmt.Errorf("cannot find %q: %w", name, err)
		}
		return name, nil
	}
	var looked []string
	for _, dir := range c.j.searchPath(kind) {
		path := filepath.Join(dir, name)
		if _, err := c.j.w.r.files.Stat(path); err == nil {
			return path, nil
		}
		looked = append(looked, path)
	}
	return "", fmt.Errorf("cannot find %q; looked at %s", name, strings.Join(looked, ", "))
}

func (c *controller) ReadFile(path string) ([]byte, error) { return c.j.w.r.files.ReadFile(path) }

func (c *controller) WalkFiles(path string) ([]string, error) {
	var names []string
	err := c.j.w.r.files.Walk(path, func(rel string, dir bool) {
		if dir {
			rel += "/"
		}
		names = append(names, rel)
	})
	slices.Sort(names)
	return names, err
}

func (c *controller) Stat(path string) (module.FileInfo, error) {
	fi, err := c.j.w.r.files.Stat(path)
	if err != nil {
		return module.FileInfo{}, err
	}
	m := state.Mode(fi.Mode().Perm())
	return module.FileInfo{Mode: m, Dir: fi.IsDir(), Size: fi.Size(), MTime: fi.ModTime().UnixNano()}, nil
}

func (c *controller) Content(path string) (state.Content, error) {
	fi, err := c.j.w.r.files.Stat(path)
	if err != nil {
		return state.Content{}, err
	}
	return c.j.w.r.blobs.add(fi.Size(), func() (io.ReadCloser, error) { return c.j.w.r.files.Open(path) })
}

func (c *controller) LoadVars(path string) (*value.Dict, error) {
	d, ds := c.j.w.r.loadVars(path)
	return d, ds.Err()
}

// Host hands the rest of the action to the host. Only the first call keeps the
// order of the tasks; a second one would come after what was sent ahead.
func (c *controller) Host(ctx context.Context, name string, args map[string]any) (module.Result, error) {
	if c.calls++; c.calls > 1 {
		return nil, fmt.Errorf("an action gave the host two tasks (%s)", name)
	}
	spec, ok := c.j.w.r.Find(name)
	if !ok {
		return nil, fmt.Errorf("there is no module %q", name)
	}
	d, _ := value.FromGo(args).(*value.Dict)
	p, problems := spec.Bind(c.j.start.Task, d, false)
	if len(problems) > 0 {
		return nil, errors.New(problems[0].Message)
	}
	part := &item{j: c.j, vars: c.it.vars}
	c.j.send(ctx, part, spec, p, c.may)
	c.once.Do(func() { close(c.handed) })
	end, err := part.wait(c.j.w.ctx) // the walk has gone on; only the host's end ends this
	if err != nil {
		c.lost = err
		return nil, err
	}
	c.remote = &end
	return resultOf(end)
}

// resultOf is what an action sees of its host's part.
func resultOf(end itemEnd) (module.Result, error) {
	r := module.Result{}
	if end.fields != nil {
		for k, v := range end.fields.All() {
			r[fmt.Sprint(k)] = v
		}
	}
	r["changed"] = end.changed
	if end.failed {
		return r, errors.New(end.msg)
	}
	return r, nil
}

// Local runs a module on the controller, as on any host.
func (c *controller) Local(ctx context.Context, name string, args map[string]any) (module.Result, error) {
	spec, ok := c.j.w.r.Find(name)
	if !ok {
		return nil, fmt.Errorf("there is no module %q", name)
	}
	d, _ := value.FromGo(args).(*value.Dict)
	p, problems := spec.Bind(c.j.start.Task, d, false)
	if len(problems) > 0 {
		return nil, errors.New(problems[0].Message)
	}
	end, err := c.j.onController(c.j.w.ctx, c.it, spec, p, c.may) // a change under way is finished
	if err != nil {
		return nil, err
	}
	if c.remote == nil {
		c.remote = &end
	} else {
		c.remote.changes = append(c.remote.changes, end.changes...)
	}
	return resultOf(end)
}

func (c *controller) Var(name string) (any, bool) { return c.vars().Lookup(name) }

func (c *controller) Prompt(ctx context.Context, text string, echo bool, seconds int) (string, bool, error) {
	if c.j.w.r.Prompt == nil {
		return "", false, nil
	}
	return c.j.w.r.Prompt(ctx, text, echo, seconds)
}

func (c *controller) Verbosity() int { return c.j.w.r.Verbosity }

var _ module.Controller = (*controller)(nil)

// number reads a count or a time that may be a template's text.
func number(v any) (float64, error) {
	switch v := v.(type) {
	case int64:
		return float64(v), nil
	case float64:
		return v, nil
	case string:
		return strconv.ParseFloat(strings.TrimSpace(v), 64)
	}
	return 0, fmt.Errorf("%v is no number", v)
}

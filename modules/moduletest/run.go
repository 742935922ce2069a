package moduletest

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"testing/fstest"

	"rp/engine/apply"
	"rp/engine/host"
	"rp/engine/module"
	"rp/engine/state"
	"rp/engine/value"
	"rp/engine/wire"
)

// Finder finds a module by name.
type Finder func(name string) (*module.Spec, bool)

// Ran is how a task went.
type Ran struct {
	apply.Outcome
	Changes []wire.Change
	// Facts, Meta and the rest are what an action asked of the engine.
	Action module.Outcome
}

// Run runs the module that goes by name with args, a mapping, on h. Problems with the arguments are an error.
func Run(ctx context.Context, find Finder, h host.Host, ctl *Control, name string, args any) (Ran, error) {
	spec, ok := find(name)
	if !ok {
		return Ran{}, fmt.Errorf("there is no module %q", name)
	}
	d, ok := value.FromGo(args).(*value.Dict)
	if !ok {
		d = value.NewDict()
	}
	p, problems := spec.Bind("the task", d, false)
	if len(problems) > 0 {
		var msgs []string
		for _, pr := range problems {
			msgs = append(msgs, pr.Message)
		}
		return Ran{}, errors.New(strings.Join(msgs, "; "))
	}
	if spec.Run != nil {
		var ran Ran
		ran.Outcome = apply.Run(ctx, h, apply.Task{Name: "the task", Spec: spec, Params: p, Diff: true, Report: func(c wire.Change) { ran.Changes = append(ran.Changes, c) }})
		return ran, nil
	}
	return act(ctx, find, h, ctl, spec, p)
}

func act(ctx context.Context, find Finder, h host.Host, ctl *Control, spec *module.Spec, p module.Params) (ran Ran, err error) {
	if ctl == nil {
		ctl = &Control{}
	}
	hosts, unknown, after := 0, false, ""
	ctl.run = func(name string, args map[string]any) (module.Result, error) {
		r, err := Run(ctx, find, h, ctl, name, args)
		if err != nil {
			return nil, err
		}
		ran.Changes = append(ran.Changes, r.Changes...)
		unknown, after = unknown || r.Unknown, r.After
		if r.Failed {
			return r.Fields, errors.New(r.Msg)
		}
		if r.Fields == nil {
			r.Fields = module.Result{}
		}
		r.Fields["changed"] = r.Changed
		return r.Fields, nil
	}
	ctl.hosts = &hosts
	out, err := spec.Act(ctx, p, ctl)
	ran.Action = out
	ran.Fields, ran.Changed, ran.Failed, ran.Skipped = out.Result, out.Changed, out.Failed, out.Skipped
	ran.Unknown, ran.After = out.Unknown || unknown, after
	if err != nil {
		ran.Failed, ran.Msg = true, err.Error()
		return ran, nil //nolint:nilerr // it is the task's failure
	}
	if m, ok := out.Result["msg"]; ok {
		ran.Msg = fmt.Sprint(m)
	}
	return ran, nil
}

// Control is a controller in memory. Its templates know {{ name }} only.
type Control struct {
	// Files are the controller's files; Find finds them by their path.
	Files fstest.MapFS
	// Vars are the task's variables.
	Vars map[string]any
	// Answer is what somebody types at a prompt; nil where there is no terminal.
	Answer *string
	// Verbose is how often -v was given.
	Verbose int
	run     func(name string, args map[string]any) (module.Result, error)
	hosts   *int // how often the action has called Host
}

// Render implements module.Controller.
func (c *Control) Render(_ context.Context, v any) (any, error) { return v, nil }

// RenderFile implements module.Controller.
func (c *Control) RenderFile(_ context.Context, _, text string, vars *value.Dict, _ map[string]string) (any, error) {
	secret := false
	for k, v := range c.Vars {
		if _, unknown := v.(value.Unknown); unknown && strings.Contains(text, "{{ "+k+" }}") {
			return v, nil
		}
		if s, ok := v.(value.Secret); ok {
			v, secret = s.V, secret || strings.Contains(text, "{{ "+k+" }}")
		}
		text = strings.ReplaceAll(text, "{{ "+k+" }}", fmt.Sprint(v))
	}
	for k, v := range vars.All() {
		text = strings.ReplaceAll(text, fmt.Sprintf("{{ %v }}", k), fmt.Sprint(v))
	}
	if secret {
		return value.Secret{V: text}, nil
	}
	return text, nil
}

// Eval implements module.Controller: an expression is a variable's name.
func (c *Control) Eval(_ context.Context, expr any) (any, error) {
	v, ok := c.Vars[fmt.Sprint(expr)]
	if !ok {
		return value.Undefined{Name: fmt.Sprint(expr)}, nil
	}
	return v, nil
}

// Test implements module.Controller: a condition is a variable's name.
func (c *Control) Test(ctx context.Context, cond any) (result, known bool, err error) {
	v, err := c.Eval(ctx, cond)
	switch v := v.(type) {
	case bool:
		return v, true, err
	case value.Unknown:
		return false, false, err
	case value.Undefined:
		return false, false, errors.New(v.Message())
	}
	return false, true, err
}

// Find implements module.Controller.
func (c *Control) Find(kind, name string) (string, error) {
	if _, err := fs.Stat(c.Files, name); err != nil {
		return "", fmt.Errorf("cannot find %q among %s", name, kind)
	}
	return name, nil
}

// ReadFile implements module.Controller.
func (c *Control) ReadFile(path string) ([]byte, error) { return fs.ReadFile(c.Files, path) }

// WalkFiles implements module.Controller.
func (c *Control) WalkFiles(path string) ([]string, error) {
	var out []string
	err := fs.WalkDir(c.Files, path, func(p string, d fs.DirEntry, err error) error {
		if err != nil || p == path {
			return err
		}
		if p = strings.TrimPrefix(p, path+"/"); d.IsDir() {
			p += "/"
		}
		out = append(out, p)
		return nil
	})
	slices.Sort(out)
	return out, err
}

// Stat implements module.Controller.
func (c *Control) Stat(path string) (module.FileInfo, error) {
	fi, err := fs.Stat(c.Files, strings.TrimSuffix(path, "/"))
	if err != nil {
		return module.FileInfo{}, err
	}
	return module.FileInfo{Mode: state.Mode(fi.Mode().Perm()), Dir: fi.IsDir(), Size: fi.Size()}, nil
}

// Content implements module.Controller.
func (c *Control) Content(path string) (state.Content, error) {
	b, err := c.ReadFile(path)
	return state.Bytes(b), err
}

// LoadVars implements module.Controller: a file has lines of NAME: VALUE.
func (c *Control) LoadVars(path string) (*value.Dict, error) {
	b, err := c.ReadFile(path)
	d := value.NewDict()
	for line := range strings.Lines(string(b)) {
		if k, v, ok := strings.Cut(strings.TrimSpace(line), ": "); ok {
			d.Set(k, v)
		}
	}
	return d, err
}

// Host implements module.Controller. As in the engine, an action can give the host one task.
func (c *Control) Host(_ context.Context, name string, p map[string]any) (module.Result, error) {
	if *c.hosts++; *c.hosts > 1 {
		return nil, fmt.Errorf("an action gave the host two tasks (%s)", name)
	}
	return c.run(name, p)
}

// Local implements module.Controller; the controller is the same machine.
func (c *Control) Local(_ context.Context, name string, p map[string]any) (module.Result, error) {
	return c.run(name, p)
}

// Var implements module.Controller.
func (c *Control) Var(name string) (any, bool) { v, ok := c.Vars[name]; return v, ok }

// Prompt implements module.Controller.
func (c *Control) Prompt(_ context.Context, _ string, _ bool, _ int) (string, bool, error) {
	if c.Answer == nil {
		return "", false, nil
	}
	return *c.Answer, true, nil
}

// Verbosity implements module.Controller.
func (c *Control) Verbosity() int { return c.Verbose }

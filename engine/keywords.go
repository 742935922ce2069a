package engine

import (
	"context"
	"fmt"
	"strings"
	"time"

	"rp/engine/jinja"
	"rp/engine/module"
	"rp/engine/play"
	"rp/engine/report"
	"rp/engine/value"
	"rp/engine/wire"
)

// keyword is what holds for t of an inherited keyword, rendered; nil where nobody says anything.
func (r *run) keyword(ctx context.Context, t *play.Task, name string, sc scope) (any, error) {
	s, ok := t.Effective(name)
	if !ok {
		return nil, nil
	}
	v, err := jinja.Render(ctx, r.Env, sc, s.Value)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return v, nil
}

func (r *run) boolKeyword(ctx context.Context, t *play.Task, name string, sc scope) (bool, error) {
	v, err := r.keyword(ctx, t, name, sc)
	if err != nil || v == nil {
		return false, err
	}
	b, err := toBool(v)
	if err != nil {
		return false, fmt.Errorf("%s: %w", name, err)
	}
	return b, nil
}

// boolOf renders a value that is to be a boolean; nil is false.
func (r *run) boolOf(ctx context.Context, v any, sc scope) (bool, error) {
	if v == nil {
		return false, nil
	}
	v, err := jinja.Render(ctx, r.Env, sc, v)
	if err != nil || v == nil {
		return false, err
	}
	return toBool(v)
}

func toBool(v any) (bool, error) {
	switch v := v.(type) {
	case bool:
		return v, nil
	case int64:
		return v != 0, nil
	case string:
		switch strings.ToLower(v) {
		case "yes", "true", "on", "1", "y", "t":
			return true, nil
		case "no", "false", "off", "0", "n", "f", "":
			return false, nil
		}
	case value.Secret:
		return toBool(v.V)
	}
	return false, fmt.Errorf("%s is no boolean", jinja.Repr(v))
}

func (r *run) textKeyword(ctx context.Context, t *play.Task, name string, sc scope) (string, error) {
	v, err := r.keyword(ctx, t, name, sc)
	if err != nil || v == nil {
		return "", err
	}
	return r.text(v), nil
}

// text is a rendered value as the text it stands for, secrets unwrapped.
func (r *run) text(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case value.Secret:
		return r.text(v.V)
	case value.Omit:
		return ""
	}
	return jinja.Str(v)
}

// variable is a variable's value, rendered, as text; "" where it is not set.
func (r *run) variable(ctx context.Context, sc scope, names ...string) (string, error) {
	for _, n := range names {
		v, ok := sc.Lookup(n)
		if !ok {
			continue
		}
		v, err := jinja.Render(ctx, r.Env, sc, v)
		if err != nil {
			return "", fmt.Errorf("%s: %w", n, err)
		}
		if v != nil {
			return r.text(v), nil
		}
	}
	return "", nil
}

// become says as whom a task runs on its host: the ansible_become* variables, then the keywords, then the flags.
func (r *run) become(ctx context.Context, t *play.Task, sc scope) (wire.Become, error) {
	on, err := r.variable(ctx, sc, "ansible_become")
	if err != nil {
		return wire.Become{}, err
	}
	wanted := r.Become.On
	if kw, err := r.keyword(ctx, t, "become", sc); err != nil {
		return wire.Become{}, err
	} else if kw != nil {
		if wanted, err = toBool(kw); err != nil {
			return wire.Become{}, fmt.Errorf("become: %w", err)
		}
	}
	if on != "" {
		if wanted, err = toBool(on); err != nil {
			return wire.Become{}, fmt.Errorf("ansible_become: %w", err)
		}
	}
	if !wanted {
		return wire.Become{}, nil
	}
	return r.becomeAs(ctx, t, sc)
}

func (r *run) becomeAs(ctx context.Context, t *play.Task, sc scope) (b wire.Become, err error) {
	pick := func(keyword, def string, vars ...string) string {
		var v string
		if err != nil {
			return ""
		}
		if v, err = r.variable(ctx, sc, vars...); v != "" || err != nil {
			return v
		}
		if v, err = r.textKeyword(ctx, t, keyword, sc); v != "" || err != nil {
			return v
		}
		return def
	}
	method := pick("become_method", r.Become.Method, "ansible_become_method")
	method = method[strings.LastIndexByte(method, '.')+1:]
	b = wire.Become{
		Method: method,
		User:   pick("become_user", r.Become.User, "ansible_become_user", "ansible_"+method+"_user"),
		Flags:  pick("become_flags", "", "ansible_become_flags", "ansible_"+method+"_flags"),
		Exe:    pick("become_exe", "", "ansible_become_exe", "ansible_"+method+"_exe"),
	}
	if err != nil {
		return b, err
	}
	b.Password, err = r.variable(ctx, sc, "ansible_become_password", "ansible_become_pass", "ansible_"+method+"_pass")
	if b.Password == "" {
		b.Password = r.Become.Password
	}
	if b.Password != "" {
		r.Mask(b.Password)
	}
	return b, err
}

// environment is what the environment keywords around t give, the innermost last.
func (r *run) environment(ctx context.Context, t *play.Task, sc scope) (map[string]string, error) {
	env := map[string]string{}
	for _, e := range t.AllEnvironment() {
		v, err := jinja.Render(ctx, r.Env, sc, e)
		if err != nil {
			return nil, fmt.Errorf("environment: %w", err)
		}
		if err := r.addEnvironment(env, v); err != nil {
			return nil, err
		}
	}
	return env, nil
}

func (r *run) addEnvironment(env map[string]string, v any) error {
	switch v := v.(type) {
	case nil, value.Unknown: // what is not known yet cannot matter to what is only imagined
	case value.Secret:
		return r.addEnvironment(env, v.V)
	case *value.List:
		for _, e := range v.Items {
			if err := r.addEnvironment(env, e); err != nil {
				return err
			}
		}
	case *value.Dict:
		for k, e := range v.All() {
			if _, unknown := e.(value.Unknown); !unknown {
				env[fmt.Sprint(k)] = r.text(e)
			}
		}
	default:
		return fmt.Errorf("environment needs a mapping, got %s", jinja.TypeName(v))
	}
	return nil
}

// modes fills in check_mode, diff and timeout.
func (r *run) modes(ctx context.Context, t *play.Task, sc scope, m *wire.Task) error {
	m.Diff = r.Diff
	if v, err := r.keyword(ctx, t, "diff", sc); err != nil {
		return err
	} else if v != nil {
		if m.Diff, err = toBool(v); err != nil {
			return fmt.Errorf("diff: %w", err)
		}
	}
	if v, err := r.keyword(ctx, t, "check_mode", sc); err != nil {
		return err
	} else if v != nil {
		on, err := toBool(v)
		if err != nil {
			return fmt.Errorf("check_mode: %w", err)
		}
		m.Predict, m.Real = on, !on && r.Check
	}
	v, err := r.keyword(ctx, t, "timeout", sc)
	if err != nil || v == nil {
		return err
	}
	n, err := number(v)
	if err != nil {
		return fmt.Errorf("timeout: %w", err)
	}
	m.Timeout = int(n)
	return nil
}

// retries says how often an until task is tried, and how long it waits between.
func (r *run) retries(ctx context.Context, t *play.Task, sc scope) (tries int, delay time.Duration, err error) {
	count, wait := 3.0, 5.0
	if t.Retries != nil {
		if count, err = r.numberOf(ctx, t.Retries, sc); err != nil {
			return 0, 0, fmt.Errorf("retries: %w", err)
		}
	}
	if t.Delay != nil {
		if wait, err = r.numberOf(ctx, t.Delay, sc); err != nil {
			return 0, 0, fmt.Errorf("delay: %w", err)
		}
	}
	return max(0, int(count)) + 1, time.Duration(wait * float64(time.Second)), nil
}

func (r *run) numberOf(ctx context.Context, v any, sc scope) (float64, error) {
	v, err := jinja.Render(ctx, r.Env, sc, v)
	if err != nil {
		return 0, err
	}
	return number(v)
}

// arguments are a task's arguments, rendered.
func (r *run) arguments(ctx context.Context, t *play.Task, _ *module.Spec, sc scope) (*value.Dict, error) {
	args := value.NewDict()
	if t.ArgsFrom != nil {
		v, err := jinja.Render(ctx, r.Env, sc, *t.ArgsFrom)
		if err != nil {
			return nil, err
		}
		if s, ok := v.(value.Secret); ok {
			v = s.V
		}
		d, ok := v.(*value.Dict)
		if !ok {
			return nil, fmt.Errorf("the arguments %q are %s and not a mapping", t.ArgsFrom.Source, jinja.TypeName(v))
		}
		merge(args, d)
	}
	if t.Args == nil {
		return args, nil
	}
	v, err := jinja.Render(ctx, r.Env, sc, t.Args)
	if err != nil {
		return nil, err
	}
	d, _ := v.(*value.Dict)
	merge(args, d)
	return args, nil
}

// selected reports whether t is to run by its tags and --start-at-task.
func (w *worker) selected(ctx context.Context, t *play.Task) (bool, error) {
	switch {
	case w.begun || w.r.first == nil || t.Handler:
	case t == w.r.first:
		w.begun = true
	case t.Action != gatherAction || t.Pos != t.Play.Pos: // facts are gathered all the same
		return false, nil
	}
	if t.Handler { // whoever notified it was selected
		return true, nil
	}
	tags := t.AllTags()
	for _, late := range t.AllLateTags() {
		v, err := jinja.Render(ctx, w.r.Env, w.scope(t, nil), late)
		if err != nil {
			return false, fmt.Errorf("tags: %w", err)
		}
		if tags, err = addTags(tags, v); err != nil {
			return false, err
		}
	}
	return w.r.Tags.Takes(tags), nil
}

// addTags adds those in v to tags: a list of them, or names between commas.
func addTags(tags []string, v any) ([]string, error) {
	switch v := v.(type) {
	case nil:
		return tags, nil
	case *value.List:
		for _, e := range v.Items {
			var err error
			if tags, err = addTags(tags, e); err != nil {
				return nil, err
			}
		}
		return tags, nil
	case string:
		return append(tags, play.SplitTags(v)...), nil
	case bool, int64, float64:
		return append(tags, jinja.Str(v)), nil
	}
	return nil, fmt.Errorf("tags must be names, and one is %s", jinja.TypeName(v))
}

// header is what the report says at a task's head.
func (w *worker) header(ctx context.Context, t *play.Task, sc scope) report.Event {
	e := report.Event{Type: report.TaskStart, Run: w.r.ID, Play: w.title, Module: t.Module, Pos: t.Pos, Handler: t.Handler}
	if t.Role != nil {
		e.Role = t.Role.Name
	}
	e.Task = w.r.title(ctx, t.Name, sc)
	if e.Task == "" {
		e.Task = t.Action
	}
	return e
}

// title is a name as it is shown. What cannot be rendered yet stays as it was written.
func (r *run) title(ctx context.Context, name any, sc scope) string {
	switch n := name.(type) {
	case nil:
		return ""
	case value.Template:
		if v, err := jinja.Render(ctx, r.Env, sc, n); err == nil {
			if u, ok := v.(value.Unknown); ok {
				return strings.TrimSpace(n.Source) + " " + u.String()
			}
			if s, ok := v.(value.Secret); ok {
				return s.String()
			}
			return jinja.Str(v)
		}
		return n.Source
	}
	return fmt.Sprint(name)
}

package engine

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"rp/engine/jinja"
	"rp/engine/value"
	"rp/inventory"
)

// EnvOptions say what expressions may reach.
type EnvOptions struct {
	// Check: what is random or depends on time is unknown, since the real run will see another.
	Check     bool
	Inventory *inventory.Inventory
}

// NewEnv is what expressions are evaluated with: lookups, and in a dry run no answer to what is unstable.
func NewEnv(o EnvOptions) *jinja.Env {
	env := &jinja.Env{Lookup: lookup}
	if o.Check {
		env.Unstable = func(what string) (any, bool) { return value.Unknown{After: what}, true }
	}
	return env
}

// lookups are the lookup plugins, by name. They run on the controller.
var lookups = map[string]func(ctx context.Context, terms []any, kw *value.Dict, vars jinja.Vars) ([]any, error){
	"env":  lookupEnv,
	"file": lookupFile,
	"vars": lookupVars,
	"items": func(_ context.Context, terms []any, _ *value.Dict, _ jinja.Vars) ([]any, error) {
		return flattenOnce(value.NewList(terms...)), nil
	},
	"list": func(_ context.Context, terms []any, _ *value.Dict, _ jinja.Vars) ([]any, error) { return terms, nil },
}

func lookup(ctx context.Context, name string, terms []any, kw *value.Dict, vars jinja.Vars) ([]any, error) {
	name = name[strings.LastIndexByte(name, '.')+1:]
	f, ok := lookups[name]
	if !ok {
		return nil, fmt.Errorf("the lookup %q is not supported yet", name)
	}
	return f(ctx, terms, kw, vars)
}

func lookupEnv(_ context.Context, terms []any, kw *value.Dict, _ jinja.Vars) ([]any, error) {
	var out []any
	for _, t := range terms {
		v, set := os.LookupEnv(jinja.Str(t))
		if !set && kw != nil {
			if d, ok := kw.Get("default"); ok {
				out = append(out, d)
				continue
			}
		}
		out = append(out, v)
	}
	return out, nil
}

func lookupFile(_ context.Context, terms []any, _ *value.Dict, vars jinja.Vars) ([]any, error) {
	var out []any
	for _, t := range terms {
		path, err := findBeside(jinja.Str(t), "files", vars)
		if err != nil {
			return nil, err
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return nil, err
		}
		out = append(out, strings.TrimRight(string(b), "\n"))
	}
	return out, nil
}

// findBeside looks for a lookup's file where the task's files are looked for.
func findBeside(name, kind string, vars jinja.Vars) (string, error) {
	dirs := []string{""}
	if v, ok := vars.Lookup("ansible_search_path"); ok && !strings.HasPrefix(name, "/") {
		if l, ok := v.(*value.List); ok {
			dirs = nil
			for _, d := range l.Items {
				dirs = append(dirs, jinja.Str(d)+"/")
			}
		}
	}
	for _, d := range dirs {
		if _, err := os.Stat(d + name); err == nil {
			return d + name, nil
		}
	}
	return "", fmt.Errorf("cannot find %q of %s", name, kind)
}

func lookupVars(ctx context.Context, terms []any, kw *value.Dict, vars jinja.Vars) ([]any, error) {
	var out []any
	for _, t := range terms {
		v, ok := vars.Lookup(jinja.Str(t))
		if !ok {
			has := false
			if kw != nil {
				v, has = kw.Get("default")
			}
			if !has {
				return nil, errors.New("no variable found with this name: " + jinja.Str(t))
			}
		}
		out = append(out, v)
	}
	return out, nil
}

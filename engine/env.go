package engine

import (
	"rp/engine/jinja"
	"rp/engine/play"
	"rp/engine/value"
	"rp/inventory"
)

// EnvOptions say what expressions may reach.
type EnvOptions struct {
	// Check: what is random or depends on time is unknown, since the real run will see another.
	Check     bool
	Inventory *inventory.Inventory
	// Files are the controller's files; nil: the machine's.
	Files play.Source
}

// NewEnv is what expressions are evaluated with: lookups, and in a dry run no answer to what is unstable.
func NewEnv(o EnvOptions) *jinja.Env {
	if o.Files == nil {
		o.Files = play.OS()
	}
	env := &jinja.Env{}
	l := &lookups{env: env, files: files{o.Files}, hosts: func(pattern string) ([]any, error) { return hostNames(o.Inventory, pattern) }}
	env.Lookup = l.lookup
	if o.Check {
		env.Unstable = func(what string) (any, bool) { return value.Unknown{After: what}, true }
	}
	return env
}

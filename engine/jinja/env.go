package jinja

import (
	"context"
	"maps"
	"slices"
	"time"

	"rp/engine/diag"
	"rp/engine/value"
)

// Vars gives the variables in scope. What Lookup gives may hold templates,
// which are rendered when they are used, and pending values, which are waited
// for. It must be safe for concurrent use and must not change during an evaluation.
type Vars = interface {
	Lookup(name string) (any, bool)
	Names() []string
}

// MapVars are variables in a map.
type MapVars map[string]any

// Lookup is the variable called name.
func (m MapVars) Lookup(name string) (any, bool) {
	v, ok := m[name]
	return v, ok
}

// Names are the names of all variables, sorted.
func (m MapVars) Names() []string { return slices.Sorted(maps.Keys(m)) }

// A Scoped object has variables of its own, with which templates inside it
// are rendered: hostvars' entries are another host's.
type Scoped interface {
	value.Object
	// Scope is where templates in the object find their names.
	Scope() Vars
}

// Env is what an evaluation may use beside its variables. It is not changed
// after it was made, and is safe for concurrent use.
type Env struct {
	// Lookup answers lookup(), query() and q(): the plugin name, its terms, its options, and the
	// variables of the evaluation. Where it is nil, lookups are an error.
	Lookup func(ctx context.Context, name string, terms []any, kwargs *value.Dict, vars Vars) ([]any, error)
	// Include fetches the source of a template for include, import, from and extends.
	// A template that is not there is an error that wraps fs.ErrNotExist. Nil: such tags are an error.
	Include func(name string) (src string, pos diag.Pos, err error)
	// Now is the time of now() and strftime; nil is the machine's clock.
	Now func() time.Time
	// Unstable, where it is set and says true, gives the answer of what is random or depends on
	// time ("random", "lookup pipe" …) in its place: usually a value.Unknown.
	Unstable func(what string) (any, bool)
	Limits   Limits
	// Text makes every template's result text, as without ANSIBLE_JINJA2_NATIVE in old versions. The
	// zero Env is native: one node gives its value with its type.
	Text bool
}

// Limits bound one evaluation; a zero field is its default.
type Limits struct {
	// MaxOutput is the longest text in bytes that an evaluation may make, 64 MiB by default.
	MaxOutput int
	// MaxSteps is how many nodes may be evaluated and values walked, 50 million by default.
	MaxSteps int
	// MaxDepth is how deep variables, macros and includes may nest, 100 by default.
	MaxDepth int
}

func (l Limits) withDefaults() Limits {
	if l.MaxOutput <= 0 {
		l.MaxOutput = 64 << 20
	}
	if l.MaxSteps <= 0 {
		l.MaxSteps = 50_000_000
	}
	if l.MaxDepth <= 0 {
		l.MaxDepth = 100
	}
	return l
}

func (e *Env) now() time.Time {
	if e.Now != nil {
		return e.Now()
	}
	return time.Now()
}

// unstable asks for the stand-in of what is random or depends on time.
func (e *Env) unstable(what string) (any, bool) {
	if e.Unstable == nil {
		return nil, false
	}
	return e.Unstable(what)
}

package engine

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"

	"rp/engine/jinja"
	"rp/engine/value"
)

// lookups are the lookup plugins: what lookup(), query() and the loops with_NAME
// ask for. They run on the controller. What each takes and gives is as in the
// documentation of Ansible's plugin of that name.
type lookups struct {
	env   *jinja.Env
	files files
	// hosts are the names of the hosts that a pattern matches.
	hosts func(pattern string) ([]any, error)
}

// ask is one use of a lookup.
type ask struct {
	*lookups
	ctx   context.Context
	terms []any
	opts  *value.Dict
	vars  jinja.Vars
	// kind is the directory of files that names are looked for in: files, templates …
	kind string
}

// lookupTable are the lookups that there are, by name.
var lookupTable map[string]func(*ask) ([]any, error)

func init() {
	lookupTable = map[string]func(*ask) ([]any, error){
		"cartesian":           (*ask).nested,
		"csvfile":             (*ask).csvfile,
		"dict":                (*ask).dict,
		"env":                 (*ask).environ,
		"file":                (*ask).file,
		"fileglob":            (*ask).fileglob,
		"first_found":         (*ask).firstFound,
		"flattened":           func(a *ask) ([]any, error) { return flatten(value.NewList(a.terms...)), nil },
		"indexed_items":       (*ask).indexed,
		"ini":                 (*ask).ini,
		"inventory_hostnames": (*ask).inventoryHostnames,
		"items":               func(a *ask) ([]any, error) { return flattenOnce(value.NewList(a.terms...)), nil },
		"lines":               (*ask).lines,
		"list":                func(a *ask) ([]any, error) { return a.terms, nil },
		"nested":              (*ask).nested,
		"password":            (*ask).password,
		"pipe":                (*ask).pipe,
		"random_choice":       (*ask).randomChoice,
		"sequence":            (*ask).sequence,
		"subelements":         (*ask).subelements,
		"template":            (*ask).template,
		"together":            (*ask).together,
		"vars":                (*ask).variables,
		"varnames":            (*ask).varnames,
	}
}

// unstable are the lookups that another run may get another answer from: a dry
// run does not ask them.
var unstable = map[string]bool{"pipe": true, "lines": true, "random_choice": true, "password": true}

// kindKey says in a context which kind of files a loop's lookup looks for.
type kindKey struct{}

// lookup is [jinja.Env]'s Lookup.
func (l *lookups) lookup(ctx context.Context, name string, terms []any, opts *value.Dict, vars jinja.Vars) ([]any, error) {
	name = name[strings.LastIndexByte(name, '.')+1:]
	f, ok := lookupTable[name]
	if !ok {
		return nil, fmt.Errorf("the lookup %q is not supported yet", name)
	}
	if unstable[name] && l.env.Unstable != nil {
		if v, unknown := l.env.Unstable("lookup " + name); unknown {
			return []any{v}, nil
		}
	}
	if opts == nil {
		opts = value.NewDict()
	}
	plain, secret, unknown := marks(name, terms)
	if unknown != nil {
		return []any{*unknown}, nil
	}
	kind, _ := ctx.Value(kindKey{}).(string)
	if kind == "" {
		kind = "files"
	}
	items, err := f(&ask{lookups: l, ctx: ctx, terms: plain, opts: opts, vars: vars, kind: kind})
	if err != nil {
		return nil, fmt.Errorf("lookup %s: %w", name, err)
	}
	if secret {
		for i, v := range items {
			items[i] = value.Secret{V: v}
		}
	}
	return items, nil
}

// structural lookups only put their terms together: marks on single ones stay there.
var structural = map[string]bool{
	"items": true, "list": true, "flattened": true, "together": true, "nested": true, "cartesian": true, "indexed_items": true, "dict": true,
}

// marks are terms without their marks: whether one is a secret, and which is not known.
func marks(name string, terms []any) (plain []any, secret bool, unknown *value.Unknown) {
	if structural[name] {
		return terms, false, nil
	}
	plain = make([]any, len(terms))
	for i, t := range terms {
		switch t := t.(type) {
		case value.Unknown:
			return nil, false, &t
		case value.Secret:
			secret = true
			plain[i] = t.V
		default:
			plain[i] = t
		}
	}
	return plain, secret, nil
}

// option is what an option was given, or def.
func (a *ask) option(name string, def any) any {
	if v, ok := a.opts.Get(name); ok {
		return v
	}
	return def
}

func (a *ask) text(name, def string) string { return jinja.Str(a.option(name, def)) }

func (a *ask) flag(name string, def bool) (bool, error) {
	b, err := toBool(a.option(name, def))
	if err != nil {
		return false, fmt.Errorf("%s: %w", name, err)
	}
	return b, nil
}

func (a *ask) variables() ([]any, error) {
	var out []any
	for _, t := range a.terms {
		name := jinja.Str(t)
		v, ok := a.vars.Lookup(name)
		if !ok {
			if v, ok = a.opts.Get("default"); !ok {
				return nil, fmt.Errorf("no variable found with this name: %s", name)
			}
		}
		v, err := jinja.Render(a.ctx, a.env, a.vars, v)
		if err != nil {
			return nil, err
		}
		out = append(out, v)
	}
	return out, nil
}

func (a *ask) varnames() ([]any, error) {
	var out []any
	for _, t := range a.terms {
		re, err := regexp.Compile(jinja.Str(t))
		if err != nil {
			return nil, fmt.Errorf("cannot use %q as a search parameter: %w", jinja.Str(t), err)
		}
		for _, n := range a.vars.Names() {
			if re.MatchString(n) {
				out = append(out, n)
			}
		}
	}
	return out, nil
}

func (a *ask) dict() ([]any, error) {
	var out []any
	for _, t := range a.terms {
		if u, ok := t.(value.Unknown); ok {
			out = append(out, u)
			continue
		}
		if s, ok := t.(value.Secret); ok {
			t = s.V
		}
		d, ok := t.(*value.Dict)
		if !ok {
			return nil, fmt.Errorf("needs a mapping, got %s", jinja.TypeName(t))
		}
		for k, v := range d.All() {
			out = append(out, value.DictOf("key", k, "value", v))
		}
	}
	return out, nil
}

func (a *ask) indexed() ([]any, error) {
	var out []any
	for i, v := range flattenOnce(value.NewList(a.terms...)) {
		out = append(out, value.Tuple{int64(i), v})
	}
	return out, nil
}

// row is a list of items in which those that are lists stand as what is in them.
func row(items ...any) *value.List { return value.NewList(flattenOnce(value.NewList(items...))...) }

func (a *ask) together() ([]any, error) {
	longest := 0
	for _, t := range a.terms {
		longest = max(longest, len(elements(t)))
	}
	if len(a.terms) == 0 {
		return nil, errors.New("needs at least one list")
	}
	var out []any
	for i := range longest {
		var items []any
		for _, t := range a.terms {
			if l := elements(t); i < len(l) {
				items = append(items, l[i])
			} else {
				items = append(items, nil)
			}
		}
		out = append(out, row(items...))
	}
	return out, nil
}

func (a *ask) nested() ([]any, error) {
	if len(a.terms) == 0 {
		return nil, errors.New("needs at least one list")
	}
	rows := []any{value.NewList()}
	for _, t := range a.terms {
		var next []any
		for _, r := range rows {
			for _, e := range elements(t) {
				next = append(next, row(r, e))
			}
		}
		rows = next
	}
	return rows, nil
}

// elements are a list's items; what is no list is its own only item.
func elements(v any) []any {
	switch v := v.(type) {
	case *value.List:
		return v.Items
	case value.Tuple:
		return v
	}
	return []any{v}
}

func (a *ask) randomChoice() ([]any, error) {
	if len(a.terms) == 0 {
		return nil, nil
	}
	return []any{a.terms[rand.IntN(len(a.terms))]}, nil //nolint:gosec // a choice among items, not a secret
}

func (a *ask) inventoryHostnames() ([]any, error) {
	var patterns []string
	for _, t := range flattenOnce(value.NewList(a.terms...)) {
		patterns = append(patterns, jinja.Str(t))
	}
	return a.hosts(strings.Join(patterns, ","))
}

// keyAndOptions takes apart a term of the form "key option=value …".
func (a *ask) keyAndOptions(term any) (key string, of *ask) {
	of = &ask{lookups: a.lookups, ctx: a.ctx, vars: a.vars, kind: a.kind, opts: a.opts.Clone()}
	var rest []string
	for _, w := range quotedFields(jinja.Str(term)) {
		if k, v, ok := strings.Cut(w, "="); ok && k != "" {
			of.opts.Set(k, v)
			continue
		}
		rest = append(rest, w)
	}
	return strings.Join(rest, " "), of
}

// quotedFields are the words of s; quotes keep blanks together and are taken away.
func quotedFields(s string) []string {
	var out []string
	var word strings.Builder
	var quote rune
	in := false
	for _, c := range s {
		switch {
		case quote != 0 && c == quote:
			quote = 0
		case quote == 0 && (c == '\'' || c == '"'):
			quote, in = c, true
		case quote == 0 && (c == ' ' || c == '\t' || c == '\n'):
			if in {
				out = append(out, word.String())
			}
			word.Reset()
			in = false
		default:
			word.WriteRune(c)
			in = true
		}
	}
	if in {
		out = append(out, word.String())
	}
	return out
}

// HasLoop reports whether a task can loop over with_NAME.
func HasLoop(name string) bool { return lookupTable[name[strings.LastIndexByte(name, '.')+1:]] != nil }

// LoopNames are the names that with_ may have behind it, sorted.
func LoopNames() []string { return LookupNames() }

// LookupNames are the lookups that there are, sorted.
func LookupNames() []string { return slices.Sorted(maps.Keys(lookupTable)) }

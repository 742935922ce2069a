package engine

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strconv"
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
	f, ok := loopKinds[l.Kind]
	if !ok {
		return w.lookupLoop(ctx, j, strings.TrimPrefix(l.Kind, "with_"), v)
	}
	items, err := f(j, v)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", l.Kind, err)
	}
	return value.NewList(items...), nil
}

// lookupLoop is with_X for any lookup X.
func (w *worker) lookupLoop(ctx context.Context, j *job, name string, v any) (any, error) {
	terms := []any{v}
	if l, ok := v.(*value.List); ok {
		terms = l.Items
	}
	items, err := w.r.Env.Lookup(ctx, name, terms, value.DictOf("wantlist", true), j.base)
	if err != nil {
		return nil, fmt.Errorf("with_%s: %w", name, err)
	}
	return value.NewList(items...), nil
}

// HasLoop reports whether a task can loop over with_name.
func HasLoop(name string) bool {
	return loopKinds["with_"+name] != nil || lookups[name] != nil
}

// LoopNames are the names that [HasLoop] knows, sorted.
func LoopNames() []string {
	var names []string
	for kind := range loopKinds {
		if name, ok := strings.CutPrefix(kind, "with_"); ok {
			names = append(names, name)
		}
	}
	for name := range lookups {
		names = append(names, name)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// LookupNames are the lookups, sorted.
func LookupNames() []string { return slices.Sorted(maps.Keys(lookups)) }

// loopKinds are the loops whose items are made of the expression's value alone.
var loopKinds = map[string]func(j *job, v any) ([]any, error){
	"loop":                     func(_ *job, v any) ([]any, error) { return listOf(v) },
	"with_list":                func(_ *job, v any) ([]any, error) { return listOf(v) },
	"with_items":               func(_ *job, v any) ([]any, error) { return flattenOnce(v), nil },
	"with_flattened":           func(_ *job, v any) ([]any, error) { return flatten(v), nil },
	"with_dict":                withDict,
	"with_indexed_items":       withIndexed,
	"with_together":            withTogether,
	"with_nested":              withNested,
	"with_cartesian":           withNested,
	"with_subelements":         withSubelements,
	"with_sequence":            withSequence,
	"with_random_choice":       withRandomChoice,
	"with_fileglob":            withFileglob,
	"with_first_found":         withFirstFound,
	"with_inventory_hostnames": withInventoryHostnames,
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

func flattenOnce(v any) []any {
	l, ok := v.(*value.List)
	if !ok {
		return []any{v}
	}
	var out []any
	for _, e := range l.Items {
		if inner, ok := e.(*value.List); ok {
			out = append(out, inner.Items...)
			continue
		}
		out = append(out, e)
	}
	return out
}

func flatten(v any) []any {
	l, ok := v.(*value.List)
	if !ok {
		return []any{v}
	}
	var out []any
	for _, e := range l.Items {
		out = append(out, flatten(e)...)
	}
	return out
}

func withDict(_ *job, v any) ([]any, error) {
	if l, ok := v.(*value.List); ok && l.Len() == 1 {
		v = l.Items[0]
	}
	d, ok := v.(*value.Dict)
	if !ok {
		return nil, fmt.Errorf("needs a mapping, got %s", jinja.TypeName(v))
	}
	var out []any
	for k, e := range d.All() {
		out = append(out, value.DictOf("key", k, "value", e))
	}
	return out, nil
}

func withIndexed(_ *job, v any) ([]any, error) {
	var out []any
	for i, e := range flattenOnce(v) {
		out = append(out, value.NewList(int64(i), e))
	}
	return out, nil
}

func lists(v any) ([][]any, error) {
	outer, err := listOf(v)
	if err != nil {
		return nil, err
	}
	var out [][]any
	for _, e := range outer {
		out = append(out, flattenOnce(e))
	}
	return out, nil
}

func withTogether(_ *job, v any) ([]any, error) {
	ls, err := lists(v)
	if err != nil {
		return nil, err
	}
	longest := 0
	for _, l := range ls {
		longest = max(longest, len(l))
	}
	var out []any
	for i := range longest {
		row := value.NewList()
		for _, l := range ls {
			if i < len(l) {
				row.Append(l[i])
			} else {
				row.Append(nil)
			}
		}
		out = append(out, row)
	}
	return out, nil
}

func withNested(_ *job, v any) ([]any, error) {
	ls, err := lists(v)
	if err != nil {
		return nil, err
	}
	if len(ls) == 0 {
		return nil, errors.New("needs at least one list")
	}
	rows := [][]any{{}}
	for _, l := range ls {
		var next [][]any
		for _, r := range rows {
			for _, e := range l {
				next = append(next, append(slices.Clone(r), e))
			}
		}
		rows = next
	}
	out := make([]any, len(rows))
	for i, r := range rows {
		out[i] = value.NewList(r...)
	}
	return out, nil
}

func withSubelements(_ *job, v any) ([]any, error) {
	terms, err := listOf(v)
	if err != nil || len(terms) < 2 {
		return nil, errors.New("needs a list and the name of a key")
	}
	key, _ := terms[1].(string)
	skipMissing := false
	if len(terms) > 2 {
		if d, ok := terms[2].(*value.Dict); ok {
			m, _ := d.Get("skip_missing")
			skipMissing = jinja.Truthy(m).IsTrue()
		}
	}
	outer := terms[0]
	if d, ok := outer.(*value.Dict); ok {
		l := value.NewList()
		for _, e := range d.All() {
			l.Append(e)
		}
		outer = l
	}
	var out []any
	for _, e := range flattenOnce(outer) {
		sub, err := subelement(e, key)
		if err != nil && skipMissing {
			continue
		}
		if err != nil {
			return nil, err
		}
		for _, s := range sub {
			out = append(out, value.NewList(e, s))
		}
	}
	return out, nil
}

func subelement(e any, key string) ([]any, error) {
	cur := e
	for _, k := range strings.Split(key, ".") {
		d, ok := cur.(*value.Dict)
		if !ok {
			return nil, fmt.Errorf("could not find %q in iterated item %s", key, jinja.Repr(e))
		}
		if cur, ok = d.Get(k); !ok {
			return nil, fmt.Errorf("could not find %q key in iterated item %s", key, jinja.Repr(e))
		}
	}
	l, ok := cur.(*value.List)
	if !ok {
		return nil, fmt.Errorf("the key %s should point to a list, got %s", key, jinja.Repr(cur))
	}
	return l.Items, nil
}

// withSequence reads "start=1 end=5 stride=2 format=%02d", "count=3" and "1-10/2:host%02d".
func withSequence(_ *job, v any) ([]any, error) {
	var out []any
	for _, term := range flattenOnce(v) {
		items, err := sequence(jinja.Str(term))
		if err != nil {
			return nil, err
		}
		out = append(out, items...)
	}
	return out, nil
}

func sequence(term string) ([]any, error) {
	start, end, stride, format := int64(1), int64(0), int64(1), "%d"
	var count *int64
	if !strings.Contains(term, "=") {
		if i := strings.IndexByte(term, ':'); i >= 0 {
			term, format = term[:i], term[i+1:]
		}
		if i := strings.IndexByte(term, '/'); i >= 0 {
			term = term[:i] + " stride=" + term[i+1:]
		}
		head, rest, _ := strings.Cut(term, " ")
		if a, b, ok := strings.Cut(head, "-"); ok {
			head = "start=" + a + " end=" + b
		} else {
			head = "end=" + head
		}
		term = head + " " + rest
	}
	for _, part := range strings.Fields(term) {
		k, val, ok := strings.Cut(part, "=")
		if !ok {
			return nil, fmt.Errorf("can't parse %q", part)
		}
		if k == "format" {
			format = val
			continue
		}
		n, err := strconv.ParseInt(val, 0, 64)
		if err != nil {
			return nil, fmt.Errorf("can't parse %s=%s as a whole number", k, val)
		}
		switch k {
		case "start":
			start = n
		case "end":
			end = n
		case "stride":
			stride = n
		case "count":
			count = &n
		default:
			return nil, fmt.Errorf("unrecognized argument %q", k)
		}
	}
	if count != nil {
		if *count == 0 {
			return nil, nil
		}
		end = start + *count*stride - stride
	}
	if stride == 0 {
		return nil, nil
	}
	if stride > 0 && end < start || stride < 0 && end > start {
		return nil, fmt.Errorf("to count backwards make stride negative, to count forwards make it positive (start=%d end=%d stride=%d)", start, end, stride)
	}
	var out []any
	for n := start; stride > 0 && n <= end || stride < 0 && n >= end; n += stride {
		if len(out) >= 1_000_000 {
			return nil, errors.New("more than a million items")
		}
		out = append(out, fmt.Sprintf(format, n))
	}
	return out, nil
}

func withRandomChoice(_ *job, v any) ([]any, error) {
	l := flattenOnce(v)
	if len(l) == 0 {
		return nil, nil
	}
	return []any{l[rand.IntN(len(l))]}, nil //nolint:gosec // a choice among items, not a secret
}

func withFileglob(j *job, v any) ([]any, error) {
	var out []any
	for _, term := range flattenOnce(v) {
		pattern := jinja.Str(term)
		dirs := []string{""}
		if !filepath.IsAbs(pattern) {
			dirs = j.searchPath("files")
		}
		for _, dir := range dirs {
			found, err := j.w.r.files.Glob(filepath.Join(dir, pattern))
			if err != nil {
				return nil, err
			}
			slices.Sort(found)
			for _, f := range found {
				if fi, err := j.w.r.files.Stat(f); err == nil && fi.Mode().IsRegular() {
					out = append(out, f)
				}
			}
			if len(out) > 0 {
				break
			}
		}
	}
	return out, nil
}

func withFirstFound(j *job, v any) ([]any, error) {
	files, paths, skip := []any{}, []string{}, false
	for _, term := range flattenOnce(v) {
		d, ok := term.(*value.Dict)
		if !ok {
			files = append(files, term)
			continue
		}
		if f, ok := d.Get("files"); ok {
			files = append(files, flattenOnce(f)...)
		}
		if p, ok := d.Get("paths"); ok {
			for _, e := range flattenOnce(p) {
				paths = append(paths, jinja.Str(e))
			}
		}
		if s, ok := d.Get("skip"); ok {
			skip = jinja.Truthy(s).IsTrue()
		}
	}
	if len(paths) == 0 {
		paths = slices.Concat(j.searchPath("templates"), j.searchPath("files"), j.searchPath("vars"), j.searchPath("tasks"))
	}
	for _, f := range files {
		name := jinja.Str(f)
		if filepath.IsAbs(name) {
			if _, err := j.w.r.files.Stat(name); err == nil {
				return []any{name}, nil
			}
			continue
		}
		for _, dir := range paths {
			if !filepath.IsAbs(dir) {
				dir = filepath.Join(j.w.play.Dir, dir)
			}
			if _, err := j.w.r.files.Stat(filepath.Join(dir, name)); err == nil {
				return []any{filepath.Join(dir, name)}, nil
			}
		}
	}
	if skip {
		return nil, nil
	}
	return nil, errors.New("no file was found when using first_found")
}

func withInventoryHostnames(j *job, v any) ([]any, error) {
	var patterns []string
	for _, t := range flattenOnce(v) {
		patterns = append(patterns, jinja.Str(t))
	}
	return j.w.r.hostNames(strings.Join(patterns, ","))
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

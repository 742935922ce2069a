package state

import (
	"reflect"
	"sync"
)

// Change moves one thing from an observed state to a wanted one. It is what a
// dry run shows, what is written, what the journal keeps and what undo turns round.
type Change struct {
	From, To State
	// With are the changes that the same tool makes by itself: useradd's lines in
	// /etc/subuid, the home directory it makes, the packages a package needs.
	With []Change
}

// Delta is one field of a change, as a report shows it.
type Delta struct {
	Field    string
	From, To string
	// Unknown: To is known only after an earlier change has been made.
	Unknown bool `json:",omitempty"`
	// Maybe: From is not known, so this may be no change at all.
	Maybe  bool `json:",omitempty"`
	Secret bool `json:",omitempty"`
}

// Diff lists the fields that c.To asks for and c.From does not have, in the
// order of the kind's fields. With is not part of it.
func (c Change) Diff() []Delta {
	var ds []Delta
	each(c.From, c.To, func(name string, from, to field) {
		if !to.IsSet() || to.IsKnown() && from.IsKnown() && to.satisfiedBy(from) {
			return
		}
		ds = append(ds, Delta{
			Field: name, From: from.String(), To: to.String(), Unknown: to.IsUnknown(),
			Maybe: !from.IsKnown() && from.IsSet(), Secret: from.IsSecret() || to.IsSecret(),
		})
	})
	return ds
}

// Needed reports whether c changes anything, for sure or perhaps.
func (c Change) Needed() bool { return len(c.Diff()) > 0 }

// After is the state that c leaves: To where it asks, From elsewhere. What a
// creation leaves open is unknown.
func (c Change) After(task string) State { return Merge(c.From, c.To, task) }

// Merge lays want over have. Where want creates the thing or makes it one of
// another type, fields that it leaves open are unknown after task; where want
// removes it, nothing else is left of it.
func Merge(have, want State, task string) State {
	out := reflect.New(reflect.TypeOf(want)).Elem()
	out.Set(reflect.ValueOf(want))
	if absent(want) {
		return onlyPresence(want)
	}
	created := absent(have) || retyped(have, want)
	each(have, want, func(name string, h, w field) {
		var v any = w
		switch {
		case w.IsSet():
			if h.IsKnown() && w.IsKnown() && w.satisfiedBy(h) {
				v = h // the pattern "1.2*" was satisfied by 1.2-3, which is what is there
			}
		case created:
			v = w.unknownAfter(task)
		default:
			v = h
		}
		out.FieldByName(name).Set(reflect.ValueOf(v))
	})
	return out.Interface().(State)
}

// Lay is under with those fields replaced that over sets.
func Lay(under, over State) State {
	out := reflect.New(reflect.TypeOf(over)).Elem()
	out.Set(reflect.ValueOf(over))
	each(under, over, func(name string, u, o field) {
		if !o.IsSet() {
			out.FieldByName(name).Set(reflect.ValueOf(u))
		}
	})
	return out.Interface().(State)
}

// MayBe is have or after, whichever an earlier task that may run leaves: each
// field in which they differ is unknown.
func MayBe(have, after State, task string) State {
	out := reflect.New(reflect.TypeOf(after)).Elem()
	out.Set(reflect.ValueOf(after))
	each(have, after, func(name string, h, a field) {
		if a.IsSet() && (!h.IsKnown() || !a.IsKnown() || !a.satisfiedBy(h)) {
			out.FieldByName(name).Set(reflect.ValueOf(a.unknownAfter(task)))
		}
	})
	return out.Interface().(State)
}

// Obscure is s with every field unknown after task: an opaque change may have touched it.
func Obscure(s State, task string) State {
	out := reflect.New(reflect.TypeOf(s)).Elem()
	out.Set(reflect.ValueOf(s))
	each(s, s, func(name string, f, _ field) {
		out.FieldByName(name).Set(reflect.ValueOf(f.unknownAfter(task)))
	})
	return out.Interface().(State)
}

// Undo is the change that puts back what c replaced, limited to the fields
// that c touched; its From is what c left behind.
func (c Change) Undo() Change {
	u := Change{From: Merge(c.From, c.To, ""), To: only(c.From, c)}
	for i := len(c.With) - 1; i >= 0; i-- {
		u.With = append(u.With, c.With[i].Undo())
	}
	return u
}

// only keeps those fields of s that c changes: all of them where c makes, removes or
// replaces the thing, as then nothing of what was there is left.
func only(s State, c Change) State {
	if absent(s) {
		return onlyPresence(s)
	}
	if absent(c.To) || retyped(s, c.To) {
		return s
	}
	touched := map[string]bool{}
	for _, d := range c.Diff() {
		touched[d.Field] = true
	}
	out := reflect.New(reflect.TypeOf(s)).Elem()
	out.Set(reflect.ValueOf(s))
	each(s, s, func(name string, _, _ field) {
		if !touched[name] {
			out.FieldByName(name).SetZero()
		}
	})
	return out.Interface().(State)
}

// Disagreement lists the known fields of plan that got does not have: where a
// prediction was broken, or a write did not do what it should.
func Disagreement(plan, got State) []Delta {
	var ds []Delta
	each(plan, got, func(name string, p, g field) {
		if p.IsKnown() && g.IsKnown() && !p.satisfiedBy(g) || p.IsKnown() && !g.IsSet() {
			ds = append(ds, Delta{Field: name, From: g.String(), To: p.String(), Secret: p.IsSecret() || g.IsSecret()})
		}
	})
	return ds
}

// AnyUnknown reports whether a field of s is unknown.
func AnyUnknown(s State) bool {
	found := false
	each(s, s, func(_ string, f, _ field) { found = found || f.IsUnknown() })
	return found
}

// Present reports whether s says that its thing is there; known is false where it cannot tell.
func Present(s State) (present, known bool) {
	v := reflect.ValueOf(s)
	if f, ok := v.Type().FieldByName("Present"); ok {
		p, isBool := v.FieldByIndex(f.Index).Interface().(Value[bool])
		b, k := p.Get()
		return b, isBool && k
	}
	if f, ok := v.Type().FieldByName("Type"); ok {
		t, isString := v.FieldByIndex(f.Index).Interface().(Value[string])
		s, k := t.Get()
		return s != Absent, isString && k
	}
	return false, false
}

func absent(s State) bool {
	p, known := Present(s)
	return known && !p
}

// retyped reports whether want makes a file of another type of what have is.
func retyped(have, want State) bool {
	h, isFile := have.(File)
	w, ok := want.(File)
	return isFile && ok && h.Type.IsKnown() && w.Type.IsKnown() && h.Type.v != w.Type.v
}

// onlyPresence is s with no other field than that which says whether it is there.
func onlyPresence(s State) State {
	out := reflect.New(reflect.TypeOf(s)).Elem()
	out.Set(reflect.ValueOf(s))
	each(s, s, func(name string, _, _ field) {
		if name != "Present" && name != "Type" {
			out.FieldByName(name).SetZero()
		}
	})
	return out.Interface().(State)
}

// fieldsOf caches the indexes of a state type's Value fields.
var fieldsOf sync.Map // reflect.Type → []int

func valueFields(t reflect.Type) []int {
	if c, ok := fieldsOf.Load(t); ok {
		return c.([]int)
	}
	var is []int
	want := reflect.TypeFor[field]()
	for i := range t.NumField() {
		if t.Field(i).Type.Implements(want) {
			is = append(is, i)
		}
	}
	fieldsOf.Store(t, is)
	return is
}

// each calls fn for every Value field of a and b, which are of one kind.
func each(a, b State, fn func(name string, a, b field)) {
	va, vb := reflect.ValueOf(a), reflect.ValueOf(b)
	for _, i := range valueFields(va.Type()) {
		fn(va.Type().Field(i).Name, va.Field(i).Interface().(field), vb.Field(i).Interface().(field))
	}
}

// Restrict is c.To with only those fields that c.From sets.
func (c Change) Restrict() State {
	out := reflect.New(reflect.TypeOf(c.To)).Elem()
	out.Set(reflect.ValueOf(c.To))
	each(c.From, c.To, func(name string, mask, _ field) {
		if !mask.IsSet() {
			out.FieldByName(name).SetZero()
		}
	})
	return out.Interface().(State)
}

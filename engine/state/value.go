// Package state holds what can be true of a machine, as data: kinds of state
// (file, user, package, unit …), the change from one state to another, its
// diff and its undoing; and events, which are done rather than true.
//
// A module says which states it wants; a host reads which ones hold; the
// engine makes a [Change] of the two, shows it and has it written. All three
// speak in the types of this package, over the wire and in the journal in the
// JSON form of [Encode]. It imports the standard library only.
package state

import (
	"encoding/json"
	"fmt"
	"reflect"
)

// Value is one attribute of a state: not asked for (the zero Value), known, or
// unknown until an earlier change has really been made.
type Value[T any] struct {
	v      T
	kind   uint8
	secret bool
	after  string
}

const (
	unset uint8 = iota
	known
	unknown
)

// Is is the known value v.
func Is[T any](v T) Value[T] { return Value[T]{v: v, kind: known} }

// Unknown is a value that only the real run will know; after names the task
// that makes it known and may be empty.
func Unknown[T any](after string) Value[T] { return Value[T]{kind: unknown, after: after} }

// Ask asks a Reader for a field that is read only on demand, such as a file's content.
func Ask[T any]() Value[T] { return Value[T]{kind: unknown} }

// Secret is v with a mark that keeps it out of diffs, reports and records.
func (v Value[T]) Secret() Value[T] { v.secret = true; return v }

// Get is the value and whether it is known.
func (v Value[T]) Get() (T, bool) { return v.v, v.kind == known }

// Or is the value if it is known, and otherwise def.
func (v Value[T]) Or(def T) T {
	if v.kind == known {
		return v.v
	}
	return def
}

// After is the task that an unknown value waits for.
func (v Value[T]) After() string { return v.after }

// IsSet reports whether v was asked for: it is known or unknown.
func (v Value[T]) IsSet() bool { return v.kind != unset }

// IsKnown reports whether v is known.
func (v Value[T]) IsKnown() bool { return v.kind == known }

// IsUnknown reports whether v is unknown.
func (v Value[T]) IsUnknown() bool { return v.kind == unknown }

// IsSecret reports whether v must not be shown.
func (v Value[T]) IsSecret() bool { return v.secret }

// IsZero makes encoding/json's omitzero leave out what was not asked for.
func (v Value[T]) IsZero() bool { return v.kind == unset }

// Map applies f to what is known and keeps what is not.
func Map[T, U any](v Value[T], f func(T) U) Value[U] {
	u := Value[U]{kind: v.kind, secret: v.secret, after: v.after}
	if v.kind == known {
		u.v = f(v.v)
	}
	return u
}

// String is v as a report shows it.
func (v Value[T]) String() string {
	switch {
	case v.kind == unset:
		return "-"
	case v.kind == unknown && v.after != "":
		return fmt.Sprintf("(known after %q)", v.after)
	case v.kind == unknown:
		return "(known after apply)"
	case v.secret:
		return "(secret)"
	}
	return fmt.Sprint(any(v.v))
}

// satisfier is a T whose wanted values are patterns, such as a version "1.22*".
type satisfier[T any] interface{ SatisfiedBy(have T) bool }

// equaler is a T that is compared in canonical form.
type equaler[T any] interface{ Equal(T) bool }

// field is a Value of any type, as the walkers over a state's fields see it.
type field interface {
	IsSet() bool
	IsKnown() bool
	IsUnknown() bool
	IsSecret() bool
	After() string
	String() string
	// satisfiedBy reports whether the wanted value holds where have does; both are known.
	satisfiedBy(have any) bool
	raw() any
	unknownAfter(task string) any
	asSecret() any
}

func (v Value[T]) satisfiedBy(have any) bool {
	h, ok := have.(Value[T])
	if !ok {
		return false
	}
	switch w := any(v.v).(type) {
	case satisfier[T]:
		return w.SatisfiedBy(h.v)
	case equaler[T]:
		return w.Equal(h.v)
	}
	a, b := reflect.ValueOf(v.v), reflect.ValueOf(h.v)
	if a.Kind() == reflect.Slice && a.Len() == 0 && b.Len() == 0 {
		return true
	}
	return reflect.DeepEqual(v.v, h.v)
}

func (v Value[T]) raw() any { return v.v }

func (v Value[T]) unknownAfter(task string) any {
	return Value[T]{kind: unknown, after: task, secret: v.secret}
}

func (v Value[T]) asSecret() any { v.secret = true; return v }

type wireValue[T any] struct {
	V       *T     `json:"v,omitempty"`
	Unknown bool   `json:"unknown,omitempty"`
	After   string `json:"after,omitempty"`
	Secret  bool   `json:"secret,omitempty"`
}

// MarshalJSON writes {"v":…}, {"unknown":true,"after":…} or, when not asked for, null.
func (v Value[T]) MarshalJSON() ([]byte, error) {
	switch v.kind {
	case unset:
		return []byte("null"), nil
	case unknown:
		return json.Marshal(wireValue[T]{Unknown: true, After: v.after, Secret: v.secret})
	}
	return json.Marshal(wireValue[T]{V: &v.v, Secret: v.secret})
}

// UnmarshalJSON reads what MarshalJSON wrote.
func (v *Value[T]) UnmarshalJSON(text []byte) error {
	*v = Value[T]{}
	if string(text) == "null" {
		return nil
	}
	var w wireValue[T]
	if err := json.Unmarshal(text, &w); err != nil {
		return err
	}
	if m, ok := any(w.V).(*map[string]any); ok && m != nil {
		whole(*m)
	}
	v.secret, v.after = w.Secret, w.After
	switch {
	case w.Unknown:
		v.kind = unknown
	case w.V != nil:
		v.kind, v.v = known, *w.V
	default: // a nil slice or map is written as {"v":null}, which reads back as no V
		v.kind = known
	}
	return nil
}

// whole turns the numbers of a decoded mapping that are whole back into int64,
// which JSON's one type of number made float64.
func whole(v any) any {
	switch v := v.(type) {
	case float64:
		if i := int64(v); float64(i) == v && i > -1<<53 && i < 1<<53 {
			return i
		}
	case map[string]any:
		for k, e := range v {
			v[k] = whole(e)
		}
	case []any:
		for i, e := range v {
			v[i] = whole(e)
		}
	}
	return v
}

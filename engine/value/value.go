// Package value is the one value model of rp: what variables hold, what
// expressions compute with, what modules take and give.
//
// A value is a Go any of one of these types:
//
//	nil          None, YAML's null
//	bool, int64, float64, string
//	*big.Int     an integer outside int64
//	*List        a list, changed in place by its methods as in Python
//	Tuple        a list that cannot be changed
//	*Dict        a mapping that keeps the order of its keys
//	Object       a mapping whose entries are made when asked for (hostvars)
//	Template     text of a playbook or inventory that holds Jinja2; every other string is data and is never templated
//	Undefined    no value: it may be tested and defaulted, and is an error anywhere else
//	Unknown      a value that cannot be known yet: only a dry run and lint have it
//	*Pending     a value whose answer is on its way: whoever needs it waits
//	Secret       a value that is known and never shown
//	Omit         the argument it stands for was not given
//
// It imports the standard library and engine/diag only.
package value

import (
	"context"
	"fmt"
	"iter"
	"math/big"
	"slices"

	"rp/engine/diag"
)

// Template is text with Jinja2 in it, and where it was written. A variable
// that holds one is rendered each time it is looked up, as Ansible does.
type Template struct {
	Source string
	Pos    diag.Pos
}

// Undefined is what looking up a name that is not there gives.
type Undefined struct {
	// Name is the variable or attribute that was looked for.
	Name string
	// Hint is the whole message, such as "'dict object' has no attribute 'x'"; when empty, "'Name' is undefined".
	Hint string
}

// Message is the error that using u gives, in Ansible's words.
func (u Undefined) Message() string {
	if u.Hint != "" {
		return u.Hint
	}
	return fmt.Sprintf("'%s' is undefined", u.Name)
}

// Unknown is a value that only the real run will know.
type Unknown struct {
	// After is the name of the task that it waits for, shown as: known after "After".
	After string
}

func (u Unknown) String() string {
	if u.After == "" {
		return "(known after apply)"
	}
	return fmt.Sprintf("(known after %q)", u.After)
}

// Secret is a value that takes part in everything and is never shown.
// V is a value of this package other than Secret.
type Secret struct{ V any }

// String keeps a secret out of %v and %s.
func (Secret) String() string { return "********" }

// GoString keeps a secret out of %#v.
func (Secret) GoString() string { return "value.Secret" }

// Omit stands for "as if this argument had not been written".
type Omit struct{}

// Tuple is a list that cannot be changed.
type Tuple []any

// Object is a mapping whose entries are made when asked for.
type Object interface {
	// Get is the value of key and whether there is one.
	Get(key any) (any, bool)
	// Keys are all keys in order.
	Keys() []any
}

// Pending is a value whose answer is on its way.
type Pending struct {
	// OnUse, when not nil, is called each time somebody gets the value from Wait. It
	// is set before the value is handed out.
	OnUse func()

	done chan struct{}
	v    any
	err  error
}

// NewPending makes a value that [Pending.Resolve] gives later.
func NewPending() *Pending { return &Pending{done: make(chan struct{})} }

// Resolve gives p its value, or the error that keeps it from ever having one. It is called once.
func (p *Pending) Resolve(v any, err error) {
	p.v, p.err = v, err
	close(p.done)
}

// Wait is p's value as soon as there is one.
func (p *Pending) Wait(ctx context.Context) (any, error) {
	select {
	case <-p.done:
	default:
		select {
		case <-p.done:
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
	if p.OnUse != nil {
		p.OnUse()
	}
	return p.v, p.err
}

// List is a list that is changed in place.
type List struct{ Items []any }

// NewList makes a list of items.
func NewList(items ...any) *List { return &List{Items: items} }

// Append adds v at the end.
func (l *List) Append(v any) { l.Items = append(l.Items, v) }

// Len is the number of items.
func (l *List) Len() int { return len(l.Items) }

// Strings makes a list of strings.
func Strings(items ...string) *List {
	l := &List{Items: make([]any, len(items))}
	for i, s := range items {
		l.Items[i] = s
	}
	return l
}

// Dict is a mapping that keeps the order in which its keys were first set.
// Keys are compared as Python compares them: 1, 1.0 and true are one key.
type Dict struct {
	keys  []any
	index map[any]int // canonical key → place in keys
	vals  []any
}

// NewDict makes an empty mapping.
func NewDict() *Dict { return &Dict{index: map[any]int{}} }

// DictOf makes a mapping of pairs: key, value, key, value.
func DictOf(pairs ...any) *Dict {
	d := NewDict()
	for i := 0; i+1 < len(pairs); i += 2 {
		d.Set(pairs[i], pairs[i+1])
	}
	return d
}

// Len is the number of entries.
func (d *Dict) Len() int { return len(d.keys) }

// Get is the value of key and whether there is one.
func (d *Dict) Get(key any) (any, bool) {
	if i, ok := d.index[canonical(key)]; ok {
		return d.vals[i], true
	}
	return nil, false
}

// Set gives key the value v, in its old place if it has one.
func (d *Dict) Set(key, v any) {
	c := canonical(key)
	if i, ok := d.index[c]; ok {
		d.vals[i] = v
		return
	}
	d.index[c] = len(d.keys)
	d.keys, d.vals = append(d.keys, key), append(d.vals, v)
}

// Delete takes key out and reports whether it was there.
func (d *Dict) Delete(key any) bool {
	c := canonical(key)
	i, ok := d.index[c]
	if !ok {
		return false
	}
	d.keys, d.vals = slices.Delete(d.keys, i, i+1), slices.Delete(d.vals, i, i+1)
	delete(d.index, c)
	for k, j := range d.index {
		if j > i {
			d.index[k] = j - 1
		}
	}
	return true
}

// Keys are the keys in order. The caller must not change the slice.
func (d *Dict) Keys() []any { return d.keys }

// All gives the entries in order.
func (d *Dict) All() iter.Seq2[any, any] {
	return func(yield func(any, any) bool) {
		for i, k := range d.keys {
			if !yield(k, d.vals[i]) {
				return
			}
		}
	}
}

// Clone is a mapping of its own with the same entries.
func (d *Dict) Clone() *Dict {
	c := NewDict()
	for k, v := range d.All() {
		c.Set(k, v)
	}
	return c
}

// Hashable reports whether v can be a key.
func Hashable(v any) bool {
	switch v := v.(type) {
	case *List, *Dict, Object:
		return false
	case Tuple:
		return !slices.ContainsFunc(v, func(e any) bool { return !Hashable(e) })
	}
	return true
}

type tupleKey string

func canonical(key any) any {
	switch k := key.(type) {
	case bool:
		if k {
			return int64(1)
		}
		return int64(0)
	case int:
		return int64(k)
	case float64:
		if i := int64(k); float64(i) == k {
			return i
		}
	case *big.Int:
		if k.IsInt64() {
			return k.Int64()
		}
		return "\x00big" + k.String()
	case Tuple:
		s := ""
		for _, e := range k {
			c := canonical(e)
			text := fmt.Sprint(c)
			s += fmt.Sprintf("%T:%d:%s,", c, len(text), text)
		}
		return tupleKey(s)
	case Secret:
		return canonical(k.V)
	case Template:
		return k.Source
	}
	return key
}

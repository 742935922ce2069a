package jinja

import (
	"strings"

	"rp/engine/diag"
	"rp/engine/value"
)

// output gathers what a template writes. It holds the first node as it is, so
// that a template of one node has that node's value, and text from the second on.
// None is no node.
type output struct {
	n       int
	first   any
	text    strings.Builder
	secret  bool
	unknown *value.Unknown
}

// write adds one node.
func (in *interp) write(o *output, v any) error {
	if v == nil {
		return nil
	}
	if u, ok := v.(value.Undefined); ok {
		return undefErr{u}
	}
	o.n++
	if o.n == 1 {
		o.first = v
		return nil
	}
	if o.n == 2 {
		first := o.first
		o.first = nil
		if err := in.writeText(o, first); err != nil {
			return err
		}
	}
	return in.writeText(o, v)
}

func (in *interp) writeText(o *output, v any) error {
	p, secret, unknown, err := in.plain(v)
	if err != nil {
		return err
	}
	o.secret = o.secret || secret
	if unknown != nil {
		if o.unknown == nil {
			o.unknown = unknown
		}
		return nil
	}
	before := o.text.Len()
	writeStr(&o.text, p)
	in.run.made += o.text.Len() - before
	return in.fits(in.run.made)
}

// value is all that was written: nothing, one value, or text.
func (in *interp) outputValue(o *output) any {
	switch {
	case o.n == 0:
		return nil
	case o.n == 1:
		return o.first
	case o.unknown != nil:
		return *o.unknown
	case o.secret:
		return value.Secret{V: o.text.String()}
	}
	return o.text.String()
}

// asText is all that was written as text: a string, a Secret of one, or an Unknown.
func (in *interp) asText(o *output) (any, error) {
	if o.n == 1 {
		first := o.first
		o.n, o.first = 2, nil
		if err := in.writeText(o, first); err != nil {
			return nil, err
		}
	}
	if o.n == 0 {
		return "", nil
	}
	return in.outputValue(o), nil
}

// template runs the whole of t: its value if native, else its text.
func (in *interp) template(t *Template, native bool) (any, error) {
	var o output
	if err := in.root(t, &o); err != nil {
		return nil, err
	}
	if native {
		return tail(in.outputValue(&o), t.tail), nil
	}
	v, err := in.asText(&o)
	return tail(v, t.tail), err
}

// tail gives text at least n newlines at its end.
func tail(v any, n int) any {
	if n == 0 {
		return v
	}
	if s, ok := v.(value.Secret); ok {
		return seal(tail(s.V, n))
	}
	s, ok := v.(string)
	if !ok {
		return v
	}
	has := len(s) - len(strings.TrimRight(s, "\n"))
	return s + strings.Repeat("\n", max(0, n-has))
}

// result is v as an evaluation gives it: rendered, with lists for tuples, and
// nothing in it that only templates know.
func (in *interp) result(v any, pos diag.Pos) (any, error) {
	switch v.(type) {
	case nil, bool, int64, float64, string:
		return v, nil
	}
	w, err := in.settle(v, pos)
	if err != nil {
		if u, isUnknown := unknownOf(err); isUnknown == nil {
			return u, nil
		}
	}
	return w, err
}

func (in *interp) settle(v any, pos diag.Pos) (any, error) {
	start := place{1, 1}
	switch t := v.(type) {
	case value.Object:
		if _, isDict := v.(*value.Dict); !isDict {
			return t, nil // an object keeps its own scope
		}
	}
	v, err := in.deep(v)
	if err != nil {
		return nil, err
	}
	m, err := in.scan(v)
	if err != nil {
		return nil, in.errorAt(start, err)
	}
	if u, ok := firstUndefined(v); ok && m&hasUndefined != 0 {
		return nil, in.errorAt(start, undefErr{u})
	}
	if m&hasOther == 0 {
		return v, nil
	}
	v, err = in.deepCopy(v, func(e any) (any, error) {
		switch e := e.(type) {
		case value.Tuple:
			return &value.List{Items: e}, nil
		case typed:
			if !e.storable() {
				return nil, typef("Type '%s' is unsupported for variable storage.", e.typeName())
			}
		}
		return e, nil
	})
	return v, in.errorAt(start, err)
}

package engine

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"rp/engine/jinja"
	"rp/engine/value"
)

func (a *ask) subelements() ([]any, error) {
	if len(a.terms) < 2 || len(a.terms) > 3 {
		return nil, errors.New("needs a list of mappings, the name of a key, and, if need be, flags")
	}
	key, ok := a.terms[1].(string)
	if !ok {
		return nil, fmt.Errorf("the key must be a string, not %s", jinja.TypeName(a.terms[1]))
	}
	skip := false
	if len(a.terms) == 3 {
		flags, ok := a.terms[2].(*value.Dict)
		if !ok {
			return nil, fmt.Errorf("the flags must be a mapping, not %s", jinja.TypeName(a.terms[2]))
		}
		if v, ok := flags.Get("skip_missing"); ok {
			var err error
			if skip, err = toBool(v); err != nil {
				return nil, fmt.Errorf("skip_missing: %w", err)
			}
		}
	}
	outer := elements(a.terms[0])
	if d, ok := a.terms[0].(*value.Dict); ok {
		outer = nil
		for _, e := range d.All() {
			outer = append(outer, e)
		}
	}
	var out []any
	for _, e := range outer {
		d, ok := e.(*value.Dict)
		if !ok {
			return nil, fmt.Errorf("the items must be mappings, and one is %s", jinja.TypeName(e))
		}
		if s, ok := d.Get("skipped"); ok && jinja.Truthy(s).IsTrue() {
			continue // the result of an item that was left out
		}
		rest, list, err := subelement(d, strings.Split(key, "."))
		if err != nil && skip {
			continue
		}
		if err != nil {
			return nil, err
		}
		for _, s := range list {
			out = append(out, value.Tuple{rest, s})
		}
	}
	return out, nil
}

// subelement takes the list at path out of d: what is left of d, and the list's items.
func subelement(d *value.Dict, path []string) (rest *value.Dict, items []any, err error) {
	v, ok := d.Get(path[0])
	if !ok {
		return nil, nil, fmt.Errorf("could not find %q key in iterated item %s", path[0], jinja.Repr(d))
	}
	rest = d.Clone()
	if len(path) == 1 {
		l, ok := v.(*value.List)
		if !ok {
			return nil, nil, fmt.Errorf("the key %s should point to a list, got %s", path[0], jinja.Repr(v))
		}
		rest.Delete(path[0])
		return rest, l.Items, nil
	}
	inner, ok := v.(*value.Dict)
	if !ok {
		return nil, nil, fmt.Errorf("the key %s should point to a mapping, got %s", path[0], jinja.Repr(v))
	}
	inner, items, err = subelement(inner, path[1:])
	if err == nil {
		rest.Set(path[0], inner)
	}
	return rest, items, err
}

func (a *ask) sequence() ([]any, error) {
	terms := flattenOnce(value.NewList(a.terms...))
	if len(terms) == 0 {
		var words []string
		for k, v := range a.opts.All() {
			words = append(words, jinja.Str(k)+"="+jinja.Str(v))
		}
		terms = []any{strings.Join(words, " ")}
	}
	var out []any
	for _, term := range terms {
		items, err := sequence(jinja.Str(term))
		if err != nil {
			return nil, err
		}
		out = append(out, items...)
	}
	return out, nil
}

// series is a sequence of numbers and how they are written.
type series struct {
	start, stride int64
	end, count    *int64
	format        string
}

// parseSeries reads "start=1 end=5 stride=2 format=%02d", "count=3" and "1-10/2:host%02d".
func parseSeries(term string) (series, error) {
	s := series{start: 1, stride: 1, format: "%d"}
	words := quotedFields(term)
	if !strings.Contains(term, "=") {
		term, format, ok := strings.Cut(strings.TrimSpace(term), ":")
		if ok {
			words = []string{"format=" + format}
		} else {
			words = nil
		}
		term, stride, ok := strings.Cut(term, "/")
		if ok {
			words = append(words, "stride="+stride)
		}
		from, to, ok := strings.Cut(term, "-")
		if !ok {
			from, to = "1", from
		}
		words = append(words, "start="+from, "end="+to)
	}
	for _, w := range words {
		k, val, ok := strings.Cut(w, "=")
		if !ok {
			return s, fmt.Errorf("cannot understand %q", w)
		}
		if k == "format" {
			s.format = val
			continue
		}
		n, err := strconv.ParseInt(strings.TrimSpace(val), 0, 64)
		if err != nil {
			return s, fmt.Errorf("%s is no whole number: %q", k, val)
		}
		switch k {
		case "start":
			s.start = n
		case "end":
			s.end = &n
		case "stride":
			s.stride = n
		case "count":
			s.count = &n
		default:
			return s, fmt.Errorf("there is no option %q", k)
		}
	}
	return s, nil
}

// sequenceMax bounds the items of one sequence.
const sequenceMax = 1_000_000

func sequence(term string) ([]any, error) {
	s, err := parseSeries(term)
	if err != nil {
		return nil, err
	}
	var end int64
	switch {
	case s.count == nil && s.end == nil:
		return nil, errors.New("needs count or end")
	case s.count != nil && s.end != nil:
		return nil, errors.New("takes count or end, not both")
	case s.count != nil && *s.count == 0, s.stride == 0:
		return nil, nil
	case s.count != nil:
		end = s.start + *s.count*s.stride - s.stride
	default:
		end = *s.end
	}
	if s.stride > 0 && end < s.start {
		return nil, fmt.Errorf("to count backwards from %d to %d make stride negative", s.start, end)
	}
	if s.stride < 0 && end > s.start {
		return nil, fmt.Errorf("to count forwards from %d to %d do not make stride negative", s.start, end)
	}
	if strings.Count(s.format, "%") != 1 {
		return nil, fmt.Errorf("the format %q must have one %%", s.format)
	}
	format := strings.NewReplacer("%i", "%d", "%u", "%d", "%s", "%d").Replace(s.format)
	var out []any
	for n := s.start; s.stride > 0 && n <= end || s.stride < 0 && n >= end; n += s.stride {
		if len(out) >= sequenceMax {
			return nil, fmt.Errorf("more than %d items", sequenceMax)
		}
		text := fmt.Sprintf(format, n)
		if strings.Contains(text, "%!") {
			return nil, fmt.Errorf("the format %q is not for a whole number", s.format)
		}
		out = append(out, text)
	}
	return out, nil
}

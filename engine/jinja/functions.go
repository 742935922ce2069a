package jinja

import (
	"strings"
	"time"

	"rp/engine/value"
)

// The functions that a template may call.
func init() {
	addFunction(define("range", "start stop=none step=1", 0, fnRange))
	addFunction(define("dict", "pairs=none **kwargs", shallow, func(c *call) (any, error) {
		d := value.NewDict()
		if c.args[0] != nil {
			all, err := c.in.pairs(c.args[0])
			if err != nil {
				return nil, err
			}
			for _, p := range all {
				if err := c.put(d, p[0], p[1]); err != nil {
					return nil, err
				}
			}
		}
		for _, k := range c.kw {
			d.Set(k.name, k.v)
		}
		return d, nil
	}))
	addFunction(define("namespace", "pairs=none **kwargs", raw, func(c *call) (any, error) {
		d := value.NewDict()
		if c.args[0] != nil {
			all, err := c.in.pairs(c.args[0])
			if err != nil {
				return nil, err
			}
			for _, p := range all {
				d.Set(p[0], p[1])
			}
		}
		for _, k := range c.kw {
			d.Set(k.name, k.v)
		}
		return &namespace{d}, nil
	}))
	addFunction(define("cycler", "*items", raw, func(c *call) (any, error) {
		if len(c.rest) == 0 {
			return nil, typef("at least one item has to be provided")
		}
		return &cycler{items: c.rest}, nil
	}))
	addFunction(define("joiner", "sep=',\\x20'", raw, func(c *call) (any, error) { return &joiner{sep: c.args[0]}, nil }))
	addFunction(define("lipsum", "*args **kwargs", raw, func(*call) (any, error) {
		return nil, unsupportedErr("the function 'lipsum' is not supported yet")
	}))
	addFunction(define("undef", "hint=none", 0, func(c *call) (any, error) {
		u := value.Undefined{Hint: "Mandatory variable has not been overridden"}
		if c.args[0] != nil {
			u.Hint = c.anyText(0)
		}
		return u, nil
	}))
	addFunction(define("now", "utc=false fmt=none", 0, fnNow))
	addFunction(define("lookup", "name *terms **options", 0, func(c *call) (any, error) { return c.lookup(false) }))
	addFunction(define("query", "name *terms **options", 0, func(c *call) (any, error) { return c.lookup(true) }), "q")
}

func fnRange(c *call) (any, error) {
	start, stop, step := 0, c.int(0), c.int(2)
	if c.args[1] != nil {
		start, stop = stop, c.int(1)
	}
	if step == 0 {
		return nil, typef("range() arg 3 must not be zero")
	}
	n := max(0, (stop-start+step-sign(step))/step)
	if err := c.in.fitsItems(n); err != nil {
		return nil, err
	}
	out := make([]any, n)
	for i := range out {
		out[i] = int64(start + i*step)
	}
	return list(out), nil
}

func sign(n int) int {
	if n < 0 {
		return -1
	}
	return 1
}

func fnNow(c *call) (any, error) {
	if v, ok := c.in.env.unstable("now"); ok {
		return v, nil
	}
	t := c.in.env.now()
	if c.bool(0) {
		t = t.UTC()
	}
	if c.args[1] != nil {
		return formatTime(c.str(1), t), nil
	}
	return Datetime{Time: t.Truncate(time.Microsecond)}, nil
}

// cycler is what cycler() makes.
type cycler struct {
	items []any
	i     int
}

func (*cycler) typeName() string { return "Cycler" }
func (*cycler) storable() bool   { return false }

func (y *cycler) attr(name string) (any, bool) {
	switch name {
	case "current":
		return y.items[y.i], true
	case "next":
		return &method{define(name, "", raw, func(*call) (any, error) {
			v := y.items[y.i]
			y.i = (y.i + 1) % len(y.items)
			return v, nil
		}), y}, true
	case "reset":
		return &method{define(name, "", raw, func(*call) (any, error) {
			y.i = 0
			return nil, nil
		}), y}, true
	}
	return nil, false
}

// joiner is what joiner() makes: nothing at the first call, its text from then on.
type joiner struct {
	sep  any
	used bool
}

func (*joiner) typeName() string { return "Joiner" }
func (*joiner) storable() bool   { return false }

func (j *joiner) invoke(*interp, []any, []kwarg) (any, error) {
	if !j.used {
		j.used = true
		return "", nil
	}
	return j.sep, nil
}

// unstableLookups are the lookups whose answer a later run need not repeat.
var unstableLookups = map[string]bool{
	"pipe": true, "password": true, "random_choice": true, "url": true,
	"random_string": true, "random_pet": true, "random_words": true,
}

// lookup calls a lookup plugin: lookup() joins what it gives, query() lists it.
func (c *call) lookup(wantList bool) (any, error) {
	name := c.str(0)
	for _, p := range collections {
		name = strings.TrimPrefix(name, p)
	}
	options := value.NewDict()
	onError := "strict"
	for _, k := range c.kw {
		switch k.name {
		case "wantlist":
			wantList = Truthy(k.v).IsTrue()
		case "errors":
			onError = c.text(k.v)
		default:
			options.Set(k.name, k.v)
		}
	}
	if unstableLookups[name] {
		if v, ok := c.in.env.unstable("lookup " + name); ok {
			return v, nil
		}
	}
	if c.in.env.Lookup == nil {
		return nil, typef("lookups are disabled from templating")
	}
	out, err := c.in.env.Lookup(c.in.ctx, name, c.rest, options, c.in.vars)
	switch {
	case err != nil && onError != "strict":
		if wantList {
			return list(nil), nil
		}
		return nil, nil
	case err != nil:
		return nil, err
	case wantList:
		return list(out), nil
	}
	return joinLookup(out), nil
}

// joinLookup is what lookup() gives for what its plugin found: the one thing,
// several texts with commas between, or a list.
func joinLookup(out []any) any {
	if len(out) == 1 {
		return out[0]
	}
	parts := make([]string, len(out))
	for i, e := range out {
		s, ok := e.(string)
		if !ok {
			return list(out)
		}
		parts[i] = s
	}
	return strings.Join(parts, ",")
}

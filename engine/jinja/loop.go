package jinja

import (
	"rp/engine/value"
)

// loopState is the name loop inside a for.
type loopState struct {
	items []any
	i     int
	depth int64
	last  []any // what changed() saw last
	seen  bool
	again func(items any, depth int64) (any, error) // of a recursive loop
}

func (*loopState) typeName() string { return "LoopContext" }
func (*loopState) storable() bool   { return false }

func (l *loopState) attr(name string) (any, bool) {
	n := int64(len(l.items))
	i := int64(l.i)
	switch name {
	case "index":
		return i + 1, true
	case "index0":
		return i, true
	case "revindex":
		return n - i, true
	case "revindex0":
		return n - i - 1, true
	case "first":
		return i == 0, true
	case "last":
		return i == n-1, true
	case "length":
		return n, true
	case "depth":
		return l.depth + 1, true
	case "depth0":
		return l.depth, true
	case "previtem":
		if i == 0 {
			return value.Undefined{Hint: "there is no previous item"}, true
		}
		return l.items[i-1], true
	case "nextitem":
		if i == n-1 {
			return value.Undefined{Hint: "there is no next item"}, true
		}
		return l.items[i+1], true
	case "cycle":
		return &method{loopCycle, l}, true
	case "changed":
		return &method{loopChanged, l}, true
	}
	return nil, false
}

func (l *loopState) invoke(in *interp, args []any, _ []kwarg) (any, error) {
	if l.again == nil {
		return nil, typef("The loop must have the 'recursive' marker to be called recursively.")
	}
	if len(args) != 1 {
		return nil, typef("loop() takes 1 argument (%d given)", len(args))
	}
	if err := in.deeper(); err != nil {
		return nil, err
	}
	defer in.leave()
	return l.again(args[0], l.depth+1)
}

var (
	loopCycle = define("cycle", "*values", raw, func(c *call) (any, error) {
		l, _ := c.self.(*loopState)
		if len(c.rest) == 0 {
			return nil, typef("no items for cycling given")
		}
		return c.rest[l.i%len(c.rest)], nil
	})
	loopChanged = define("changed", "*values", raw, func(c *call) (any, error) {
		l, _ := c.self.(*loopState)
		if l.seen {
			if same := equalItems(l.last, c.rest); !same.IsFalse() {
				return same.Not().value(), nil
			}
		}
		l.last, l.seen = c.rest, true
		return true, nil
	})
)

func (s *forStmt) exec(in *interp, out *output) error {
	v, err := s.iter.eval(in)
	if err != nil {
		return err
	}
	return s.run(in, out, v, 0)
}

// run loops over what v holds.
func (s *forStmt) run(in *interp, out *output, v any, depth int64) error {
	items, err := in.iterate(v)
	if err != nil {
		return in.errorAt(s.iter.place(), err)
	}
	if s.cond != nil {
		if items, err = s.filter(in, items); err != nil {
			return err
		}
	}
	if len(items) == 0 {
		return in.nested().execAll(s.other, out)
	}
	l := &loopState{items: items, depth: depth}
	if s.recursive {
		l.again = func(v any, depth int64) (any, error) {
			var o output
			if err := s.run(in, &o, v, depth); err != nil {
				return nil, err
			}
			return in.asText(&o)
		}
	}
	for i, item := range items {
		if err := in.step(); err != nil {
			return in.errorAt(s.p, err)
		}
		l.i = i
		c := in.nested()
		c.scope.set("loop", l)
		if err := c.assign(s.target, item); err != nil {
			return in.errorAt(s.target.p, err)
		}
		if err := c.execAll(s.body, out); err != nil {
			return err
		}
	}
	return nil
}

// filter keeps the items for which the loop's condition holds.
func (s *forStmt) filter(in *interp, items []any) ([]any, error) {
	var out []any
	for _, item := range items {
		if err := in.step(); err != nil {
			return nil, in.errorAt(s.p, err)
		}
		c := in.nested()
		if err := c.assign(s.target, item); err != nil {
			return nil, in.errorAt(s.target.p, err)
		}
		yes, err := c.decide(s.cond)
		if err != nil {
			return nil, err
		}
		if yes {
			out = append(out, item)
		}
	}
	return out, nil
}

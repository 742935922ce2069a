package jinja

import (
	"math/rand/v2"
	"slices"

	"rp/engine/value"
)

// dice gives random numbers below n: Python's for a seed, else the machine's.
func (c *call) dice(seed any) func(n int) int {
	if seed == nil {
		return rand.IntN
	}
	return newMersenne(seed).below
}

// Random choices. Without a seed a dry run cannot know them.
func init() {
	addFilter(define("random", "start=none step=none seed=none", 0, func(c *call) (any, error) {
		if c.args[2] == nil {
			if v, ok := c.in.env.unstable("random"); ok {
				return v, nil
			}
		}
		dice := c.dice(c.args[2])
		if n, ok := asInt(c.self); ok {
			start, step := 0, 1
			if c.args[0] != nil {
				start = c.int(0)
			}
			if c.args[1] != nil {
				step = c.int(1)
			}
			if step == 0 {
				return nil, typef("zero step for randrange()")
			}
			width := (n - start + step - sign(step)) / step
			if width <= 0 {
				return nil, typef("empty range for randrange() (%d, %d, %d)", start, n, n-start)
			}
			return int64(start + step*dice(width)), nil
		}
		if !isSequence(c.self) {
			return nil, typef("random can only be used on sequences and integers")
		}
		if c.args[0] != nil || c.args[1] != nil {
			return nil, typef("start and step can only be used with integer values")
		}
		items := c.items(c.self)
		if len(items) == 0 {
			return value.Undefined{Hint: "No random item, sequence was empty."}, nil
		}
		return items[dice(len(items))], nil
	}))
	addFilter(define("shuffle", "seed=none", 0, func(c *call) (any, error) {
		if c.args[0] == nil {
			if v, ok := c.in.env.unstable("shuffle"); ok {
				return v, nil
			}
		}
		if !isSequence(c.self) {
			return c.self, nil
		}
		dice := c.dice(c.args[0])
		items := slices.Clone(c.items(c.self))
		for i := len(items) - 1; i > 0; i-- {
			j := dice(i + 1)
			items[i], items[j] = items[j], items[i]
		}
		return list(items), nil
	}))
}

package jinja

import (
	"math"
	"math/big"
	"strings"
	"unicode"

	"rp/engine/value"
)

// Jinja2's own tests.
func init() {
	addTest(define("defined", "", raw, func(c *call) (any, error) { return defined(c.self).value(), nil }))
	addTest(define("undefined", "", raw, func(c *call) (any, error) { return defined(c.self).Not().value(), nil }))
	kind := func(name string, is func(any) bool, alias ...string) {
		addTest(define(name, "", shallow|undef|noRender, func(c *call) (any, error) { return is(c.self), nil }), alias...)
	}
	kind("none", func(v any) bool { return v == nil })
	kind("string", func(v any) bool { _, ok := v.(string); return ok })
	kind("number", isNumber)
	kind("integer", func(v any) bool {
		switch v.(type) {
		case int64, *big.Int:
			return true
		}
		return false
	})
	kind("float", func(v any) bool { _, ok := v.(float64); return ok })
	kind("boolean", func(v any) bool { _, ok := v.(bool); return ok })
	kind("true", func(v any) bool { return v == true })
	kind("false", func(v any) bool { return v == false })
	kind("mapping", func(v any) bool { _, ok := asMapping(v); return ok })
	kind("sequence", func(v any) bool { return isSequence(v) })
	addTest(define("iterable", "", shallow|noRender, func(c *call) (any, error) { return isSequence(c.self), nil }))
	kind("callable", func(v any) bool { _, ok := v.(callable); return ok })
	kind("escaped", func(any) bool { return false })
	addTest(define("sameas", "other", shallow|undef, func(c *call) (any, error) { return sameAs(c.self, c.args[0]), nil }))
	addNumberTests()
	addCompareTests()
	text := func(name string, is func(string) bool) {
		addTest(define(name, "", 0, func(c *call) (any, error) { return is(c.text(c.self)), nil }))
	}
	text("lower", func(s string) bool {
		return strings.ContainsFunc(s, unicode.IsLower) && !strings.ContainsFunc(s, unicode.IsUpper)
	})
	text("upper", func(s string) bool {
		return strings.ContainsFunc(s, unicode.IsUpper) && !strings.ContainsFunc(s, unicode.IsLower)
	})
	addTest(define("filter", "", 0, func(c *call) (any, error) { return find(filters, c.text(c.self)) != nil, nil }))
	addTest(define("test", "", 0, func(c *call) (any, error) { return find(tests, c.text(c.self)) != nil, nil }))
}

func defined(v any) Truth {
	switch t := v.(type) {
	case value.Undefined:
		return False
	case partUnknown:
		return unknownTruth(t.u)
	}
	return True
}

func isSequence(v any) bool {
	switch v.(type) {
	case string, *value.List, value.Tuple, value.Object:
		return true
	}
	return false
}

// sameAs is Python's "is": for values without identity, the same type and value.
func sameAs(a, b any) bool {
	switch x := a.(type) {
	case *value.List, *value.Dict, value.Object:
		return a == b
	case value.Tuple:
		return false
	case value.Undefined:
		_, ok := b.(value.Undefined)
		return ok && a == b
	case *big.Int:
		y, ok := b.(*big.Int)
		return ok && x.Cmp(y) == 0
	}
	return TypeName(a) == TypeName(b) && Equal(a, b)
}

func addNumberTests() {
	mod := func(name, sig string, is func(c *call) (int64, int64)) {
		addTest(define(name, sig, 0, func(c *call) (any, error) {
			by, want := is(c)
			v, err := c.in.arith("%", c.self, by)
			if _, isText := c.self.(string); isText {
				return nil, typef("not all arguments converted during string formatting")
			}
			if err != nil {
				return nil, err
			}
			return Equal(v, want), nil
		}))
	}
	mod("odd", "", func(*call) (int64, int64) { return 2, 1 })
	mod("even", "", func(*call) (int64, int64) { return 2, 0 })
	mod("divisibleby", "num", func(c *call) (int64, int64) { return int64(c.int(0)), 0 })
	addTest(define("nan", "", 0, func(c *call) (any, error) {
		n, ok := toNum(c.self)
		if !ok {
			return nil, typef("must be real number, not %s", TypeName(c.self))
		}
		return math.IsNaN(n.float()), nil
	}), "isnan")
}

func addCompareTests() {
	for op, names := range map[string][]string{
		"==": {"eq", "equalto", "=="}, "!=": {"ne", "!="},
		"<": {"lt", "lessthan", "<"}, "<=": {"le", "<="},
		">": {"gt", "greaterthan", ">"}, ">=": {"ge", ">="},
	} {
		addTest(define(names[0], "other", raw, func(c *call) (any, error) {
			t, err := c.in.compare(op, c.self, c.args[0])
			return t.value(), err
		}), names[1:]...)
	}
	addTest(define("in", "seq", raw, func(c *call) (any, error) {
		t, err := c.in.compare("in", c.self, c.args[0])
		return t.value(), err
	}))
}

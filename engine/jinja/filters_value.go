package jinja

import (
	"math/big"
	"strconv"
	"strings"

	"rp/engine/value"
)

// Filters about whether there is a value and of what type.
func init() {
	addFilter(define("default", "default_value='' boolean=false", raw, func(c *call) (any, error) {
		switch t := c.self.(type) {
		case value.Undefined:
			return c.args[0], nil
		case value.Unknown:
			return t, nil
		}
		if Truthy(c.args[1]).IsTrue() {
			switch t := Truthy(c.self); {
			case t.IsFalse():
				return c.args[0], nil
			case t.IsUnknown():
				return t.value(), nil
			}
		}
		return c.self, nil
	}), "d")
	addFilter(define("mandatory", "msg=none", raw, func(c *call) (any, error) {
		u, ok := c.self.(value.Undefined)
		if !ok {
			return c.self, nil
		}
		if c.args[0] != nil {
			return nil, undefErr{value.Undefined{Name: u.Name, Hint: Str(c.args[0])}}
		}
		name := ""
		if u.Name != "" {
			name = pyQuote(u.Name) + " "
		}
		return nil, undefErr{value.Undefined{Name: u.Name, Hint: "Mandatory variable " + name + " not defined."}}
	}))
	addFilter(define("type_debug", "", raw, func(c *call) (any, error) {
		if u, ok := c.self.(value.Unknown); ok {
			return u, nil
		}
		return TypeName(c.self), nil
	}))
	addFilter(define("ternary", "true_val false_val none_val=none", raw, func(c *call) (any, error) {
		if u, ok := c.self.(value.Undefined); ok {
			return nil, undefErr{u}
		}
		if bare(c.self) == nil && c.isSet(2) && c.args[2] != nil {
			return c.args[2], nil
		}
		switch t := Truthy(c.self); {
		case t.IsTrue():
			return c.args[0], nil
		case t.IsFalse():
			return c.args[1], nil
		default:
			if TypeName(c.args[0]) == TypeName(c.args[1]) && equal(c.args[0], c.args[1]).IsTrue() {
				return c.args[0], nil
			}
			return t.value(), nil
		}
	}))
	addFilter(define("bool", "", 0, func(c *call) (any, error) { return toBool(c.self), nil }))
	addFilter(define("int", "default=0 base=10", 0, func(c *call) (any, error) {
		if v, ok := parseInt(c.self, c.int(1)); ok {
			return v, nil
		}
		return c.args[0], nil
	}))
	addFilter(define("float", "default=0.0", 0, func(c *call) (any, error) {
		if f, ok := parseFloat(c.self); ok {
			return f, nil
		}
		return c.args[0], nil
	}))
	addFilter(define("string", "", 0, func(c *call) (any, error) { return c.text(c.self), nil }), "to_native_text")
	addFilter(define("length", "", shallow|noRender|open, filterLength), "count")
	addFilter(define("pprint", "", 0, func(c *call) (any, error) { return Repr(c.self), nil }))
	addFilter(define("attr", "name", shallow, func(c *call) (any, error) {
		if _, ok := c.self.(value.Object); ok {
			if b := methodOf(c.self, c.str(0)); b != nil {
				return &method{b, c.self}, nil
			}
			return noAttr(c.self, c.str(0)), nil
		}
		return c.in.attr(c.self, c.str(0))
	}))
}

func filterLength(c *call) (any, error) {
	switch t := c.self.(type) {
	case string:
		n := 0
		for range t {
			n++
		}
		return int64(n), nil
	case *value.List:
		return int64(len(t.Items)), nil
	case value.Tuple:
		return int64(len(t)), nil
	case value.Object:
		return int64(len(t.Keys())), nil
	}
	return nil, typef("object of type '%s' has no len()", TypeName(c.self))
}

// toBool is Ansible's reading of text as yes or no; anything that is not yes is no.
func toBool(v any) any {
	switch t := v.(type) {
	case nil:
		return nil
	case bool:
		return t
	case string:
		switch strings.ToLower(t) {
		case "yes", "on", "1", "true":
			return true
		}
		return false
	}
	return Equal(v, int64(1))
}

// parseInt is Python's int() and, where that fails, int(float()).
func parseInt(v any, base int) (any, bool) {
	switch t := v.(type) {
	case string:
		s := strings.TrimSpace(t)
		digits := strings.TrimPrefix(strings.TrimPrefix(s, "-"), "+")
		lower := strings.ToLower(digits)
		for prefix, b := range map[string]int{"0x": 16, "0o": 8, "0b": 2} {
			if (base == b || base == 0) && strings.HasPrefix(lower, prefix) {
				digits, base = digits[2:], b
			}
		}
		if base == 0 {
			base = 10
		}
		if base >= 2 && base <= 36 && validDigits(digits) {
			if b, ok := new(big.Int).SetString(strings.ReplaceAll(digits, "_", ""), base); ok && len(digits) <= 4300 {
				if strings.HasPrefix(s, "-") {
					b.Neg(b)
				}
				return fromBig(b), true
			}
		}
		f, ok := parseFloat(t)
		if !ok {
			return nil, false
		}
		i, err := fromFloat(f)
		return i, err == nil
	case float64:
		i, err := fromFloat(t)
		return i, err == nil
	}
	n, ok := toNum(v)
	if !ok {
		return nil, false
	}
	return fromBig(n.big()), true
}

// validDigits keeps out what Go's reader takes and Python's does not.
func validDigits(s string) bool {
	return s != "" && s[0] != '-' && s[0] != '+' && s[0] != '_' && s[len(s)-1] != '_' && !strings.Contains(s, "__")
}

func parseFloat(v any) (float64, bool) {
	s, ok := v.(string)
	if !ok {
		n, ok := toNum(v)
		return n.float(), ok
	}
	s = strings.TrimSpace(s)
	if strings.ContainsAny(s, "xXpP") || s == "" {
		return 0, false
	}
	if strings.Contains(s, "_") {
		if !validDigits(s) {
			return 0, false
		}
		s = strings.ReplaceAll(s, "_", "")
	}
	f, err := strconv.ParseFloat(s, 64)
	if err != nil && f == 0 {
		return 0, false
	}
	return f, true
}

package jinja

import (
	"math"
	"math/big"
	"regexp"
	"strings"
)

// Filters on numbers and sizes.
func init() {
	addFilter(define("abs", "", 0, func(c *call) (any, error) {
		n, ok := toNum(c.self)
		if !ok {
			return nil, typef("bad operand type for abs(): '%s'", TypeName(c.self))
		}
		if n.isInt() {
			return fromBig(new(big.Int).Abs(n.big())), nil
		}
		return math.Abs(n.f), nil
	}))
	addFilter(define("round", "precision=0 method='common'", 0, filterRound))
	addFilter(define("log", "base=2.718281828459045", 0, func(c *call) (any, error) {
		x := c.number()
		if c.err == nil && (x <= 0 || c.float(0) <= 0) {
			return nil, typef("log() can only be used on numbers: math domain error")
		}
		switch base := c.float(0); base {
		case 2:
			return math.Log2(x), nil
		case 10:
			return math.Log10(x), nil
		case math.E:
			return math.Log(x), nil
		default:
			return math.Log(x) / math.Log(base), nil
		}
	}))
	addFilter(define("pow", "x", 0, func(c *call) (any, error) { return math.Pow(c.number(), c.float(0)), nil }))
	addFilter(define("root", "base=2", 0, func(c *call) (any, error) {
		x, base := c.number(), c.float(0)
		if c.err != nil {
			return nil, c.err
		}
		if base == 2 {
			if x < 0 {
				return nil, typef("root() can only be used on numbers: math domain error")
			}
			return math.Sqrt(x), nil
		}
		if base == 0 {
			return nil, typef("root() can only be used on numbers: float division by zero")
		}
		r := math.Pow(x, 1/base)
		if whole := math.Round(r); math.Pow(whole, base) == x {
			return whole, nil // Go's Pow is off by the last bit where C's is not
		}
		return r, nil
	}))
	addFilter(define("human_readable", "isbits=false unit=none", 0, filterHumanReadable))
	addFilter(define("human_to_bytes", "default_unit=none isbits=false", 0, filterHumanToBytes))
}

// number is c's value as a float.
func (c *call) number() float64 {
	n, ok := toNum(c.self)
	if !ok {
		c.wrong("%s() can only be used on numbers: must be real number, not %s", c.b.name, TypeName(c.self))
	}
	return n.float()
}

func filterRound(c *call) (any, error) {
	n, ok := toNum(c.self)
	if !ok {
		return nil, typef("type %s doesn't define __round__ method", TypeName(c.self))
	}
	digits := c.int(0)
	if digits > 300 || digits < -300 {
		return nil, typef("round() precision is out of range")
	}
	scale := math.Pow(10, float64(digits))
	switch c.str(1) {
	case "common":
		if n.isInt() {
			return roundInt(n, digits), nil
		}
		return roundHalfEven(n.f, digits), nil
	case "ceil":
		return math.Ceil(n.float()*scale) / scale, nil
	case "floor":
		return math.Floor(n.float()*scale) / scale, nil
	}
	return nil, typef("method must be common, ceil or floor")
}

func roundHalfEven(f float64, digits int) float64 {
	if math.IsInf(f, 0) || math.IsNaN(f) {
		return f
	}
	if digits >= 0 {
		// The decimal form of the exact binary value is rounded, as in Python.
		v, _ := parseFloat(formatFloat(math.Abs(f), 'f', digits, false))
		return math.Copysign(v, f)
	}
	scale := math.Pow(10, float64(-digits))
	return math.RoundToEven(f/scale) * scale
}

func roundInt(n num, digits int) any {
	if digits >= 0 {
		return fromBig(n.big())
	}
	unit := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(-digits)), nil)
	q, m := new(big.Int).DivMod(n.big(), unit, new(big.Int))
	switch c := new(big.Int).Mul(m, big.NewInt(2)).Cmp(unit); {
	case c > 0, c == 0 && q.Bit(0) == 1:
		q.Add(q, big.NewInt(1))
	}
	return fromBig(q.Mul(q, unit))
}

// sizeUnits are the units of sizes with their powers of 1024, largest first.
var sizeUnits = []struct {
	letter string
	power  float64
}{{"Y", 8}, {"Z", 7}, {"E", 6}, {"P", 5}, {"T", 4}, {"G", 3}, {"M", 2}, {"K", 1}, {"B", 0}}

func filterHumanReadable(c *call) (any, error) {
	size, ok := parseFloat(c.self)
	if !ok {
		return nil, typef("human_readable() failed on bad input: %s", Repr(c.self))
	}
	base := "Bytes"
	if c.bool(0) {
		base = "bits"
	}
	want := ""
	if c.args[1] != nil {
		want = strings.ToUpper(c.anyText(1))
	}
	for _, u := range sizeUnits {
		limit := math.Pow(1024, u.power)
		if (want == "" && size >= limit) || want == u.letter || u.letter == "B" {
			suffix := base
			if u.letter != "B" {
				suffix = u.letter + base[:1]
			}
			return formatFloat(size/limit, 'f', 2, false) + " " + suffix, nil
		}
	}
	return nil, nil
}

var sizeForm = regexp.MustCompile(`^\s*(\d*\.?\d*)\s*([A-Za-z]+)?\s*$`)

func filterHumanToBytes(c *call) (any, error) {
	text := c.text(c.self)
	m := sizeForm.FindStringSubmatch(text)
	if m == nil || m[1] == "" || m[1] == "." {
		return nil, typef("human_to_bytes() can't interpret following string: %s", text)
	}
	f, _ := parseFloat(m[1])
	unit := m[2]
	if unit == "" && c.args[0] != nil {
		unit = c.anyText(0)
	}
	if unit == "" {
		return fromFloat(math.RoundToEven(f))
	}
	for _, u := range sizeUnits {
		if strings.ToUpper(unit[:1]) != u.letter {
			continue
		}
		if err := checkUnit(text, unit, u.letter, c.bool(1)); err != nil {
			return nil, err
		}
		return fromFloat(math.RoundToEven(f * math.Pow(1024, u.power)))
	}
	return nil, typef("human_to_bytes() failed to convert %s (unit = %s). The suffix must be one of Y, Z, E, P, T, G, M, K, B", text, unit)
}

// checkUnit refuses a unit of bits where bytes are meant, and the other way round.
func checkUnit(text, unit, letter string, bits bool) error {
	want, word := "B", "byte"
	if bits {
		want, word = "b", "bit"
	}
	rest := unit[1:]
	if letter == "B" {
		rest = unit
	}
	switch {
	case len(unit) == 1 && letter != "B", rest == want:
		return nil
	case strings.HasPrefix(strings.ToLower(rest), word) || strings.HasPrefix(strings.ToLower(unit), word):
		return nil
	case letter == "B" && len(unit) == 1 && !bits:
		return nil
	}
	return typef("human_to_bytes() failed to convert %s. Value is not a valid string: expect %s in %s", text, want, unit)
}

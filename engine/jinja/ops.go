package jinja

import (
	"math"
	"math/big"
	"strings"

	"rp/engine/value"
)

// arith computes l op r over plain values.
func (in *interp) arith(op string, l, r any) (any, error) {
	a, okA := toNum(l)
	b, okB := toNum(r)
	if okA && okB {
		return arithNum(op, a, b)
	}
	switch op {
	case "+":
		return in.add(l, r)
	case "*":
		if okA && a.isInt() {
			l, r, b = r, l, a
			okB = true
		}
		if okB && b.isInt() {
			if v, ok, err := in.repeat(l, b); ok {
				return v, err
			}
		}
	case "%":
		if s, ok := l.(string); ok {
			return in.percent(s, r)
		}
	case "-":
		if d, ok, err := subDates(l, r); ok {
			return d, err
		}
	}
	name := op
	if op == "**" {
		name = "** or pow()"
	}
	return nil, typef("unsupported operand type(s) for %s: '%s' and '%s'", name, TypeName(l), TypeName(r))
}

func (in *interp) add(l, r any) (any, error) {
	switch a := l.(type) {
	case string:
		if b, ok := r.(string); ok {
			return a + b, in.fits(len(a) + len(b))
		}
		return nil, typef("can only concatenate str (not \"%s\") to str", TypeName(r))
	case *value.List:
		if b, ok := r.(*value.List); ok {
			out := make([]any, 0, len(a.Items)+len(b.Items))
			return &value.List{Items: append(append(out, a.Items...), b.Items...)}, in.fitsItems(len(a.Items) + len(b.Items))
		}
		return nil, typef("can only concatenate list (not \"%s\") to list", TypeName(r))
	case value.Tuple:
		if b, ok := r.(value.Tuple); ok {
			return append(append(make(value.Tuple, 0, len(a)+len(b)), a...), b...), in.fitsItems(len(a) + len(b))
		}
		return nil, typef("can only concatenate tuple (not \"%s\") to tuple", TypeName(r))
	}
	if d, ok, err := addDates(l, r); ok {
		return d, err
	}
	return nil, typef("unsupported operand type(s) for +: '%s' and '%s'", TypeName(l), TypeName(r))
}

// repeat is v*n for a sequence v.
func (in *interp) repeat(v any, n num) (any, bool, error) {
	count := 0
	if n.kind == 'b' {
		if n.b.Sign() > 0 {
			return nil, true, limitErr("cannot fit an index-sized integer")
		}
	} else if n.i > 0 {
		count = int(min(n.i, math.MaxInt32))
	}
	switch v := v.(type) {
	case string:
		if err := in.fits(len(v) * count); err != nil {
			return nil, true, err
		}
		return strings.Repeat(v, count), true, nil
	case *value.List:
		items, err := in.repeatItems(v.Items, count)
		return &value.List{Items: items}, true, err
	case value.Tuple:
		items, err := in.repeatItems(v, count)
		return value.Tuple(items), true, err
	}
	return nil, false, nil
}

func (in *interp) repeatItems(items []any, n int) ([]any, error) {
	if err := in.fitsItems(len(items) * n); err != nil {
		return nil, err
	}
	out := make([]any, 0, len(items)*n)
	for range n {
		out = append(out, items...)
	}
	return out, nil
}

func arithNum(op string, a, b num) (any, error) {
	if op == "/" {
		if b.isZero() {
			return nil, typef("division by zero")
		}
		return a.float() / b.float(), nil
	}
	if op == "**" {
		return power(a, b)
	}
	if (op == "//" || op == "%") && b.isZero() {
		switch {
		case (!a.isInt() || !b.isInt()) && op == "%":
			return nil, typef("float modulo")
		case !a.isInt() || !b.isInt():
			return nil, typef("float floor division by zero")
		case op == "%":
			return nil, typef("integer modulo by zero")
		}
		return nil, typef("integer division or modulo by zero")
	}
	if a.isInt() && b.isInt() {
		if a.kind == 'i' && b.kind == 'i' {
			if v, ok := arithInt(op, a.i, b.i); ok {
				return v, nil
			}
		}
		return arithBig(op, a.big(), b.big())
	}
	return arithFloat(op, a.float(), b.float()), nil
}

// arithInt computes in 64 bits; ok is false where the result has no room there.
func arithInt(op string, a, b int64) (int64, bool) {
	switch op {
	case "+":
		c := a + b
		return c, (c > a) == (b > 0)
	case "-":
		c := a - b
		return c, (c < a) == (b > 0)
	case "*":
		if a == 0 || b == 0 {
			return 0, true
		}
		c := a * b
		return c, c/b == a && (a != -1 || b != math.MinInt64) && (b != -1 || a != math.MinInt64)
	case "//":
		if a == math.MinInt64 && b == -1 {
			return 0, false
		}
		q := a / b
		if (a%b != 0) && (a < 0) != (b < 0) {
			q--
		}
		return q, true
	case "%":
		if b == -1 {
			return 0, true
		}
		m := a % b
		if m != 0 && (m < 0) != (b < 0) {
			m += b
		}
		return m, true
	}
	return 0, false
}

func arithBig(op string, a, b *big.Int) (any, error) {
	if a.BitLen()+b.BitLen() > maxBits {
		return nil, limitErr("the integer is too large")
	}
	c := new(big.Int)
	switch op {
	case "+":
		c.Add(a, b)
	case "-":
		c.Sub(a, b)
	case "*":
		c.Mul(a, b)
	case "//", "%":
		// Python rounds down, big.Int's DivMod up for a negative divisor.
		m := new(big.Int)
		c.QuoRem(a, b, m)
		if m.Sign() != 0 && (m.Sign() < 0) != (b.Sign() < 0) {
			c.Sub(c, big.NewInt(1))
			m.Add(m, b)
		}
		if op == "%" {
			c = m
		}
	}
	return fromBig(c), nil
}

func arithFloat(op string, a, b float64) float64 {
	switch op {
	case "+":
		return a + b
	case "-":
		return a - b
	case "*":
		return a * b
	case "//":
		return math.Floor(a / b)
	}
	m := math.Mod(a, b)
	if m != 0 && (m < 0) != (b < 0) {
		m += b
	}
	return m
}

func power(a, b num) (any, error) {
	if a.isInt() && b.isInt() && b.big().Sign() >= 0 {
		base, exp := a.big(), b.big()
		if base.BitLen() > 1 && (!exp.IsInt64() || exp.Int64() > maxBits || int64(base.BitLen())*exp.Int64() > maxBits) {
			return nil, limitErr("the integer is too large")
		}
		if base.BitLen() <= 1 {
			// 0, 1 and -1 do not grow: only the exponent's parity counts.
			exp = new(big.Int).Add(new(big.Int).And(exp, big.NewInt(1)), big.NewInt(2*int64(min(exp.Sign(), 1))))
		}
		return fromBig(new(big.Int).Exp(base, exp, nil)), nil
	}
	if a.isZero() && b.float() < 0 {
		return nil, typef("0.0 cannot be raised to a negative power")
	}
	return math.Pow(a.float(), b.float()), nil
}

// negate is -v or +v.
func negate(op string, v any) (any, error) {
	n, ok := toNum(v)
	if !ok {
		return nil, typef("bad operand type for unary %s: '%s'", op, TypeName(v))
	}
	if op == "-" {
		if n.isInt() {
			return arithNum("-", num{kind: 'i'}, n)
		}
		return -n.f, nil
	}
	return arithNum("+", num{kind: 'i'}, n)
}

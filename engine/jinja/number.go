package jinja

import (
	"math"
	"math/big"

	"rp/engine/value"
)

// maxBits bounds integers, which Python lets grow without end.
const maxBits = 1 << 20

// num is a number on its way through arithmetic: an int64, a big integer or a float.
type num struct {
	kind byte // 'i', 'b' or 'f'
	i    int64
	b    *big.Int
	f    float64
}

// toNum reads v as a number: bool, int and float are.
func toNum(v any) (num, bool) {
	switch v := v.(type) {
	case bool:
		if v {
			return num{kind: 'i', i: 1}, true
		}
		return num{kind: 'i'}, true
	case int64:
		return num{kind: 'i', i: v}, true
	case int:
		return num{kind: 'i', i: int64(v)}, true
	case float64:
		return num{kind: 'f', f: v}, true
	case *big.Int:
		return num{kind: 'b', b: v}, true
	}
	return num{}, false
}

func (n num) isInt() bool { return n.kind != 'f' }

func (n num) float() float64 {
	switch n.kind {
	case 'i':
		return float64(n.i)
	case 'b':
		f, _ := new(big.Float).SetInt(n.b).Float64()
		return f
	}
	return n.f
}

func (n num) big() *big.Int {
	if n.kind == 'b' {
		return n.b
	}
	return big.NewInt(n.i)
}

func (n num) isZero() bool {
	switch n.kind {
	case 'i':
		return n.i == 0
	case 'b':
		return n.b.Sign() == 0
	}
	return n.f == 0
}

// compare is -1, 0 or 1; nan is true where either is not a number.
func (n num) compare(m num) (c int, nan bool) {
	if n.kind == 'i' && m.kind == 'i' {
		switch {
		case n.i < m.i:
			return -1, false
		case n.i > m.i:
			return 1, false
		}
		return 0, false
	}
	if n.isInt() && m.isInt() {
		return n.big().Cmp(m.big()), false
	}
	a, b := n.float(), m.float()
	switch {
	case math.IsNaN(a) || math.IsNaN(b):
		return 0, true
	case a < b:
		return -1, false
	case a > b:
		return 1, false
	}
	return 0, false
}

// fromBig is b as the smallest kind of integer that holds it.
func fromBig(b *big.Int) any {
	if b.IsInt64() {
		return b.Int64()
	}
	return b
}

// fromFloat is f cut to an integer.
func fromFloat(f float64) (any, error) {
	if math.IsInf(f, 0) {
		return nil, typef("cannot convert float infinity to integer")
	}
	if math.IsNaN(f) {
		return nil, typef("cannot convert float NaN to integer")
	}
	if math.Abs(f) < 1<<62 {
		return int64(f), nil
	}
	b, _ := big.NewFloat(f).Int(nil)
	return fromBig(b), nil
}

// isNumber reports whether v is a number to the test of that name.
func isNumber(v any) bool {
	switch v.(type) {
	case bool, int64, float64, *big.Int:
		return true
	}
	return false
}

func isList(v any) bool {
	switch v.(type) {
	case *value.List, value.Tuple:
		return true
	}
	return false
}

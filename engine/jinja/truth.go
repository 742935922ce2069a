package jinja

import (
	"math/big"

	"rp/engine/value"
)

// Truthy is whether v counts as true, as in Python: empty text and
// collections, zero and None do not. Undefined counts as false here; in a
// condition its use is an error.
func Truthy(v any) Truth {
	switch v := v.(type) {
	case nil:
		return False
	case bool:
		return truthOf(v)
	case string:
		return truthOf(v != "")
	case int64:
		return truthOf(v != 0)
	case float64:
		return truthOf(v != 0)
	case *big.Int:
		return truthOf(v.Sign() != 0)
	case *value.List:
		return truthOf(len(v.Items) > 0)
	case value.Tuple:
		return truthOf(len(v) > 0)
	case *value.Dict:
		return truthOf(v.Len() > 0)
	case value.Object:
		return truthOf(len(v.Keys()) > 0)
	case value.Unknown:
		return unknownTruth(v)
	case value.Secret:
		return Truthy(v.V)
	case value.Undefined:
		return False
	case Timedelta:
		return truthOf(v != 0)
	}
	return True
}

// truthy is Truthy with a use of the undefined as an error.
func (in *interp) truthy(v any) (Truth, error) {
	if u, ok := v.(value.Undefined); ok {
		return False, undefErr{u}
	}
	return Truthy(v), nil
}

package jinja

import (
	"math/big"

	"rp/engine/value"
)

var (
	strMethods   = methods{}
	listMethods  = methods{}
	tupleMethods = methods{}
	dictMethods  = methods{}
	intMethods   = methods{}
	floatMethods = methods{}
)

// methodOf is the method of x called name, or nil.
func methodOf(x any, name string) *builtin {
	switch x.(type) {
	case string:
		return strMethods[name]
	case *value.List:
		return listMethods[name]
	case value.Tuple:
		return tupleMethods[name]
	case *value.Dict:
		return dictMethods[name]
	case value.Object:
		if b := dictMethods[name]; b != nil && b.flags&raw == 0 {
			return b
		}
	case int64, bool, *big.Int:
		return intMethods[name]
	case float64:
		return floatMethods[name]
	}
	return nil
}

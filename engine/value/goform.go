package value

import (
	"fmt"
	"maps"
	"math"
	"math/big"
	"reflect"
	"slices"
)

// FromGo turns plain Go data (maps, slices, numbers of any size) into the
// types of this package. Maps get their keys in sorted order.
func FromGo(v any) any {
	switch v := v.(type) {
	case nil, bool, int64, float64, string, *big.Int, *List, Tuple, *Dict, Object, Template, Undefined, Unknown, *Pending, Secret, Omit:
		return v
	case int:
		return int64(v)
	case []string:
		return Strings(v...)
	case []byte:
		return string(v)
	case []any:
		l := &List{Items: make([]any, len(v))}
		for i, e := range v {
			l.Items[i] = FromGo(e)
		}
		return l
	case map[string]any:
		d := NewDict()
		for _, k := range slices.Sorted(maps.Keys(v)) {
			d.Set(k, FromGo(v[k]))
		}
		return d
	}
	return fromReflect(reflect.ValueOf(v))
}

func fromReflect(r reflect.Value) any {
	switch r.Kind() {
	case reflect.Bool:
		return r.Bool()
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return r.Int()
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		if u := r.Uint(); u > math.MaxInt64 {
			return new(big.Int).SetUint64(u)
		}
		return int64(r.Uint()) //nolint:gosec // checked above
	case reflect.Float32, reflect.Float64:
		return r.Float()
	case reflect.String:
		return r.String()
	case reflect.Slice, reflect.Array:
		l := &List{}
		for i := range r.Len() {
			l.Append(FromGo(r.Index(i).Interface()))
		}
		return l
	case reflect.Map:
		m := map[string]any{}
		for _, k := range r.MapKeys() {
			m[fmt.Sprint(k.Interface())] = r.MapIndex(k).Interface()
		}
		return FromGo(m)
	case reflect.Pointer, reflect.Interface:
		if r.IsNil() {
			return nil
		}
		return FromGo(r.Elem().Interface())
	}
	return fmt.Sprint(r.Interface())
}

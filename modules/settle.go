package modules

import (
	"fmt"

	"rp/engine/value"
)

// settle takes the marks out of v: bare is v without secrets' marks; unknown
// is a part of it that is not known yet, nil for none; secret says that a part must not be shown.
func settle(v any) (bare any, unknown *value.Unknown, secret bool) {
	switch v := v.(type) {
	case value.Unknown:
		return nil, &v, false
	case value.Secret:
		bare, unknown, _ = settle(v.V)
		return bare, unknown, true
	case *value.List:
		out := &value.List{Items: make([]any, 0, len(v.Items))}
		for _, e := range v.Items {
			b, u, s := settle(e)
			if unknown == nil {
				unknown = u
			}
			secret = secret || s
			out.Append(b)
		}
		return out, unknown, secret
	case *value.Dict:
		out := value.NewDict()
		for k, e := range v.All() {
			b, u, s := settle(e)
			if unknown == nil {
				unknown = u
			}
			secret = secret || s
			out.Set(k, b)
		}
		return out, unknown, secret
	}
	return v, nil, false
}

// stringMap is a mapping whose values are scalars, as text.
func stringMap(d *value.Dict) (map[string]string, *value.Unknown, bool) {
	if d == nil {
		return nil, nil, false
	}
	bare, unknown, secret := settle(d)
	out := map[string]string{}
	if b, ok := bare.(*value.Dict); ok {
		for k, v := range b.All() {
			out[fmt.Sprint(k)] = plainScalar(v)
		}
	}
	return out, unknown, secret
}

package modules

import (
	"context"
	"encoding/base64"
	"fmt"

	"rp/engine/module"
	"rp/engine/state"
	"rp/engine/value"
)

// pass takes the named arguments as they are, unknown and secret ones too, for
// the part of an action that runs on the host.
func pass(p module.Params, names ...string) map[string]any {
	vals, secret := p.Values()
	out := map[string]any{}
	for _, n := range names {
		v, given := vals[n]
		if !given || v == nil {
			continue
		}
		if _, unknown := v.(value.Unknown); secret[n] && !unknown {
			v = value.Secret{V: v}
		}
		out[n] = v
	}
	return out
}

// fileArgNames are what attrArgs lists and can be passed on.
func passAttrs(p module.Params) map[string]any {
	return pass(p, "owner", "group", "mode", "unsafe_writes")
}

// onHost runs the host's part of an action; its result is the action's.
func onHost(ctx context.Context, c module.Controller, name string, args map[string]any) (module.Outcome, error) {
	r, err := c.Host(ctx, name, args)
	if err != nil {
		return module.Outcome{Result: r}, err
	}
	out := module.Outcome{Result: r}
	out.Changed, _ = r["changed"].(bool)
	out.Failed, _ = r["failed"].(bool)
	return out, nil
}

func encodeBytes(b []byte) string { return base64.StdEncoding.EncodeToString(b) }

func decodeBytes(s string) ([]byte, error) {
	b, err := base64.StdEncoding.DecodeString(s)
	if err != nil {
		return nil, fmt.Errorf("cannot decode what the controller sent: %w", err)
	}
	return b, nil
}

// encodeContent is a content as an argument of rp.content.
func encodeContent(c state.Content) map[string]any {
	m := map[string]any{"sum": c.Sum, "size": c.Size, "from": c.From}
	if c.Data != nil {
		m["data"] = encodeBytes(c.Data)
	}
	return m
}

// contentArg is the content that p has as name: known, unknown or secret.
func contentArg(p module.Params, name string) (state.Value[state.Content], error) {
	vals, secret := p.Values()
	d, ok := value.FromGo(vals[name]).(*value.Dict)
	if u, unknown := vals[name].(value.Unknown); unknown {
		return state.Unknown[state.Content](u.After), nil
	}
	if !ok {
		return state.Value[state.Content]{}, fmt.Errorf("cannot take a %T for a file's content", vals[name])
	}
	var c state.Content
	if s, ok := d.Get("sum"); ok {
		c.Sum, _ = s.(string)
	}
	if n, ok := d.Get("size"); ok {
		c.Size, _ = n.(int64)
	}
	if s, ok := d.Get("from"); ok {
		c.From, _ = s.(string)
	}
	if s, ok := d.Get("data"); ok {
		text, _ := s.(string)
		b, err := decodeBytes(text)
		if err != nil {
			return state.Value[state.Content]{}, err
		}
		c.Data = b
	}
	v := state.Is(c)
	if secret[name] {
		v = v.Secret()
	}
	return v, nil
}

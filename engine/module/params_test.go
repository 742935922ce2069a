package module

import (
	"slices"
	"testing"

	"rp/engine/state"
	"rp/engine/value"
)

func TestParams(t *testing.T) {
	p := NewParams("t", map[string]any{
		"s": "x", "b": true, "i": int64(3), "f": 1.5, "l": value.NewList("a", int64(2)), "d": dict("k", "v"), "n": nil, "u": later,
	}, map[string]bool{"s": true})
	if p.String("s") != "x" || !p.Bool("b") || p.Int("i") != 3 || p.Float("f") != 1.5 || !slices.Equal(p.Strings("l"), []string{"a", "2"}) {
		t.Errorf("wrong values: %+v", p)
	}
	if v, _ := p.Dict("d").Get("k"); v != "v" {
		t.Errorf("d.k is %v", v)
	}
	if p.String("none") != "" || p.Bool("none") || p.List("none") != nil || p.Dict("none") != nil || p.Has("n") || p.Known("u") || !p.Has("u") {
		t.Error("what was not given is there")
	}
	if got := p.Names(); !slices.Equal(got, []string{"b", "d", "f", "i", "l", "s", "u"}) {
		t.Errorf("names %q", got)
	}
}

func TestParamsAsFields(t *testing.T) {
	p := NewParams("t", map[string]any{"s": "x", "b": false, "i": int64(3), "u": later}, map[string]bool{"s": true})
	if v := p.StringValue("s"); v.Or("") != "x" || !v.IsSecret() {
		t.Errorf("s is %+v", v)
	}
	if v := p.BoolValue("b"); !v.IsKnown() || v.IsSecret() {
		t.Errorf("b is %+v", v)
	}
	if v := p.IntValue("u"); !v.IsUnknown() || v.After() != "make it" {
		t.Errorf("u is %+v", v)
	}
	if v := p.StringValue("none"); v != (state.Value[string]{}) {
		t.Errorf("what was not given is %+v", v)
	}
}

// Asking for what is not known breaks off with its name, wherever it is hidden.
func TestUnknownArgumentsBreakOff(t *testing.T) {
	p := NewParams("t", map[string]any{
		"s": later, "l": value.NewList("a", later), "ll": value.NewList(dict("k", value.NewList(later))), "d": dict("k", later), "ok": value.NewList("a"),
	}, nil)
	for name, ask := range map[string]func(){
		"s": func() { p.String("s") }, "l": func() { p.Strings("l") }, "ll": func() { p.List("ll") }, "d": func() { p.Dict("d") },
		"ok": func() { p.List("ok") },
	} {
		func() {
			defer func() {
				n, broke := recover().(NotKnown)
				if broke != (name != "ok") || broke && (n.Arg != name || n.After != "make it") {
					t.Errorf("%s: broke off: %t, with %+v", name, broke, n)
				}
			}()
			ask()
		}()
	}
}

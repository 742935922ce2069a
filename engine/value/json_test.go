package value

import (
	"math"
	"math/big"
	"reflect"
	"strings"
	"testing"
)

func bigInt(s string) *big.Int { n, _ := new(big.Int).SetString(s, 10); return n }

func TestValuesTravel(t *testing.T) {
	for _, c := range []struct {
		v    any
		text string // "" where it does not matter
	}{
		{nil, "null"},
		{true, "true"},
		{int64(-3), "-3"},
		{int64(math.MaxInt64), "9223372036854775807"},
		{1.0, "1.0"},
		{0.1, "0.1"},
		{1e300, "1e+300"},
		{-0.5, "-0.5"},
		{math.Inf(1), ""},
		{math.Inf(-1), ""},
		{bigInt("123456789012345678901234567890"), "123456789012345678901234567890"},
		{"x", `"x"`},
		{"<&>\u2028\x00", ""},
		{"not \xff utf8", ""},
		{NewList(), "[]"},
		{NewList(int64(1), "a", NewList(nil)), `[1,"a",[null]]`},
		{DictOf("b", int64(1), "a", NewDict()), `{"b":1,"a":{}}`},
		{Unknown{After: "a task"}, ""},
		{Unknown{}, ""},
		{Secret{V: "s"}, ""},
		{Secret{V: NewList(Unknown{After: "x"})}, ""},
		{Omit{}, ""},
		{DictOf("\x00unknown", "x"), ""},
		{DictOf("\x00\x00", int64(1)), ""},
		{DictOf("\x00secret", "x", "y", "z"), ""},
	} {
		text, err := Encode(c.v)
		if err != nil {
			t.Errorf("%#v: %v", c.v, err)
			continue
		}
		if c.text != "" && string(text) != c.text {
			t.Errorf("%#v is written as %s, want %s", c.v, text, c.text)
		}
		back, err := Decode(text)
		if err != nil || !reflect.DeepEqual(back, c.v) {
			t.Errorf("%#v, written as %s, came back as %#v (%v)", c.v, text, back, err)
		}
	}
	text, err := Encode(math.NaN())
	if back, derr := Decode(text); err != nil || derr != nil || !math.IsNaN(back.(float64)) {
		t.Errorf("NaN came back as %v (%v, %v)", back, err, derr)
	}
}

func TestEncodeKeysAndGo(t *testing.T) {
	for _, c := range []struct {
		v    any
		want string
	}{
		{DictOf(int64(1), "a", true, "b"), `{"1":"b"}`}, // one key in Python, too
		{DictOf(nil, "a", 2.0, "b", 1.5, "c"), `{"null":"a","2.0":"b","1.5":"c"}`},
		{Tuple{int64(1), "x"}, `[1,"x"]`},
		{[]string{"a"}, `["a"]`},
		{map[string]int{"b": 1, "a": 2}, `{"a":2,"b":1}`},
		{[]byte("text"), `"text"`},
	} {
		text, err := Encode(c.v)
		if err != nil || string(text) != c.want {
			t.Errorf("%#v is written as %s (%v), want %s", c.v, text, err, c.want)
		}
	}
}

func TestEncodeRefuses(t *testing.T) {
	for want, v := range map[string]any{
		"unrendered": Template{Source: "{{ x }}"}, "'x' is undefined": NewList(Undefined{Name: "x"}), "not there yet": DictOf("a", &Pending{}),
	} {
		if _, err := Encode(v); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%#v: error %v, want %q in it", v, err, want)
		}
	}
}

func TestDecodeRefuses(t *testing.T) {
	for _, text := range []string{"", "[", "{", `{"a"`, `{"a":}`, "1 2", "[1]]", "nul", `"x`, strings.Repeat("[", 20000)} {
		if v, err := Decode([]byte(text)); err == nil {
			t.Errorf("%.20s was read as %#v", text, v)
		}
	}
}

func FuzzDecode(f *testing.F) {
	for _, s := range []string{`{"a":[1,2.0,"x",null,true]}`, `{"\u0000unknown":"t"}`, `{"\u0000\u0000unknown":"t"}`, `{"\u0000float":"NaN"}`, `{"\u0000secret":{"b":1e5}}`, "123456789012345678901"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		v, err := Decode(text)
		if err != nil {
			return
		}
		once, err := Encode(v)
		if err != nil {
			t.Fatalf("%s was read as %#v and cannot be written: %v", text, v, err)
		}
		back, err := Decode(once)
		if err != nil {
			t.Fatalf("%s cannot be read: %v", once, err)
		}
		if twice, err := Encode(back); err != nil || string(twice) != string(once) {
			t.Errorf("%s became %s (%v)", once, twice, err)
		}
	})
}

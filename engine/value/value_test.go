package value

import (
	"context"
	"errors"
	"fmt"
	"math"
	"reflect"
	"testing"
)

func TestDict(t *testing.T) {
	d := DictOf("b", 1, "a", 2)
	d.Set("b", 3)
	d.Set("c", 4)
	if got := fmt.Sprint(d.Keys()); got != "[b a c]" {
		t.Errorf("keys %s", got)
	}
	if !d.Delete("a") || d.Delete("a") || d.Len() != 2 {
		t.Errorf("after a deletion: %v", d.Keys())
	}
	for k, want := range map[string]any{"b": 3, "c": 4, "a": nil} {
		if v, ok := d.Get(k); v != want || ok != (want != nil) {
			t.Errorf("%s is %v, %t", k, v, ok)
		}
	}
	c := d.Clone()
	c.Set("b", 9)
	if v, _ := d.Get("b"); v != 3 {
		t.Error("a clone shares its entries")
	}
	n := 0
	for range d.All() {
		n++
		break
	}
	if n != 1 {
		t.Error("All does not stop")
	}
}

func TestKeysAreComparedAsInPython(t *testing.T) {
	for _, c := range []struct {
		a, b any
		same bool
	}{
		{int64(1), true, true},
		{int64(0), false, true},
		{1.0, int64(1), true},
		{1, int64(1), true},
		{1.5, int64(1), false},
		{"1", int64(1), false},
		{bigInt("7"), int64(7), true},
		{bigInt("99999999999999999999"), bigInt("99999999999999999999"), true},
		{Tuple{int64(1), "a"}, Tuple{true, "a"}, true},
		{Tuple{"1"}, Tuple{int64(1)}, false},
		{Secret{V: "x"}, "x", true},
		{nil, "", false},
		{Tuple{"a", "b"}, Tuple{"a,string:b"}, false},
	} {
		d := DictOf(c.a, "found")
		if _, ok := d.Get(c.b); ok != c.same {
			t.Errorf("%#v and %#v: one key: %t", c.a, c.b, ok)
		}
	}
	for v, want := range map[string]bool{"x": true} {
		if Hashable(v) != want {
			t.Errorf("%v is hashable: %t", v, !want)
		}
	}
	if Hashable(NewList()) || Hashable(NewDict()) || Hashable(Tuple{"a", NewList()}) || !Hashable(Tuple{"a", Tuple{}}) {
		t.Error("what can be a key is wrong")
	}
}

func TestFromGo(t *testing.T) {
	type named string
	n := 5
	for _, c := range []struct{ v, want any }{
		{3, int64(3)},
		{uint8(3), int64(3)},
		{float32(0.5), 0.5},
		{named("x"), "x"},
		{&n, int64(5)},
		{(*int)(nil), nil},
		{[]any{1, "a"}, NewList(int64(1), "a")},
		{[2]bool{true}, NewList(true, false)},
		{[]string{"a"}, NewList("a")},
		{[]byte("ab"), "ab"},
		{map[string]any{"b": 1, "a": []int{2}}, DictOf("a", NewList(int64(2)), "b", int64(1))},
		{map[int]string{1: "x"}, DictOf("1", "x")},
		{uint64(math.MaxUint64), bigInt("18446744073709551615")},
		{Unknown{After: "t"}, Unknown{After: "t"}},
		{Secret{V: "s"}, Secret{V: "s"}},
	} {
		if got := FromGo(c.v); !reflect.DeepEqual(got, c.want) {
			t.Errorf("%#v gives %#v, want %#v", c.v, got, c.want)
		}
	}
}

func TestSecretsAreNotPrinted(t *testing.T) {
	s := Secret{V: "hunter2"}
	if got := fmt.Sprintf("%v %s %+v %#v %v", s, s, s, s, []any{s}); got != "******** ******** ******** value.Secret [********]" {
		t.Errorf("a secret is printed: %s", got)
	}
}

func TestUndefinedAndUnknownMessages(t *testing.T) {
	for got, want := range map[string]string{
		Undefined{Name: "x"}.Message():               "'x' is undefined",
		Undefined{Name: "x", Hint: "no x"}.Message(): "no x",
		Unknown{}.String():                           "(known after apply)",
		Unknown{After: "t"}.String():                 `(known after "t")`,
	} {
		if got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestPending(t *testing.T) {
	ctx, cancel := context.WithCancelCause(context.Background())
	p := NewPending()
	stopped := errors.New("stopped")
	cancel(stopped)
	if _, err := p.Wait(ctx); !errors.Is(err, stopped) {
		t.Errorf("a wait that was ended gives %v", err)
	}
	p.Resolve("x", nil)
	if v, err := p.Wait(ctx); v != "x" || err != nil {
		t.Errorf("got %v, %v", v, err)
	}
}

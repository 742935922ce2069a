package state

import (
	"testing"
)

func TestValue(t *testing.T) {
	for _, c := range []struct {
		name                string
		v                   Value[int]
		set, known, unknown bool
		text                string
	}{
		{"not asked for", Value[int]{}, false, false, false, "-"},
		{"known", Is(3), true, true, false, "3"},
		{"the zero is known", Is(0), true, true, false, "0"},
		{"unknown", Unknown[int]("make it"), true, false, true, `(known after "make it")`},
		{"unknown, nobody said why", Unknown[int](""), true, false, true, "(known after apply)"},
		{"asked", Ask[int](), true, false, true, "(known after apply)"},
		{"secret", Is(3).Secret(), true, true, false, "(secret)"},
	} {
		if c.v.IsSet() != c.set || c.v.IsKnown() != c.known || c.v.IsUnknown() != c.unknown || c.v.String() != c.text {
			t.Errorf("%s: set %t, known %t, unknown %t, %q", c.name, c.v.IsSet(), c.v.IsKnown(), c.v.IsUnknown(), c.v)
		}
		if n := c.v.Or(9); c.known && n == 9 || !c.known && n != 9 {
			t.Errorf("%s: Or gives %d", c.name, n)
		}
	}
}

func TestMapKeepsMarks(t *testing.T) {
	double := func(n int) string { return string(rune('a' + n)) }
	if v := Map(Is(1).Secret(), double); v.Or("") != "b" || !v.IsSecret() {
		t.Errorf("got %+v", v)
	}
	if v := Map(Unknown[int]("t"), double); !v.IsUnknown() || v.After() != "t" {
		t.Errorf("got %+v", v)
	}
	if v := Map(Value[int]{}, double); v.IsSet() {
		t.Errorf("got %+v", v)
	}
}

func TestSatisfaction(t *testing.T) {
	for _, c := range []struct {
		want, have Version
		ok         bool
	}{
		{"1.2*", "1.2.3", true},
		{"1.2*", "1.3", false},
		{"1.2", "1.2", true},
		{"1.2", "1.2-1", true},
		{"1.2", "1.20", false},
		{"=1.2", "1.2", true},
		{"=1.2", "1.3", false},
		{"*", "7", true},
	} {
		if got := Is(c.want).satisfiedBy(Is(c.have)); got != c.ok {
			t.Errorf("%q is satisfied by %q: %t", c.want, c.have, got)
		}
	}
	if Is("1").satisfiedBy(Is(1)) {
		t.Error("a string satisfied a number")
	}
}

func TestCommandLine(t *testing.T) {
	for _, c := range []struct {
		c    Command
		want string
	}{
		{Command{Argv: []string{"echo $HOME | x"}, Shell: true}, "echo $HOME | x"},
		{Command{Argv: []string{"ls"}}, "ls"},
		{Command{Argv: []string{"echo", "a b", "", "it's"}}, `echo 'a b' '' 'it'"'"'s'`},
		{Command{Argv: []string{"x"}, Title: "a script"}, "a script"},
	} {
		if got := c.c.Line(); got != c.want {
			t.Errorf("got %s, want %s", got, c.want)
		}
	}
	if k := (Command{Argv: []string{"mysql", "-psecret"}, Secret: true}).EventKey().String(); k != "command (secret)" {
		t.Errorf("a secret command is shown as %q", k)
	}
}

func TestContent(t *testing.T) {
	for _, c := range []struct {
		c      Content
		atHand bool
		text   string
	}{
		{Bytes(nil), true, "sha256:e3b0c44298fc"},
		{Text("x"), true, "sha256:2d711642b726"},
		{Content{Sum: "abc", Size: 5}, false, "sha256:abc"},
		{Content{Size: -1, From: "url:http://x"}, false, "sha256:"},
	} {
		if c.c.AtHand() != c.atHand || c.c.String() != c.text {
			t.Errorf("%+v: at hand %t, %q", c.c, c.c.AtHand(), c.c)
		}
	}
	if !Text("x").Equal(Content{Sum: Text("x").Sum}) || Text("x").Equal(Text("y")) {
		t.Error("contents are not compared by their hash")
	}
}

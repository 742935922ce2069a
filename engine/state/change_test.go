package state

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
)

func deltas(ds []Delta) string {
	var ls []string
	for _, d := range ds {
		l := d.Field + " " + d.From + " -> " + d.To
		for mark, set := range map[string]bool{" unknown": d.Unknown, " maybe": d.Maybe, " secret": d.Secret} {
			if set {
				l += mark
			}
		}
		ls = append(ls, l)
	}
	return strings.Join(ls, "; ")
}

var here = File{
	Path: "/a", Type: Is(Regular), Content: Is(Text("old")), Owner: Is("root"), Group: Is("adm"), Mode: Is(Mode(0o640)), Lock: "shadow",
}

func TestDiff(t *testing.T) {
	for _, c := range []struct {
		name string
		c    Change
		want string
	}{
		{"nothing asked", Change{From: here, To: File{Path: "/a"}}, ""},
		{"as it is", Change{From: here, To: here}, ""},
		{"mode", Change{From: here, To: File{Mode: Is(Mode(0o600))}}, "Mode 0640 -> 0600"},
		{"content by hash", Change{From: here, To: File{Content: Is(Content{Sum: Text("old").Sum, Size: 3})}}, ""},
		{"two, in the order of fields", Change{From: here, To: File{Mode: Is(Mode(1)), Owner: Is("bob")}}, "Owner root -> bob; Mode 0640 -> 0001"},
		{"wanted is unknown", Change{From: here, To: File{Owner: Unknown[string]("make bob")}}, `Owner root -> (known after "make bob") unknown`},
		{"had is unknown", Change{From: File{Owner: Unknown[string]("x")}, To: File{Owner: Is("bob")}}, `Owner (known after "x") -> bob maybe`},
		{"had is not there", Change{From: File{Type: Is(Absent)}, To: File{Owner: Is("bob")}}, "Owner - -> bob"},
		{"secret", Change{From: User{Password: Is("a").Secret()}, To: User{Password: Is("b").Secret()}}, "Password (secret) -> (secret) secret"},
		{"version as a pattern", Change{From: Package{Version: Is(Version("1.22.3-1"))}, To: Package{Version: Is(Version("1.22*"))}}, ""},
		{"version without release", Change{From: Package{Version: Is(Version("1.22-1.el7"))}, To: Package{Version: Is(Version("1.22"))}}, ""},
		{"another version", Change{From: Package{Version: Is(Version("1.3-1"))}, To: Package{Version: Is(Version("1.2*"))}}, "Version 1.3-1 -> 1.2*"},
		{"nil and empty list", Change{From: User{Groups: Is([]string(nil))}, To: User{Groups: Is([]string{})}}, ""},
		{"how is no what", Change{From: File{}, To: File{Backup: true, Recurse: true}}, ""},
	} {
		if got := deltas(c.c.Diff()); got != c.want {
			t.Errorf("%s: got %q, want %q", c.name, got, c.want)
		}
		if c.c.Needed() != (c.want != "") {
			t.Errorf("%s: Needed is %t", c.name, c.c.Needed())
		}
	}
}

func TestMerge(t *testing.T) {
	for _, c := range []struct {
		name       string
		have, want State
		after      State
	}{
		{
			"one field", here,
			File{Path: "/a", Mode: Is(Mode(0o600))},
			File{Path: "/a", Type: Is(Regular), Content: Is(Text("old")), Owner: Is("root"), Group: Is("adm"), Mode: Is(Mode(0o600))},
		},
		{
			"created: what is left open is unknown",
			File{Type: Is(Absent)},
			File{Type: Is(Regular), Mode: Is(Mode(1))},
			File{
				Type: Is(Regular), Mode: Is(Mode(1)), Content: Unknown[Content]("t"), Target: Unknown[string]("t"), Owner: Unknown[string]("t"),
				Group: Unknown[string]("t"), MTime: Unknown[int64]("t"),
			},
		},
		{"removed: nothing is left", here, File{Type: Is(Absent), Recurse: true}, File{Type: Is(Absent), Recurse: true}},
		{
			"another type: as if created",
			File{Type: Is(Link), Target: Is("x"), Owner: Is("bob")},
			File{Type: Is(Directory), Mode: Is(Mode(0o755)), Owner: Is("ann"), Group: Is("g")},
			File{Type: Is(Directory), Content: Unknown[Content]("t"), Target: Unknown[string]("t"), Owner: Is("ann"), Group: Is("g"), Mode: Is(Mode(0o755)), MTime: Unknown[int64]("t")},
		},
		{
			"a pattern that holds gives what is there",
			Package{Present: Is(true), Version: Is(Version("1.2-3"))},
			Package{Version: Is(Version("1.2*"))},
			Package{Present: Is(true), Version: Is(Version("1.2-3"))},
		},
		{"a user removed", User{Name: "b", Present: Is(true), UID: Is(int64(7))}, User{Name: "b", Present: Is(false), Remove: true}, User{Name: "b", Present: Is(false), Remove: true}},
		{
			"not known whether it is there",
			File{Type: Unknown[string]("p"), Owner: Unknown[string]("p")},
			File{Type: Is(Regular)},
			File{Type: Is(Regular), Owner: Unknown[string]("p")},
		},
	} {
		if got := Merge(c.have, c.want, "t"); !reflect.DeepEqual(got, c.after) {
			t.Errorf("%s:\ngot  %+v\nwant %+v", c.name, got, c.after)
		}
	}
}

func TestMayBe(t *testing.T) {
	got := MayBe(here, File{Path: "/a", Type: Is(Regular), Owner: Is("bob"), Mode: Is(Mode(0o640)), MTime: Unknown[int64]("x")}, "t").(File)
	want := File{Path: "/a", Type: Is(Regular), Owner: Unknown[string]("t"), Mode: Is(Mode(0o640)), MTime: Unknown[int64]("t")}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestUndo(t *testing.T) {
	absent := File{Path: "/a", Type: Is(Absent)}
	link := File{Path: "/a", Type: Is(Link), Target: Is("x"), Owner: Is("bob"), Group: Is("g"), Mode: Is(Mode(0o777))}
	bob := User{Name: "bob", Present: Is(true), UID: Is(int64(7)), Home: Is("/home/bob")}
	for _, c := range []struct {
		name string
		c    Change
		to   State
	}{
		{"only what was touched", Change{From: here, To: File{Path: "/a", Mode: Is(Mode(0o600)), Owner: Is("root")}}, File{Path: "/a", Mode: Is(Mode(0o640)), Lock: "shadow"}},
		{"made", Change{From: absent, To: here}, absent},
		{"removed: all of it comes back", Change{From: here, To: absent}, here},
		{"of another type: all of it comes back", Change{From: link, To: here}, link},
		{"a user removed", Change{From: bob, To: User{Name: "bob", Present: Is(false)}}, bob},
		{"a user made", Change{From: User{Name: "bob", Present: Is(false)}, To: bob}, User{Name: "bob", Present: Is(false)}},
	} {
		u := c.c.Undo()
		if !reflect.DeepEqual(u.To, c.to) {
			t.Errorf("%s: got %+v, want %+v", c.name, u.To, c.to)
		}
		if left := Disagreement(Merge(u.From, u.To, ""), c.c.From); len(left) > 0 {
			t.Errorf("%s: what undo leaves is not what was there: %+v", c.name, left)
		}
	}
}

func TestUndoTurnsWithRound(t *testing.T) {
	c := Change{From: File{Path: "/d", Type: Is(Absent)}, To: File{Path: "/d", Type: Is(Directory)}, With: []Change{
		{From: File{Path: "/d/1", Type: Is(Absent)}, To: File{Path: "/d/1", Type: Is(Regular)}},
		{From: File{Path: "/d/2", Type: Is(Absent)}, To: File{Path: "/d/2", Type: Is(Regular)}},
	}}
	u := c.Undo()
	if u.With[0].To.Key().Name != "/d/2" || u.With[1].To.Key().Name != "/d/1" {
		t.Errorf("undone in the order %s, %s", u.With[0].To.Key(), u.With[1].To.Key())
	}
}

func TestDisagreement(t *testing.T) {
	for _, c := range []struct {
		name      string
		plan, got State
		want      string
	}{
		{"agrees", File{Mode: Is(Mode(1))}, here.with(Mode(1)), ""},
		{"does not", File{Mode: Is(Mode(1))}, here, "Mode 0640 -> 0001"},
		{"unknown is excused", File{Mode: Unknown[Mode]("t")}, here, ""},
		{"not there", File{Mode: Is(Mode(1))}, File{Type: Is(Absent)}, "Mode - -> 0001"},
		{"nobody can tell", File{Mode: Is(Mode(1))}, File{Mode: Unknown[Mode]("t")}, ""},
		{"one unknown field excuses no other", File{Mode: Is(Mode(1)), Owner: Unknown[string]("")}, here, "Mode 0640 -> 0001"},
	} {
		if got := deltas(Disagreement(c.plan, c.got)); got != c.want {
			t.Errorf("%s: got %q, want %q", c.name, got, c.want)
		}
	}
}

func (s File) with(m Mode) File { s.Mode = Is(m); return s }

func TestLayAndRestrict(t *testing.T) {
	got := Lay(here, File{Path: "/b", Mode: Is(Mode(1)), Owner: Unknown[string]("t")})
	want := File{Path: "/b", Type: Is(Regular), Content: Is(Text("old")), Owner: Unknown[string]("t"), Group: Is("adm"), Mode: Is(Mode(1))}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("Lay gives %+v, want %+v", got, want)
	}
	mask := File{Mode: Is(Mode(7))}
	if got, want := (Change{From: mask, To: here}).Restrict(), (File{Path: "/a", Mode: Is(Mode(0o640)), Lock: "shadow"}); !reflect.DeepEqual(got, want) {
		t.Errorf("Restrict gives %+v, want %+v", got, want)
	}
}

func TestPresentAndObscure(t *testing.T) {
	for _, c := range []struct {
		s              State
		present, known bool
	}{
		{here, true, true},
		{File{Type: Is(Absent)}, false, true},
		{File{}, true, false},
		{User{Present: Is(false)}, false, true},
		{Unit{Present: Unknown[bool]("t")}, false, false},
		{Tool{}, false, false},
	} {
		p, k := Present(c.s)
		if k != c.known || k && p != c.present {
			t.Errorf("%+v: present %t, known %t", c.s, p, k)
		}
	}
	o := Obscure(User{Name: "bob", Password: Is("x").Secret()}, "t").(User)
	if o.Name != "bob" || !o.UID.IsUnknown() || !o.Password.IsUnknown() || !o.Password.IsSecret() || o.Home.After() != "t" || !AnyUnknown(o) {
		t.Errorf("Obscure gives %+v", o)
	}
}

func TestSecretsStayOutOfText(t *testing.T) {
	u := User{Name: "bob", Password: Is("$6$hash").Secret()}
	c := Change{From: User{Name: "bob", Password: Is("$6$old").Secret()}, To: u}
	if text := deltas(c.Diff()) + u.Password.String(); strings.Contains(text, "$6$") {
		t.Errorf("a secret is shown: %s", text)
	}
	b, err := json.Marshal(c.Diff())
	if err != nil || strings.Contains(string(b), "$6$") {
		t.Errorf("a secret is shown: %s (%v)", b, err)
	}
}

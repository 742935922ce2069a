package state

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
)

func through[T any](t *testing.T, v T) T {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatalf("%+v: %v", v, err)
	}
	var back T
	if err := json.Unmarshal(text, &back); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return back
}

func TestStatesTravel(t *testing.T) {
	for _, s := range []State{
		here,
		File{Path: "/x"},
		File{Path: "/x", Content: Ask[Content](), MTime: Unknown[int64]("a task")},
		User{Name: "bob", Groups: Is([]string{}), Password: Is("").Secret(), Expires: Is(int64(-1))},
		User{Name: "bob", Groups: Is([]string(nil))},
		Group{Name: "g", GID: Is(int64(0))},
		Package{Name: "p", Version: Is(Version("1*")), Latest: true},
		Unit{Name: "u", Scope: UserScope, User: "bob", Active: Is(false)},
		Stat{Path: "/", Info: Is(map[string]any{"exists": true, "size": int64(9), "mtime": 1.5, "list": []any{int64(1)}})},
		Walk{Path: "/", Entries: Is([]Entry{{Path: "/a", Mode: 0o7777, MTime: 1 << 60}})},
		SubIDs{User: "b", Ranges: Is([]SubRange{{100000, 65536}})},
		HTTP{Request: HTTPRequest{URL: "http://x", Body: []byte{0, 255}}},
		System{OSRelease: Is(map[string]string{"ID": "debian"}), Umask: Is(Mode(0))},
		Archive{Source: Content{From: "path:/a"}, Entries: Is([]ArchiveEntry{{Name: "a", Content: Text("x")}})},
	} {
		back := through(t, Box{s}).State
		if !reflect.DeepEqual(normal(back), normal(s)) {
			t.Errorf("%+v came back as %+v", s, back)
		}
		if len((Change{From: back, To: s}).Diff()) != len((Change{From: s, To: s}).Diff()) {
			t.Errorf("%+v came back different", s)
		}
	}
	if through(t, Box{}).State != nil {
		t.Error("no state came back as one")
	}
}

// normal makes nil and empty lists one, as JSON does.
func normal(s State) string {
	b, _ := json.Marshal(s)
	return strings.ReplaceAll(string(b), `{"v":[]}`, `{}`)
}

func TestChangesAndEventsTravel(t *testing.T) {
	c := Change{From: File{Path: "/a", Type: Is(Absent)}, To: here, With: []Change{{From: User{Name: "u"}, To: User{Name: "u", Present: Is(true)}}}}
	if back := through(t, c); !reflect.DeepEqual(back, c) {
		t.Errorf("%+v came back as %+v", c, back)
	}
	in := "text"
	for _, e := range []Event{
		Command{Argv: []string{"a b", "c"}, Stdin: &in, Env: map[string]string{"A": "1"}, Script: []byte("#!")},
		UnitAction{Unit: Unit{Name: "u"}, Action: Restart},
		DaemonReload{Scope: UserScope, User: "b"},
		Refresh{Reason: "r"},
		HTTPRequest{URL: "http://x"},
	} {
		if back := through(t, EventBox{e}).Event; !reflect.DeepEqual(back, e) {
			t.Errorf("%+v came back as %+v", e, back)
		}
	}
	o := Outcome{Failed: true, Fields: map[string]any{"rc": int64(3), "delta": 0.5, "list": []any{int64(1), "x"}, "big": float64(1 << 60)}}
	if back := through(t, o); !reflect.DeepEqual(back, o) {
		t.Errorf("%#v came back as %#v", o, back)
	}
}

func TestWireRefuses(t *testing.T) {
	for text, want := range map[string]string{
		`{"t":"Nonsense","s":{}}`:             "unknown kind",
		`{"t":"Command","s":{}}`:              "for a state",
		`{"t":"File","s":[]}`:                 "cannot decode a File",
		`[]`:                                  "cannot decode",
		`{"t":"File","s":{"Mode":{"v":"x"}}}`: "cannot decode a File",
	} {
		var b Box
		if err := json.Unmarshal([]byte(text), &b); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want %q in it", text, err, want)
		}
	}
	var e EventBox
	if err := json.Unmarshal([]byte(`{"t":"File","s":{}}`), &e); err == nil || !strings.Contains(err.Error(), "for an event") {
		t.Errorf("a state was taken for an event: %v", err)
	}
}

func FuzzBox(f *testing.F) {
	for _, s := range []State{here, User{Name: "b", Password: Is("x").Secret()}, Stat{Info: Unknown[map[string]any]("t")}} {
		b, err := json.Marshal(Box{s})
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		var b Box
		if json.Unmarshal(text, &b) != nil || b.State == nil {
			return
		}
		once, err := json.Marshal(b)
		if err != nil {
			t.Fatal(err)
		}
		if again := through(t, b); normal(again.State) != normal(b.State) {
			t.Errorf("%s is not the same twice", once)
		}
	})
}

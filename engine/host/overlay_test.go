package host

import (
	"context"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"rp/engine/state"
	"rp/engine/value"
)

// predict notes a change as if it had been planned: the tools of these kinds need not be here.
func predict(t *testing.T, v *View, from, to state.State) {
	t.Helper()
	if err := v.Write(context.Background(), state.Change{From: from, To: to}); err != nil {
		t.Fatal(err)
	}
}

func install(t *testing.T, m *Memory, base Reader) {
	t.Helper()
	predict(t, m.View(base, "install it", false), state.Package{Name: "p", Present: state.Is(false)}, state.Package{Name: "p", Present: state.Is(true)})
}

func upgrade(t *testing.T, m *Memory, base Reader) {
	t.Helper()
	predict(t, m.View(base, "upgrade it", false), state.Package{Name: "p", Present: state.Is(true)}, state.Package{Name: "p", Version: state.Is(state.Version("2"))})
}

func command(t *testing.T, m *Memory, base Reader) {
	t.Helper()
	do1v(t, m.View(base, "run it", false), sh("x"))
}

func nothing(*testing.T, *Memory, Reader) {}

// What cannot be told is unknown after what may bring, change or take it, and nothing else is.
func TestDoubts(t *testing.T) {
	base := fakeRoot(t, map[string]string{
		"/etc/passwd": "root:x:0:0::/root:/bin/sh\n", "/etc/group": "root:x:0:\n", "/etc/there": "x", "/usr/bin/there": "x", "/usr/local/bin/there": "x", "/home/bob/there": "x",
	})
	file := func(p string) state.File { return state.File{Path: p, Content: state.Ask[state.Content]()} }
	for _, c := range []struct {
		name string
		does func(*testing.T, *Memory, Reader)
		ask  state.State
		task string // that the answer waits for; "" where it is known
	}{
		{"a file that may come with a package", install, file("/etc/new.conf"), "install it"},
		{"not below a home", install, file("/home/bob/.conf"), ""},
		{"nor in a temporary directory", install, file("/var/tmp/x"), ""},
		{"a file that is there", install, file("/etc/there"), ""},
		{"a program of another package", install, file("/usr/bin/there"), ""},
		{"a program of a package that is changed", upgrade, file("/usr/bin/there"), "upgrade it"},
		{"a program of nobody's", upgrade, file("/usr/local/bin/there"), ""},
		{"a file in a home", upgrade, file("/home/bob/there"), ""},
		{"a file after a command", command, file("/etc/new.conf"), ""},
		{"a tool that may come with a package", install, state.Tool{Name: "no-such-tool"}, "install it"},
		{"a tool that is there", install, state.Tool{Name: "sh"}, ""},
		{"a tool whose package may go", upgrade, state.Tool{Name: "sh"}, "upgrade it"},
		{"a tool that may come with a command", command, state.Tool{Name: "no-such-tool"}, "run it"},
		{"a user that may come with a package", install, state.User{Name: "daemon-user"}, "install it"},
		{"a user that is there", install, state.User{Name: "root"}, ""},
		{"a user after a command", command, state.User{Name: "daemon-user"}, ""},
		{"a group that may come with a package", install, state.Group{Name: "docker"}, "install it"},
		{"a list of files", install, state.Walk{Path: "/etc"}, "install it"},
		{"a list of files in a home", install, state.Walk{Path: "/home/bob"}, ""},
		{"what stat says", install, state.Stat{Path: "/etc/new.conf"}, "install it"},
		{"another command", command, state.Guard{Command: sh("true")}, "run it"},
		{"a port", install, state.Port{Port: 1}, "install it"},
		{"a port, when nothing is predicted", nothing, state.Port{Port: 1}, ""},
		{"what the machine is", install, state.System{}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			m, base := NewMemory(), base
			if _, tool := c.ask.(state.Tool); tool {
				base = NewLinux(Options{}) // tools are found by PATH, not below a test's root
			}
			c.does(t, m, base)
			got, err := m.View(base, "look", false).Read(context.Background(), c.ask)
			if err != nil {
				t.Fatal(err)
			}
			if after := waitsFor(got[0]); after != c.task {
				t.Errorf("waits for %q, want %q: %+v", after, c.task, got[0])
			}
		})
	}
}

// waitsFor is the task that the main field of s waits for.
func waitsFor(s state.State) string {
	switch s := s.(type) {
	case state.File:
		return s.Type.After()
	case state.Tool:
		return s.Path.After()
	case state.User:
		return s.Present.After()
	case state.Group:
		return s.Present.After()
	case state.Walk:
		return s.Entries.After()
	case state.Stat:
		return s.Info.After()
	case state.Guard:
		return s.RC.After()
	case state.Port:
		return s.Open.After()
	case state.System:
		return s.OSRelease.After()
	}
	return "?"
}

// What was predicted after a package was installed is known again.
func TestLaterPredictionsAreKnown(t *testing.T) {
	base := fakeRoot(t, map[string]string{"/etc/x": ""})
	m := NewMemory()
	install(t, m, base)
	v := m.View(base, "configure it", false)
	if _, err := write1(v, state.File{Path: "/etc/new/conf", Content: state.Is(state.Text("a"))}); err != nil {
		t.Errorf("the directory may come with the package, and yet: %v", err)
	}
	got := read1(t, v, state.File{Path: "/etc/new/conf", Content: state.Ask[state.Content]()})
	if c, known := got.Content.Get(); !known || string(c.Data) != "a" || got.Type.Or("") != state.Regular {
		t.Errorf("got %+v", got)
	}
	predict(t, v, got, state.File{Path: "/etc/new/conf", Type: state.Is(state.Absent)})
	if got := read1(t, v, state.File{Path: "/etc/new/conf"}); got.Type.Or("") != state.Absent {
		t.Errorf("got %+v", got)
	}
	upgrade(t, m, base)
	if got := read1(t, v, state.File{Path: "/etc/new/conf"}); !got.Type.IsUnknown() {
		t.Errorf("a later package may bring it back: %+v", got)
	}
}

func TestOutcomesInADryRun(t *testing.T) {
	v := NewMemory().View(fakeRoot(t, nil), "t", false)
	for _, c := range []struct {
		e       state.Event
		unknown bool
	}{{sh("x"), true}, {state.HTTPRequest{URL: "http://x"}, true}} {
		if o := do1v(t, v, c.e); o.Unknown != c.unknown {
			t.Errorf("%T: %+v", c.e, o)
		}
	}
	if err := v.Write(context.Background(), state.Change{From: state.Tool{}, To: state.Tool{Name: "x"}}); err == nil || !strings.Contains(err.Error(), "only read") {
		t.Errorf("a probe was written: %v", err)
	}
}

// Names of owners follow the predicted accounts.
func TestPredictedOwners(t *testing.T) {
	base := fakeRoot(t, map[string]string{
		"/etc/passwd": "root:x:0:0::/root:/bin/sh\nann:x:1000:1000::/home/ann:/bin/sh\n", "/etc/group": "root:x:0:\nann:x:1000:\n", "/x": "",
	})
	file := state.File{Path: "/x", Type: state.Is(state.Regular), Owner: state.Is("root"), Group: state.Is("root"), Mode: state.Is(state.Mode(0o644))}
	bob := state.User{Name: "bob", Present: state.Is(true), UID: state.Is(int64(1234)), Group: state.Is("root"), Home: state.Is("/home/bob"), Shell: state.Is("/bin/sh"), Comment: state.Is("")}
	owned := func(by string) state.File { f := file; f.Owner = state.Is(by); return f }

	m := NewMemory()
	v := m.View(base, "t", false)
	predict(t, v, file, owned("1234"))
	if got := read1(t, v, state.File{Path: "/x"}); got.Owner.Or("") != "1234" {
		t.Errorf("before there is such a user: %s", got.Owner)
	}
	predict(t, v, state.User{Name: "bob", Present: state.Is(false)}, bob)
	if got := read1(t, v, state.File{Path: "/x"}); got.Owner.Or("") != "bob" {
		t.Errorf("the owner of a file is called %s", got.Owner)
	}
	if got := read1(t, v, state.File{Path: "/x", Owner: state.Is("1234")}); got.Owner.Or("") != "1234" {
		t.Errorf("asked for by number it is %s", got.Owner)
	}
	info, _ := read1(t, v, state.Stat{Path: "/x"}).Info.Get()
	if info["pw_name"] != "bob" || info["uid"] != int64(1234) {
		t.Errorf("stat says %v, %v", info["pw_name"], info["uid"])
	}
	predict(t, v, file, owned("ann"))
	predict(t, v, state.User{Name: "ann", Present: state.Is(true)}, state.User{Name: "ann", Present: state.Is(false)})
	if got := read1(t, v, state.File{Path: "/x"}); got.Owner.Or("") != "1000" {
		t.Errorf("after its owner went a file is owned by %s", got.Owner)
	}

	// a user whose number is not known yet
	m = NewMemory()
	v = m.View(base, "make carl", false)
	carl := bob
	carl.Name, carl.UID = "carl", state.Unknown[int64]("make carl")
	predict(t, v, state.User{Name: "carl", Present: state.Is(false)}, carl)
	predict(t, v, file, owned("carl"))
	if got := read1(t, v, state.File{Path: "/x"}); got.Owner.Or("") != "carl" {
		t.Errorf("the owner is %s", got.Owner)
	}
	info, _ = read1(t, v, state.Stat{Path: "/x"}).Info.Get()
	if _, unsure := info["uid"].(value.Unknown); !unsure || info["pw_name"] != "carl" {
		t.Errorf("stat says %v, %v", info["pw_name"], info["uid"])
	}
}

// A predicted archive is listed from where its bytes will come from.
func TestPredictedArchive(t *testing.T) {
	dir := t.TempDir()
	l := NewLinux(Options{Scratch: filepath.Join(dir, "scratch")})
	src := filepath.Join(dir, "src.tgz")
	put(t, src, string(tarOf(t, someMembers, gz)), 0o644)
	c, _ := read1(t, l, state.File{Path: src, Content: state.Ask[state.Content]()}).Content.Get()
	v := NewMemory().View(l, "download", false)
	to := filepath.Join(dir, "a.tgz")
	if _, err := write1(v, state.File{Path: to, Content: state.Is(state.Content{Sum: c.Sum, Size: c.Size, From: "path:" + src})}); err != nil {
		t.Fatal(err)
	}
	a := read1(t, v, state.Archive{Source: state.Content{From: "path:" + to}})
	es, known := a.Entries.Get()
	if !known || len(es) != 6 || a.Format.Or("") != "tar" {
		t.Fatalf("got %+v", a)
	}
	i := slices.IndexFunc(es, func(e state.ArchiveEntry) bool { return e.Name == "docker/dockerd" })
	out := filepath.Join(dir, "dockerd")
	big := es[i].Content
	big.Data = nil
	if _, err := write1(v, state.File{Path: out, Content: state.Is(big)}); err != nil {
		t.Fatal(err)
	}
	if f := read1(t, v, state.File{Path: out, Content: state.Is(es[i].Content)}); !f.Content.Or(state.Content{}).Equal(es[i].Content) {
		t.Errorf("got %+v", f)
	}
	if a := read1(t, v, state.Archive{Source: state.Content{From: "path:" + filepath.Join(dir, "not-yet.tgz")}}); !a.Entries.IsUnknown() {
		t.Errorf("an archive that may come is %+v", a)
	}
}

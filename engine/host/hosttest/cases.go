package hosttest

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"rp/engine/state"
)

// a, b and so on make wants below a directory.

func file(dir, name string, fs ...func(*state.File)) state.File {
	f := state.File{Path: filepath.Join(dir, name)}
	for _, fn := range fs {
		fn(&f)
	}
	return f
}

func typ(t string) func(*state.File) { return func(f *state.File) { f.Type = state.Is(t) } }

func text(s string) func(*state.File) {
	return func(f *state.File) { f.Content = state.Is(state.Text(s)) }
}

func mode(m state.Mode) func(*state.File) { return func(f *state.File) { f.Mode = state.Is(m) } }

func to(t string) func(*state.File) { return func(f *state.File) { f.Target = state.Is(t) } }

func recurse(f *state.File) { f.Recurse = true }

func inPlace(f *state.File) { f.InPlace = true }

func at(ns int64) func(*state.File) { return func(f *state.File) { f.MTime = state.Is(ns) } }

func copyOf(path, content string) func(*state.File) {
	c := state.Text(content)
	return func(f *state.File) {
		f.Content = state.Is(state.Content{Sum: c.Sum, Size: c.Size, From: "path:" + path})
	}
}

func mkdir(t *testing.T, path string, m os.FileMode) {
	t.Helper()
	if err := os.MkdirAll(path, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, m); err != nil {
		t.Fatal(err)
	}
}

func symlink(t *testing.T, target, path string) {
	t.Helper()
	if err := os.Symlink(target, path); err != nil {
		t.Fatal(err)
	}
}

// tree prepares a little of everything: a file, a program, a directory with a file and a
// directory in it, and links to a file, a directory and nothing.
func tree(t *testing.T, dir string) {
	t.Helper()
	WriteFile(t, filepath.Join(dir, "old"), "old\n", 0o640)
	WriteFile(t, filepath.Join(dir, "program"), "#!/bin/sh\n", 0o755)
	mkdir(t, filepath.Join(dir, "d"), 0o750)
	WriteFile(t, filepath.Join(dir, "d", "x"), "x\n", 0o600)
	mkdir(t, filepath.Join(dir, "d", "sub"), 0o755)
	WriteFile(t, filepath.Join(dir, "d", "sub", "y"), "y\n", 0o644)
	symlink(t, "old", filepath.Join(dir, "lf"))
	symlink(t, filepath.Join(dir, "d"), filepath.Join(dir, "ld"))
	symlink(t, "nowhere", filepath.Join(dir, "dangling"))
}

func wants(fs ...func(dir string) state.File) func(dir string) []state.State {
	return func(dir string) []state.State {
		ss := make([]state.State, len(fs))
		for i, f := range fs {
			ss[i] = f(dir)
		}
		return ss
	}
}

func w(name string, fs ...func(*state.File)) func(dir string) state.File {
	return func(dir string) state.File { return file(dir, name, fs...) }
}

var large = strings.Repeat("0123456789abcde\n", 20_000)

// Cases are the chains of wants that every Host passes. All work on the tree
// that they are prepared with.
func Cases() []Case {
	cs := append(append(makingCases(), changingCases()...), chainCases()...)
	for i := range cs {
		if cs[i].Prepare == nil {
			cs[i].Prepare = tree
		}
	}
	return cs
}

// The accounts that [SystemCases] make.
const (
	testUser  = "rp-test-u"
	testGroup = "rp-test-g"
)

// SystemCases are chains of wants that make and remove accounts.
func SystemCases() []Case {
	group := state.Group{Name: testGroup, Present: state.Is(true)}
	user := state.User{Name: testUser, Present: state.Is(true), Shell: state.Is("/bin/sh"), CreateHome: true}
	gone := func(s state.State) state.State {
		switch s := s.(type) {
		case state.Group:
			return state.Group{Name: s.Name, Present: state.Is(false)}
		case state.User:
			return state.User{Name: s.Name, Present: state.Is(false), Remove: true}
		}
		return s
	}
	fixed := func(ss ...state.State) func(string) []state.State {
		return func(string) []state.State { return ss }
	}
	member := state.User{Name: user.Name, Groups: state.Is([]string{group.Name})}
	return []Case{
		{Name: "make group", Wants: fixed(group)},
		{Name: "make group with number", Wants: fixed(state.Group{Name: group.Name, Present: state.Is(true), GID: state.Is(int64(54321))})},
		{Name: "make user", Wants: fixed(user)},
		{Name: "make user and group, join them", Wants: fixed(group, user, member)},
		{Name: "make user, own a file", Wants: func(dir string) []state.State {
			return []state.State{user, file(dir, "f", text("hers\n"), func(f *state.File) { f.Owner = state.Is(user.Name) })}
		}},
		{Name: "make and remove user", Wants: fixed(user, gone(user))},
		{Name: "make and remove group", Wants: fixed(group, gone(group))},
	}
}

func makingCases() []Case {
	return []Case{
		{Name: "make empty file", Wants: wants(w("new", typ(state.Regular)))},
		{Name: "make file", Wants: wants(w("new", typ(state.Regular), text("hello\n"), mode(0o644)))},
		{Name: "content means file", Wants: wants(w("new", text("hello\n")))},
		{Name: "make set-uid file", Wants: wants(w("new", text("x"), mode(0o4755)))},
		{Name: "make large file", Wants: wants(w("new", text(large)))},
		{Name: "copy of a file", Wants: func(dir string) []state.State {
			return []state.State{file(dir, "new", copyOf(filepath.Join(dir, "old"), "old\n"))}
		}},
		{Name: "copy of other content", Late: true, Err: "should have", Wants: func(dir string) []state.State {
			return []state.State{file(dir, "new", copyOf(filepath.Join(dir, "old"), "other"))}
		}},
		{Name: "make directory", Wants: wants(w("new", typ(state.Directory), mode(0o711)))},
		{Name: "make directory in set-gid directory", Wants: wants(w("new", typ(state.Directory))), Prepare: func(t *testing.T, dir string) {
			mkdir(t, dir, 0o755|os.ModeSetgid)
		}},
		{Name: "make link", Wants: wants(w("new", typ(state.Link), to("old")))},
		{Name: "make dangling link", Wants: wants(w("new", typ(state.Link), to("/nowhere/at/all")))},
		{Name: "make fifo", Wants: wants(w("new", typ(state.Fifo), mode(0o600)))},
		{Name: "no parent", Err: "does not exist", Wants: wants(w("none/new", typ(state.Regular)))},
		{Name: "parent is a file", Err: "is not a directory", Wants: wants(w("old/new", typ(state.Regular)))},
		{Name: "parent is a dangling link", Err: "does not exist", Wants: wants(w("dangling/new", typ(state.Regular)))},
		{Name: "below a link", Wants: wants(w("ld/new", text("through\n")))},
	}
}

func changingCases() []Case {
	return []Case{
		{Name: "replace content", Wants: wants(w("old", text("new\n")))},
		{Name: "replace content in place", Wants: wants(w("old", text("new\n"), inPlace))},
		{Name: "replace content and mode", Wants: wants(w("old", text("new\n"), mode(0o600)))},
		{Name: "replace content of a program", Wants: wants(w("program", text("#!/bin/true\n")))},
		{Name: "change mode", Wants: wants(w("old", mode(0o604)))},
		{Name: "change mode of directory", Wants: wants(w("d", mode(0o2755)))},
		{Name: "change time", Wants: wants(w("old", at(1_600_000_000_123_456_789)))},
		{Name: "change target", Wants: wants(w("lf", typ(state.Link), to("program")))},
		{Name: "remove file", Wants: wants(w("old", typ(state.Absent)))},
		{Name: "remove link", Wants: wants(w("ld", typ(state.Absent)))},
		{Name: "remove full directory", Err: "not empty", Wants: wants(w("d", typ(state.Absent)))},
		{Name: "remove tree", Once: true, Wants: wants(w("d", typ(state.Absent), recurse))},
		{Name: "file becomes link", Wants: wants(w("old", typ(state.Link), to("program")))},
		{Name: "link becomes file", Wants: wants(w("lf", typ(state.Regular), text("now a file\n")))},
		{Name: "link becomes directory", Wants: wants(w("ld", typ(state.Directory)))},
		{Name: "file becomes directory", Wants: wants(w("old", typ(state.Directory)))},
		{Name: "full directory becomes file", Err: "not empty", Wants: wants(w("d", typ(state.Regular), text("x")))},
		{Name: "tree becomes file", Once: true, Wants: wants(w("d", typ(state.Regular), text("x"), recurse))},
		{Name: "mode of nothing", Err: "no such file", Wants: wants(w("none", mode(0o644)))},
		{Name: "mode of a link", Err: "symbolic link", Wants: wants(w("lf", mode(0o600)))},
	}
}

func chainCases() []Case {
	return []Case{
		{Name: "directory, file in it, its mode", Wants: wants(
			w("n", typ(state.Directory)), w("n/f", text("1\n")), w("n/f", mode(0o400)), w("n/f", text("2\n")))},
		{Name: "removed and made again", Once: true, Wants: wants(
			w("d", typ(state.Absent), recurse), w("d", typ(state.Directory), mode(0o700)), w("d/z", text("z")))},
		{Name: "file removed and made again", Wants: wants(
			w("old", typ(state.Absent)), w("old", typ(state.Regular), text("again\n")))},
		{Name: "link, then below it", Wants: wants(
			w("link", typ(state.Link), to("d")), w("link/new", text("through a new link\n")), w("d/new", mode(0o600)))},
		{Name: "link turned elsewhere", Wants: wants(
			w("e", typ(state.Directory)), w("ld", typ(state.Link), to("e")), w("ld/new", text("in e\n")))},
		{Name: "made and removed", Wants: wants(
			w("n", typ(state.Directory)), w("n/f", text("1\n")), w("n", typ(state.Absent), recurse)), Once: true},
		{Name: "below what was removed", Err: "does not exist", Once: true, Wants: wants(
			w("empty", typ(state.Directory)), w("empty", typ(state.Absent)), w("empty/f", text("x")))},
		{Name: "emptied and removed", Wants: wants(
			w("d/sub/y", typ(state.Absent)), w("d/sub", typ(state.Absent)))},
		{Name: "filled and then not to be removed", Err: "not empty", Wants: wants(
			w("n", typ(state.Directory)), w("n/f", text("1\n")), w("n", typ(state.Absent)))},
	}
}

//go:build linux

package host

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"rp/engine/state"
)

func TestReplacingKeepsWhatWasNotAskedFor(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "f")
	put(t, path, "old", 0o4750)
	for name, v := range map[string]string{"user.note": "kept", "user.empty": ""} {
		if err := unix.Setxattr(path, name, []byte(v), 0); err != nil {
			t.Skip("no extended attributes here:", err)
		}
	}
	if _, err := write1(NewLinux(Options{}), state.File{Path: path, Content: state.Is(state.Text("new"))}); err != nil {
		t.Fatal(err)
	}
	fi, err := os.Lstat(path)
	if err != nil || modeOf(fi.Mode()) != 0o4750 || text(t, path) != "new" {
		t.Errorf("mode %v, %q, %v", fi.Mode(), text(t, path), err)
	}
	buf := make([]byte, 10)
	if n, err := unix.Getxattr(path, "user.note", buf); err != nil || string(buf[:n]) != "kept" {
		t.Errorf("the attribute is %q, %v", buf[:max(n, 0)], err)
	}
	if _, err := unix.Getxattr(path, "user.empty", buf); err != nil {
		t.Errorf("the empty attribute: %v", err)
	}
	noStrays(t, dir)
}

func TestOwners(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can give files away")
	}
	dir := t.TempDir()
	path := filepath.Join(dir, "f")
	put(t, path, "old", 0o4755)
	l := NewLinux(Options{})
	for _, c := range []struct {
		want         state.File
		uid, gid     uint32
		owner, group string
		err          string
	}{
		{want: state.File{Owner: state.Is("daemon")}, uid: 1, gid: 0, owner: "daemon", group: "root"},
		{want: state.File{Owner: state.Is("54321"), Group: state.Is("12345")}, uid: 54321, gid: 12345, owner: "54321", group: "12345"},
		{want: state.File{Content: state.Is(state.Text("kept"))}, uid: 54321, gid: 12345, owner: "54321", group: "12345"},
		{want: state.File{Owner: state.Is("0"), Group: state.Is("root")}, uid: 0, gid: 0, owner: "0", group: "root"},
		{want: state.File{Owner: state.Is("who-is-it")}, err: `cannot set the owner of ` + path + `: there is no user "who-is-it"`},
		{want: state.File{Group: state.Is("who-is-it")}, err: `there is no group "who-is-it"`},
	} {
		c.want.Path = path
		if _, err := write1(l, c.want); c.err != "" {
			if err == nil || !strings.Contains(err.Error(), c.err) {
				t.Errorf("error %v, want %q", err, c.err)
			}
			continue
		} else if err != nil {
			t.Fatal(err)
		}
		fi, err := os.Lstat(path)
		if err != nil {
			t.Fatal(err)
		}
		st := fi.Sys().(*syscall.Stat_t)
		f := read1(t, l, c.want)
		if st.Uid != c.uid || st.Gid != c.gid || f.Owner.Or("") != c.owner || f.Group.Or("") != c.group || modeOf(fi.Mode()) != 0o4755 {
			t.Errorf("%+v: %d:%d, %s:%s, %s", c.want, st.Uid, st.Gid, f.Owner, f.Group, fi.Mode())
		}
	}
}

// A file of somebody else in a directory of ours is written through, as only root can give files away.
func TestForeignFileIsWrittenThrough(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root to make somebody else's file")
	}
	dir, err := os.MkdirTemp("/var/tmp", "rp-test-")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "f")
	put(t, path, "old", 0o666)
	if err := os.Chown(dir, 65534, 65534); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	before, _ := os.Stat(path)
	var werr error
	asNobody(t, func() {
		_, werr = write1(NewLinux(Options{}), state.File{Path: path, Content: state.Is(state.Text("new"))})
	})
	after, err := os.Stat(path)
	if werr != nil || err != nil || !os.SameFile(before, after) || text(t, path) != "new" || modeOf(after.Mode()) != 0o666 {
		t.Errorf("%v, %v, %q", werr, err, text(t, path))
	}
	noStrays(t, dir)
}

func TestInPlaceKeepsTheInode(t *testing.T) {
	path := filepath.Join(t.TempDir(), "f")
	put(t, path, "a long old text", 0o640)
	before, _ := os.Stat(path)
	if _, err := write1(NewLinux(Options{}), state.File{Path: path, Content: state.Is(state.Text("new")), InPlace: true, Mode: state.Is(state.Mode(0o600))}); err != nil {
		t.Fatal(err)
	}
	after, _ := os.Stat(path)
	if !os.SameFile(before, after) || text(t, path) != "new" || after.Mode().Perm() != 0o600 {
		t.Errorf("%q %s", text(t, path), after.Mode())
	}
}

func TestValidate(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "f")
	put(t, path, "old", 0o600)
	for _, c := range []struct{ command, err string }{
		{"grep -q new %s", ""},
		{"sh -c 'grep -q \"$1\" \"$0\"' %s new", ""},
		{"grep -q other %s", "the new content of " + path + " was refused"},
		{"true", "has no %s"},
		{"'%s", "a quote is not closed"},
		{"no-such-checker %s", "there is no such tool"},
	} {
		put(t, path, "old", 0o600)
		_, err := write1(NewLinux(Options{}), state.File{Path: path, Content: state.Is(state.Text("new")), Validate: c.command})
		want := map[bool]string{true: "new", false: "old"}[c.err == ""]
		if (err == nil) != (c.err == "") || err != nil && !strings.Contains(err.Error(), c.err) || text(t, path) != want {
			t.Errorf("%s: error %v, the file is %q", c.command, err, text(t, path))
		}
		noStrays(t, dir)
	}
}

func TestBackup(t *testing.T) {
	for _, inPlace := range []bool{false, true} {
		dir := t.TempDir()
		path := filepath.Join(dir, "f")
		put(t, path, "old", 0o604)
		past := time.Unix(1_500_000_000, 0)
		if err := os.Chtimes(path, past, past); err != nil {
			t.Fatal(err)
		}
		l := NewLinux(Options{})
		c, err := write1(l, state.File{Path: path, Content: state.Is(state.Text("new")), Backup: true, InPlace: inPlace})
		if err != nil {
			t.Fatal(err)
		}
		kept := c.With[0].To.Key().Name
		if ok, _ := filepath.Match(path+"."+strconv.Itoa(os.Getpid())+".20??-??-??@??:??:??~", kept); !ok {
			t.Errorf("the backup is %s", kept)
		}
		fi, err := os.Stat(kept)
		if err != nil || text(t, kept) != "old" || fi.Mode().Perm() != 0o604 || !fi.ModTime().Equal(past) || text(t, path) != "new" {
			t.Errorf("in place %t: %q, %v, %v", inPlace, text(t, kept), fi, err)
		}
		if left := state.Disagreement(c.With[0].To, read1(t, l, c.With[0].To.(state.File))); len(left) > 0 {
			t.Errorf("the backup is not as foretold: %+v", left)
		}
		// nothing to replace, nothing to keep
		if c, err := write1(l, state.File{Path: path, Mode: state.Is(state.Mode(0o600)), Backup: true}); err != nil || len(c.With) > 0 {
			t.Errorf("a backup for a new mode: %+v, %v", c.With, err)
		}
	}
}

type blobs map[string]string

func (b blobs) Open(_ context.Context, sum string) (io.ReadCloser, error) {
	return io.NopCloser(strings.NewReader(b[sum])), nil
}

func TestLargeContentComesByItsHash(t *testing.T) {
	large := strings.Repeat("large\n", 100_000)
	sum := state.Text(large).Sum
	path := filepath.Join(t.TempDir(), "f")
	want := state.File{Path: path, Content: state.Is(state.Content{Sum: sum, Size: int64(len(large)), From: "blob:"})}
	for _, c := range []struct {
		l   *Linux
		err string
	}{
		{NewLinux(Options{}), "nobody to ask"},
		{NewLinux(Options{Blobs: blobs{sum: "damaged"}}), "should have " + sum},
		{NewLinux(Options{Blobs: blobs{sum: large}}), ""},
	} {
		_, err := write1(c.l, want)
		if c.err != "" {
			if err == nil || !strings.Contains(err.Error(), c.err) {
				t.Errorf("error %v, want %q", err, c.err)
			}
			if _, err := os.Stat(path); err == nil {
				t.Error("half a file is there")
			}
			continue
		}
		f := read1(t, c.l, state.File{Path: path, Content: state.Ask[state.Content]()})
		if got, _ := f.Content.Get(); err != nil || got.Sum != sum || got.Data != nil || got.Size != int64(len(large)) {
			t.Errorf("%v: %+v", err, got)
		}
	}
}

func TestReadingIsOnDemand(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "f")
	put(t, path, "text", 0o644)
	if err := unix.Mkfifo(filepath.Join(dir, "fifo"), 0o600); err != nil {
		t.Fatal(err)
	}
	l := NewLinux(Options{})
	f := read1(t, l, state.File{Path: path, Lock: "shadow", Backup: true})
	if f.Content.IsSet() || f.MTime.IsSet() || f.Lock != "shadow" || f.Backup {
		t.Errorf("got %+v", f)
	}
	f = read1(t, l, state.File{Path: path, Content: state.Ask[state.Content]().Secret(), MTime: state.Ask[int64]()})
	if c, _ := f.Content.Get(); string(c.Data) != "text" || !f.Content.IsSecret() || !f.MTime.IsKnown() {
		t.Errorf("got %+v", f)
	}
	if f := read1(t, l, state.File{Path: filepath.Join(dir, "fifo"), Content: state.Ask[state.Content]()}); f.Type.Or("") != state.Fifo || f.Content.IsSet() {
		t.Errorf("a fifo is %+v", f)
	}
	if _, err := l.Read(context.Background(), state.File{Path: "relative"}); err == nil || !strings.Contains(err.Error(), "not absolute") {
		t.Errorf("error %v", err)
	}
}

func TestWriteRefuses(t *testing.T) {
	dir := t.TempDir()
	l := NewLinux(Options{})
	for want, f := range map[string]state.File{
		"not all that it should be is known": {Path: filepath.Join(dir, "a"), Type: state.Is(state.Regular), Owner: state.Unknown[string]("t")},
		`no lock named "other"`:              {Path: filepath.Join(dir, "a"), Type: state.Is(state.Regular), Lock: "other"},
		`"socket" is not supported`:          {Path: filepath.Join(dir, "a"), Type: state.Is(state.Socket)},
		"the link has no target":             {Path: filepath.Join(dir, "a"), Type: state.Is(state.Link)},
		"cannot remove /":                    {Path: "/", Type: state.Is(state.Absent), Recurse: true},
		`cannot get a content from "odd:x"`:  {Path: filepath.Join(dir, "a"), Type: state.Is(state.Regular), Content: state.Is(state.Content{Size: 1, From: "odd:x"})},
	} {
		if err := l.Write(context.Background(), state.Change{From: state.File{Path: f.Path, Type: state.Is(state.Absent)}, To: f}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q in it", err, want)
		}
	}
	if err := l.Write(context.Background(), state.Change{From: state.File{}, To: state.File{}}, state.Change{To: state.User{}}); err == nil {
		t.Error("two kinds were written together")
	}
	if es, _ := os.ReadDir(dir); len(es) > 0 {
		t.Errorf("%s is left", es[0].Name())
	}
}

package host

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"rp/engine/state"
)

// member is one member of an archive that a test makes.
type member struct {
	name, text, link string
	kind             byte // of package tar
	mode             int64
}

var someMembers = []member{
	{name: "docker/", kind: tar.TypeDir, mode: 0o755},
	{name: "./docker/dockerd", text: "#!/bin/sh\necho dockerd\n", kind: tar.TypeReg, mode: 0o755},
	{name: "docker/big", text: strings.Repeat("0123456789abcdef", 20000), kind: tar.TypeReg, mode: 0o644},
	{name: "docker/latest", link: "dockerd", kind: tar.TypeSymlink, mode: 0o777},
	{name: "docker/hard", link: "docker/dockerd", kind: tar.TypeLink, mode: 0o755},
	{name: "docker/note", text: "old", kind: tar.TypeReg, mode: 0o600},
	{name: "docker/note", text: "new", kind: tar.TypeReg, mode: 0o600},
}

func tarOf(t *testing.T, ms []member, wrap func(io.Writer) io.WriteCloser) []byte {
	t.Helper()
	var b bytes.Buffer
	w := io.WriteCloser(nil)
	out := io.Writer(&b)
	if wrap != nil {
		w = wrap(&b)
		out = w
	}
	tw := tar.NewWriter(out)
	for _, m := range ms {
		h := &tar.Header{Name: m.name, Typeflag: m.kind, Mode: m.mode, Size: int64(len(m.text)), Linkname: m.link, Uname: "somebody", Uid: 1234, Gid: 99}
		if err := tw.WriteHeader(h); err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(tw, m.text); err != nil {
			t.Fatal(err)
		}
	}
	if err := tw.Close(); err != nil {
		t.Fatal(err)
	}
	if w != nil {
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
	}
	return b.Bytes()
}

func zipOf(t *testing.T, ms []member) []byte {
	t.Helper()
	var b bytes.Buffer
	zw := zip.NewWriter(&b)
	for _, m := range ms {
		h := &zip.FileHeader{Name: strings.TrimPrefix(m.name, "./"), Method: zip.Deflate}
		text := m.text
		switch m.kind {
		case tar.TypeLink:
			continue
		case tar.TypeSymlink:
			h.SetMode(os.ModeSymlink | 0o777)
			text = m.link
		default:
			h.SetMode(os.FileMode(m.mode)) //nolint:gosec // nine bits
		}
		f, err := zw.CreateHeader(h)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(f, text); err != nil {
			t.Fatal(err)
		}
	}
	if err := zw.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func gz(w io.Writer) io.WriteCloser { return gzip.NewWriter(w) }

func listed(t *testing.T, l *Linux, c state.Content) (state.Archive, error) {
	t.Helper()
	got, err := l.Read(context.Background(), state.Archive{Source: c})
	if err != nil {
		return state.Archive{}, err
	}
	return got[0].(state.Archive), nil
}

func TestArchiveListsAndGivesMembers(t *testing.T) {
	for name, b := range map[string][]byte{"tar": tarOf(t, someMembers, nil), "tar.gz": tarOf(t, someMembers, gz), "zip": zipOf(t, someMembers)} {
		t.Run(name, func(t *testing.T) {
			root := t.TempDir()
			l := NewLinux(Options{Root: root, Scratch: filepath.Join(root, "scratch")})
			if err := os.WriteFile(filepath.Join(root, "a #1"), b, 0o600); err != nil {
				t.Fatal(err)
			}
			a, err := listed(t, l, state.Content{From: "path:/a #1"})
			if err != nil {
				t.Fatal(err)
			}
			var lines []string
			byName := map[string]state.ArchiveEntry{}
			for _, e := range a.Entries.Or(nil) {
				byName[e.Name] = e
				lines = append(lines, fmt.Sprintf("%s %s %s %s%d", e.Name, e.Type, e.Mode, e.Target, e.Content.Size))
			}
			want := []string{"docker directory 0755 0", "docker/dockerd file 0755 23", "docker/big file 0644 320000", "docker/latest link 0777 dockerd0", "docker/hard file 0755 23", "docker/note file 0600 3"}
			if name == "zip" {
				want = append(want[:4], want[5:]...)
			}
			if got, want := strings.Join(lines, "\n"), strings.Join(want, "\n"); got != want {
				t.Errorf("members:\n%s\nwant:\n%s", got, want)
			}
			// in the archive's order, and back again
			for _, n := range []string{"docker/dockerd", "docker/big", "docker/note", "docker/big"} {
				c := byName[n].Content
				c.Data = nil
				var out bytes.Buffer
				if err := l.copyContent(context.Background(), &out, c); err != nil {
					t.Errorf("%s: %v", n, err)
				}
				if sum := state.Bytes(out.Bytes()).Sum; sum != byName[n].Content.Sum {
					t.Errorf("%s: got other bytes (%d)", n, out.Len())
				}
			}
		})
	}
}

func TestArchiveFromSenderIsSpooled(t *testing.T) {
	b := tarOf(t, someMembers, gz)
	l := NewLinux(Options{Scratch: filepath.Join(t.TempDir(), "s")})
	a, err := listed(t, l, state.Bytes(b))
	if err != nil {
		t.Fatal(err)
	}
	if n := len(a.Entries.Or(nil)); n != 6 {
		t.Errorf("%d members, want 6", n)
	}
	if _, err := os.Stat(l.scratchFile(state.Bytes(b).Sum)); err != nil {
		t.Errorf("the archive was not spooled: %v", err)
	}
}

func TestArchiveRefuses(t *testing.T) {
	reg := func(name string) member { return member{name: name, text: "x", kind: tar.TypeReg, mode: 0o644} }
	for _, c := range []struct {
		name string
		b    []byte
		want string // of the error; "" for none, and no format
	}{
		{"above", tarOf(t, []member{reg("../evil")}, nil), "leads out of the directory"},
		{"above, hidden", tarOf(t, []member{reg("a/../../evil")}, nil), "leads out of the directory"},
		{"link to nothing", tarOf(t, []member{{name: "h", link: "none", kind: tar.TypeLink}}, nil), "does not come before it"},
		{"cut short", tarOf(t, someMembers, gz)[:200], "unexpected EOF"},
		{"xz", []byte("\xfd7zXZ\x00rest"), "xz compression is not supported yet"},
		{"zstd", []byte("\x28\xb5\x2f\xfdrest"), "zstd compression is not supported yet"},
		{"text", []byte("no archive at all"), ""},
		{"empty", nil, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			l := NewLinux(Options{Root: dir})
			if err := os.WriteFile(filepath.Join(dir, "a"), c.b, 0o600); err != nil {
				t.Fatal(err)
			}
			a, err := listed(t, l, state.Content{From: "path:/a"})
			switch {
			case c.want == "" && err != nil:
				t.Error(err)
			case c.want == "" && a.Format.Or("?") != "":
				t.Errorf("format %q, want none", a.Format.Or("?"))
			case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)):
				t.Errorf("error %v, want %q in it", err, c.want)
			}
		})
	}
}

func FuzzArchive(f *testing.F) {
	t := &testing.T{}
	f.Add(tarOf(t, someMembers, nil))
	f.Add(tarOf(t, someMembers, gz))
	f.Add(zipOf(t, someMembers))
	f.Fuzz(func(t *testing.T, b []byte) {
		dir := t.TempDir()
		l := NewLinux(Options{Root: dir})
		if err := os.WriteFile(filepath.Join(dir, "a"), b, 0o600); err != nil {
			t.Fatal(err)
		}
		a, err := listed(t, l, state.Content{From: "path:/a"})
		if err != nil {
			return
		}
		for _, e := range a.Entries.Or(nil) {
			if e.Name == "" || strings.HasPrefix(e.Name, "/") || strings.HasPrefix(e.Name, "..") {
				t.Errorf("a member is called %q", e.Name)
			}
		}
	})
}

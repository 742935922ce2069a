package laws

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func write(t *testing.T, path, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
	when := time.Date(2024, 1, 2, 3, 4, 5, 6, time.UTC)
	for p := path; len(p) > len(os.TempDir()); p = filepath.Dir(p) {
		if err := os.Chtimes(p, when, when); err != nil {
			t.Fatal(err)
		}
	}
}

// disk is an upper directory on a base with etc/same, etc/old and usr/lib/x.
func disk(t *testing.T) (upper, base string) {
	t.Helper()
	base, upper = t.TempDir(), t.TempDir()
	for _, root := range []string{base, upper} {
		write(t, filepath.Join(root, "etc/same"), "as it was\n")
	}
	write(t, filepath.Join(base, "etc/old"), "old\n")
	write(t, filepath.Join(base, "usr/lib/x"), "x\n")
	return upper, base
}

func read(t *testing.T, upper, base string, mounts map[string]string) *Manifest {
	t.Helper()
	m, err := ReadDisk(upper, base, mounts)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func render(ds []Difference) string {
	var b strings.Builder
	for _, d := range ds {
		if d.Field != "mtime" && d.Field != "dir-mtime" && d.Field != "sha256" {
			b.WriteString(d.String() + "\n")
		}
	}
	return b.String()
}

func TestFileThatWasCopiedUpUnchangedIsNoDifference(t *testing.T) {
	upper, base := disk(t)
	if _, listed := read(t, upper, base, nil).Names["/etc/same"]; listed {
		t.Error("/etc/same is listed, though it is as in the base")
	}
}

func TestDiff(t *testing.T) {
	upper, base := disk(t)
	home := t.TempDir()
	before := read(t, upper, base, map[string]string{"/home": home})
	write(t, filepath.Join(upper, "etc/same"), "changed\n")
	write(t, filepath.Join(upper, "etc/old"), "old\n")
	if err := os.Chmod(filepath.Join(upper, "etc/old"), os.ModeSetuid|0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("same", filepath.Join(upper, "etc/link")); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(home, "a/.profile"), "x")
	after := read(t, upper, base, map[string]string{"/home": home})

	const want = `/etc/link exists: - → link 0777 same
/etc/old mode: 0644 → 4755
/etc/same size: 10 → 8
/home/a exists: - → directory 0755
/home/a/.profile exists: - → file 0644
`
	if got := render(Diff(before, after)); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
	if ds := Diff(after, read(t, upper, base, map[string]string{"/home": home})); len(ds) > 0 {
		t.Errorf("nothing happened, and these differ: %v", ds)
	}
}

func TestWhiteoutAndOpaqueDirectoryHideTheBase(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("only root may make whiteouts")
	}
	upper, base := disk(t)
	before := read(t, upper, base, nil)
	if err := unix.Mknod(filepath.Join(upper, "etc/old"), unix.S_IFCHR, 0); err != nil {
		t.Skip("cannot make whiteouts here:", err)
	}
	if err := os.MkdirAll(filepath.Join(upper, "usr/lib"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := unix.Setxattr(filepath.Join(upper, "usr/lib"), "trusted.overlay.opaque", []byte("y"), 0); err != nil {
		t.Skip("cannot set trusted attributes here:", err)
	}
	const want = "/etc/old exists: file 0644 → -\n/usr/lib/x exists: file 0644 → -\n"
	if got := render(Diff(before, read(t, upper, base, nil))); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}

func TestManifestSurvivesWritingAndReading(t *testing.T) {
	upper, base := disk(t)
	write(t, filepath.Join(upper, "etc/new"), "n")
	m := read(t, upper, base, nil)
	if err := m.AddLive(strings.NewReader("unit/system/ssh.service\tloaded active running\nlinger/a\tyes\n")); err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := m.Write(&b); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "m")
	if err := os.WriteFile(file, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	back, err := ReadManifest(file)
	if err != nil {
		t.Fatal(err)
	}
	if ds := Diff(m, back); len(ds) > 0 || back.Names["live:linger/a"]["value"] != "yes" {
		t.Errorf("read back otherwise: %v", ds)
	}
}

func TestExceptions(t *testing.T) {
	file := filepath.Join(t.TempDir(), "exceptions.txt")
	const text = `
# a comment
14 /var/lib/rp/** -- ours
4 /etc/*.cache mtime,sha256 -- a cache
1 live:unit/system/session-*.scope -- the login
`
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	es, err := ReadExceptions(file)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		law, path, field string
		excused          bool
	}{
		{"1", "/var/lib/rp/journal/1", "exists", true},
		{"1", "/var/lib/rp", "exists", true}, // ** is any path or none
		{"1", "/var/lib/rpm", "exists", false},
		{"3", "/var/lib/rp/journal/1", "exists", false},
		{"4", "/etc/a.cache", "mtime", true},
		{"4", "/etc/a.cache", "mode", false},
		{"4", "/etc/sub/a.cache", "mtime", false},
		{"1", "live:unit/system/session-3.scope", "value", true},
		{"4", "live:unit/system/session-3.scope", "value", false},
	} {
		left := es.Filter(c.law, nil, []Difference{{Path: c.path, Field: c.field}})
		if excused := len(left) == 0; excused != c.excused {
			t.Errorf("law %s, %s %s: excused is %v", c.law, c.path, c.field, excused)
		}
	}
}

func TestExceptionWithoutReasonIsRefused(t *testing.T) {
	for _, l := range []string{"1 /etc/x", "1 /etc/x -- ", "/etc/x -- no laws", "5 /etc/x -- no such law", "1 /etc/[ -- no such pattern"} {
		if _, err := parseException(l); err == nil {
			t.Errorf("%q was taken", l)
		}
	}
}

func TestProjectsOwnExceptionsCanBeRead(t *testing.T) {
	es, err := ReadExceptions("../exceptions.txt")
	if err != nil {
		t.Fatal(err)
	}
	if len(es) == 0 {
		t.Error("there are none")
	}
}

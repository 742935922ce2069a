package host

import (
	"context"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"rp/engine/state"
)

// fakeRoot is a Linux below a directory with these files.
func fakeRoot(t *testing.T, files map[string]string) *Linux {
	t.Helper()
	root := t.TempDir()
	for p, text := range files {
		full := filepath.Join(root, p)
		if err := os.MkdirAll(filepath.Dir(full), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(full, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return NewLinux(Options{Root: root})
}

// fakeTools puts programs before all others in PATH. Each is a shell script; what
// it is run with goes, a line a run, to the file whose content the result gives:
// the arguments, and after "<" what it got on its standard input.
func fakeTools(t *testing.T, scripts map[string]string) (log func() string) {
	t.Helper()
	dir := t.TempDir()
	for name, body := range scripts {
		text := "#!/bin/sh\nif [ -t 0 ]; then in=; else in=$(/bin/cat); fi\n" +
			"echo \"${0##*/} $*${in:+ < $in}\" >> " + dir + "/log\n" + body + "\n"
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("PATH", dir)
	return func() string {
		text, err := os.ReadFile(filepath.Join(dir, "log"))
		if err != nil && !os.IsNotExist(err) {
			t.Fatal(err)
		}
		return strings.TrimSpace(string(text))
	}
}

func read1[S state.State](t *testing.T, r Reader, s S) S {
	t.Helper()
	got, err := r.Read(context.Background(), s)
	if err != nil {
		t.Fatalf("read %s: %v", s.Key(), err)
	}
	return got[0].(S)
}

func plan1[S state.State](t *testing.T, h Host, want S) state.Change {
	t.Helper()
	c, err := h.Plan(context.Background(), state.Change{From: read1(t, h, want), To: want})
	if err != nil {
		t.Fatalf("plan %s: %v", want.Key(), err)
	}
	return c
}

// make1 plans and writes a want.
func make1[S state.State](t *testing.T, h Host, want S) state.Change {
	t.Helper()
	c := plan1(t, h, want)
	if err := h.Write(context.Background(), c); err != nil {
		t.Fatalf("write %s: %v", want.Key(), err)
	}
	return c
}

// withText lists a change's With, a line each: the thing, and what it shows.
func withText(c state.Change) string {
	var b strings.Builder
	for _, w := range c.With {
		b.WriteString(w.To.Key().String())
		for _, d := range w.Diff() {
			if f, ok := w.To.(state.File); ok && d.Field == "Content" {
				d.To = strconv.Quote(string(f.Content.Or(state.Content{}).Data))
			}
			b.WriteString(" " + strings.ToLower(d.Field) + "=" + d.To)
		}
		b.WriteString("\n")
	}
	return b.String()
}

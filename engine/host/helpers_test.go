package host

import (
	"context"
	"os"
	"strings"
	"testing"

	"rp/engine/state"
)

// put makes a file with a mode.
func put(t *testing.T, path, text string, mode state.Mode) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, goMode(mode)); err != nil {
		t.Fatal(err)
	}
}

// write1 takes a want through read, plan and write.
func write1(h Host, want state.File) (state.Change, error) {
	ctx := context.Background()
	got, err := h.Read(ctx, want)
	if err != nil {
		return state.Change{}, err
	}
	c, err := h.Plan(ctx, state.Change{From: got[0], To: want})
	if err != nil {
		return c, err
	}
	return c, h.Write(ctx, c)
}

func text(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func noStrays(t *testing.T, dir string) {
	t.Helper()
	es, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range es {
		if strings.HasPrefix(e.Name(), ".rp-") {
			t.Errorf("%s is left behind", e.Name())
		}
	}
}

func sh(text string) state.Command {
	return state.Command{Argv: []string{text}, Shell: true, StripEmptyEnds: true}
}

func do1(t *testing.T, l *Linux, e state.Event) state.Outcome {
	t.Helper()
	o, err := l.Do(context.Background(), e)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func ptr[T any](v T) *T { return &v }

func do1v(t *testing.T, v *View, e state.Event) state.Outcome {
	t.Helper()
	o, err := v.Do(context.Background(), e)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

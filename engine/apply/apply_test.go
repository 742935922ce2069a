package apply_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"rp/engine/apply"
	"rp/engine/host"
	"rp/engine/module"
	"rp/engine/state"
	"rp/engine/value"
	"rp/engine/wire"
)

// world is a machine of plain values: files by path, and what was done to it.
type world struct {
	files map[string]string
	log   []string
	// stubborn: writes have no effect. broken: they fail.
	stubborn bool
	broken   error
}

func (w *world) Read(_ context.Context, ss ...state.State) ([]state.State, error) {
	out := make([]state.State, len(ss))
	for i, s := range ss {
		f := s.(state.File)
		w.log = append(w.log, "read "+f.Path)
		f.Type, f.Content = state.Is(state.Absent), state.Value[state.Content]{}
		if text, ok := w.files[f.Path]; ok {
			f.Type, f.Content = state.Is(state.Regular), state.Is(state.Bytes([]byte(text)))
		}
		out[i] = f
	}
	return out, nil
}

func (w *world) Plan(_ context.Context, c state.Change) (state.Change, error) { return c, nil }

func (w *world) Write(_ context.Context, cs ...state.Change) error {
	for _, c := range cs {
		f := c.To.(state.File)
		w.log = append(w.log, "write "+f.Path)
		if w.broken != nil {
			return w.broken
		}
		if !w.stubborn {
			w.files[f.Path] = string(f.Content.Or(state.Content{}).Data)
		}
	}
	return nil
}

func (w *world) Do(_ context.Context, e state.Event) (state.Outcome, error) {
	w.log = append(w.log, "do "+e.EventKey().Kind)
	return state.Outcome{Fields: map[string]any{"rc": 0}}, w.broken
}

func file(path, text string) state.File {
	return state.File{Path: path, Type: state.Is(state.Regular), Content: state.Is(state.Bytes([]byte(text)))}
}

type runFunc = func(context.Context, module.Params, module.Target) (module.Result, error)

// wants is a module that asks for states, each in a step of its own.
func wants(ss ...state.State) runFunc {
	return func(ctx context.Context, _ module.Params, t module.Target) (module.Result, error) {
		for _, s := range ss {
			if _, err := t.Want(ctx, s); err != nil {
				return nil, err
			}
		}
		return nil, nil
	}
}

func task(run runFunc) apply.Task {
	return apply.Task{ID: 1, Name: "a task", Spec: &module.Spec{Name: "m", Run: run}}
}

func TestChangedOnlyWhereNeeded(t *testing.T) {
	w := &world{files: map[string]string{"/a": "x"}}
	if out := apply.Run(t.Context(), w, task(wants(file("/a", "x")))); out.Changed || out.Failed {
		t.Errorf("%+v", out)
	}
	var told []wire.Change
	tk := task(wants(file("/a", "y"), nil, file("/b", "z")))
	tk.Report = func(c wire.Change) { told = append(told, c) }
	if out := apply.Run(t.Context(), w, tk); !out.Changed || out.Failed {
		t.Errorf("%+v", out)
	}
	if w.files["/a"] != "y" || w.files["/b"] != "z" || len(told) != 2 || told[0].Name != "/a" || told[0].Status != wire.Done {
		t.Errorf("%v %+v", w.files, told)
	}
	if strings.Contains(strings.Join(w.log[:1], " "), "write") {
		t.Errorf("what was as wanted was written: %v", w.log)
	}
}

// TestVerified: what was written is read again, and the task fails where it is not as wanted.
func TestVerified(t *testing.T) {
	w := &world{files: map[string]string{}, stubborn: true}
	out := apply.Run(t.Context(), w, task(wants(file("/a", "x"))))
	if !out.Failed || !strings.Contains(out.Msg, "still not as wanted") || !strings.Contains(out.Msg, "/a") {
		t.Errorf("%+v", out)
	}
}

func TestWriteFails(t *testing.T) {
	w := &world{files: map[string]string{}, broken: errors.New("no space left")}
	tk := task(wants(file("/a", "x")))
	var told []wire.Change
	tk.Report = func(c wire.Change) { told = append(told, c) }
	out := apply.Run(t.Context(), w, tk)
	if !out.Failed || out.Changed || out.Msg != "no space left" || len(told) != 1 || told[0].Status != wire.Failed {
		t.Errorf("%+v %+v", out, told)
	}
}

func TestResultFields(t *testing.T) {
	for _, c := range []struct {
		fields module.Result
		err    error
		want   apply.Outcome
	}{
		{module.Result{"changed": true}, nil, apply.Outcome{Changed: true}},
		{module.Result{"failed": true, "msg": "so"}, nil, apply.Outcome{Failed: true, Msg: "so"}},
		{module.Result{"skipped": true}, nil, apply.Outcome{Skipped: true}},
		{module.Result{"msg": "one"}, errors.New(" two "), apply.Outcome{Failed: true, Msg: "two"}},
		{nil, context.DeadlineExceeded, apply.Outcome{Failed: true, Msg: "the task's timeout is over: context deadline exceeded"}},
	} {
		got := apply.Run(t.Context(), &world{}, task(func(context.Context, module.Params, module.Target) (module.Result, error) {
			return c.fields, c.err
		}))
		if got.Changed != c.want.Changed || got.Failed != c.want.Failed || got.Skipped != c.want.Skipped || got.Msg != c.want.Msg {
			t.Errorf("%v %v: %+v", c.fields, c.err, got)
		}
	}
}

func TestWarningsAndEvents(t *testing.T) {
	w := &world{}
	var told []wire.Change
	tk := task(func(ctx context.Context, _ module.Params, t module.Target) (module.Result, error) {
		t.Warn("mind the %s", "gap")
		if t.Changed() {
			return nil, errors.New("it says that it changed something")
		}
		_, err := t.Do(ctx, state.Command{Argv: []string{"x"}})
		return module.Result{"after": t.Changed()}, err
	})
	tk.Report = func(c wire.Change) { told = append(told, c) }
	out := apply.Run(t.Context(), w, tk)
	if !out.Changed || out.Fields["after"] != true || len(out.Warnings) != 1 || out.Warnings[0] != "mind the gap" {
		t.Errorf("%+v", out)
	}
	if len(told) != 1 || !told[0].Event {
		t.Errorf("%+v", told)
	}
}

// TestHold: a held module starts over when it may write, and reads again; dropped, it writes nothing.
func TestHold(t *testing.T) {
	w := &world{files: map[string]string{"/a": "old"}}
	tk := task(wants(file("/a", "x"), file("/b", "x")))
	asked := 0
	tk.Hold = func(context.Context) error {
		asked++
		w.files["/a"] = "x" // somebody else was there meanwhile
		return nil
	}
	if out := apply.Run(t.Context(), w, tk); !out.Changed || asked != 1 {
		t.Errorf("%+v, asked %d times", out, asked)
	}
	if got := strings.Join(w.log, ","); strings.Contains(got, "write /a") || !strings.Contains(got, "write /b") {
		t.Error(got)
	}
	w = &world{files: map[string]string{}}
	tk.Hold = func(context.Context) error { return errors.New("not wanted any more") }
	if out := apply.Run(t.Context(), w, tk); !out.Dropped || out.Failed || len(w.files) > 0 {
		t.Errorf("%+v %v", out, w.files)
	}
}

// TestOtherPanics are a module's own, for whoever runs it.
func TestOtherPanics(t *testing.T) {
	defer func() {
		if r := recover(); r != "mine" {
			t.Errorf("%v", r)
		}
	}()
	apply.Run(t.Context(), &world{}, task(func(context.Context, module.Params, module.Target) (module.Result, error) { panic("mine") }))
}

// TestNotKnown: a task whose argument is not known may do anything, so what a
// later one asks of tools that are not there is not known either.
func TestNotKnown(t *testing.T) {
	mem := host.NewMemory()
	base := host.NewLinux(host.Options{})
	run := func(name string, kind module.Kind, f runFunc) apply.Outcome {
		tk := apply.Task{Name: name, Spec: &module.Spec{Name: "m", Kind: kind, Run: f}, Predicts: true}
		tk.Params = module.NewParams(name, map[string]any{"x": value.Unknown{After: "the first"}}, nil)
		return apply.Run(t.Context(), mem.View(base, name, false), tk)
	}
	ask := func(_ context.Context, p module.Params, _ module.Target) (module.Result, error) {
		return module.Result{"x": p.String("x")}, nil
	}
	tool := func() state.Tool {
		s, err := mem.View(base, "later", false).Read(t.Context(), state.Tool{Name: "no-such-tool-of-rp"})
		if err != nil {
			t.Fatal(err)
		}
		return s[0].(state.Tool)
	}
	if out := run("looks", module.Probe, ask); !out.Unknown || out.After != "the first" || out.Failed {
		t.Errorf("%+v", out)
	}
	if !tool().Path.IsKnown() {
		t.Error("a probe makes something uncertain")
	}
	if out := run("does", module.Event, ask); !out.Unknown || out.Failed {
		t.Errorf("%+v", out)
	}
	if got := tool().Path; got.IsKnown() || got.After() != "does" {
		t.Errorf("the tool is %v", got)
	}
}

// TestPredictionIsWhatIsDone: over a view and for real, on this machine.
func TestPredictionIsWhatIsDone(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "old"), []byte("one\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	linux := host.NewLinux(host.Options{})
	changes := func(h host.Host, predicts bool) []wire.Change {
		var told []wire.Change
		tk := task(wants(file(filepath.Join(dir, "old"), "two\n"), file(filepath.Join(dir, "new"), "x\n")))
		tk.Predicts, tk.Diff = predicts, true
		tk.Report = func(c wire.Change) { told = append(told, c) }
		if out := apply.Run(t.Context(), h, tk); out.Failed || !out.Changed {
			t.Fatalf("%+v", out)
		}
		return told
	}
	predicted := changes(host.NewMemory().View(linux, "a task", false), true)
	if b, _ := os.ReadFile(filepath.Join(dir, "old")); string(b) != "one\n" {
		t.Fatal("the prediction has written")
	}
	made := changes(linux, false)
	if len(predicted) != 2 || len(made) != 2 {
		t.Fatalf("%d predicted, %d made", len(predicted), len(made))
	}
	for i := range made {
		p, m := predicted[i], made[i]
		if p.Status != wire.Predicted || m.Status != wire.Done || p.Name != m.Name || *p.Before != *m.Before || *p.After != *m.After {
			t.Errorf("predicted %+v, made %+v", p, m)
		}
	}
}

func TestShowHidesSecrets(t *testing.T) {
	to := file("/a", "new")
	to.Content = to.Content.Secret()
	c := apply.Show(state.Change{From: file("/a", "old"), To: to}, 1, wire.Done, true)
	if c.Before != nil || c.After != nil {
		t.Errorf("%v %v", c.Before, c.After)
	}
	for _, d := range c.Deltas {
		if strings.Contains(d.From+d.To, "new") {
			t.Errorf("%+v", d)
		}
	}
	if c = apply.Show(state.Change{From: file("/a", "old"), To: file("/a", "b\x00n")}, 1, wire.Done, true); c.After != nil {
		t.Error("bytes are shown as text")
	}
}

package helper_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"rp/engine/helper"
	"rp/engine/module"
	"rp/engine/state"
	"rp/engine/value"
	"rp/engine/wire"
)

// talk is a conversation with a helper in this process.
type talk struct {
	t    *testing.T
	dir  string
	conn *wire.Conn
	in   *io.PipeWriter
	done chan error

	mu  sync.Mutex
	log []string
}

func (k *talk) note(s string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.log = append(k.log, s)
}

func (k *talk) noted() string {
	k.mu.Lock()
	defer k.mu.Unlock()
	return strings.Join(k.log, " ")
}

// start begins a conversation with hello; a lock named "" is the test's own.
func start(t *testing.T, hello wire.Hello, lock string) *talk {
	t.Helper()
	k := &talk{t: t, dir: t.TempDir(), done: make(chan error, 1)}
	if lock == "" {
		lock = "@rp.test" + k.dir
	}
	inR, inW := io.Pipe()
	outR, outW := io.Pipe()
	k.conn, k.in = wire.NewConn(outR, inW), inW
	go func() {
		err := helper.Serve(inR, outW, helper.Options{Find: k.find, Lock: lock, JournalDir: filepath.Join(k.dir, ".journal")})
		_ = inR.Close()
		_ = outW.Close()
		k.done <- err
	}()
	t.Cleanup(func() { _ = inW.Close(); _ = outR.Close() })
	if hello.Run == "" {
		hello.Run = "run-" + filepath.Base(k.dir)
	}
	hello.Version = max(hello.Version, wire.Version)
	k.send(wire.THello, hello)
	return k
}

// ready is start with the helper's answer heard.
func ready(t *testing.T, hello wire.Hello, lock string) *talk {
	t.Helper()
	k := start(t, hello, lock)
	var r wire.Ready
	k.hear(wire.TReady, &r)
	if r.UID != int64(os.Getuid()) || r.Version != wire.Version || r.User == "" {
		t.Fatalf("%+v", r)
	}
	return k
}

func (k *talk) send(t wire.Type, m any) {
	k.t.Helper()
	if err := k.conn.Send(t, m); err != nil {
		k.t.Fatal(err)
	}
}

// next is the next frame.
func (k *talk) next() (wire.Type, []byte) {
	k.t.Helper()
	type frame struct {
		t   wire.Type
		b   []byte
		err error
	}
	c := make(chan frame, 1)
	go func() {
		t, b, err := k.conn.Receive()
		c <- frame{t, b, err}
	}()
	select {
	case f := <-c:
		if f.err != nil {
			k.t.Fatal(f.err)
		}
		return f.t, f.b
	case <-time.After(20 * time.Second):
		k.t.Fatal("the helper says nothing")
	}
	return 0, nil
}

func (k *talk) hear(want wire.Type, into any) {
	k.t.Helper()
	t, b := k.next()
	if t != want {
		k.t.Fatalf("got %q %s, want %q", t, b, want)
	}
	if err := json.Unmarshal(b, into); err != nil {
		k.t.Fatal(err)
	}
}

// task sends a task; args are its arguments.
func (k *talk) task(m wire.Task, args ...any) {
	k.t.Helper()
	p, err := value.Encode(value.DictOf(args...))
	if err != nil {
		k.t.Fatal(err)
	}
	m.Params = p
	if m.Lane == "" {
		m.Lane = "host"
	}
	if m.Group == 0 {
		m.Group = m.ID
	}
	m.Name = fmt.Sprintf("task %d", m.ID)
	k.send(wire.TTask, m)
}

// ends hears frames until count tasks have ended, and tells how, in order: ok, changed, failed, dropped.
func (k *talk) ends(count int) string {
	k.t.Helper()
	var out []string
	for len(out) < count {
		switch t, b := k.next(); t {
		case wire.TResult:
			var r wire.Result
			k.parse(b, &r)
			word := "ok"
			switch {
			case r.Failed:
				word = "failed"
			case r.Changed:
				word = "changed"
			}
			out = append(out, fmt.Sprintf("%d:%s", r.ID, word))
		case wire.TDropped:
			var d wire.Dropped
			k.parse(b, &d)
			for _, id := range d.IDs {
				out = append(out, fmt.Sprintf("%d:dropped", id))
			}
		case wire.TChange:
		default:
			k.t.Fatalf("got %q %s", t, b)
		}
	}
	return strings.Join(out, " ")
}

func (k *talk) parse(b []byte, into any) {
	k.t.Helper()
	if err := json.Unmarshal(b, into); err != nil {
		k.t.Fatal(err)
	}
}

// find is the table of modules: note (a probe), fail, wait (until the test says), put (a file), panic, slow.
func (k *talk) find(name string) (*module.Spec, bool) {
	runs := map[string]func(context.Context, module.Params, module.Target) (module.Result, error){
		"note": func(context.Context, module.Params, module.Target) (module.Result, error) { return nil, nil },
		"fail": func(context.Context, module.Params, module.Target) (module.Result, error) {
			return nil, errors.New("as told")
		},
		"wait": func(_ context.Context, p module.Params, _ module.Target) (module.Result, error) {
			for {
				if _, err := os.Stat(p.String("path")); err == nil {
					return nil, nil
				}
				time.Sleep(time.Millisecond)
			}
		},
		"slow": func(ctx context.Context, _ module.Params, _ module.Target) (module.Result, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		},
		"panic": func(context.Context, module.Params, module.Target) (module.Result, error) { panic("as told") },
		"put": func(ctx context.Context, p module.Params, t module.Target) (module.Result, error) {
			f := state.File{Path: p.String("path"), Type: state.Is(state.Regular)}
			if sum := p.String("sum"); sum != "" {
				f.Content = state.Is(state.Content{Sum: sum, Size: p.Int("size"), From: "blob:"})
			} else {
				f.Content = state.Is(state.Bytes([]byte(p.String("text"))))
			}
			_, err := t.Want(ctx, f)
			return nil, err
		},
		"unknown": func(_ context.Context, p module.Params, _ module.Target) (module.Result, error) {
			return module.Result{"x": p.String("path")}, nil
		},
	}
	run, ok := runs[name]
	if !ok {
		return nil, false
	}
	return &module.Spec{Name: name, Kind: module.States, Run: func(ctx context.Context, p module.Params, t module.Target) (module.Result, error) {
		k.note(name + strings.TrimPrefix(p.Task, "task "))
		return run(ctx, p, t)
	}}, true
}

func TestTasksRunInOrder(t *testing.T) {
	k := ready(t, wire.Hello{}, "")
	for i := range int64(5) {
		k.task(wire.Task{ID: i + 1, Module: "note"})
	}
	if got := k.ends(5); got != "1:ok 2:ok 3:ok 4:ok 5:ok" {
		t.Error(got)
	}
	if got := k.noted(); got != "note1 note2 note3 note4 note5" {
		t.Error(got)
	}
}

// TestFailureDropsTheRest: of other groups, in the same epoch and lane.
func TestFailureDropsTheRest(t *testing.T) {
	k := ready(t, wire.Hello{}, "")
	gate := filepath.Join(k.dir, "go")
	k.task(wire.Task{ID: 1, Module: "wait"}, "path", gate)
	k.task(wire.Task{ID: 2, Group: 2, Module: "fail"})
	k.task(wire.Task{ID: 3, Group: 2, Module: "note"}) // an item of the same loop
	k.task(wire.Task{ID: 4, Module: "note"})
	k.task(wire.Task{ID: 5, Epoch: 1, Module: "note"}) // of the way that is taken instead
	k.task(wire.Task{ID: 6, Module: "note"})
	if err := os.WriteFile(gate, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if got := k.ends(6); got != "1:ok 2:failed 3:ok 4:dropped 5:ok 6:dropped" {
		t.Error(got)
	}
}

func TestDrop(t *testing.T) {
	k := ready(t, wire.Hello{}, "")
	gate := filepath.Join(k.dir, "go")
	k.task(wire.Task{ID: 1, Module: "wait"}, "path", gate)
	k.task(wire.Task{ID: 2, Module: "note"})
	k.task(wire.Task{ID: 3, Module: "note", Lane: "other"})
	if got := k.ends(1); got != "3:ok" {
		t.Errorf("lanes wait for one another: %s", got)
	}
	k.send(wire.TDrop, wire.Drop{Lane: "host", Epoch: 1})
	k.task(wire.Task{ID: 4, Epoch: 1, Module: "note"})
	if err := os.WriteFile(gate, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if got := k.ends(3); got != "1:ok 2:dropped 4:ok" { // what had begun is finished
		t.Error(got)
	}
}

func TestHold(t *testing.T) {
	k := ready(t, wire.Hello{}, "")
	file := filepath.Join(k.dir, "f")
	k.task(wire.Task{ID: 1, Group: 7, Module: "put", Hold: true}, "path", file, "text", "x")
	var h wire.Held
	k.hear(wire.THeld, &h)
	if _, err := os.Stat(file); err == nil || h.ID != 1 {
		t.Fatalf("it was written before it might: %+v", h)
	}
	k.send(wire.TGo, wire.Go{ID: 1, Lane: "host", Group: 7})
	if got := k.ends(1); got != "1:changed" {
		t.Error(got)
	}
	// the rest of the group needs no leave, another task does; what changes nothing never does
	k.task(wire.Task{ID: 2, Group: 7, Module: "put", Hold: true}, "path", file+"2", "text", "x")
	k.task(wire.Task{ID: 3, Module: "put", Hold: true}, "path", file, "text", "x")
	if got := k.ends(2); got != "2:changed 3:ok" {
		t.Error(got)
	}
	k.task(wire.Task{ID: 4, Module: "put", Hold: true}, "path", file+"4", "text", "x")
	k.hear(wire.THeld, &h)
	k.send(wire.TDrop, wire.Drop{Lane: "host", Epoch: 1})
	if got := k.ends(1); got != "4:dropped" {
		t.Error(got)
	}
	if _, err := os.Stat(file + "4"); err == nil {
		t.Error("what was dropped was written")
	}
}

// TestHoldReadsAgain: what was read before the leave to write may be stale.
func TestHoldReadsAgain(t *testing.T) {
	k := ready(t, wire.Hello{}, "")
	file := filepath.Join(k.dir, "f")
	k.task(wire.Task{ID: 1, Module: "put", Hold: true}, "path", file, "text", "x")
	var h wire.Held
	k.hear(wire.THeld, &h)
	if err := os.WriteFile(file, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	k.send(wire.TGo, wire.Go{ID: 1, Lane: "host", Group: 1})
	if got := k.ends(1); got != "1:ok" {
		t.Errorf("it was there already: %s", got)
	}
}

func TestBlobs(t *testing.T) {
	text := strings.Repeat("0123456789abcdef", 100_000)
	sum := sha256.Sum256([]byte(text))
	name := hex.EncodeToString(sum[:])
	for what, answer := range map[string]func(k *talk) error{
		"changed": func(k *talk) error { return k.conn.SendContent(name, strings.NewReader(text)) },
		"damaged": func(k *talk) error { return k.conn.SendContent(name, strings.NewReader(text[1:])) },
		"is gone": func(k *talk) error {
			return k.conn.SendBlob(wire.Blob{Sum: name, Err: "it is gone", Last: true}, nil)
		},
	} {
		t.Run(what, func(t *testing.T) {
			k := ready(t, wire.Hello{}, "")
			file := filepath.Join(k.dir, "f")
			k.task(wire.Task{ID: 1, Module: "put"}, "path", file, "sum", name, "size", int64(len(text)))
			var n wire.Need
			k.hear(wire.TNeed, &n)
			if n.Sum != name {
				t.Fatalf("it needs %s", n.Sum)
			}
			go func() {
				if err := answer(k); err != nil {
					k.note(err.Error())
				}
			}()
			for {
				typ, b := k.next()
				if typ != wire.TResult {
					continue
				}
				var r wire.Result
				k.parse(b, &r)
				if what == "changed" {
					got, err := os.ReadFile(file)
					if !r.Changed || err != nil || string(got) != text {
						t.Errorf("%+v %v %d bytes", r, err, len(got))
					}
				} else if _, err := os.Stat(file); !r.Failed || !strings.Contains(r.Msg, what) || err == nil {
					t.Errorf("%+v", r)
				}
				return
			}
		})
	}
}

func TestHandshake(t *testing.T) {
	k := start(t, wire.Hello{Version: wire.Version + 1}, "")
	var f wire.Fatal
	k.hear(wire.TFatal, &f)
	if !strings.Contains(f.Msg, "version") {
		t.Error(f.Msg)
	}
	if err := <-k.done; err == nil {
		t.Error("it goes on")
	}
}

func TestUnknownFrames(t *testing.T) {
	for what, send := range map[string]func(k *talk){
		"type":            func(k *talk) { k.send('?', 1) },
		"understand":      func(k *talk) { k.send(wire.TTask, "no task") },
		"cannot read a b": func(k *talk) { k.send(wire.TBlob, 1) },
	} {
		k := ready(t, wire.Hello{}, "")
		send(k)
		var f wire.Fatal
		k.hear(wire.TFatal, &f)
		if !strings.Contains(f.Msg, what) {
			t.Errorf("%q does not have %q", f.Msg, what)
		}
	}
}

func TestFailuresOfModules(t *testing.T) {
	for name, want := range map[string]string{"panic": "module panic broke off: as told", "nowhere": `no module "nowhere"`, "fail": "as told", "slow": "timeout"} {
		k := ready(t, wire.Hello{}, "")
		k.task(wire.Task{ID: 1, Module: name, Timeout: 1})
		var r wire.Result
		k.hear(wire.TResult, &r)
		if !r.Failed || !strings.Contains(r.Msg, want) {
			t.Errorf("%s: %+v", name, r)
		}
	}
}

// TestLock: one run at a time writes; another is told who does. The helpers of one run share it.
func TestLock(t *testing.T) {
	lock := "@rp.test.lock" + t.TempDir()
	first := ready(t, wire.Hello{Run: "one", User: "ann@desk"}, lock)
	put := func(k *talk, id int64) wire.Result {
		k.task(wire.Task{ID: id, Epoch: int(id), Module: "put"}, "path", filepath.Join(k.dir, "f"), "text", fmt.Sprint(id))
		for {
			if typ, b := k.next(); typ == wire.TResult {
				var r wire.Result
				k.parse(b, &r)
				return r
			}
		}
	}
	other := ready(t, wire.Hello{Run: "two", User: "ben@desk"}, lock)
	if r := put(first, 1); r.Failed {
		t.Fatal(r.Msg)
	}
	if r := put(other, 1); !r.Failed || !strings.Contains(r.Msg, "run one, started by ann@desk") {
		t.Errorf("%+v", r)
	}
	same := ready(t, wire.Hello{Run: "one", User: "ann@desk"}, lock)
	if r := put(same, 1); r.Failed {
		t.Errorf("a helper of the same run: %s", r.Msg)
	}
	predicting := ready(t, wire.Hello{Run: "three", Predict: true}, lock)
	if r := put(predicting, 1); r.Failed || !r.Changed {
		t.Errorf("a dry run: %+v", r)
	}
	first.send(wire.TEnd, struct{}{})
	if err := <-first.done; err != nil {
		t.Error(err)
	}
	if r := put(same, 2); r.Failed { // takes it over
		t.Errorf("%s", r.Msg)
	}
	if r := put(other, 2); !r.Failed {
		t.Error("another run writes meanwhile")
	}
	same.send(wire.TEnd, struct{}{})
	<-same.done
	if r := put(other, 3); r.Failed {
		t.Error(r.Msg)
	}
}

// TestWaitForLock: with --wait-lock a run waits for the end of the other.
func TestWaitForLock(t *testing.T) {
	lock := "@rp.test.wait" + t.TempDir()
	first := ready(t, wire.Hello{Run: "one"}, lock)
	first.task(wire.Task{ID: 1, Module: "put"}, "path", filepath.Join(first.dir, "f"), "text", "x")
	first.ends(1)
	other := ready(t, wire.Hello{Run: "two", Wait: 20}, lock)
	other.task(wire.Task{ID: 1, Module: "put"}, "path", filepath.Join(other.dir, "f"), "text", "x")
	time.Sleep(50 * time.Millisecond)
	first.send(wire.TEnd, struct{}{})
	if got := other.ends(1); got != "1:changed" {
		t.Error(got)
	}
}

// TestEndFinishesWhatIsUnderWay: and begins nothing more.
func TestEndFinishesWhatIsUnderWay(t *testing.T) {
	k := ready(t, wire.Hello{}, "")
	gate := filepath.Join(k.dir, "go")
	k.task(wire.Task{ID: 1, Module: "wait"}, "path", gate)
	k.task(wire.Task{ID: 2, Module: "put"}, "path", filepath.Join(k.dir, "f"), "text", "x")
	for !strings.Contains(k.noted(), "wait1") {
		time.Sleep(time.Millisecond)
	}
	_ = k.in.Close()
	select {
	case <-k.done:
		t.Fatal("it ended in the middle")
	case <-time.After(50 * time.Millisecond):
	}
	if err := os.WriteFile(gate, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if got := k.ends(1); got != "1:ok" {
		t.Error(got)
	}
	if err := <-k.done; err != nil {
		t.Error(err)
	}
	if strings.Contains(k.noted(), "put2") {
		t.Error("it began something new")
	}
}

// TestNoLog: nothing of such a task is told but that there was a change.
func TestNoLog(t *testing.T) {
	k := ready(t, wire.Hello{}, "")
	k.task(wire.Task{ID: 1, Module: "put", NoLog: true, Diff: true}, "path", filepath.Join(k.dir, "secret"), "text", "secret")
	typ, b := k.next()
	if typ != wire.TChange || strings.Contains(string(b), "secret") {
		t.Errorf("%q %s", typ, b)
	}
}

// TestPredictions: they see one another; check_mode: true is forgotten, check_mode: false is real.
func TestPredictions(t *testing.T) {
	k := ready(t, wire.Hello{Predict: true}, "")
	file := filepath.Join(k.dir, "f")
	put := func(m wire.Task) {
		m.Module = "put"
		k.task(m, "path", file, "text", "x")
	}
	put(wire.Task{ID: 1, Predict: true})
	put(wire.Task{ID: 2})
	put(wire.Task{ID: 3})
	if got := k.ends(3); got != "1:changed 2:changed 3:ok" {
		t.Error(got)
	}
	if _, err := os.Stat(file); err == nil {
		t.Error("a prediction was written")
	}
	put(wire.Task{ID: 4, Real: true})
	if got := k.ends(1); got != "4:changed" {
		t.Error(got)
	}
	if _, err := os.Stat(file); err != nil {
		t.Error(err)
	}
}

// TestUnknownArgument: a module that asks for what is not known yet has an unknown outcome.
func TestUnknownArgument(t *testing.T) {
	k := ready(t, wire.Hello{Predict: true}, "")
	k.task(wire.Task{ID: 1, Module: "unknown"}, "path", value.Unknown{After: "before"})
	var r wire.Result
	k.hear(wire.TResult, &r)
	if !r.Unknown || r.After != "before" || r.Failed {
		t.Errorf("%+v", r)
	}
}

// TestUndoOverTheWire lists and takes back what a run has written, newest first.
func TestUndoOverTheWire(t *testing.T) {
	k := ready(t, wire.Hello{Run: "undone"}, "")
	for i := range int64(3) {
		k.task(wire.Task{ID: i + 1, Module: "put"}, "path", filepath.Join(k.dir, fmt.Sprint("f", i)), "text", "x")
	}
	k.ends(3)
	for _, list := range []bool{true, false} {
		k.send(wire.TUndo, wire.Undo{Run: "undone", List: list})
		var u wire.Undone
		k.hear(wire.TUndone, &u)
		var names []string
		for _, i := range u.Items {
			names = append(names, filepath.Base(i.Change.Name))
		}
		if u.Failed || !slices.Equal(names, []string{"f2", "f1", "f0"}) {
			t.Errorf("list=%v: %+v", list, u)
		}
		_, err := os.Stat(filepath.Join(k.dir, "f0"))
		if gone := err != nil; gone == list {
			t.Errorf("list=%v and the file is gone: %v", list, gone)
		}
	}
}

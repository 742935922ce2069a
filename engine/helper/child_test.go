package helper_test

import (
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"rp/engine/helper"
	"rp/engine/journal"
	"rp/engine/state"
	"rp/engine/wire"
)

// child starts a second helper in this process.
func child(t *testing.T) (*talk, string) {
	t.Helper()
	k := &talk{t: t, dir: t.TempDir(), done: make(chan error, 1)}
	inR, inW := io.Pipe()
	outR, outW := io.Pipe()
	k.conn, k.in = wire.NewConn(outR, inW), inW
	store := filepath.Join(k.dir, ".journal")
	go func() {
		err := helper.ServeChild(inR, outW, helper.Options{JournalDir: store})
		_ = outW.Close()
		k.done <- err
	}()
	t.Cleanup(func() { _ = inW.Close(); _ = outR.Close() })
	k.send(wire.THello, wire.Hello{Version: wire.Version, Run: "child"})
	return k, store
}

func (k *talk) call(c wire.Call) wire.Reply {
	k.t.Helper()
	k.send(wire.TCall, c)
	var r wire.Reply
	k.hear(wire.TReply, &r)
	if r.Seq != c.Seq {
		k.t.Fatalf("answer %d to question %d", r.Seq, c.Seq)
	}
	return r
}

func TestChild(t *testing.T) {
	k, store := child(t)
	file := state.File{Path: filepath.Join(k.dir, "f"), Type: state.Is(state.Regular), Content: state.Is(state.Bytes([]byte("x")))}
	r := k.call(wire.Call{Seq: 1, Op: "read", States: state.Boxes([]state.State{file})})
	have := state.Unbox(r.States)
	if r.Err != "" || len(have) != 1 {
		t.Fatalf("%+v", r)
	}
	c := state.Change{From: have[0], To: file}
	r = k.call(wire.Call{Seq: 2, Op: "plan", Changes: []state.Change{c}})
	if r.Err != "" || r.Change == nil {
		t.Fatalf("%+v", r)
	}
	info, err := json.Marshal(journal.Info{Task: "put it there"})
	if err != nil {
		t.Fatal(err)
	}
	if r = k.call(wire.Call{Seq: 3, Op: "write", Changes: []state.Change{*r.Change}, Entry: info}); r.Err != "" {
		t.Fatal(r.Err)
	}
	if b, err := os.ReadFile(file.Path); err != nil || string(b) != "x" {
		t.Fatalf("%q %v", b, err)
	}
	r = k.call(wire.Call{Seq: 4, Op: "do", Event: state.EventBox{Event: state.Command{Argv: []string{"printenv", "WHO"}}}, Env: map[string]string{"WHO": "me"}})
	if r.Err != "" || r.Outcome == nil || !strings.HasPrefix(r.Outcome.Fields["stdout"].(string), "me") {
		t.Fatalf("%+v %+v", r, r.Outcome)
	}
	if r = k.call(wire.Call{Seq: 5, Op: "dance"}); !strings.Contains(r.Err, `"dance"`) {
		t.Errorf("%+v", r)
	}
	r = k.call(wire.Call{Seq: 6, Op: "journal-load", Entry: json.RawMessage(`{"Run":"child"}`)})
	var es []journal.Entry
	if err := json.Unmarshal(r.Data, &es); err != nil || len(es) != 2 || es[0].Task != "put it there" || !es[0].Done || es[1].Event == "" {
		t.Fatalf("%v %s", err, r.Data)
	}
	req, err := json.Marshal(map[string]any{"Entry": es[0], "Write": true})
	if err != nil {
		t.Fatal(err)
	}
	if r = k.call(wire.Call{Seq: 7, Op: "journal-undo", Entry: req}); r.Err != "" || !strings.Contains(string(r.Data), journal.Undone) {
		t.Fatalf("%+v %s", r, r.Data)
	}
	if _, err := os.Stat(file.Path); err == nil {
		t.Error("the file is still there")
	}
	_ = k.in.Close()
	if err := <-k.done; err != nil {
		t.Error(err)
	}
	again, err := journal.Open(store, "child").Load("child")
	if err != nil || again[0].Undone == "" {
		t.Errorf("%+v %v", again, err)
	}
}

// TestChildTimeout: the first helper's deadline holds for what the child does.
func TestChildTimeout(t *testing.T) {
	k, _ := child(t)
	r := k.call(wire.Call{Seq: 1, Op: "do", Event: state.EventBox{Event: state.Command{Argv: []string{"sleep", "30"}}}, Timeout: 50})
	if r.Err == "" {
		t.Errorf("%+v", r)
	}
}

func TestChildHello(t *testing.T) {
	inR, inW := io.Pipe()
	done := make(chan error, 1)
	go func() { done <- helper.ServeChild(inR, io.Discard, helper.Options{}) }()
	if err := wire.NewConn(nil, inW).Send(wire.TCall, wire.Call{}); err != nil {
		t.Fatal(err)
	}
	if err := <-done; err == nil {
		t.Error("a child without a hello goes on")
	}
}

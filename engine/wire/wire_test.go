package wire

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"rp/engine/state"
)

// TestMessages: what is sent is what arrives, field by field.
func TestMessages(t *testing.T) {
	text := "text"
	for typ, m := range map[Type]any{
		THello: &Hello{Version: 1, Run: "r", Host: "h", User: "u", Predict: true, Wait: 3},
		TTask: &Task{
			ID: 1, Lane: "h", Epoch: 2, Group: 3, Name: "n", Pos: "f:1:2", Module: "m", Params: json.RawMessage(`{"a":1}`), Secret: []string{"p"},
			As: Become{User: "u", Method: "sudo", Flags: "-H", Exe: "/x", Password: "pw"}, Env: map[string]string{"A": "b"}, Hold: true, May: true,
			Predict: true, Real: true, Diff: true, NoLog: true, Timeout: 5,
		},
		TResult: &Result{ID: 1, Changed: true, Msg: "m", Unknown: true, After: "t", Fields: json.RawMessage(`{}`), Warn: []string{"w"}, Micros: 9},
		TChange: &Change{
			ID: 1, Kind: "file", Name: "/x", Deltas: []state.Delta{{Field: "Mode", From: "a", To: "b"}}, Before: &text, After: &text,
			With: []Change{{ID: 1, Kind: "user", Status: Done}}, Status: Predicted,
		},
		TUndo: &Undo{Run: "r", List: true, Force: true, As: []Become{{User: "u"}}},
	} {
		var buf bytes.Buffer
		if err := NewConn(nil, &buf).Send(typ, m); err != nil {
			t.Fatal(err)
		}
		whole, err := Frame(typ, m)
		if err != nil || !bytes.Equal(whole, buf.Bytes()) {
			t.Errorf("Frame and Send differ for %c", typ)
		}
		got, payload, err := NewConn(&buf, nil).Receive()
		if err != nil || got != typ {
			t.Fatalf("%c: %v", got, err)
		}
		into := map[Type]any{THello: &Hello{}, TTask: &Task{}, TResult: &Result{}, TChange: &Change{}, TUndo: &Undo{}}[typ]
		if err := json.Unmarshal(payload, into); err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(m, into); d != "" {
			t.Errorf("%c: %s", typ, d)
		}
	}
}

// TestZeroBecome: a task of the login user does not name one.
func TestZeroBecome(t *testing.T) {
	b, err := Frame(TTask, Task{ID: 1})
	if err != nil || strings.Contains(string(b), `"As"`) {
		t.Errorf("%s %v", b, err)
	}
}

func TestContentInPieces(t *testing.T) {
	for _, size := range []int{0, 1, BlobPiece - 1, BlobPiece, BlobPiece + 1, 3*BlobPiece + 7} {
		var buf bytes.Buffer
		text := bytes.Repeat([]byte("x"), size)
		if err := NewConn(nil, &buf).SendContent("sum", bytes.NewReader(text)); err != nil {
			t.Fatal(err)
		}
		c, got, pieces := NewConn(&buf, nil), []byte(nil), 0
		for {
			typ, payload, err := c.Receive()
			if err != nil || typ != TBlob {
				t.Fatalf("%c %v", typ, err)
			}
			h, piece, err := ParseBlob(payload)
			if err != nil || h.Sum != "sum" || h.Off != int64(len(got)) || len(piece) > BlobPiece {
				t.Fatalf("%+v %d %v", h, len(piece), err)
			}
			got = append(got, piece...)
			if pieces++; h.Last {
				break
			}
		}
		if !bytes.Equal(got, text) {
			t.Errorf("%d bytes became %d in %d pieces", size, len(got), pieces)
		}
		if _, _, err := c.Receive(); !errors.Is(err, io.EOF) {
			t.Errorf("%v after the last piece", err)
		}
	}
}

type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, errors.New("disk on fire") }

func TestContentThatCannotBeRead(t *testing.T) {
	var buf bytes.Buffer
	if err := NewConn(nil, &buf).SendContent("sum", broken{}); err == nil || !strings.Contains(err.Error(), "disk on fire") {
		t.Error(err)
	}
}

func TestBrokenStreams(t *testing.T) {
	frame := func(n uint32, rest string) string {
		var head [4]byte
		binary.BigEndian.PutUint32(head[:], n)
		return string(head[:]) + rest
	}
	for _, c := range []struct {
		name, stream string
		want         error
	}{
		{"the end", "", io.EOF},
		{"within the head", "\x00\x00", io.ErrUnexpectedEOF},
		{"within a frame", frame(10, "Tabc"), io.ErrUnexpectedEOF},
		{"nothing in it", frame(0, "T"), ErrTooLarge},
		{"too large", frame(MaxFrame+2, "T"), ErrTooLarge},
		{"not ours", "Welcome to this host!\n", ErrTooLarge},
	} {
		if _, _, err := NewConn(strings.NewReader(c.stream), nil).Receive(); !errors.Is(err, c.want) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

// TestFrameLimit: what is too large for the other end is not sent at all.
func TestFrameLimit(t *testing.T) {
	var buf bytes.Buffer
	if err := NewConn(nil, &buf).Send(TTask, strings.Repeat("x", MaxFrame)); err == nil || buf.Len() > 0 {
		t.Errorf("%v, %d bytes", err, buf.Len())
	}
}

// TestReaderDoesNotWaitForWriter: both ends write at once into streams that hold
// nothing; were reading to wait for writing, neither would end.
func TestReaderDoesNotWaitForWriter(t *testing.T) {
	ar, aw := io.Pipe()
	br, bw := io.Pipe()
	var wg sync.WaitGroup
	for _, c := range []*Conn{NewConn(ar, bw), NewConn(br, aw)} {
		wg.Go(func() {
			for range 200 {
				if err := c.Send(TTask, Task{Name: strings.Repeat("x", 100_000)}); err != nil {
					t.Error(err)
				}
			}
		})
		wg.Go(func() {
			for range 200 {
				if _, _, err := c.Receive(); err != nil {
					t.Error(err)
				}
			}
		})
	}
	done := make(chan struct{})
	go func() { wg.Wait(); close(done) }()
	select {
	case <-done:
	case <-time.After(30 * time.Second):
		t.Fatal("both ends wait for one another")
	}
}

func TestTraffic(t *testing.T) {
	var buf bytes.Buffer
	w := NewConn(nil, &buf)
	if err := w.Send(TGo, Go{ID: 1}); err != nil {
		t.Fatal(err)
	}
	n := int64(buf.Len())
	r := NewConn(&buf, nil)
	if _, _, err := r.Receive(); err != nil {
		t.Fatal(err)
	}
	sent, _ := w.Traffic()
	if _, received := r.Traffic(); sent != n || received != n {
		t.Errorf("%d bytes: sent %d, received %d", n, sent, received)
	}
}

func FuzzReceive(f *testing.F) {
	whole, err := Frame(THello, Hello{Run: "x"})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(whole)
	f.Add([]byte("Last login: today\n"))
	f.Add([]byte{0, 0, 0, 4, 'B', 0, 9, 1})
	f.Fuzz(func(t *testing.T, stream []byte) {
		c := NewConn(bytes.NewReader(stream), nil)
		for {
			typ, payload, err := c.Receive()
			if err != nil {
				return
			}
			if len(payload) > len(stream) {
				t.Fatalf("%d bytes out of %d", len(payload), len(stream))
			}
			if typ == TBlob {
				_, piece, err := ParseBlob(payload)
				if err == nil && len(piece) > len(payload) {
					t.Fatal("a piece that is larger than its frame")
				}
			}
		}
	})
}

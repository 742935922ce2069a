// Package wire is what the controller and the helper on a host say to each
// other: frames over one stream in each direction, and the messages in them.
//
// A frame is four bytes of length (big endian, of what follows), one byte of
// type and a payload. Payloads are JSON, except that a Blob frame has two bytes
// of header length, a JSON header and raw bytes. The same frames are spoken
// between a helper and its children that run as other users.
//
// The package imports state, value and the standard library: it is linked into
// the helper.
package wire

import (
	"bufio"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
)

// Version is the protocol's; both ends must have the same.
const Version = 1

// MaxFrame bounds a frame's payload in bytes.
const MaxFrame = 64 << 20

// BlobPiece is the size in bytes of the pieces in which large contents go.
const BlobPiece = 256 << 10

// Type is the type of a frame.
type Type byte

// The frames that a controller sends.
const (
	THello Type = 'H'
	TTask  Type = 'T'
	TGo    Type = 'G'
	TDrop  Type = 'D'
	TBlob  Type = 'B'
	TUndo  Type = 'U'
	TEnd   Type = 'E'
)

// The frames that a helper sends.
const (
	TReady   Type = 'r'
	TChange  Type = 'c'
	THeld    Type = 'h'
	TNeed    Type = 'n'
	TResult  Type = 't'
	TUndone  Type = 'u'
	TFatal   Type = 'f'
	TDropped Type = 'd'
)

// The frames between a helper and its child.
const (
	TCall  Type = 'C'
	TReply Type = 'R'
)

// Conn sends and receives frames. Send is safe for concurrent use; Receive is for one reader.
type Conn struct {
	r  *bufio.Reader
	mu sync.Mutex
	w  *bufio.Writer
	// sent and received count bytes. They are not under mu: a reader must not wait for a
	// writer, which may wait for the other end to read.
	sent, received atomic.Int64
}

// NewConn speaks over r and w.
func NewConn(r io.Reader, w io.Writer) *Conn {
	return &Conn{r: bufio.NewReaderSize(r, 64<<10), w: bufio.NewWriterSize(w, 64<<10)}
}

// Send writes a frame of type t with msg as its JSON payload.
func (c *Conn) Send(t Type, msg any) error {
	payload, err := json.Marshal(msg)
	if err != nil {
		return fmt.Errorf("cannot encode a frame of type %c: %w", t, err)
	}
	return c.write(t, payload)
}

// SendBlob writes a piece of a large content.
func (c *Conn) SendBlob(h Blob, piece []byte) error {
	head, err := json.Marshal(h)
	if err != nil {
		return fmt.Errorf("cannot encode a blob's header: %w", err)
	}
	n := make([]byte, 2, 2+len(head)+len(piece))
	binary.BigEndian.PutUint16(n, uint16(len(head))) //nolint:gosec // a header has a hash and three numbers
	return c.write(TBlob, append(append(n, head...), piece...))
}

// Frame is a whole frame as it goes over the stream, for whoever sends it himself.
func Frame(t Type, msg any) ([]byte, error) {
	payload, err := json.Marshal(msg)
	if err != nil {
		return nil, fmt.Errorf("cannot encode a frame of type %c: %w", t, err)
	}
	head := make([]byte, 5, 5+len(payload))
	binary.BigEndian.PutUint32(head, uint32(len(payload)+1)) //nolint:gosec // a message is far below the limit
	head[4] = byte(t)
	return append(head, payload...), nil
}

func (c *Conn) write(t Type, payload []byte) error {
	if len(payload) > MaxFrame {
		return fmt.Errorf("cannot send a frame of %d bytes: the limit is %d", len(payload), MaxFrame)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	var head [5]byte
	binary.BigEndian.PutUint32(head[:], uint32(len(payload)+1)) //nolint:gosec // bounded above
	head[4] = byte(t)
	c.sent.Add(int64(len(payload)) + 5)
	if _, err := c.w.Write(head[:]); err != nil {
		return err
	}
	if _, err := c.w.Write(payload); err != nil {
		return err
	}
	return c.w.Flush()
}

// ErrTooLarge is what Receive gives for a frame above MaxFrame: the stream is not ours, or is broken.
var ErrTooLarge = errors.New("frame too large")

// Receive reads the next frame. At the end of the stream it gives io.EOF.
func (c *Conn) Receive() (Type, []byte, error) {
	var head [5]byte
	if _, err := io.ReadFull(c.r, head[:]); err != nil {
		return 0, nil, err
	}
	n := binary.BigEndian.Uint32(head[:])
	if n == 0 || n > MaxFrame+1 {
		return 0, nil, fmt.Errorf("%w: %d bytes", ErrTooLarge, n)
	}
	payload := make([]byte, n-1)
	if _, err := io.ReadFull(c.r, payload); err != nil {
		return 0, nil, fmt.Errorf("cannot read a frame: %w", err)
	}
	c.received.Add(int64(n) + 4)
	return Type(head[4]), payload, nil
}

// SendContent sends all that r gives, whose SHA-256 is sum, in pieces.
func (c *Conn) SendContent(sum string, r io.Reader) error {
	buf := make([]byte, BlobPiece)
	for off := int64(0); ; {
		n, err := io.ReadFull(r, buf)
		last := errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
		if err != nil && !last {
			return err
		}
		if err := c.SendBlob(Blob{Sum: sum, Off: off, Last: last}, buf[:n]); err != nil {
			return err
		}
		if last {
			return nil
		}
		off += int64(n)
	}
}

// ParseBlob takes a Blob frame's payload apart.
func ParseBlob(payload []byte) (Blob, []byte, error) {
	var h Blob
	if len(payload) < 2 {
		return h, nil, errors.New("cannot read a blob: too short")
	}
	n := int(binary.BigEndian.Uint16(payload))
	if len(payload) < 2+n {
		return h, nil, errors.New("cannot read a blob: too short for its header")
	}
	if err := json.Unmarshal(payload[2:2+n], &h); err != nil {
		return h, nil, fmt.Errorf("cannot read a blob's header: %w", err)
	}
	return h, payload[2+n:], nil
}

// Traffic is how many bytes were sent and received.
func (c *Conn) Traffic() (sent, received int64) {
	return c.sent.Load(), c.received.Load()
}

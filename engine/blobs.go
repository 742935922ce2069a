package engine

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"sync"

	"rp/engine/state"
	"rp/engine/wire"
)

// blobs serves large contents of the controller's files to the hosts, by hash.
type blobs struct {
	mu   sync.Mutex
	open map[string]func() (io.ReadCloser, error)
}

func newBlobs() *blobs { return &blobs{open: map[string]func() (io.ReadCloser, error){}} }

// add makes the content that open gives known: inline where it is small, by its hash where it is large.
func (b *blobs) add(size int64, open func() (io.ReadCloser, error)) (state.Content, error) {
	r, err := open()
	if err != nil {
		return state.Content{}, err
	}
	defer r.Close() //nolint:errcheck // only read
	if size <= state.InlineMax {
		text, err := io.ReadAll(io.LimitReader(r, state.InlineMax+1))
		if err != nil {
			return state.Content{}, err
		}
		if len(text) <= state.InlineMax {
			return state.Bytes(text), nil
		}
		return b.add(int64(len(text)), open)
	}
	h := sha256.New()
	n, err := io.Copy(h, r)
	if err != nil {
		return state.Content{}, err
	}
	sum := hex.EncodeToString(h.Sum(nil))
	b.mu.Lock()
	b.open[sum] = open
	b.mu.Unlock()
	return state.Content{Sum: sum, Size: n, From: "blob:"}, nil
}

// serve sends the content with hash sum in pieces, or says that it cannot be had.
func (b *blobs) serve(c *wire.Conn, sum string) {
	if err := b.sendTo(c, sum); err != nil {
		_ = c.SendBlob(wire.Blob{Sum: sum, Err: err.Error(), Last: true}, nil) // a lost host needs no content
	}
}

func (b *blobs) sendTo(c *wire.Conn, sum string) error {
	b.mu.Lock()
	open := b.open[sum]
	b.mu.Unlock()
	if open == nil {
		return fmt.Errorf("the controller has no content %s", sum)
	}
	r, err := open()
	if err != nil {
		return err
	}
	defer r.Close() //nolint:errcheck // only read
	return c.SendContent(sum, r)
}

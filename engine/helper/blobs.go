package helper

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
	"path/filepath"
	"sync"

	"rp/engine/wire"
)

// blobStore holds large contents that the controller sends piece by piece, in
// files of the helper's own. It is a host.BlobSource.
type blobStore struct {
	dir  string
	conn *wire.Conn

	mu    sync.Mutex
	blobs map[string]*blob
}

type blob struct {
	done chan struct{}
	err  error
	file *os.File
	hash hash.Hash
}

func newBlobStore(dir string, c *wire.Conn) *blobStore {
	return &blobStore{dir: dir, conn: c, blobs: map[string]*blob{}}
}

// Open is the content whose SHA-256 is sum; it asks the controller for it when it is not here yet.
func (s *blobStore) Open(ctx context.Context, sum string) (io.ReadCloser, error) {
	s.mu.Lock()
	b, ok := s.blobs[sum]
	if !ok {
		b = &blob{done: make(chan struct{}), hash: sha256.New()}
		s.blobs[sum] = b
	}
	s.mu.Unlock()
	if !ok {
		if err := s.conn.Send(wire.TNeed, wire.Need{Sum: sum}); err != nil {
			return nil, fmt.Errorf("cannot ask for a content: %w", err)
		}
	}
	select {
	case <-b.done:
	case <-ctx.Done():
		return nil, fmt.Errorf("cannot get a content: %w", context.Cause(ctx))
	}
	if b.err != nil {
		return nil, b.err
	}
	return os.Open(s.path(sum))
}

func (s *blobStore) path(sum string) string { return filepath.Join(s.dir, "blob-"+sum) }

// receive takes one piece. Only the reader of the stream calls it.
func (s *blobStore) receive(h wire.Blob, piece []byte) error {
	s.mu.Lock()
	b := s.blobs[h.Sum]
	s.mu.Unlock()
	if b == nil || b.err != nil {
		return nil // nobody asked, or it failed already
	}
	err := s.write(b, h, piece)
	if err == nil && !h.Last {
		return nil
	}
	if err == nil && hex.EncodeToString(b.hash.Sum(nil)) != h.Sum {
		err = errors.New("a content arrived damaged")
	}
	if b.file != nil {
		err = errors.Join(err, b.file.Close())
	}
	b.err = err
	close(b.done)
	return nil
}

func (s *blobStore) write(b *blob, h wire.Blob, piece []byte) error {
	if h.Err != "" {
		return fmt.Errorf("cannot get a content from the controller: %s", h.Err)
	}
	if b.file == nil {
		if err := os.MkdirAll(s.dir, 0o700); err != nil {
			return fmt.Errorf("cannot spool a content: %w", err)
		}
		f, err := os.OpenFile(s.path(h.Sum), os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
		if err != nil {
			return fmt.Errorf("cannot spool a content: %w", err)
		}
		b.file = f
	}
	b.hash.Write(piece)
	if _, err := b.file.Write(piece); err != nil {
		return fmt.Errorf("cannot spool a content: %w", err)
	}
	return nil
}

// expect makes room for a content that is sent without being asked for.
func (s *blobStore) expect(sum string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, ok := s.blobs[sum]; !ok {
		s.blobs[sum] = &blob{done: make(chan struct{}), hash: sha256.New()}
	}
}

package host

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"rp/engine/state"
)

// readContent is what the file at path holds: hash and size, and the bytes of what is not large.
func readContent(ctx context.Context, path string) (state.Content, error) {
	f, err := openRegular(path)
	if err != nil {
		return state.Content{}, err
	}
	defer f.Close() //nolint:errcheck // only read
	return sumContent(ctx, f)
}

// sumContent reads r to its end.
func sumContent(ctx context.Context, r io.Reader) (state.Content, error) {
	h := sha256.New()
	var head bytes.Buffer
	// one byte more than goes inline tells whether there is more
	n, err := io.Copy(io.MultiWriter(&head, h), io.LimitReader(during{ctx, r}, state.InlineMax+1))
	if err == nil && n > state.InlineMax {
		var rest int64
		rest, err = io.Copy(h, during{ctx, r})
		n += rest
	}
	if err != nil {
		return state.Content{}, err
	}
	c := state.Content{Sum: hex.EncodeToString(h.Sum(nil)), Size: n}
	if n <= state.InlineMax {
		c.Data = head.Bytes()
		if c.Data == nil {
			c.Data = []byte{}
		}
	}
	return c, nil
}

// during is r until ctx ends.
type during struct {
	ctx context.Context
	r   io.Reader
}

func (d during) Read(p []byte) (int, error) {
	if d.ctx.Err() != nil {
		return 0, context.Cause(d.ctx)
	}
	return d.r.Read(p)
}

// open gives the bytes of c from wherever they are.
func (l *Linux) open(ctx context.Context, c state.Content) (io.ReadCloser, error) {
	if c.AtHand() && (c.From == "" || c.Data != nil) {
		return io.NopCloser(bytes.NewReader(c.Data)), nil
	}
	scheme, rest, _ := strings.Cut(c.From, ":")
	switch scheme {
	case "", "blob":
		if l.o.Blobs == nil {
			return nil, fmt.Errorf("cannot get the content %s: there is nobody to ask for it", c)
		}
		return l.o.Blobs.Open(ctx, c.Sum)
	case "path":
		f, err := openRegular(l.source(rest))
		if err != nil {
			return nil, fmt.Errorf("cannot read %s: %w", rest, bare(err))
		}
		return f, nil
	case "url":
		if c.Sum == "" {
			return nil, fmt.Errorf("cannot fetch %s: its checksum is not known", rest)
		}
		got, _, err := l.fetch(ctx, state.Download{URL: rest})
		if err != nil {
			return nil, err
		}
		if got.From == "" && got.Data == nil && got.Size > 0 || got.From == c.From {
			return nil, fmt.Errorf("cannot fetch %s: nothing came", shownURL(rest))
		}
		return l.open(ctx, got)
	case "tar", "zip":
		return l.openMember(ctx, scheme, rest)
	}
	return nil, fmt.Errorf("cannot get a content from %q", c.From)
}

// source is where a "path:" lies: the scratch directory is never below Root.
func (l *Linux) source(path string) string {
	if l.o.Scratch != "" && below(path, l.o.Scratch) {
		return path
	}
	return l.path(path)
}

// scratch makes the scratch directory.
func (l *Linux) scratch() (string, error) {
	if l.o.Scratch == "" {
		return "", errors.New("cannot spool: there is no scratch directory")
	}
	if err := os.MkdirAll(l.o.Scratch, 0o700); err != nil {
		return "", fmt.Errorf("cannot make the scratch directory: %w", err)
	}
	return l.o.Scratch, nil
}

func (l *Linux) scratchFile(sum string) string { return filepath.Join(l.o.Scratch, sum) }

// copyContent writes c's bytes to w and fails where they are not what c says.
func (l *Linux) copyContent(ctx context.Context, w io.Writer, c state.Content) error {
	r, err := l.open(ctx, c)
	if err != nil {
		return err
	}
	defer r.Close() //nolint:errcheck // only read
	h := sha256.New()
	n, err := io.Copy(io.MultiWriter(w, h), during{ctx, r})
	if err != nil {
		return fmt.Errorf("cannot copy the content: %w", bare(err))
	}
	if sum := hex.EncodeToString(h.Sum(nil)); c.Sum != "" && sum != strings.ToLower(c.Sum) {
		return fmt.Errorf("the content (%d bytes) has the SHA-256 %s and should have %s", n, sum, c.Sum)
	}
	return nil
}

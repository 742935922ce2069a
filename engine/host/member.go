package host

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"sync"

	"rp/engine/state"
)

// unpacking is the archive that is being unpacked, held at the member that was read last: what is
// unpacked in the archive's order is unpacked in one pass.
type unpacking struct {
	mu    sync.Mutex
	ref   string
	m     members
	times map[string]int // name → how often it was passed
}

// openMember gives the bytes of "ARCHIVE#MEMBER", or "ARCHIVE#MEMBER#N" for the Nth of that name.
func (l *Linux) openMember(ctx context.Context, format, name string) (io.ReadCloser, error) {
	parts := strings.Split(name, "#")
	if len(parts) < 2 {
		return nil, fmt.Errorf("cannot read the archive's member %q: it names no member", name)
	}
	ref, member, nth := unescape(parts[0]), unescape(parts[1]), 1
	if len(parts) > 2 {
		nth, _ = strconv.Atoi(parts[2])
	}
	c := &l.unpacking
	c.mu.Lock()
	// twice: on from where the last reader was, and once more from the start
	for range 2 {
		r, err := c.seek(ctx, l, ref, format, member, nth)
		if err == nil {
			return &memberReader{Reader: r, c: c}, nil
		}
		c.drop()
		if !errors.Is(err, io.EOF) {
			c.mu.Unlock()
			return nil, fmt.Errorf("cannot read %q of the archive %s: %w", member, ref, err)
		}
	}
	c.mu.Unlock()
	return nil, fmt.Errorf("cannot read %q: it is not in the archive %s", member, ref)
}

func (c *unpacking) seek(ctx context.Context, l *Linux, ref, format, member string, nth int) (io.Reader, error) {
	if c.m == nil || c.ref != ref {
		c.drop()
		// the archive outlives this one read, so it does not end with ctx
		m, err := l.openArchive(context.WithoutCancel(ctx), sourceOf(ref))
		if err != nil {
			return nil, err
		}
		if m == nil || m.format() != format {
			return nil, fmt.Errorf("it is no %s archive", format)
		}
		c.ref, c.m, c.times = ref, m, map[string]int{}
	}
	for {
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		e, r, err := c.m.next()
		if err != nil {
			return nil, err
		}
		name, err := memberName(e.Name)
		if err != nil {
			return nil, err
		}
		c.times[name]++
		if name == member && c.times[name] == nth && e.Type == state.Regular && r != nil {
			return r, nil
		}
	}
}

// drop closes the archive.
func (c *unpacking) drop() {
	if c.m != nil {
		c.m.close()
	}
	c.m, c.ref = nil, ""
}

// memberReader holds the cursor until it is closed.
type memberReader struct {
	io.Reader
	c    *unpacking
	once sync.Once
}

// Close implements io.Closer.
func (r *memberReader) Close() error {
	r.once.Do(r.c.mu.Unlock)
	return nil
}

package host

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"reflect"
	"slices"
	"sync"

	"rp/engine/state"
)

// BlobSource gives large contents by their hash: what the controller has and a
// state names as "blob:".
type BlobSource interface {
	// Open gives the bytes whose hex SHA-256 is sum. The caller closes it.
	Open(ctx context.Context, sum string) (io.ReadCloser, error)
}

// Options say how a [Linux] works.
type Options struct {
	// Blobs is where large contents come from; nil: none can be had.
	Blobs BlobSource
	// Scratch is a directory of this process's own (mode 0700) for downloads and
	// spooling; it is made when it is first needed. Empty: what needs it fails.
	Scratch string
	// Root is put before every path, so that tests can work below a directory. Empty for the real root.
	Root string
}

// Linux is the machine that this process runs on, as this process's own user.
// It is safe for concurrent use; that two writers do not meet is the engine's business.
type Linux struct {
	o         Options
	downloads downloads
	unpacking unpacking
}

// NewLinux gives the machine that this process runs on.
func NewLinux(o Options) *Linux { return &Linux{o: o} }

// path is where the host's path p lies for this process.
func (l *Linux) path(p string) string {
	if l.o.Root == "" {
		return p
	}
	return filepath.Join(l.o.Root, p)
}

// Read implements [Reader]. States of one kind are read together, kinds at the same time.
func (l *Linux) Read(ctx context.Context, ss ...state.State) ([]state.State, error) {
	batches, err := byKind(ss)
	if err != nil {
		return nil, err
	}
	out := make([]state.State, len(ss))
	errs := make([]error, len(batches))
	var wg sync.WaitGroup
	for i, b := range batches {
		wg.Go(func() { errs[i] = l.readBatch(ctx, b, ss, out) })
	}
	wg.Wait()
	return out, errors.Join(errs...)
}

type batch struct {
	kind    kind
	indexes []int
}

// byKind sorts states by kind, in the order in which the kinds first appear.
func byKind(ss []state.State) ([]batch, error) {
	var bs []batch
	at := map[string]int{}
	for i, s := range ss {
		if s == nil {
			return nil, fmt.Errorf("cannot read state %d of %d: it is nil", i+1, len(ss))
		}
		name := s.Key().Kind
		j, ok := at[name]
		if !ok {
			k, err := kindOf(s)
			if err != nil {
				return nil, err
			}
			j = len(bs)
			at[name] = j
			bs = append(bs, batch{kind: k})
		}
		bs[j].indexes = append(bs[j].indexes, i)
	}
	return bs, nil
}

func (l *Linux) readBatch(ctx context.Context, b batch, asked, out []state.State) error {
	in := make([]state.State, len(b.indexes))
	for j, i := range b.indexes {
		in[j] = asked[i]
	}
	if b.kind.read == nil {
		return fmt.Errorf("cannot read %s: this kind cannot be read", in[0].Key())
	}
	got, err := b.kind.read(ctx, l, in)
	if err != nil {
		return err
	}
	if len(got) != len(in) {
		return fmt.Errorf("cannot read %s: asked %d states, got %d", in[0].Key(), len(in), len(got))
	}
	for j, i := range b.indexes {
		out[i] = got[j]
	}
	return nil
}

// Plan implements [Host].
func (l *Linux) Plan(ctx context.Context, c state.Change) (state.Change, error) {
	return planThrough(ctx, l, c)
}

// planThrough completes c with what r shows.
func planThrough(ctx context.Context, r Reader, c state.Change) (state.Change, error) {
	k, err := kindOf(c.To)
	if err != nil {
		return c, err
	}
	if k.plan == nil {
		return c, nil
	}
	return k.plan(ctx, r, c)
}

// Write implements [Host]. All changes must be of one kind.
func (l *Linux) Write(ctx context.Context, cs ...state.Change) error {
	if len(cs) == 0 {
		return nil
	}
	k, err := kindOf(cs[0].To)
	if err != nil {
		return err
	}
	for _, c := range cs[1:] {
		if c.To.Key().Kind != cs[0].To.Key().Kind {
			return fmt.Errorf("cannot write %s and %s together: they are of two kinds", cs[0].To.Key(), c.To.Key())
		}
	}
	if k.write == nil {
		return fmt.Errorf("cannot write %s: this kind is only read", cs[0].To.Key())
	}
	return k.write(ctx, l, cs)
}

// Do implements [Host].
func (l *Linux) Do(ctx context.Context, e state.Event) (state.Outcome, error) {
	ev, ok := eventsByName[reflect.TypeOf(e).Name()]
	if !ok {
		return state.Outcome{}, fmt.Errorf("cannot do events of type %T", e)
	}
	return ev.do(ctx, l, e)
}

// Touches lists the paths that writing c alters besides the files that c and its
// With name: what the kind's tools write by the way (/etc/passwd- for a user). The
// journal keeps what is there before, with the directories above, and undo restores it.
func (l *Linux) Touches(c state.Change) []string {
	if k, ok := kindsByName[c.To.Key().Kind]; ok && k.touches != nil {
		return k.touches(c)
	}
	return nil
}

// Touched lists all paths that writing c alters, sorted: what [Linux.Touches] says of it and of its
// With, their files, and the directories that these lie in, whose times change.
func (l *Linux) Touched(c state.Change) []string {
	var ps []string
	var add func(c state.Change)
	add = func(c state.Change) {
		ps = append(ps, l.Touches(c)...)
		if f, ok := c.To.(state.File); ok {
			ps = append(ps, f.Path)
		}
		for _, w := range c.With {
			add(w)
		}
	}
	add(c)
	for _, p := range slices.Clone(ps) {
		ps = append(ps, filepath.Dir(p))
	}
	slices.Sort(ps)
	return slices.Compact(ps)
}

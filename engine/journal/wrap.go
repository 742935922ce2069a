package journal

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"rp/engine/host"
	"rp/engine/state"
)

// Wrap is h with every write written down first. user is as whom h writes, ""
// for the journal's own user.
func Wrap(h host.Host, j *Journal, user string) host.Host {
	w := &wrapped{Host: h, j: j, user: user}
	w.toucher, _ = h.(Toucher)
	return w
}

type wrapped struct {
	host.Host
	j       *Journal
	user    string
	toucher Toucher
}

func (w *wrapped) entry(ctx context.Context) *Entry {
	i := InfoOf(ctx)
	return &Entry{Task: i.Task, Pos: i.Pos, User: w.user}
}

// Write implements [host.Host].
func (w *wrapped) Write(ctx context.Context, cs ...state.Change) error {
	e := w.entry(ctx)
	e.Changes = append([]state.Change(nil), cs...)
	if err := w.before(e); err != nil {
		return err
	}
	if err := w.j.begin(e); err != nil {
		return err
	}
	werr := w.Host.Write(ctx, cs...)
	end := ending{Seq: e.Seq, Touched: e.Touched}
	if werr != nil {
		end.Err = werr.Error()
	}
	for i := range end.Touched {
		l, err := look(end.Touched[i].Path)
		if err != nil {
			return errors.Join(werr, err)
		}
		end.Touched[i].After = l
	}
	return errors.Join(werr, w.j.end(end))
}

// Do implements [host.Host].
func (w *wrapped) Do(ctx context.Context, ev state.Event) (state.Outcome, error) {
	e := w.entry(ctx)
	e.Event = ev.EventKey().String()
	if err := w.j.begin(e); err != nil {
		return state.Outcome{}, err
	}
	out, derr := w.Host.Do(ctx, ev)
	end := ending{Seq: e.Seq}
	if derr != nil {
		end.Err = derr.Error()
	}
	return out, errors.Join(derr, w.j.end(end))
}

// before looks at all that will be touched and keeps the contents that the write replaces.
func (w *wrapped) before(e *Entry) error {
	for i := range e.Changes {
		if err := w.expand(e, &e.Changes[i]); err != nil {
			return err
		}
	}
	for _, p := range paths(e.Changes, w.toucher) {
		l, err := look(p)
		if err != nil {
			return err
		}
		if l.Sum != "" {
			if err := w.j.keep(p, l.Sum); err != nil {
				return err
			}
			l.Kept = true
		}
		e.Touched = append(e.Touched, Touch{Path: p, Before: l})
	}
	for i := range e.Changes {
		w.j.fill(e, &e.Changes[i])
	}
	return nil
}

// maxTree is how many files of a removed directory are kept.
const maxTree = 10000

// expand lists what lies in a directory that c removes, so that it can be put back.
func (w *wrapped) expand(e *Entry, c *state.Change) error {
	f, ok := c.To.(state.File)
	if from, isFile := c.From.(state.File); !ok || !isFile || f.Type.Or("") != state.Absent || from.Type.Or("") != state.Directory {
		return nil
	}
	n := 0
	err := filepath.WalkDir(f.Path, func(path string, d fs.DirEntry, err error) error {
		if err != nil || path == f.Path {
			return err
		}
		if n++; n > maxTree {
			e.Lost = append(e.Lost, f.Path)
			return fs.SkipAll
		}
		was, err := w.Read(context.Background(), state.File{Path: path})
		if err != nil {
			return err
		}
		c.With = append(c.With, state.Change{From: was[0], To: state.File{Path: path, Type: state.Is(state.Absent)}})
		return nil
	})
	if err != nil {
		return fmt.Errorf("cannot keep what is in %s: %w", f.Path, err)
	}
	return nil
}

// fill gives a change's From the content that was kept, and its file time.
func (j *Journal) fill(e *Entry, c *state.Change) {
	if f, ok := c.From.(state.File); ok && f.Type.Or("") == state.Regular {
		for _, t := range e.Touched {
			if t.Path != f.Path {
				continue
			}
			if !t.Before.Kept {
				e.Lost = append(e.Lost, f.Path)
				break
			}
			if to, ok := c.To.(state.File); ok && (to.Content.IsSet() || to.Type.IsSet() && to.Type.Or("") != state.Regular) {
				size := int64(0)
				if fi, err := os.Stat(j.blob(t.Before.Sum)); err == nil {
					size = fi.Size()
				}
				f.Content = state.Is(state.Content{Sum: t.Before.Sum, Size: size, From: "path:" + j.blob(t.Before.Sum)})
				c.From = f
			}
		}
	}
	for i := range c.With {
		j.fill(e, &c.With[i])
	}
}

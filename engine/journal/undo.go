package journal

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"sort"
	"strings"
	"syscall"

	"rp/engine/host"
	"rp/engine/state"
)

// The states of an undo.
const (
	// Pending: it can be taken back.
	Pending = "pending"
	// Undone: it was.
	Undone = "undone"
	// Redundant: the host is already as it was before.
	Redundant = "redundant"
	// Blocked: the host no longer has what the run left; somebody is in the way.
	Blocked = "blocked"
	// Impossible: there is no honest inverse.
	Impossible = "impossible"
	// Failed: taking it back failed.
	Failed = "failed"
)

// Item is what undo says of one change.
type Item struct {
	Change state.Change
	Event  string
	State  string
	Why    string
}

// Undo looks at what taking e back needs, newest change first, and with write
// set takes back what can be. h writes as the user that made the change; undo's
// own writes are not journalled. Without write h is to be a [host.View], the same
// for all entries: an earlier change is as the run left it only where the later
// ones are thought to be taken back.
func (j *Journal) Undo(ctx context.Context, h host.Host, e Entry, write, force bool) []Item {
	if e.Event != "" {
		return []Item{{Event: e.Event, State: Impossible, Why: "what was done cannot be undone"}}
	}
	intact := map[string]bool{}
	for _, t := range e.Touched {
		now, err := look(t.Path)
		intact[t.Path] = err == nil && now.same(t.After)
	}
	var items []Item
	for i := len(e.Changes) - 1; i >= 0; i-- {
		items = append(items, j.undoOne(ctx, h, e, e.Changes[i].Undo(), write, force))
	}
	whole := !slices.ContainsFunc(items, func(i Item) bool { return i.State != Undone && i.State != Redundant })
	if write && e.Done && whole {
		if err := j.restoreTouched(e, intact); err != nil {
			items = append(items, Item{State: Failed, Why: err.Error()})
		}
	}
	return items
}

func (j *Journal) undoOne(ctx context.Context, h host.Host, e Entry, u state.Change, write, force bool) Item {
	item := Item{Change: u}
	if why := inverse(e, u); why != "" {
		item.State, item.Why = Impossible, why
		return item
	}
	asked := u.To
	if present, known := state.Present(u.To); known && !present {
		asked = u.From // what is to go has to be all that the run made of it
	}
	now, err := h.Read(ctx, asked)
	if err != nil {
		item.State, item.Why = Failed, err.Error()
		return item
	}
	back := state.Change{From: now[0], To: u.To, With: u.With}
	switch left := state.Disagreement(limit(u.From, asked), now[0]); {
	case !back.Needed():
		item.State = Redundant
		return item
	case len(left) > 0 && !force && e.Done:
		item.State, item.Why = Blocked, blockedBy(now[0], left)
		return item
	}
	if !write {
		_ = h.Write(ctx, back) // what cannot be imagined is seen when it is done
		item.State = Pending
		return item
	}
	// a directory comes back before what was in it, and goes after it
	err = j.write(ctx, h, back)
	if err == nil {
		err = j.undoWith(ctx, h, u.With)
	}
	if errors.Is(err, syscall.ENOTEMPTY) || err != nil && strings.Contains(err.Error(), "not empty") {
		item.State, item.Why = Blocked, err.Error()
		return item
	}
	if err != nil {
		item.State, item.Why = Failed, err.Error()
		return item
	}
	item.State = Undone
	return item
}

// undoWith puts back what a tool changed besides, as far as taking back its main
// change did not. u.With is in reverse of the order in which things came to be: what
// is to go goes in that order (files before their directory), what is to come back in the other.
func (j *Journal) undoWith(ctx context.Context, h host.Host, with []state.Change) error {
	for _, u := range with {
		if present, known := state.Present(u.To); known && !present {
			if err := j.putBack(ctx, h, u); err != nil {
				return err
			}
		}
	}
	for i := len(with) - 1; i >= 0; i-- {
		if present, known := state.Present(with[i].To); !known || present {
			if err := j.putBack(ctx, h, with[i]); err != nil {
				return err
			}
		}
	}
	return nil
}

// write makes a change whose content, if it has one, lies in the journal. The
// user who writes may not be the journal's and cannot read it there.
func (j *Journal) write(ctx context.Context, h host.Host, c state.Change) error {
	f, ok := c.To.(state.File)
	content, known := f.Content.Get()
	if ok && known && !content.AtHand() && content.From == "path:"+j.blob(content.Sum) {
		data, err := os.ReadFile(j.blob(content.Sum))
		if err != nil {
			return fmt.Errorf("cannot get the old content of %s: %w", f.Path, err)
		}
		content.Data = data
		f.Content = state.Is(content)
		c.To = f
	}
	return h.Write(ctx, c)
}

func (j *Journal) putBack(ctx context.Context, h host.Host, u state.Change) error {
	now, err := h.Read(ctx, u.To)
	if err != nil {
		return err
	}
	if back := (state.Change{From: now[0], To: u.To}); back.Needed() {
		return j.write(ctx, h, back)
	}
	return nil
}

// limit keeps those fields of s that mask asks for: undo looks at what the change touched and at nothing else.
func limit(s, mask state.State) state.State {
	c := state.Change{From: mask, To: s}
	return c.Restrict()
}

func inverse(e Entry, u state.Change) string {
	for _, p := range e.Lost {
		if f, ok := u.To.(state.File); ok && (f.Path == p || strings.HasPrefix(f.Path, p+"/")) {
			return "its old content was too large to keep"
		}
	}
	// a package that was removed is installed again, if its version can still be had; one whose
	// version was changed is not taken back to an older one
	if p, ok := u.To.(state.Package); ok && p.Version.IsSet() {
		if there, known := state.Present(u.From); known && there {
			return fmt.Sprintf("going back to version %s is not supported", p.Version)
		}
	}
	return ""
}

func blockedBy(now state.State, left []state.Delta) string {
	var parts []string
	for _, d := range left {
		parts = append(parts, fmt.Sprintf("%s is %s and not %s as the run left it", strings.ToLower(d.Field), d.From, d.To))
	}
	return fmt.Sprintf("%s was changed since: %s", now.Key(), strings.Join(parts, ", "))
}

// restoreTouched gives the paths that tools touched besides (backup copies, lock
// files, the times of directories) back what they had, where nobody else came between.
func (j *Journal) restoreTouched(e Entry, intact map[string]bool) error {
	ts := append([]Touch(nil), e.Touched...)
	sort.SliceStable(ts, func(a, b int) bool { return len(ts[a].Path) > len(ts[b].Path) }) // files before their directories
	var errs []error
	for _, t := range ts {
		now, err := look(t.Path)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		if !intact[t.Path] && now.Sum != t.Before.Sum {
			continue
		}
		errs = append(errs, j.restore(t, now))
	}
	return errors.Join(errs...)
}

func (j *Journal) restore(t Touch, now Look) error {
	switch {
	case !t.Before.Exists && now.Exists && now.Mode.IsRegular():
		return os.Remove(t.Path)
	case !t.Before.Exists || !now.Exists:
		return nil
	case now.Mode.IsRegular() && now.Sum != t.Before.Sum && t.Before.Kept:
		text, err := os.ReadFile(j.blob(t.Before.Sum))
		if err != nil {
			return fmt.Errorf("cannot put %s back: %w", t.Path, err)
		}
		if err := os.WriteFile(t.Path, text, now.Mode.Perm()); err != nil {
			return fmt.Errorf("cannot put %s back: %w", t.Path, err)
		}
	case now.Mode&fs.ModeSymlink != 0:
		return linkTime(t.Path, t.Before.MTime)
	}
	if now.Mode.IsRegular() || now.Mode.IsDir() {
		if err := os.Chtimes(t.Path, t.Before.MTime, t.Before.MTime); err != nil {
			return fmt.Errorf("cannot put %s's time back: %w", t.Path, err)
		}
	}
	return nil
}

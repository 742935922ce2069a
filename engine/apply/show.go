package apply

import (
	"bytes"
	"unicode/utf8"

	"rp/engine/state"
	"rp/engine/wire"
)

// Show is c as a report takes it. With texts set, a file's old and new text go
// along where both are text, at hand and not secret.
func Show(c state.Change, id int64, status string, texts bool) wire.Change {
	k := c.To.Key()
	w := wire.Change{ID: id, Kind: k.Kind, Name: k.Name, Deltas: c.Diff(), Status: status}
	for _, d := range w.Deltas {
		if d.Maybe && status == wire.Predicted {
			w.Status = wire.MayChange
		}
	}
	if texts {
		w.Before, w.After = fileTexts(c)
	}
	for _, with := range c.With {
		w.With = append(w.With, Show(with, id, status, texts))
	}
	return w
}

func fileTexts(c state.Change) (before, after *string) {
	from, isFile := c.From.(state.File)
	to, _ := c.To.(state.File)
	if !isFile || !to.Content.IsKnown() && to.Type.Or("") != state.Absent || from.Content.IsSecret() || to.Content.IsSecret() {
		return nil, nil
	}
	b, okB := text(from)
	a, okA := text(to)
	if !okA || !okB || b == a {
		return nil, nil
	}
	return &b, &a
}

// text is what a file holds, "" for one that is not there.
func text(f state.File) (string, bool) {
	if f.Type.Or("") == state.Absent {
		return "", true
	}
	c, known := f.Content.Get()
	if !known || !c.AtHand() || !utf8.Valid(c.Data) || bytes.IndexByte(c.Data, 0) >= 0 {
		return "", false
	}
	return string(c.Data), true
}

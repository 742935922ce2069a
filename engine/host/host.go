// Package host reads and changes one machine, real or imagined.
//
// [Linux] is the real one, run as some user on the machine itself. [Overlay]
// is the dry run: writes go to its memory and its reads see them. Both pass
// the conformance suite in hosttest. Writing lives here once per kind of
// state, a file a kind; modules never write. This package must not import
// anything of the controller (jinja, play, yaml, ssh).
package host

import (
	"context"

	"rp/engine/state"
)

// Reader is how a module sees a machine: it can look, never touch.
type Reader interface {
	// Read fills in what is true of the things that ss name, in their order.
	// What is not there is no error; what could not be asked is.
	Read(ctx context.Context, ss ...state.State) ([]state.State, error)
}

// Host can also be changed. Only the engine holds one.
type Host interface {
	Reader
	// Plan completes a change before it is shown: what the tools would choose by
	// themselves (a free uid, the home directory, a new file's mode) is filled in where it
	// can be told, and what they do besides is put into With. It writes nothing.
	Plan(ctx context.Context, c state.Change) (state.Change, error)
	// Write makes changes of one kind together (one transaction for packages).
	Write(ctx context.Context, cs ...state.Change) error
	// Do does an event.
	Do(ctx context.Context, e state.Event) (state.Outcome, error)
}

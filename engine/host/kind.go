package host

import (
	"context"
	"fmt"

	"rp/engine/state"
)

// kind is all that this package knows of one kind of state. Each kind's file
// registers its own in init; nothing else is asked for by name.
type kind struct {
	// read fills in states of this kind from the machine, batched. Linux only.
	read func(ctx context.Context, l *Linux, ss []state.State) ([]state.State, error)
	// plan completes a change (see [Host.Plan]); it looks through r only, so it serves the Overlay too.
	// Nil: nothing to complete.
	plan func(ctx context.Context, r Reader, c state.Change) (state.Change, error)
	// write makes planned changes of this kind, together. Nil for what is only read.
	write func(ctx context.Context, l *Linux, cs []state.Change) error
	// touches lists the paths that writing c touches besides what c and its With name
	// (/etc/passwd- for a user), so that the journal can keep and undo restore their content and times.
	touches func(c state.Change) []string
	// imagine answers a read of this kind in a dry run from what was predicted (a Walk sees predicted files).
	// base is the answer of the real machine. Nil: base, laid under what was written to this very key.
	imagine func(ctx context.Context, v *View, asked, base state.State) (state.State, error)
	// blind: with any change predicted before, the answer is unknown (a command, a request to this host).
	blind bool
}

var kindsByName = map[string]kind{}

// register makes k known under the kind name that [state.Key] has.
func register(name string, k kind) {
	if _, twice := kindsByName[name]; twice {
		panic("host: kind registered twice: " + name)
	}
	kindsByName[name] = k
}

func kindOf(s state.State) (kind, error) {
	k, ok := kindsByName[s.Key().Kind]
	if !ok {
		return kind{}, fmt.Errorf("cannot handle states of kind %q", s.Key().Kind)
	}
	return k, nil
}

// event does one type of event on the machine. Events are registered like
// kinds, by the type's name in package state ("Command").
type event struct {
	do func(ctx context.Context, l *Linux, e state.Event) (state.Outcome, error)
}

var eventsByName = map[string]event{}

func registerEvent(name string, e event) { eventsByName[name] = e }

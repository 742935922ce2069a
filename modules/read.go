package modules

import (
	"context"
	"fmt"

	"rp/engine/module"
	"rp/engine/state"
	"rp/engine/value"
)

// readOne reads one state, of the type that it was asked with.
func readOne[S state.State](ctx context.Context, t module.Target, s S) (S, error) {
	got, err := t.Read(ctx, s)
	if err != nil {
		return s, err
	}
	out, ok := got[0].(S)
	if !ok {
		return s, fmt.Errorf("cannot read %s: the host answered with a %T", s.Key(), got[0])
	}
	return out, nil
}

// wantOne wants one state and gives what is there afterwards.
func wantOne[S state.State](ctx context.Context, t module.Target, s S) (S, error) {
	got, err := t.Want(ctx, s)
	if err != nil {
		return s, err
	}
	out, ok := got[0].(S)
	if !ok {
		return s, fmt.Errorf("cannot read %s: the host answered with a %T", s.Key(), got[0])
	}
	return out, nil
}

// known is v's value. Where only the real run will know it, the task cannot be
// predicted from here on: that is the panic which the engine expects of
// [module.Params] too. What names the thing, for the message.
func known[T any](v state.Value[T], what string) T {
	if v.IsUnknown() {
		panic(module.NotKnown{Arg: what, After: v.After()})
	}
	x, _ := v.Get()
	return x
}

// result is a field of a state as register holds it: the value, an unknown value, or nil.
func result[T any](v state.Value[T]) any {
	x, is := v.Get()
	switch {
	case v.IsUnknown():
		return value.Unknown{After: v.After()}
	case !is:
		return nil
	case v.IsSecret():
		return value.Secret{V: value.FromGo(x)}
	}
	return value.FromGo(x)
}

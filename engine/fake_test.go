package engine_test

import (
	"context"
	"fmt"
	"sync"
	"time"

	"rp/engine/module"
	"rp/engine/state"
)

// gates let a test stop modules where it wants to: a module that is told
// "gate: x" waits there until x is opened.
type gates struct {
	mu sync.Mutex
	m  map[string]chan struct{}
}

func (g *gates) get(name string) chan struct{} {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.m == nil {
		g.m = map[string]chan struct{}{}
	}
	if g.m[name] == nil {
		g.m[name] = make(chan struct{})
	}
	return g.m[name]
}

func (g *gates) open(name string) { close(g.get(name)) }

// script adds modules whose behaviour is in their arguments and that note what
// they do: look (a local probe), write (a local state), act (an event, not local).
func (l *lab) script(g *gates) {
	args := []module.Arg{
		{Name: "host"},
		{Name: "name"},
		{Name: "text"},
		{Name: "path"},
		{Name: "gate"},
		{Name: "in"},
		{Name: "value"},
		{Name: "fail", Type: module.Bool},
		{Name: "panic", Type: module.Bool},
		{Name: "delay", Type: module.Float},
	}
	begin := func(ctx context.Context, kind string, p module.Params) error {
		l.note("%s %s %s", kind, p.String("host"), p.String("name"))
		if p.Has("delay") {
			time.Sleep(time.Duration(p.Float("delay") * float64(time.Second)))
		}
		if p.Bool("panic") {
			panic("as told")
		}
		if gate := p.String("gate"); gate != "" {
			if in := p.String("in"); in != "" { // says that it is waiting
				g.open(in)
			}
			select {
			case <-g.get(gate):
			case <-ctx.Done():
			}
		}
		if p.Bool("fail") {
			return fmt.Errorf("%s failed as told", p.String("name"))
		}
		return nil
	}
	result := func(p module.Params) module.Result { return module.Result{"value": p.String("value")} }
	l.fake = map[string]*module.Spec{
		"look": {Name: "look", Kind: module.Probe, Local: true, Args: args, Run: func(ctx context.Context, p module.Params, _ module.Target) (module.Result, error) {
			return result(p), begin(ctx, "look", p)
		}},
		"write": {Name: "write", Kind: module.States, Local: true, Args: args, Run: func(ctx context.Context, p module.Params, t module.Target) (module.Result, error) {
			l.note("read %s %s", p.String("host"), p.String("name"))
			_, err := t.Want(ctx, state.File{
				Path: p.String("path"), Type: state.Is(state.Regular), Content: state.Is(state.Bytes([]byte(p.String("text")))),
			})
			if err != nil {
				return nil, err
			}
			return result(p), begin(ctx, "wrote", p)
		}},
		"act": {Name: "act", Kind: module.Event, Args: args, Run: func(ctx context.Context, p module.Params, _ module.Target) (module.Result, error) {
			err := begin(ctx, "act", p)
			l.note("end %s %s", p.String("host"), p.String("name"))
			return result(p), err
		}},
	}
}

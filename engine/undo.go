package engine

import (
	"context"
	"fmt"
	"sync"

	"golang.org/x/sync/errgroup"

	"rp/engine/play"
	"rp/engine/vars"
	"rp/engine/wire"
	"rp/inventory"
)

// UndoConfig says which run is to be taken back, and where.
type UndoConfig struct {
	// Config reaches the hosts; its Playbook is not used. Its ID names the undo itself.
	Config
	// Run is the run to be taken back.
	Run string
	// As are the users that the run wrote as, by host, besides the login user.
	As map[string][]wire.Become
	// Hosts are those to go to.
	Hosts []*inventory.Host
	// List only says what would be taken back. Force takes back what it can although something is in the way.
	List, Force bool
}

// UndoResult is what undoing gave on one host.
type UndoResult struct {
	Host string
	wire.Undone
	// Err is why the host could not be asked.
	Err error
}

// Undo takes a run back on its hosts, in parallel; on each host the newest change first.
func Undo(ctx context.Context, c UndoConfig) []UndoResult {
	if c.Forks <= 0 {
		c.Forks = 50
	}
	if c.Mask == nil {
		c.Mask = func(string) {}
	}
	r := &run{Config: c.Config, blobs: newBlobs(), hard: ctx, soft: ctx, sessions: map[string]*opening{}, failed: map[string]bool{}, usedAs: map[string][]wire.Become{}}
	r.store = vars.New(c.Inventory, vars.Run{Forks: c.Forks}, c.ExtraVars)
	var (
		group   errgroup.Group
		mu      sync.Mutex
		results = make([]UndoResult, len(c.Hosts))
	)
	group.SetLimit(c.Forks)
	for i, h := range c.Hosts {
		group.Go(func() error {
			res := r.undoHost(ctx, c, h)
			mu.Lock()
			defer mu.Unlock()
			results[i] = res
			return nil
		})
	}
	_ = group.Wait() // what failed is in the results
	r.closeAll()
	return results
}

func (r *run) undoHost(ctx context.Context, c UndoConfig, h *inventory.Host) UndoResult {
	t := &play.Task{Play: &play.Play{}}
	sc := r.hostScope(h, t.Play)
	s, err := r.sessionFor(ctx, h, func() (inventory.Connection, error) { return r.connection(ctx, h, t, sc) })
	if err != nil {
		return UndoResult{Host: h.Name, Err: err}
	}
	as := make([]wire.Become, len(c.As[h.Name]))
	for i, b := range c.As[h.Name] {
		if b.Password == "" {
			b.Password = c.Become.Password
			if pw, err := r.variable(ctx, sc, "ansible_become_password", "ansible_become_pass"); err == nil && pw != "" {
				b.Password = pw
			}
		}
		as[i] = b
	}
	if err := s.conn.Send(wire.TUndo, wire.Undo{Run: c.Run, List: c.List, Force: c.Force, As: as}); err != nil {
		return UndoResult{Host: h.Name, Err: fmt.Errorf("cannot ask the helper: %w", err)}
	}
	select {
	case u := <-s.undone:
		return UndoResult{Host: h.Name, Undone: u}
	case <-ctx.Done():
		return UndoResult{Host: h.Name, Err: context.Cause(ctx)}
	}
}

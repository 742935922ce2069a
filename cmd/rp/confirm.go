package main

import (
	"context"

	"rp/engine"
	"rp/engine/jinja"
	"rp/engine/remote"
	"rp/inventory"
)

// confirm asks once about all host keys that are not known, before anything is run.
func (s *setup) confirm(ctx context.Context, c engine.Config) error {
	if !interactive() {
		return nil
	}
	var targets []remote.Target
	seen := map[string]bool{}
	for _, p := range c.Playbook.Plays {
		hosts, ds := s.inv.Select([]string{s.pattern(p)}, s.limit)
		if ds.Failed() {
			continue // the run says it, at its place
		}
		for _, h := range hosts {
			if seen[h.Name] {
				continue
			}
			seen[h.Name] = true
			if conn, ds := s.connection(ctx, h, p.Dir); !ds && !s.conn.isLocal(conn) {
				targets = append(targets, s.conn.target(h, conn))
			}
		}
	}
	return s.conn.confirmHostKeys(ctx, targets)
}

// connection is how the inventory says that h is reached; bad when it cannot be told.
func (s *setup) connection(ctx context.Context, h *inventory.Host, dir string) (conn inventory.Connection, bad bool) {
	vars := jinja.MapVars{"inventory_hostname": h.Name}
	for _, d := range []any{s.inv.HostVars(h, dir).Merge(), s.extra} {
		if m, ok := d.(interface{ Keys() []any }); ok {
			for _, k := range m.Keys() {
				if name, ok := k.(string); ok {
					v, _ := d.(interface{ Get(any) (any, bool) }).Get(k)
					vars[name] = v
				}
			}
		}
	}
	conn, ds := inventory.Connect(h.Name, func(name string) (any, bool) {
		v, ok := vars[name]
		if !ok {
			return nil, false
		}
		v, err := jinja.Render(ctx, s.env, vars, v)
		return v, err == nil
	})
	return conn, ds.Failed()
}

package vars

import (
	"sync"
	"sync/atomic"

	"rp/inventory"
)

// Scope is the variables of one task on one host. It is safe for concurrent
// use, and what it gives does not change while it lives.
type Scope struct {
	store *Store
	host  *inventory.Host
	state *State
	c     *Context
	inv   map[string]any
	dir   string
	over  []map[string]any // loop variables and the like, the last on top
	pins  *pins
}

// pins are what a scope looked up of the world around it, kept so that it stays the same.
type pins struct {
	mu      sync.Mutex
	removed map[string]bool // nil until asked for
	states  map[*inventory.Host]*Scope
	others  atomic.Bool
}

// With is s with vars on top of everything, as loop variables are. vars must not be changed later.
func (s *Scope) With(vars map[string]any) *Scope {
	c := *s
	c.over = append(s.over[:len(s.over):len(s.over)], vars)
	return &c
}

// Host is the host that s is of.
func (s *Scope) Host() *inventory.Host { return s.host }

// State is what s knows of its host.
func (s *Scope) State() *State { return s.state }

// UsedOthers reports whether s was asked for something that depends on other
// hosts: the variables of another host, or which hosts have not failed.
func (s *Scope) UsedOthers() bool { return s.pins.others.Load() }

// Lookup is the variable called name, as it was set: a template is not
// rendered and a pending value not waited for.
func (s *Scope) Lookup(name string) (any, bool) {
	for i := len(s.over) - 1; i >= 0; i-- {
		if v, ok := s.over[i][name]; ok {
			return v, true
		}
	}
	if magicNames[name] {
		if v, ok := s.magic(name); ok {
			return v, true
		}
	}
	if v, ok := s.store.extra[name]; ok {
		return v, true
	}
	if v, ok := s.c.high[name]; ok {
		return v, true
	}
	if s.state != nil {
		if v, ok := s.state.set.get(name); ok {
			return v, true
		}
		if v, ok := s.state.included.get(name); ok {
			return v, true
		}
	}
	if v, ok := s.c.mid[name]; ok {
		return v, true
	}
	if name == "ansible_facts" {
		return s.state.Facts(), true
	}
	if s.state == nil || s.store.run.BareFacts {
		return s.low(name)
	}
	return s.state.facts.lookup(name, func() (any, bool) { return s.low(name) })
}

// low are the levels below facts.
func (s *Scope) low(name string) (any, bool) {
	if v, ok := s.inv[name]; ok {
		return v, true
	}
	v, ok := s.c.low[name]
	return v, ok
}

// Names are the names of all variables, sorted. "vars" itself is not among them.
func (s *Scope) Names() []string {
	set := map[string]bool{"ansible_facts": true}
	mark := func(name string) { set[name] = true }
	maps := append([]map[string]any{s.store.extra, s.c.high, s.c.mid, s.inv, s.c.low}, s.over...)
	for _, m := range maps {
		for name := range m {
			mark(name)
		}
	}
	if s.state != nil {
		s.state.set.each(func(name string, _ any) { mark(name) })
		s.state.included.each(func(name string, _ any) { mark(name) })
		if !s.store.run.BareFacts {
			s.state.facts.names(func(name string) {
				if injected(name) {
					mark(name)
				}
			})
		}
	}
	for name := range magicNames {
		if s.hasMagic(name) {
			mark(name)
		}
	}
	return sortedNames(set)
}

// Lookuper is where names are found. It is an alias, so that another package's
// interface with the same methods is the same type.
type Lookuper = interface {
	Lookup(name string) (any, bool)
	Names() []string
}

// varsObject is the magic variable "vars".
type varsObject struct{ s *Scope }

func (o varsObject) Get(key any) (any, bool) {
	name, ok := key.(string)
	if !ok {
		return nil, false
	}
	return o.s.Lookup(name)
}

func (o varsObject) Keys() []any     { return keys(o.s.Names()) }
func (o varsObject) Scope() Lookuper { return o.s }

func keys(names []string) []any {
	out := make([]any, len(names))
	for i, n := range names {
		out[i] = n
	}
	return out
}

// hostvars is the magic variable "hostvars": each host's own variables, without
// those of the play and the task.
type hostvars struct{ s *Scope }

func (o hostvars) Get(key any) (any, bool) {
	name, ok := key.(string)
	if !ok {
		return nil, false
	}
	h := o.s.store.inv.Host(name)
	if h == nil {
		return nil, false
	}
	return hostObject{o.s.ofHost(h)}, true
}

func (o hostvars) Keys() []any {
	o.s.pins.others.Store(true)
	var out []any
	for _, h := range o.s.store.inv.Hosts() {
		out = append(out, h.Name)
	}
	return out
}

// hostObject is one entry of hostvars. Its templates are rendered with its own variables.
type hostObject struct{ s *Scope }

func (o hostObject) Get(key any) (any, bool) { return varsObject(o).Get(key) }
func (o hostObject) Keys() []any             { return varsObject(o).Keys() }
func (o hostObject) Scope() Lookuper         { return o.s }

// ofHost is the scope of hostvars[h], the same each time it is asked for.
func (s *Scope) ofHost(h *inventory.Host) *Scope {
	if h != s.host {
		s.pins.others.Store(true)
	}
	s.pins.mu.Lock()
	defer s.pins.mu.Unlock()
	if o := s.pins.states[h]; o != nil {
		return o
	}
	state := s.state
	if h != s.host {
		state = s.store.State(h)
	}
	o := &Scope{store: s.store, host: h, state: state, c: &Context{}, inv: s.store.fromInventory(h, s.dir), dir: s.dir, pins: s.pins}
	s.pins.states[h] = o
	return o
}

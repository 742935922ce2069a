package vars

import (
	"path/filepath"
	"strings"
	"sync"

	"rp/engine/value"
	"rp/inventory"
)

// Run is what magic variables tell of a run.
type Run struct {
	CheckMode, DiffMode bool
	Forks, Verbosity    int
	// RunTags are those of --tags, "all" where there were none; SkipTags those of --skip-tags.
	RunTags, SkipTags []string
	// Limit is the text of --limit; ansible_limit is undefined where it is empty.
	Limit string
	// ConfigFile is the configuration file that was read, or empty.
	ConfigFile string
	// BareFacts keeps facts out of the variables of their own names: they are found
	// in ansible_facts only (INJECT_FACTS_AS_VARS=false).
	BareFacts bool
}

// Store is the variables of a run. It is safe for concurrent use.
type Store struct {
	inv   *inventory.Inventory
	run   Run
	extra map[string]any

	mu    sync.RWMutex
	hosts map[*inventory.Host]*hostVars
}

// hostVars is one host's State, and its inventory variables as they were at the version of the inventory.
type hostVars struct {
	mu      sync.Mutex
	state   *State
	version uint64
	byDir   map[string]map[string]any
}

// New makes the variables of a run on inv with the extra variables extra, which may be nil.
func New(inv *inventory.Inventory, run Run, extra *value.Dict) *Store {
	s := &Store{inv: inv, run: run, extra: map[string]any{}, hosts: map[*inventory.Host]*hostVars{}}
	add(s.extra, extra)
	return s
}

func (s *Store) host(h *inventory.Host) *hostVars {
	s.mu.RLock()
	hv := s.hosts[h]
	s.mu.RUnlock()
	if hv != nil {
		return hv
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.hosts[h] == nil {
		s.hosts[h] = &hostVars{}
	}
	return s.hosts[h]
}

// State is what is known of h now. Keeping it is a snapshot: [Store.Restore] goes back to it.
func (s *Store) State(h *inventory.Host) *State {
	hv := s.host(h)
	hv.mu.Lock()
	defer hv.mu.Unlock()
	return hv.state
}

// Restore makes state what is known of h.
func (s *Store) Restore(h *inventory.Host, state *State) {
	hv := s.host(h)
	hv.mu.Lock()
	defer hv.mu.Unlock()
	hv.state = state
}

// Update replaces what is known of h by what change makes of it, and gives that. change must not call the Store.
func (s *Store) Update(h *inventory.Host, change func(*State) *State) *State {
	hv := s.host(h)
	hv.mu.Lock()
	defer hv.mu.Unlock()
	hv.state = change(hv.state)
	return hv.state
}

// fromInventory are the variables that the inventory gives h, and the magic ones that belong to it.
func (s *Store) fromInventory(h *inventory.Host, playbookDir string) map[string]any {
	version := s.inv.Version()
	hv := s.host(h)
	hv.mu.Lock()
	defer hv.mu.Unlock()
	if hv.version != version {
		hv.version, hv.byDir = version, map[string]map[string]any{}
	}
	if m := hv.byDir[playbookDir]; m != nil {
		return m
	}
	m := map[string]any{}
	for _, level := range s.inv.HostVars(h, playbookDir) {
		add(m, level...)
	}
	short, _, _ := strings.Cut(h.Name, ".")
	m["inventory_hostname"], m["inventory_hostname_short"] = h.Name, short
	m["group_names"] = value.Strings(h.GroupNames()...)
	if !h.Implicit {
		m["inventory_file"], m["inventory_dir"] = orNil(h.File), orNil(h.Dir)
	}
	hv.byDir[playbookDir] = m
	return m
}

func orNil(s string) any {
	if s == "" {
		return nil
	}
	return s
}

// Scope is what a task whose variables are c sees on h, with what is known of h
// now. c is nil outside of a play. The Scope never changes.
func (s *Store) Scope(h *inventory.Host, c *Context) *Scope { return s.ScopeAt(h, c, s.State(h)) }

// ScopeAt is Scope with what is known of h given.
func (s *Store) ScopeAt(h *inventory.Host, c *Context, state *State) *Scope {
	if c == nil {
		c = &Context{}
	}
	dir := ""
	if c.play != nil {
		dir = c.play.Dir
	}
	return &Scope{store: s, host: h, state: state, c: c, inv: s.fromInventory(h, dir), dir: dir, pins: &pins{states: map[*inventory.Host]*Scope{}}}
}

// basePath is dir as magic variables show it.
func basePath(dir string) string {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return dir
	}
	return abs
}

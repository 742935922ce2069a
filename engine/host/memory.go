package host

import (
	"slices"
	"strings"
	"sync"

	"rp/engine/state"
)

// Memory is what a dry run predicts of one host, shared by the views of all users
// that its tasks become. It is safe for concurrent use.
type Memory struct {
	mu sync.RWMutex
	// seq numbers predictions in the order in which they were made.
	seq     int
	entries map[state.Key]*entry
	// count is how many entries there are of each kind.
	count map[string]int
	// deeds are the last predicted things whose effects cannot be told, by what they are:
	// "package" (installed or changed), "removal" (of a package, or its change to another
	// version), and the names of events ("Command", "Refresh").
	deeds map[string]deed
	// last is the task of the latest prediction.
	last string
}

// entry is what is predicted of one thing.
type entry struct {
	s    state.State
	seq  int
	task string
	// fresh: nothing of what the real machine has of that name is left.
	fresh bool
}

type deed struct {
	seq  int
	task string
}

// NewMemory gives the memory of a dry run in which nothing is predicted yet.
func NewMemory() *Memory {
	return &Memory{entries: map[state.Key]*entry{}, count: map[string]int{}, deeds: map[string]deed{}}
}

// Len is how many predictions were made.
func (m *Memory) Len() int {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return m.seq
}

// get is what is predicted of the thing that k names.
func (m *Memory) get(k state.Key) (entry, bool) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	e, ok := m.entries[k]
	if !ok {
		return entry{}, false
	}
	return *e, true
}

// all are the predictions of one kind in the order in which they were made.
func (m *Memory) all(kind string) []entry {
	m.mu.RLock()
	defer m.mu.RUnlock()
	var es []entry
	for k, e := range m.entries {
		if k.Kind == kind {
			es = append(es, *e)
		}
	}
	slices.SortFunc(es, func(a, b entry) int { return a.seq - b.seq })
	return es
}

// deed is the latest of the named deeds.
func (m *Memory) deed(names ...string) (deed, bool) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	var last deed
	for _, n := range names {
		if d, ok := m.deeds[n]; ok && d.seq > last.seq {
			last = d
		}
	}
	return last, last.seq > 0
}

func (m *Memory) lastTask() string {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return m.last
}

// did notes a deed.
func (m *Memory) did(name, task string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.seq++
	m.last = task
	m.deeds[name] = deed{m.seq, task}
}

// put notes that the thing that after names will be so. With fresh set nothing else of it is left.
func (m *Memory) put(after state.State, task string, fresh bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.seq++
	m.last = task
	k := after.Key()
	e := &entry{s: after, seq: m.seq, task: task, fresh: fresh}
	if old, ok := m.entries[k]; ok && !fresh {
		e.s, e.fresh = state.Lay(old.s, after), old.fresh
	}
	if _, old := m.entries[k]; !old {
		m.count[k.Kind]++
	}
	m.entries[k] = e
}

// has reports whether anything is predicted of one of the kinds.
func (m *Memory) has(kinds ...string) bool {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return slices.ContainsFunc(kinds, func(k string) bool { return m.count[k] > 0 })
}

// forgetBelow drops the predictions of files below dir, which is gone.
func (m *Memory) forgetBelow(dir string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for k := range m.entries {
		if k.Kind == "file" && strings.HasPrefix(k.Name, strings.TrimSuffix(dir, "/")+"/") {
			delete(m.entries, k)
			m.count["file"]--
		}
	}
}

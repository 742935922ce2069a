package engine

import (
	"maps"

	"rp/engine/value"
)

// hostVars is what a run has learned of a host or was told about it while
// running: facts, include_vars, set_fact and registered results. It is a value:
// changing it makes another one, so that a copy kept with a task is where the
// host can go back to.
type hostVars struct {
	facts    map[string]any // ansible_facts, without their prefix
	included map[string]any
	set      map[string]any // set_fact and registered results: the later one wins
}

func with(m map[string]any, name string, v any) map[string]any {
	c := make(map[string]any, len(m)+1)
	maps.Copy(c, m)
	c[name] = v
	return c
}

// register gives name a task's result.
func (h hostVars) register(name string, v any) hostVars {
	h.set = with(h.set, name, v)
	return h
}

// take sets d at the level of what brought it: facts, include_vars or set_fact.
func (h hostVars) take(d *value.Dict, level string) hostVars {
	target := &h.set
	switch level {
	case "facts":
		target = &h.facts
	case "include_vars":
		target = &h.included
	}
	c := maps.Clone(*target)
	if c == nil {
		c = map[string]any{}
	}
	for k, v := range d.All() {
		name, ok := k.(string)
		if !ok {
			continue
		}
		if level == "facts" {
			name = withoutPrefix(name)
		}
		c[name] = v
	}
	*target = c
	return h
}

func (h hostVars) clearFacts() hostVars { h.facts = nil; return h }

const factPrefix = "ansible_"

func withoutPrefix(name string) string {
	if len(name) > len(factPrefix) && name[:len(factPrefix)] == factPrefix {
		return name[len(factPrefix):]
	}
	return name
}

// factsDict is the ansible_facts variable.
func (h hostVars) factsDict() *value.Dict {
	d, _ := value.FromGo(h.facts).(*value.Dict)
	if d == nil {
		return value.NewDict()
	}
	return d
}

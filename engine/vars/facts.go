package vars

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"sync"

	"rp/engine/value"
)

// factLayer is facts over older facts. In one layer, what frame has is newer than what is to come.
type factLayer struct {
	frame
	coming *coming
	below  *factLayer
	// merged is made once, by all.
	once   sync.Once
	merged any
}

// coming stands for the facts of a task that has no answer yet.
type coming struct {
	v   any // a *value.Pending of a *value.Dict, or a value.Unknown
	may func(name string) bool
}

var errNotYet = errors.New("no answer yet")

// now is v if it is no pending value, or its answer if that is there; ok is false where it is not.
func now(v any) (got any, ok bool) {
	p, pending := v.(*value.Pending)
	if !pending {
		return v, true
	}
	ctx, cancel := context.WithCancelCause(context.Background())
	cancel(errNotYet)
	got, err := p.Wait(ctx)
	if err != nil {
		return nil, false
	}
	return got, true
}

// after is a pending value made of p's answer by then.
func after(p *value.Pending, then func(any) (any, error)) *value.Pending {
	out := value.NewPending()
	go func() {
		v, err := p.Wait(context.Background())
		if err == nil {
			v, err = then(v)
		}
		if next, ok := v.(*value.Pending); ok && err == nil {
			v, err = next.Wait(context.Background())
		}
		out.Resolve(v, err)
	}()
	return out
}

// lookup finds the variable name among injected facts, or else what rest gives.
// Where facts to come may have it, the answer is pending or unknown with them.
func (l *factLayer) lookup(name string, rest func() (any, bool)) (any, bool) {
	if !injected(name) {
		return rest()
	}
	for ; l != nil; l = l.below {
		if v, ok := l.get(name); ok {
			return v, true
		}
		if l.coming == nil || !l.coming.may(name) {
			continue
		}
		switch v, there := now(l.coming.v); {
		case !there:
			return l.pendingFact(name, rest), true
		default:
			d, ok := v.(*value.Dict)
			if !ok {
				return v, true // unknown
			}
			if fact, ok := d.Get(name); ok {
				return fact, true
			}
		}
	}
	return rest()
}

func (l *factLayer) pendingFact(name string, rest func() (any, bool)) *value.Pending {
	p, _ := l.coming.v.(*value.Pending)
	return after(p, func(v any) (any, error) {
		if d, ok := v.(*value.Dict); ok {
			if fact, ok := d.Get(name); ok {
				return fact, nil
			}
		} else if _, unknown := v.(value.Unknown); unknown {
			return v, nil
		}
		if fact, ok := l.below.lookup(name, rest); ok {
			return fact, nil
		}
		return value.Undefined{Name: name}, nil
	})
}

// all is the variable ansible_facts: every fact, its name without "ansible_".
func (l *factLayer) all() any {
	if l == nil {
		return value.NewDict()
	}
	if l.coming != nil {
		if _, there := now(l.coming.v); !there {
			// Not kept: it is made anew when the answer is there.
			return l.join()
		}
	}
	l.once.Do(func() { l.merged = l.join() })
	return l.merged
}

func (l *factLayer) join() any {
	below := l.below.all()
	if l.coming == nil {
		return l.over(below, nil)
	}
	v, there := now(l.coming.v)
	if !there {
		p, _ := l.coming.v.(*value.Pending)
		return after(p, func(v any) (any, error) { return l.over(below, v), nil })
	}
	return l.over(below, v)
}

// over puts the facts that came, and those beside them, over those below.
func (l *factLayer) over(below, came any) any {
	if p, pending := below.(*value.Pending); pending {
		return after(p, func(v any) (any, error) { return l.over(v, came), nil })
	}
	for _, v := range []any{below, came} {
		if u, unknown := v.(value.Unknown); unknown {
			return u
		}
	}
	d := value.NewDict()
	add := func(name string, v any) { d.Set(namespaced(name), v) }
	if b, ok := below.(*value.Dict); ok {
		for k, v := range b.All() {
			d.Set(k, v)
		}
	}
	if c, ok := came.(*value.Dict); ok {
		for k, v := range c.All() {
			if name, ok := k.(string); ok {
				add(name, v)
			}
		}
	}
	l.each(add)
	return d
}

// settled is a copy of l without the layers whose facts have come by now, so
// that layers do not pile up.
func (l *factLayer) settled() *factLayer {
	if l == nil {
		return &factLayer{}
	}
	c := &factLayer{frame: l.frame, coming: l.coming, below: l.below}
	if c.below != nil {
		c.below = c.below.settled()
	}
	if c.coming == nil {
		return c
	}
	v, there := now(c.coming.v)
	d, known := v.(*value.Dict)
	if !there || !known || c.below != nil && c.below.coming != nil {
		return c
	}
	all := entries(d)
	c.each(func(name string, v any) { all = append(all, entry{name, v}) })
	c.coming = nil
	if c.below != nil {
		c.frame, c.below = c.below.with(all...), nil
	} else {
		c.frame = frame{}.with(all...)
	}
	return c
}

func (l *factLayer) names(add func(string)) {
	for ; l != nil; l = l.below {
		l.each(func(name string, _ any) { add(name) })
		if l.coming == nil {
			continue
		}
		if v, there := now(l.coming.v); there {
			if d, ok := v.(*value.Dict); ok {
				for k := range d.All() {
					if name, ok := k.(string); ok {
						add(name)
					}
				}
			}
		}
	}
}

// namespaced is a fact's name inside ansible_facts.
func namespaced(name string) string {
	if name == "ansible_local" {
		return name
	}
	return strings.TrimPrefix(name, "ansible_")
}

// notInjected are names that a fact may not have as a variable of its own, lest
// a host change how it, or another one, is reached. Ansible leaves them out too.
var notInjected = map[string]bool{
	"ansible_connection": true, "ansible_host": true, "ansible_port": true, "ansible_user": true, "ansible_password": true,
	"ansible_private_key_file": true, "ansible_remote_tmp": true, "ansible_timeout": true, "ansible_executable": true,
	"ansible_delegated_vars": true, "ansible_facts": true, "ansible_check_mode": true, "ansible_diff_mode": true,
	"ansible_host_key_checking": true, "ansible_pipelining": true, "ansible_async_dir": true,
}

// injected reports whether the fact name is a variable of that name too.
func injected(name string) bool {
	switch {
	case notInjected[name], strings.HasPrefix(name, "ansible_become"), strings.HasPrefix(name, "ansible_shell_"):
		return false
	case strings.HasPrefix(name, "ansible_ssh_"):
		return strings.HasPrefix(name, "ansible_ssh_host_key_")
	case strings.HasPrefix(name, "ansible_") && strings.HasSuffix(name, "_interpreter"):
		return false
	}
	return !magicNames[name]
}

// State is what a run has learnt of one host. It never changes: each method
// gives another State. nil is a host of which nothing is known yet.
type State struct {
	facts    *factLayer
	included frame // include_vars
	set      frame // set_fact and register
}

func (s *State) clone() *State {
	if s == nil {
		return &State{}
	}
	c := *s
	return &c
}

// WithFacts adds what a module returned as ansible_facts. Names are as the module gives them, "ansible_" included.
func (s *State) WithFacts(facts *value.Dict) *State {
	c := s.clone()
	l := c.facts.settled()
	l.frame = l.with(entries(facts)...)
	c.facts = l
	return c
}

// WithFactsToCome adds the facts of a task that is under way (v is a
// *value.Pending that will be a *value.Dict) or that a dry run cannot know (v
// is a value.Unknown). A name for which may says true is pending or unknown
// with them, unless a higher level has it; nil stands for every name that starts with "ansible_".
func (s *State) WithFactsToCome(v any, may func(name string) bool) *State {
	if may == nil {
		may = func(name string) bool { return strings.HasPrefix(name, "ansible_") }
	}
	c := s.clone()
	c.facts = &factLayer{coming: &coming{v, may}}
	if s != nil && s.facts != nil {
		c.facts.below = s.facts.settled()
	}
	return c
}

// WithoutFacts forgets all facts, as meta: clear_facts does. set_fact and register stay.
func (s *State) WithoutFacts() *State {
	c := s.clone()
	c.facts = nil
	return c
}

// With sets one variable at the level of set_fact and register.
func (s *State) With(name string, v any) *State {
	c := s.clone()
	c.set = c.set.with(entry{name, v})
	return c
}

// WithSet sets several variables at the level of set_fact. With cacheable they are facts besides.
func (s *State) WithSet(vars *value.Dict, cacheable bool) *State {
	c := s.clone()
	if cacheable {
		c = c.WithFacts(vars)
	}
	c.set = c.set.with(entries(vars)...)
	return c
}

// WithIncluded adds what include_vars read.
func (s *State) WithIncluded(vars *value.Dict) *State {
	c := s.clone()
	c.included = c.included.with(entries(vars)...)
	return c
}

// Facts is the variable ansible_facts: a *value.Dict, or pending or unknown with facts to come.
func (s *State) Facts() any {
	if s == nil {
		return value.NewDict()
	}
	return s.facts.all()
}

// Set gives a variable that set_fact or register made.
func (s *State) Set(name string) (any, bool) {
	if s == nil {
		return nil, false
	}
	return s.set.get(name)
}

func entries(d *value.Dict) []entry {
	if d == nil {
		return nil
	}
	out := make([]entry, 0, d.Len())
	for k, v := range d.All() {
		if name, ok := k.(string); ok {
			out = append(out, entry{name, v})
		}
	}
	return out
}

func sortedNames(set map[string]bool) []string { return slices.Sorted(maps.Keys(set)) }

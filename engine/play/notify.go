package play

import (
	"fmt"
	"strings"

	"rp/engine/diag"
	"rp/engine/value"
	"rp/engine/yaml"
)

// notice is a handler's name or topic where a task notifies it.
type notice struct {
	name string
	pos  diag.Pos
}

// notices keeps the fixed names in a notify: keyword for checkNotify.
func (p *pass) notices(s scope, n *yaml.Node) {
	if yaml.KindOf(n) == yaml.Sequence {
		for _, e := range yaml.Target(n).Content {
			p.notices(s, e)
		}
		return
	}
	if name, ok := p.plain(s, n).(string); ok {
		p.notified = append(p.notified, notice{name, s.at(n)})
	}
}

// checkNotify reports notifications that no handler of the play can hear. It
// says nothing where handlers may still come, or have names that are templates.
func (p *pass) checkNotify(pl *Play) {
	if p.partial {
		return
	}
	for t := range pl.All() {
		if t.Include != nil {
			return // it may bring a role with handlers of its own
		}
	}
	known := map[string]bool{}
	var names []string
	for _, h := range pl.Handlers {
		heard, ok := h.heard()
		if !ok {
			return
		}
		for _, name := range heard {
			known[name] = true
			names = append(names, name)
		}
	}
	for _, n := range p.notified {
		if known[n.name] {
			continue
		}
		d := p.ds.Errorf(n.pos, "the requested handler %q was not found", n.name)
		if near := diag.Suggest(n.name, names); near != "" {
			d.Hintf("did you mean %q?", near)
		}
	}
}

// heard are the names that the handler h listens to; ok is false where they
// are not all known yet.
func (h *Task) heard() (names []string, ok bool) {
	if h.Include != nil {
		return nil, false
	}
	for _, v := range append([]any{h.Name}, h.Listen...) {
		switch v := v.(type) {
		case string:
			names = append(names, v)
			if h.Role != nil {
				names = append(names, h.Role.Name+" : "+v)
			}
		case value.Template:
			return nil, false
		}
	}
	return names, true
}

func quotedNames(vs []any) string {
	var parts []string
	for _, v := range vs {
		if t, ok := v.(value.Template); ok {
			v = t.Source
		}
		parts = append(parts, fmt.Sprintf("%q", v))
	}
	return strings.Join(parts, " or ")
}

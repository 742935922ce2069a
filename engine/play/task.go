package play

import (
	"strings"

	"rp/engine/diag"
	"rp/engine/value"
	"rp/engine/yaml"
)

// nodes reads a list of tasks and blocks. n may be nil.
func (p *pass) nodes(s scope, n *yaml.Node, what string) []Node {
	if n == nil || p.empty(s, n) {
		return nil
	}
	if yaml.KindOf(n) != yaml.Sequence {
		d := p.ds.Errorf(s.at(n), "%s must be a list of tasks, not %s", what, article(p.plain(s, n)))
		d.Hintf("each task starts with \"- \"")
		return nil
	}
	var nodes []Node
	for _, e := range yaml.Target(n).Content {
		e = yaml.Target(e)
		if p.empty(s, e) {
			continue
		}
		es, ok := p.entries(s, e, "a task")
		if !ok {
			continue
		}
		if node := p.node(s, e, es); node != nil {
			nodes = append(nodes, node)
		}
	}
	return nodes
}

func (p *pass) empty(s scope, n *yaml.Node) bool {
	return yaml.KindOf(n) == yaml.Scalar && p.plain(s, n) == nil
}

// node reads one task or block; nil where what is wrong leaves nothing of it.
func (p *pass) node(s scope, n *yaml.Node, es entries) Node {
	if es.has("block", "rescue", "always") {
		return p.block(s, n, es)
	}
	t := p.task(s, n, es)
	switch {
	case t == nil:
		return nil
	case t.Module == importTasks:
		return p.importTasks(s, t)
	case t.Module == importRole:
		return p.importRole(s, t)
	}
	return t
}

func (p *pass) block(s scope, n *yaml.Node, es entries) Node {
	b := &Block{Parent: s.parent, Play: s.play, Role: s.role}
	b.Pos = s.at(n)
	if s.handler {
		p.ds.Errorf(b.Pos, "a handler cannot be a block").Hintf("notify several handlers through one listen: topic")
	}
	if !es.has("block") {
		p.ds.Errorf(b.Pos, "rescue and always need a block").Hintf("put the tasks that may fail under block:")
	}
	p.level(s, &b.Level, es, InBlock)
	inner := s.within(b)
	b.Body = p.nodes(inner, es.get("block"), "block")
	b.Rescue = p.nodes(inner, es.get("rescue"), "rescue")
	b.Always = p.nodes(inner, es.get("always"), "always")
	return b
}

// task reads a task or a handler, or the task that an import is written as.
func (p *pass) task(s scope, n *yaml.Node, es entries) *Task {
	t := &Task{Handler: s.handler, Parent: s.parent, Play: s.play, Role: s.role, trail: s.trail}
	t.Pos = s.at(n)
	where := InTask
	if s.handler {
		where = InHandler
	}
	a, rest := p.action(s, t, es, where)
	if a == nil && es.has("hosts") {
		return nil
	}
	p.level(s, &t.Level, rest.only(func(e entry) bool { return !isTaskOnly(e.name) }), where)
	p.taskKeywords(s, t, rest, where)
	if a == nil {
		return nil
	}
	p.arguments(s, t, a, es.get("args"))
	if isInclude(t.Module) {
		p.include(s, t, es)
	}
	return t
}

// isTaskOnly reports whether the keyword is read by taskKeywords, not by level.
func isTaskOnly(name string) bool {
	if strings.HasPrefix(name, "with_") {
		return true
	}
	switch name {
	case "register", "until", "retries", "delay", "changed_when", "failed_when", "listen":
		return true
	}
	return false
}

// taskKeywords reads what only tasks have.
func (p *pass) taskKeywords(s scope, t *Task, es entries, w Where) {
	for _, e := range es {
		k := byName[e.name]
		if !isTaskOnly(e.name) || k == nil || !p.allowed(s, e, k, w) {
			continue
		}
		switch e.name {
		case "register":
			t.Register = p.variable(s, e.val, "register")
		case "until":
			t.Until = p.conditions(s, e.val, e.name)
		case "changed_when":
			t.ChangedWhen = p.conditions(s, e.val, e.name)
		case "failed_when":
			t.FailedWhen = p.conditions(s, e.val, e.name)
		case "listen":
			t.Listen = p.names(s, e.val, e.name)
		case "retries":
			t.Retries, _ = p.typed(s.at(e.val), k, p.value(s, e.val))
		case "delay":
			t.Delay, _ = p.typed(s.at(e.val), k, p.value(s, e.val))
		}
	}
	t.Loop = p.loop(s, t, es)
}

// variable reads the name of a variable.
func (p *pass) variable(s scope, n *yaml.Node, what string) string {
	v := p.value(s, n)
	if _, ok := v.(value.Template); ok {
		p.ds.Errorf(s.at(n), "a %s that is a template is not supported yet", what)
		return ""
	}
	name, ok := v.(string)
	if !ok {
		p.ds.Errorf(s.at(n), "%s must be the name of a variable", what)
		return ""
	}
	if !isVariable(name) {
		p.badVariable(s.at(n), name)
	}
	return name
}

// loop reads loop or with_* and loop_control; nil where there is no loop.
func (p *pass) loop(s scope, t *Task, es entries) *Loop {
	var l *Loop
	for _, e := range es {
		kind, with := strings.CutPrefix(e.name, "with_")
		if !with && e.name != "loop" {
			continue
		}
		if with && !p.lookup(s, e, kind) {
			continue
		}
		if l != nil {
			p.ds.Errorf(s.at(e.key), "a task has one loop: %s and %s cannot stand together", l.Kind, e.name)
			continue
		}
		if with {
			e.name = "with_" + shortName(kind)
		}
		l = &Loop{Kind: e.name, Expr: p.value(s, e.val), Pos: s.at(e.val), Control: Control{LoopVar: "item"}}
		p.loopValue(l)
	}
	if c := es.get("loop_control"); c != nil {
		control := p.loopControl(s, c)
		if l != nil {
			l.Control = control
		}
	}
	return l
}

func (p *pass) loopValue(l *Loop) {
	switch v := l.Expr.(type) {
	case value.Template, *value.List:
	case string:
		if l.Kind == "loop" {
			p.ds.Errorf(l.Pos, "loop needs a list, not the string %q", v).Hintf("the variable of that name is \"{{ %s }}\"", v)
		}
	default:
		if l.Kind == "loop" || v == nil {
			p.ds.Errorf(l.Pos, "%s needs a list, not %s", l.Kind, article(v))
		}
	}
}

// lookup reports whether there is a loop with_kind, and says so if not.
func (p *pass) lookup(s scope, e entry, kind string) bool {
	kind = shortName(kind)
	known := p.l.Lookup
	if known == nil {
		known = func(name string) bool { return contains(loopKinds, name) }
	}
	if known(kind) {
		return true
	}
	if contains(loopKinds, kind) {
		p.ds.Errorf(s.at(e.key), "with_%s is not supported yet", kind)
		return false
	}
	d := p.ds.Errorf(s.at(e.key), "there is no lookup %q to loop over", kind)
	if near := diag.Suggest(kind, loopKinds); near != "" {
		d.Hintf("did you mean with_%s?", near)
	}
	return false
}

// shortName is name without the collection of Ansible's own.
func shortName(name string) string {
	return strings.TrimPrefix(strings.TrimPrefix(name, "ansible.builtin."), "ansible.legacy.")
}

// controls are the keys of loop_control.
var controls = []string{"loop_var", "index_var", "label", "pause", "extended", "extended_allitems"}

func (p *pass) loopControl(s scope, n *yaml.Node) Control {
	c := Control{LoopVar: "item"}
	es, ok := p.entries(s, n, "loop_control")
	if !ok {
		return c
	}
	for _, e := range es {
		switch e.name {
		case "loop_var":
			c.LoopVar = p.variable(s, e.val, "loop_var")
		case "index_var":
			c.IndexVar = p.variable(s, e.val, "index_var")
		case "label":
			c.Label = p.value(s, e.val)
		case "pause":
			c.Pause, _ = p.typed(s.at(e.val), &Keyword{Name: "pause", Type: Number}, p.value(s, e.val))
		case "extended":
			c.Extended, _ = p.typed(s.at(e.val), &Keyword{Name: "extended", Type: Bool}, p.value(s, e.val))
		case "extended_allitems":
			c.ExtendedAllitems, _ = p.typed(s.at(e.val), &Keyword{Name: "extended_allitems", Type: Bool}, p.value(s, e.val))
		default:
			d := p.ds.Errorf(s.at(e.key), "loop_control has no %q", e.name)
			if near := diag.Suggest(e.name, controls); near != "" {
				d.Hintf("did you mean %q?", near)
			}
		}
	}
	return c
}

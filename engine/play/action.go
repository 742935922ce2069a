package play

import (
	"fmt"
	"slices"
	"strings"

	"rp/engine/diag"
	"rp/engine/value"
	"rp/engine/yaml"
)

// The words of the language that are written where a module is.
const (
	importTasks  = "import_tasks"
	includeTasks = "include_tasks"
	importRole   = "import_role"
	includeRole  = "include_role"
)

func isInclude(name string) bool {
	return name == importTasks || name == includeTasks || name == importRole || name == includeRole
}

// action is what a task does, before its arguments are read.
type action struct {
	word    string
	module  Module
	pos     diag.Pos
	val     *yaml.Node // the arguments, or nil
	text    string     // arguments in text, instead of val
	hasText bool
	unsafe  bool // nothing in the text is a template
}

func contains(list []string, s string) bool { return slices.Contains(list, s) }

// action finds the module among the keys of a task: the one that is no keyword.
// rest are the keywords. It is nil where there is none, with the error said.
func (p *pass) action(s scope, t *Task, es entries, w Where) (a *action, rest entries) {
	var known, unknown []entry
	for _, e := range es {
		switch {
		case isKeyword(e.name, w) || strings.HasPrefix(e.name, "with_"):
			rest = append(rest, e)
		case p.isModule(e.name): // before plays' keywords: user is one of both
			known = append(known, e)
		case byName[e.name] != nil:
			rest = append(rest, e)
		default:
			unknown = append(unknown, e)
		}
	}
	var found []*action
	for _, e := range known {
		m, _ := p.module(e.name)
		found = append(found, &action{word: e.name, module: m, pos: s.at(e.key), val: e.val})
	}
	for _, name := range []string{"action", "local_action"} {
		if i := rest.index(name); i >= 0 {
			if a := p.explicitAction(s, t, rest[i]); a != nil {
				found = append(found, a)
			}
		}
	}
	p.unknownKeys(s, t, es, unknown, len(found) > 0 || rest.has("action", "local_action"), w)
	if len(found) == 0 {
		return nil, rest
	}
	if len(found) > 1 {
		var words []string
		for _, a := range found {
			words = append(words, a.word)
		}
		p.ds.Errorf(found[1].pos, "conflicting action statements: %s", strings.Join(words, ", ")).Hintf("a task has one module: make it two tasks")
	}
	return found[0], rest
}

// unknownKeys reports the keys that are neither keywords nor modules. Where the
// task has no module yet, they are what was meant as one.
func (p *pass) unknownKeys(s scope, t *Task, es, unknown entries, hasModule bool, w Where) {
	if len(unknown) == 0 && !hasModule && es.has("hosts") {
		p.ds.Errorf(t.Pos, "this is a play, and plays do not stand among tasks").Hintf("bring in its playbook with import_playbook, beside other plays")
		return
	}
	if len(unknown) == 0 && !hasModule {
		d := p.ds.Errorf(t.Pos, "no module/action detected in task")
		if len(es) > 0 {
			d.Hintf("a task names one module, such as command:, besides its keywords")
		}
		return
	}
	for _, e := range unknown {
		pos := s.at(e.key)
		keyword := diag.Suggest(e.name, namesIn(w))
		switch {
		case e.name == "include" || e.name == "ansible.builtin.include":
			p.ds.Errorf(pos, "include was removed from Ansible").Hintf("use include_tasks or import_tasks")
		case e.name == "import_playbook" || e.name == "ansible.builtin.import_playbook":
			p.ds.Errorf(pos, "import_playbook stands beside plays, not among tasks")
		case hasModule || keyword != "" && len(unknown) > 1:
			d := p.ds.Errorf(pos, "%q is no keyword of a %s", e.name, w)
			if keyword != "" {
				d.Hintf("did you mean %q?", keyword)
			} else {
				d.Hintf("arguments of the module are indented below it")
			}
		default:
			p.noModule(pos, e.name, w)
		}
	}
}

func (p *pass) noModule(pos diag.Pos, name string, w Where) {
	d := p.ds.Errorf(pos, "couldn't resolve module/action %q", name)
	known := append(namesIn(w), importTasks, includeTasks, importRole, includeRole)
	if p.l.Modules != nil {
		known = append(known, p.l.Modules.Names()...)
	}
	if near := diag.Suggest(name, known); near != "" {
		d.Hintf("did you mean %q?", near)
	}
}

func isKeyword(name string, w Where) bool {
	k := byName[name]
	return k != nil && k.Where&w != 0
}

func (p *pass) isModule(name string) bool {
	_, ok := p.module(name)
	return ok
}

// module is the module or the word of the language that goes by name.
func (p *pass) module(name string) (Module, bool) {
	short := shortName(name)
	switch short {
	case importTasks, includeTasks:
		return Module{Name: short, FreeForm: "file"}, true
	case importRole, includeRole:
		return Module{Name: short}, true
	}
	if p.l.Modules == nil {
		return Module{}, false
	}
	return p.l.Modules.Find(name)
}

// explicitAction reads action: and local_action:.
func (p *pass) explicitAction(s scope, t *Task, e entry) *action {
	a := &action{pos: s.at(e.val)}
	switch v := p.plain(s, e.val).(type) {
	case string, value.Template:
		text := yaml.Target(e.val).Value
		a.word, a.text, _ = strings.Cut(strings.TrimSpace(text), " ")
		a.pos = yaml.ContentPos(s.doc.path, e.val)
		a.hasText = true
	case *value.Dict:
		inner, _ := p.entries(s, e.val, e.name)
		name := inner.get("module")
		if name == nil {
			p.ds.Errorf(a.pos, "%s names its module under the key module", e.name)
			return nil
		}
		a.word, a.pos = name.Value, s.at(name)
		a.val = without(e.val, "module")
	default:
		p.ds.Errorf(a.pos, "%s must be a module with its arguments, not %s", e.name, article(v))
		return nil
	}
	if yaml.HasTemplate(a.word) {
		p.ds.Errorf(a.pos, "a module's name that is a template is not supported yet")
		return nil
	}
	var ok bool
	if a.module, ok = p.module(a.word); !ok {
		p.noModule(a.pos, a.word, 0)
		return nil
	}
	if e.name == "local_action" {
		t.Settings = map[string]Setting{"delegate_to": {Value: "localhost", Pos: s.at(e.key)}}
	}
	return a
}

// without is the mapping n without the key name, merges resolved.
func without(n *yaml.Node, name string) *yaml.Node {
	n = yaml.Target(n)
	c := *n
	c.Content = nil
	for _, pair := range yaml.Pairs(n) {
		if pair.Key.Value != name {
			c.Content = append(c.Content, pair.Key, pair.Value)
		}
	}
	return &c
}

// arguments reads the arguments of a into t: from args:, then from the module's
// own value, which wins.
func (p *pass) arguments(s scope, t *Task, a *action, args *yaml.Node) {
	t.Module, t.Action, t.ModulePos = a.module.Name, a.word, a.pos
	t.Args, t.ArgPos = value.NewDict(), map[string]diag.Pos{}
	if args != nil {
		if v, ok := p.value(s, args).(value.Template); ok {
			t.ArgsFrom = &v
		} else {
			p.argMapping(s, t, args, "args")
		}
	}
	if !p.argValue(s, t, a) {
		return
	}
	if t.ArgsFrom != nil && isInclude(t.Module) {
		p.ds.Errorf(t.ArgsFrom.Pos, "arguments of %s that are a template are not supported yet", a.word)
	}
	if p.l.Modules == nil || isInclude(t.Module) || t.ArgsFrom != nil {
		return
	}
	where := func(key string) diag.Pos {
		if pos, ok := t.ArgPos[key]; ok {
			return pos
		}
		return t.ModulePos
	}
	p.ds = append(p.ds, p.l.Modules.Check(t.Module, t.Args, where, t.ModulePos)...)
}

// argValue reads the module's own value. It is false where the arguments are
// not complete, so that there is no point in checking them.
func (p *pass) argValue(s scope, t *Task, a *action) bool {
	switch {
	case a.hasText:
		return p.argText(s, t, a, a.text, a.pos)
	case a.val == nil || p.empty(s, a.val):
	case yaml.KindOf(a.val) == yaml.Mapping:
		p.argMapping(s, t, a.val, "the arguments of "+a.word)
	case yaml.KindOf(a.val) == yaml.Sequence:
		p.ds.Errorf(s.at(a.val), "the arguments of %s must be a mapping, not a list", a.word)
		return false
	default:
		return p.argScalar(s, t, a)
	}
	return true
}

func (p *pass) argMapping(s scope, t *Task, n *yaml.Node, what string) {
	d := p.mapping(s, n, what)
	if d == nil {
		return
	}
	for _, pair := range yaml.Pairs(n) {
		t.ArgPos[pair.Key.Value] = s.at(pair.Key)
	}
	for k, v := range d.All() {
		name, ok := k.(string)
		if !ok {
			name = fmt.Sprint(k)
		}
		t.Args.Set(name, v)
	}
}

// argScalar reads `module: text`.
func (p *pass) argScalar(s scope, t *Task, a *action) bool {
	n := yaml.Target(a.val)
	pos := yaml.ContentPos(s.doc.path, n)
	v := p.plain(s, n)
	switch v.(type) {
	case value.Template:
		return p.argText(s, t, a, n.Value, pos)
	case string:
		a.unsafe = true
		return p.argText(s, t, a, n.Value, pos)
	}
	if a.module.FreeForm == "" {
		p.ds.Errorf(pos, "the arguments of %s must be a mapping, not %s", a.word, article(v))
		return false
	}
	if text, ok := toText(v); ok {
		v = text
	}
	t.ArgPos[a.module.FreeForm] = pos
	t.Args.Set(a.module.FreeForm, v)
	return true
}

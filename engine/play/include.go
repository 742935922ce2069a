package play

import (
	"slices"
	"strings"

	"rp/engine/diag"
	"rp/engine/value"
	"rp/engine/yaml"
)

// The arguments of the words of the language.
var includeArgs = map[string][]string{
	importTasks:  {"file"},
	includeTasks: {"file", "apply"},
	importRole:   {"name", "role", "tasks_from", "vars_from", "defaults_from", "handlers_from", "allow_duplicates", "public", "rolespec_validate"},
	includeRole:  {"name", "role", "tasks_from", "vars_from", "defaults_from", "handlers_from", "allow_duplicates", "public", "rolespec_validate", "apply"},
}

// include checks and reads the arguments of t, whose module is one of the words
// of the language.
func (p *pass) include(s scope, t *Task, es entries) {
	names := includeArgs[t.Module]
	for k := range t.Args.All() {
		if name := k.(string); !contains(names, name) {
			d := p.ds.Errorf(t.ArgPos[name], "%s has no argument %q", t.Action, name)
			if near := diag.Suggest(name, names); near != "" {
				d.Hintf("did you mean %q?", near)
			} else {
				d.Hintf("variables for what is included are given under vars:")
			}
		}
	}
	inc := &Include{Pos: t.ModulePos}
	get := func(name string) any { v, _ := t.Args.Get(name); return v }
	if t.Module == importTasks || t.Module == includeTasks {
		inc.File = p.needed(t, "file")
	} else {
		name := "role"
		if get("name") != nil {
			name = "name"
		}
		inc.Role = p.needed(t, name)
		inc.From = RoleFrom{Tasks: get("tasks_from"), Vars: get("vars_from"), Defaults: get("defaults_from"), Handlers: get("handlers_from")}
		inc.Public = p.flag(t, "public")
		inc.AllowDuplicates = p.flag(t, "allow_duplicates")
		p.flag(t, "rolespec_validate")
	}
	for _, name := range []string{"file", "name", "role"} {
		if pos, ok := t.ArgPos[name]; ok {
			inc.Pos = pos
		}
	}
	t.Include = inc
	p.includeKeywords(s, t, es)
	if t.Module == includeTasks || t.Module == includeRole {
		p.apply(s, t, es)
		p.expectFile(s, t)
	}
}

// needed is an argument that must be there, as a string or a template.
func (p *pass) needed(t *Task, name string) any {
	v, _ := t.Args.Get(name)
	switch v.(type) {
	case string, value.Template:
		return v
	case nil:
		if t.ArgsFrom != nil {
			return nil // that is the mistake, and it is told
		}
		if name == "role" {
			name = "name"
		}
		p.ds.Errorf(t.ModulePos, "%s needs %s", t.Action, name)
	default:
		p.ds.Errorf(t.ArgPos[name], "%s of %s must be a string, not %s", name, t.Action, article(v))
	}
	return nil
}

func (p *pass) flag(t *Task, name string) any {
	v, ok := t.Args.Get(name)
	if !ok {
		return nil
	}
	if _, ok := v.(value.Template); ok {
		p.ds.Errorf(t.ArgPos[name], "%s of %s that is a template is not supported yet", name, t.Action)
		return nil
	}
	v, _ = p.typed(t.ArgPos[name], &Keyword{Name: name, Type: Bool}, v)
	return v
}

// includeKeywords reports keywords that mean nothing on an import or an include.
func (p *pass) includeKeywords(s scope, t *Task, es entries) {
	static := t.Module == importTasks || t.Module == importRole
	for _, e := range es {
		loop := e.name == "loop" || strings.HasPrefix(e.name, "with_")
		switch {
		case byName[e.name] == nil && !loop: // the word itself
		case static && loop:
			p.ds.Errorf(s.at(e.key), "%s cannot loop: it is read before the run starts", t.Action).
				Hintf("use %s", strings.Replace(t.Module, "import", "include", 1))
		case static && contains([]string{"register", "until", "retries", "delay", "changed_when", "failed_when"}, e.name):
			p.ds.Errorf(s.at(e.key), "%q means nothing on %s: it has no result", e.name, t.Action)
		case !static && !loop && !contains(inInclude, e.name) && !(e.name == "listen" && t.Handler):
			p.ds.Errorf(s.at(e.key), "%q is no keyword of %s", e.name, t.Action).
				Hintf("give it to all that is included under apply:, or use %s", strings.Replace(t.Module, "include", "import", 1))
		}
	}
}

// apply reads the keywords that hold for all that is included.
func (p *pass) apply(s scope, t *Task, es entries) {
	n := argNode(es, t.Action, "apply")
	if n == nil || p.empty(s, n) {
		return
	}
	inner, ok := p.entries(s, n, "apply")
	if !ok {
		return
	}
	t.Include.Apply = &Level{Pos: s.at(n)}
	p.level(s, t.Include.Apply, inner.only(func(e entry) bool {
		k := byName[e.name]
		return k == nil || k.Type != Structure || k.Name == "vars"
	}), InBlock)
}

// argNode is the node of the argument name of the module that a task writes as word.
func argNode(es entries, word, name string) *yaml.Node {
	for _, key := range []string{word, "args"} {
		n := es.get(key)
		if n == nil || yaml.KindOf(n) != yaml.Mapping {
			continue
		}
		for _, pair := range slices.Backward(yaml.Pairs(n)) {
			if pair.Key.Value == name {
				return pair.Value
			}
		}
	}
	return nil
}

// expectFile warns of an include whose file or role has a fixed name and is not there.
func (p *pass) expectFile(s scope, t *Task) {
	const late = "the task will fail if it is reached"
	if t.Module == includeTasks {
		name, ok := t.Include.File.(string)
		if ok && firstFile(p.l, taskFiles(name, s.trail, s.role, s.play, s.handler)) == "" {
			p.ds.Warnf(t.Include.Pos, "there is no file %q: %s", name, late)
		}
		return
	}
	name, ok := t.Include.Role.(string)
	switch {
	case !ok || p.l.rolePath(s, name) != "":
	case ofCollection(name):
		p.ds.Warnf(t.Include.Pos, "role %q: roles of collections are not supported yet: %s", name, late)
	default:
		p.ds.Warnf(t.Include.Pos, "there is no role %q: %s", name, late)
	}
}

// importTasks is the block of tasks that t imports.
func (p *pass) importTasks(s scope, t *Task) Node {
	b := &Block{Level: t.Level, Kind: ImportTasks, Parent: s.parent, Play: s.play, Role: s.role}
	if t.Include.File == nil {
		return nil
	}
	name, ok := p.staticText(s, t.Vars, t.Include.File, t.Include.Pos, "the file of import_tasks")
	if !ok {
		return nil
	}
	path, ok := p.findTasks(s, name, t.Include.Pos)
	if !ok {
		return nil
	}
	if slices.Contains(s.trail, path) {
		p.ds.Errorf(t.Include.Pos, "%q imports itself", path).Hintf("include_tasks is read during the run and may be recursive")
		return nil
	}
	b.Body = p.taskFile(s.within(b), path, t.Include.Pos)
	return b
}

func firstFile(l *Loader, paths []string) string {
	for _, path := range paths {
		if l.isFile(path) {
			return path
		}
	}
	return ""
}

// findTasks is the file of tasks called name, as seen from s.
func (p *pass) findTasks(s scope, name string, pos diag.Pos) (string, bool) {
	paths := taskFiles(name, s.trail, s.role, s.play, s.handler)
	path := firstFile(p.l, paths)
	if path == "" {
		d := p.ds.Errorf(pos, "there is no file %q", name)
		d.Hintf("looked for %s", strings.Join(paths, ", "))
	}
	return path, path != ""
}

// taskFile reads the tasks in the file at path.
func (p *pass) taskFile(s scope, path string, pos diag.Pos) []Node {
	doc := p.open(path, pos)
	if doc == nil || doc.root == nil {
		return nil
	}
	return p.nodes(s.enter(doc), doc.root, "a file of tasks")
}

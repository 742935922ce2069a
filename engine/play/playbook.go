package play

import (
	"path/filepath"
	"slices"
	"strings"

	"rp/engine/diag"
	"rp/engine/value"
	"rp/engine/yaml"
)

// playbook reads the playbook at path. trail are the playbooks that import it.
func (p *pass) playbook(path string, pos diag.Pos, trail []string) []*Play {
	if slices.Contains(trail, path) {
		p.ds.Errorf(pos, "%q imports itself", path)
		return nil
	}
	doc := p.open(path, pos)
	if doc == nil {
		return nil
	}
	s := scope{trail: trail}.enter(doc)
	if doc.root == nil {
		p.ds.Errorf(diag.Pos{File: path}, "this playbook is empty")
		return nil
	}
	if yaml.KindOf(doc.root) != yaml.Sequence {
		d := p.ds.Errorf(s.at(doc.root), "a playbook must be a list of plays, not %s", article(p.plain(s, doc.root)))
		d.Hintf("each play starts with \"- \"")
		return nil
	}
	var plays []*Play
	for _, n := range doc.root.Content {
		n = yaml.Target(n)
		es, ok := p.entries(s, n, "a play")
		if !ok {
			continue
		}
		if word := importWord(es); word != "" {
			plays = append(plays, p.importPlaybook(s, es, word)...)
		} else {
			plays = append(plays, p.play(s, n, es))
		}
	}
	return plays
}

func importWord(es entries) string {
	for _, w := range []string{"import_playbook", "ansible.builtin.import_playbook", "ansible.legacy.import_playbook"} {
		if es.has(w) {
			return w
		}
	}
	return ""
}

// importPlaybook is the plays that an import_playbook stands for.
func (p *pass) importPlaybook(s scope, es entries, word string) []*Play {
	n := es.get(word)
	pos := s.at(n)
	var lv Level
	keep := []string{"name", "when", "tags", "vars"}
	p.level(s, &lv, es.only(func(e entry) bool { return contains(keep, e.name) }), InTask)
	for _, e := range es {
		if e.name != word && !contains(keep, e.name) {
			p.ds.Errorf(s.at(e.key), "%q is no keyword of import_playbook", e.name).
				Hintf("it takes %s", strings.Join(keep, ", "))
		}
	}
	name, ok := p.staticText(s, lv.Vars, p.value(s, n), pos, "the file of import_playbook")
	if !ok {
		return nil
	}
	if file, rest, cut := strings.Cut(name, " "); cut && strings.Contains(rest, "=") {
		p.ds.Errorf(pos, "import_playbook takes one file name").Hintf("give variables for %q under vars:", file)
		return nil
	}
	full := name
	if !filepath.IsAbs(name) {
		full = filepath.Join(filepath.Dir(s.doc.path), name)
	}
	if ofCollection(name) && !p.l.isFile(full) {
		p.ds.Errorf(pos, "playbook %q: playbooks of collections are not supported yet", name)
		return nil
	}
	plays := p.playbook(filepath.Clean(full), pos, s.trail)
	for _, pl := range plays {
		pl.imported(lv)
	}
	return plays
}

// imported adds what an import_playbook says to the play.
func (p *Play) imported(lv Level) {
	p.When = append(slices.Clone(lv.When), p.When...)
	for _, tag := range lv.Tags {
		if !contains(p.Tags, tag) {
			p.Tags = append(p.Tags, tag)
		}
	}
	p.LateTags = append(p.LateTags, lv.LateTags...)
	if lv.Vars != nil {
		p.Vars = merge(merge(value.NewDict(), p.Vars), lv.Vars)
	}
}

// play reads one play.
func (p *pass) play(s scope, n *yaml.Node, es entries) *Play {
	pl := &Play{File: s.doc.path, Dir: filepath.Dir(s.doc.path)}
	pl.Pos = s.at(n)
	s.play = pl
	p.level(s, &pl.Level, es, InPlay)
	p.hosts(s, pl, es)
	p.settle(pl)
	pl.Serial = p.serial(s, es.get("serial"))
	p.varsFiles(s, pl, es.get("vars_files"))

	p.imported, p.roles, p.notified, p.partial = nil, nil, nil, false
	var fromRoles []*Task
	for _, u := range p.roleEntries(s, es.get("roles"), "roles") {
		if b := p.role(s, u); b != nil {
			p.roles = append(p.roles, b.Role)
			pl.RoleBlocks = append(pl.RoleBlocks, b)
			fromRoles = append(fromRoles, b.Role.Handlers...)
		}
	}
	pl.PreTasks = p.nodes(s, es.get("pre_tasks"), "pre_tasks")
	pl.Tasks = p.nodes(s, es.get("tasks"), "tasks")
	pl.PostTasks = p.nodes(s, es.get("post_tasks"), "post_tasks")
	in := s
	in.handler = true
	before := len(p.ds)
	own := flatten(p.nodes(in, es.get("handlers"), "handlers"))
	p.partial = p.partial || p.ds[before:].Failed()
	pl.Handlers = slices.Concat(fromRoles, own, p.imported)
	pl.Roles = p.roles
	p.checkNotify(pl)
	p.foresee(pl)
	return pl
}

// hosts reads the play's pattern.
func (p *pass) hosts(s scope, pl *Play, es entries) {
	n := es.get("hosts")
	if n == nil {
		p.ds.Errorf(pl.Pos, "a play needs hosts").Hintf("hosts: all")
		return
	}
	pl.HostsPos = s.at(n)
	items := []any{}
	switch v := p.value(s, n).(type) {
	case string, value.Template:
		pl.Hosts = v
		items = append(items, v)
	case *value.List:
		pl.Hosts = v
		items = v.Items
	case nil:
	default:
		p.ds.Errorf(pl.HostsPos, "hosts must be a pattern or a list of patterns, not %s", article(v))
		return
	}
	if len(items) == 0 {
		p.ds.Errorf(pl.HostsPos, "hosts is empty")
	}
	for _, v := range items {
		switch v := v.(type) {
		case string:
			if strings.TrimSpace(v) == "" {
				p.ds.Errorf(pl.HostsPos, "hosts is empty")
			}
		case value.Template:
		default:
			p.ds.Errorf(pl.HostsPos, "each of hosts must be a pattern, not %s", article(v))
		}
	}
}

// settle moves settings that only a play has into their fields.
func (p *pass) settle(pl *Play) {
	take := func(name string) any {
		s, ok := pl.Settings[name]
		if ok {
			delete(pl.Settings, name)
		}
		return s.Value
	}
	pl.GatherFacts = take("gather_facts")
	pl.ForceHandlers = take("force_handlers")
	pl.MaxFailPercentage = take("max_fail_percentage")
	pl.Order = take("order")
	pl.Strategy = "linear"
	if v := take("strategy"); v != nil {
		pl.Strategy = v
	}
	if user, ok := pl.Settings["user"]; ok {
		delete(pl.Settings, "user")
		if _, both := pl.Settings["remote_user"]; both {
			p.ds.Errorf(user.Pos, "user and remote_user are the same keyword: give one of them")
		}
		pl.Settings["remote_user"] = user
	}
}

// serial reads the sizes of batches.
func (p *pass) serial(s scope, n *yaml.Node) []any {
	if n == nil {
		return nil
	}
	v := p.value(s, n)
	items := []any{v}
	if l, ok := v.(*value.List); ok {
		items = l.Items
	}
	var sizes []any
	for _, item := range items {
		switch size := item.(type) {
		case value.Template:
			sizes = append(sizes, size)
			continue
		case string:
			if percent, ok := strings.CutSuffix(strings.TrimSpace(size), "%"); ok {
				if _, ok := toNumber(percent); ok {
					sizes = append(sizes, strings.TrimSpace(size))
					continue
				}
			}
		}
		number, ok := toInt(item)
		if !ok {
			p.ds.Errorf(s.at(n), "serial must be a number of hosts, a percentage such as \"30%%\", or a list of them, not %s", shown(item))
			continue
		}
		sizes = append(sizes, number)
	}
	return sizes
}

// varsFiles reads vars_files; those whose names are fixed are read at once.
func (p *pass) varsFiles(s scope, pl *Play, n *yaml.Node) {
	if n == nil || p.empty(s, n) {
		return
	}
	items := []*yaml.Node{n}
	if yaml.KindOf(n) == yaml.Sequence {
		items = yaml.Target(n).Content
	}
	for _, e := range items {
		f := VarsFile{Paths: p.names(s, e, "vars_files"), Pos: s.at(e)}
		if len(f.Paths) > 0 {
			p.loadVarsFile(pl, &f)
			pl.VarsFiles = append(pl.VarsFiles, f)
		}
	}
}

func (p *pass) loadVarsFile(pl *Play, f *VarsFile) {
	var looked []string
	for _, v := range f.Paths {
		name, ok := v.(string)
		if !ok {
			return
		}
		paths := []string{name}
		if !filepath.IsAbs(name) {
			paths = nil
			for _, dir := range pl.SearchPath("vars") {
				paths = append(paths, filepath.Join(dir, name))
			}
		}
		looked = append(looked, paths...)
		if path := firstFile(p.l, paths); path != "" {
			f.File, f.Loaded = path, p.varsFile(path, f.Pos)
			return
		}
	}
	p.ds.Errorf(f.Pos, "vars file %s was not found", quotedNames(f.Paths)).Hintf("looked for %s", strings.Join(looked, ", "))
}

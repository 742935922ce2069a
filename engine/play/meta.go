package play

import (
	"path/filepath"

	"rp/engine/value"
)

// meta reads meta/ of the role at s: the roles it depends on, which come before
// its own tasks in entry, and what else is said of it.
func (p *pass) meta(s scope, entry *Block, u roleUse) {
	r := s.role
	if u.duplicates != nil {
		r.AllowDuplicates = *u.duplicates
	}
	for _, path := range p.l.partFiles(filepath.Join(r.Path, "meta"), "main", false) {
		doc := p.open(path, u.pos)
		if doc == nil || doc.root == nil {
			continue
		}
		in := s.enter(doc)
		es, ok := p.entries(in, doc.root, "a role's metadata")
		if !ok {
			continue
		}
		if n := es.get("allow_duplicates"); n != nil && u.duplicates == nil {
			if v, ok := p.typed(in.at(n), &Keyword{Name: "allow_duplicates", Type: Bool}, p.value(in, n)); ok {
				r.AllowDuplicates, _ = v.(bool)
			}
		}
		if n := es.get("argument_specs"); n != nil {
			r.ArgumentSpecs = p.mapping(in, n, "argument_specs")
		}
		for _, dep := range p.roleEntries(in, es.get("dependencies"), "dependencies") {
			p.dependency(in, entry, dep)
		}
	}
	for _, path := range p.l.partFiles(filepath.Join(r.Path, "meta"), "argument_specs", false) {
		specs, _ := p.varsFile(path, u.pos).Get("argument_specs")
		r.ArgumentSpecs, _ = specs.(*value.Dict)
	}
	if r.ArgumentSpecs != nil {
		p.ds.Warnf(u.pos, "the argument specs of role %q are not checked yet", r.Name)
	}
}

// dependency puts the role that u names into entry, before what entry's role does itself.
func (p *pass) dependency(s scope, entry *Block, u roleUse) {
	b := p.role(s, u)
	if b == nil {
		return
	}
	entry.Body = append(entry.Body, b)
	s.role.Dependencies = append(s.role.Dependencies, b.Role)
	s.role.Handlers = append(s.role.Handlers, b.Role.Handlers...)
}

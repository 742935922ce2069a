package jinja

import (
	"errors"
	"io/fs"

	"rp/engine/value"
)

// chain are the blocks of a template and of those it extends: for each name
// its versions, that of the template itself first.
type chain struct {
	blocks map[string][]blockVersion
	parent *Template // set by extends while the body of the child runs
}

// blockVersion is a block and the template that it stands in.
type blockVersion struct {
	s *blockStmt
	t *Template
}

// root runs the whole of t, and of what it extends.
func (in *interp) root(t *Template, out *output) error {
	in.chain = &chain{blocks: map[string][]blockVersion{}}
	in.chain.add(t)
	for _, s := range t.body {
		if in.chain.parent == nil || isDeclaration(s) {
			if err := s.exec(in, out); err != nil {
				return err
			}
		}
	}
	for in.chain.parent != nil {
		parent := in.chain.parent
		in.chain.parent = nil
		if err := in.deeper(); err != nil {
			return err
		}
		defer in.leave()
		in.chain.add(parent)
		c := *in
		c.base, c.source, c.o = parent.pos, parent.source, parent.o
		if err := c.runParent(parent, out); err != nil {
			return err
		}
	}
	return nil
}

func (in *interp) runParent(t *Template, out *output) error {
	for _, s := range t.body {
		if in.chain.parent == nil || isDeclaration(s) {
			if err := s.exec(in, out); err != nil {
				return err
			}
		}
	}
	return nil
}

// isDeclaration reports whether s still counts below extends: text and
// blocks of a child are written by its parent.
func isDeclaration(s stmt) bool {
	switch s.(type) {
	case *setStmt, *setBlockStmt, *macroDef, *importStmt, *fromImportStmt, *extendsStmt:
		return true
	}
	return false
}

func (c *chain) add(t *Template) {
	for name, s := range t.blocks {
		c.blocks[name] = append(c.blocks[name], blockVersion{s, t})
	}
}

func (s *blockStmt) exec(in *interp, out *output) error {
	v := in.chain.blocks[s.name]
	if len(v) == 0 {
		return in.execAll(s.body, out)
	}
	return in.block(s, v, 0, out)
}

// block runs version i of a block; place is where it is to stand.
func (in *interp) block(place *blockStmt, versions []blockVersion, i int, out *output) error {
	v := versions[i]
	if v.s.required {
		return in.errorAt(place.p, typef("Required block '%s' not found", v.s.name))
	}
	if err := in.deeper(); err != nil {
		return err
	}
	defer in.leave()
	c := in.nested()
	if !place.scoped {
		// A block sees the names of the template, not of the loops that it stands in.
		c.scope.parent = in.top
	}
	c.base, c.source, c.o = v.t.pos, v.t.source, v.t.o
	c.scope.set("super", c.super(place, versions, i))
	return c.execAll(v.s.body, out)
}

func (in *interp) super(place *blockStmt, versions []blockVersion, i int) any {
	if i+1 >= len(versions) {
		return value.Undefined{Name: "super", Hint: "there is no parent block called '" + place.name + "'."}
	}
	return define("super", "", raw, func(*call) (any, error) {
		var o output
		if err := in.block(place, versions, i+1, &o); err != nil {
			return nil, err
		}
		return in.asText(&o)
	})
}

// selfBlocks is the name self: the blocks of the template as functions.
type selfBlocks struct{ in *interp }

func (*selfBlocks) typeName() string { return "TemplateReference" }
func (*selfBlocks) storable() bool   { return false }

func (b *selfBlocks) attr(name string) (any, bool) {
	versions := b.in.chain.blocks[name]
	if len(versions) == 0 {
		return nil, false
	}
	return define(name, "", raw, func(*call) (any, error) {
		var o output
		if err := b.in.block(versions[0].s, versions, 0, &o); err != nil {
			return nil, err
		}
		return b.in.asText(&o)
	}), true
}

func (s *extendsStmt) exec(in *interp, _ *output) error {
	if in.chain.parent != nil {
		return in.errorAt(s.p, typef("extended multiple times"))
	}
	t, err := in.load(s.name, false)
	if err != nil {
		return err
	}
	in.chain.parent = t
	return nil
}

// load fetches and parses the template that x names: a name or several of
// which the first that exists counts. With optional a missing one gives nil.
func (in *interp) load(x expr, optional bool) (*Template, error) {
	v, err := x.eval(in)
	if err != nil {
		return nil, err
	}
	p, _, unknown, err := in.plain(v)
	if err != nil {
		return nil, in.errorAt(x.place(), err)
	}
	if unknown != nil {
		return nil, &unknownResult{*unknown}
	}
	names := []any{p}
	if isList(p) {
		if names, err = in.iterate(p); err != nil {
			return nil, in.errorAt(x.place(), err)
		}
	}
	t, err := in.loadFirst(names)
	if errors.Is(err, fs.ErrNotExist) && optional {
		return nil, nil //nolint:nilnil // said so above
	}
	return t, in.errorAt(x.place(), err)
}

func (in *interp) loadFirst(names []any) (*Template, error) {
	if in.env.Include == nil {
		return nil, typef("no loader for this environment specified")
	}
	err := typef("Tried to select from an empty list of templates.")
	for _, n := range names {
		src, pos, loadErr := in.env.Include(Str(n))
		if loadErr == nil {
			t, err := Parse(src, pos, included(in.o))
			if err == nil && t.mutates {
				in.run.mutates = true
			}
			return t, err
		}
		err = loadErr
		if !errors.Is(loadErr, fs.ErrNotExist) {
			break
		}
	}
	return nil, err
}

// included are the options of a template that one with o names: its end is not kept.
func included(o Options) Options {
	o.Playbook, o.Preserve = false, false
	return o
}

func (s *includeStmt) exec(in *interp, out *output) error {
	t, err := in.load(s.name, s.ignoreMissing)
	if err != nil || t == nil {
		return err
	}
	c, err := in.enter(t, s.withContext)
	if err != nil {
		return err
	}
	defer in.leave()
	return c.root(t, out)
}

// enter is an interp for t, which in names. Without context it sees functions
// alone, no variable.
func (in *interp) enter(t *Template, withContext bool) (*interp, error) {
	if err := in.deeper(); err != nil {
		return nil, err
	}
	c := in.nested()
	if !withContext {
		c.scope, c.vars, c.memo = &scope{}, MapVars(nil), &memo{}
	}
	c.top = c.scope
	c.base, c.source, c.o = t.pos, t.source, t.o
	return c, nil
}

// module is an imported template: its macros and names.
type module struct {
	names *scope
	text  any
}

func (*module) typeName() string { return "TemplateModule" }
func (*module) storable() bool   { return false }

func (m *module) attr(name string) (any, bool) {
	if name != "" && name[0] == '_' {
		return nil, false
	}
	v, ok := m.names.names[name]
	return v, ok
}

func (m *module) String() string { return Str(m.text) }

func (in *interp) imported(x expr, withContext bool) (*module, error) {
	t, err := in.load(x, false)
	if err != nil {
		return nil, err
	}
	c, err := in.enter(t, withContext)
	if err != nil {
		return nil, err
	}
	defer in.leave()
	var o output
	if err := c.root(t, &o); err != nil {
		return nil, err
	}
	text, err := in.asText(&o)
	return &module{c.scope, text}, err
}

func (s *importStmt) exec(in *interp, _ *output) error {
	m, err := in.imported(s.name, s.withContext)
	if err != nil {
		return err
	}
	in.scope.set(s.as, m)
	return nil
}

func (s *fromImportStmt) exec(in *interp, _ *output) error {
	m, err := in.imported(s.name, s.withContext)
	if err != nil {
		return err
	}
	for _, n := range s.names {
		v, ok := m.attr(n[0])
		if !ok {
			v = value.Undefined{Name: n[0], Hint: "the template " + pyQuote(in.source) + " (imported on line " +
				Str(int64(s.p.line)) + ") does not export the requested name " + pyQuote(n[0])}
		}
		in.scope.set(n[1], v)
	}
	return nil
}

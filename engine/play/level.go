package play

import (
	"fmt"
	"slices"
	"strings"

	"rp/engine/diag"
	"rp/engine/value"
	"rp/engine/yaml"
)

// level reads the keywords of es that a Level holds into lv, and reports those
// that do not belong at w. Keywords of type Structure but vars are left to the caller.
func (p *pass) level(s scope, lv *Level, es entries, w Where) {
	for _, e := range es {
		k := byName[e.name]
		if !p.allowed(s, e, k, w) {
			continue
		}
		switch {
		case k.Name == "vars":
			lv.Vars = p.vars(s, e.val)
		case k.Type != Structure:
			p.store(s, lv, k, e)
		}
	}
}

// allowed reports whether the keyword k, nil where there is none of e's name,
// may stand at w, and says so if not.
func (p *pass) allowed(s scope, e entry, k *Keyword, w Where) bool {
	pos := s.at(e.key)
	switch {
	case k == nil:
		d := p.ds.Errorf(pos, "%q is no keyword of a %s", e.name, w)
		if near := diag.Suggest(e.name, namesIn(w)); near != "" {
			d.Hintf("did you mean %q?", near)
		}
		return false
	case k.Where&w == 0:
		d := p.ds.Errorf(pos, "%q is no keyword of a %s", e.name, w)
		d.Hintf("it belongs to a %s", places(k.Where))
		return false
	case k.NotYet:
		p.ds.Errorf(pos, "%q is not supported yet", e.name)
		return false
	}
	return true
}

func places(w Where) string {
	var names []string
	for _, one := range []Where{InPlay, InRole, InBlock, InTask, InHandler} {
		if w&one != 0 {
			names = append(names, one.String())
		}
	}
	return strings.Join(names, " or ")
}

// store reads one keyword into its place in lv.
func (p *pass) store(s scope, lv *Level, k *Keyword, e entry) {
	switch k.Name {
	case "name":
		lv.Name = p.name(s, e.val)
	case "when":
		lv.When = p.conditions(s, e.val, k.Name)
	case "tags":
		p.tags(s, lv, e.val)
	case "environment":
		lv.Environment = p.environment(s, e.val)
	case "notify":
		lv.Notify = p.names(s, e.val, k.Name)
		p.notices(s, e.val)
	default:
		v := p.value(s, e.val)
		if v == nil {
			return
		}
		if v, ok := p.typed(s.at(e.val), k, v); ok {
			if lv.Settings == nil {
				lv.Settings = map[string]Setting{}
			}
			lv.Settings[k.Name] = Setting{v, s.at(e.val)}
		}
	}
}

func (p *pass) name(s scope, n *yaml.Node) any {
	switch v := p.value(s, n).(type) {
	case string, value.Template, nil:
		return v
	case *value.List, *value.Dict:
		p.ds.Errorf(s.at(n), "name must be a string, not %s", article(v))
	}
	return yaml.Target(n).Value
}

// typed is v as k's type has it. A template stays one.
func (p *pass) typed(pos diag.Pos, k *Keyword, v any) (any, bool) {
	if _, ok := v.(value.Template); ok {
		return v, true
	}
	var got any
	ok := true
	switch k.Type {
	case Bool:
		got, ok = toBool(v)
	case Int:
		got, ok = toInt(v)
	case Number:
		got, ok = toNumber(v)
	case Text:
		got, ok = toText(v)
	default:
		got = v
	}
	if !ok {
		p.ds.Errorf(pos, "%s must be %s, not %s", k.Name, wanted[k.Type], shown(v))
		return nil, false
	}
	if k.Choices == nil {
		return got, true
	}
	return plainChoice(got), p.choice(pos, k, got)
}

// plainChoice is a choice without its collection: ansible.builtin.sudo is sudo.
// What Ansible has for SSH besides ssh is ssh here.
func plainChoice(v any) any {
	s, _ := v.(string)
	s = s[strings.LastIndexByte(s, '.')+1:]
	if s == "smart" || s == "paramiko" {
		return "ssh"
	}
	return s
}

var wanted = map[Type]string{Bool: "true or false", Int: "a whole number", Number: "a number", Text: "a string"}

// shown is v as a message shows it: a scalar itself, the kind of anything else.
func shown(v any) string {
	switch v := v.(type) {
	case string:
		return fmt.Sprintf("%q", v)
	case bool, int64, float64:
		return fmt.Sprint(v)
	}
	return article(v)
}

// choice reports a value that is none of k's choices.
func (p *pass) choice(pos diag.Pos, k *Keyword, v any) bool {
	s, ok := v.(string)
	if !ok || k.Choices == nil || slices.Contains(k.Choices, s) {
		return true
	}
	if slices.Contains(k.Later, s) {
		p.ds.Errorf(pos, "%s %q is not supported yet", k.Name, s)
		return false
	}
	d := p.ds.Errorf(pos, "%s cannot be %q", k.Name, s)
	if near := diag.Suggest(s, k.Choices); near != "" {
		d.Hintf("did you mean %q?", near)
	} else {
		d.Hintf("it is one of %s", strings.Join(k.Choices, ", "))
	}
	return false
}

// names reads a list of words, or one word: strings and templates, never nil.
func (p *pass) names(s scope, n *yaml.Node, what string) []any {
	out := []any{}
	items := []*yaml.Node{n}
	if yaml.KindOf(n) == yaml.Sequence {
		items = yaml.Target(n).Content
	}
	for _, e := range items {
		switch v := p.value(s, e).(type) {
		case nil:
		case string, value.Template:
			out = append(out, v)
		case *value.List:
			out = append(out, p.names(s, e, what)...)
		case *value.Dict:
			p.ds.Errorf(s.at(e), "%s must be a string or a list of strings, not %s", what, article(v))
		default:
			out = append(out, yaml.Target(e).Value)
		}
	}
	return out
}

// tags reads tags: a list, or words between commas.
func (p *pass) tags(s scope, lv *Level, n *yaml.Node) {
	for _, v := range p.names(s, n, "tags") {
		switch v := v.(type) {
		case value.Template:
			lv.LateTags = append(lv.LateTags, v)
		case string:
			for _, tag := range SplitTags(v) {
				if !slices.Contains(lv.Tags, tag) {
					lv.Tags = append(lv.Tags, tag)
				}
			}
		}
	}
}

// environment reads a mapping, a template of one, or a list of both.
func (p *pass) environment(s scope, n *yaml.Node) []any {
	v := p.value(s, n)
	items := []any{v}
	if l, ok := v.(*value.List); ok {
		items = l.Items
	}
	var out []any
	for _, e := range items {
		switch e := e.(type) {
		case nil:
		case *value.Dict, value.Template:
			out = append(out, e)
		default:
			p.ds.Errorf(s.at(n), "environment must be a mapping of variables, not %s", shown(e))
		}
	}
	return out
}

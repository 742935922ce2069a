package play

import (
	"strings"

	"rp/engine/diag"
	"rp/engine/value"
	"rp/engine/yaml"
)

// argText reads arguments written as text: key=value, and for a module that
// takes it, text of its own. It is false where the text cannot be read.
func (p *pass) argText(s scope, t *Task, a *action, text string, pos diag.Pos) bool {
	opts, raw, err := parseOptions(text, a.module.TextOptions)
	if err != nil {
		d := p.ds.Errorf(pos, "cannot split the arguments of %s: %v", a.word, err)
		if a.module.FreeForm != "" {
			d.Hintf("a lone quote needs its partner; give the text under %s: to have it taken as it is", a.module.FreeForm)
		}
		return false
	}
	for _, o := range opts {
		at := findOption(s.doc, pos, o.key)
		t.ArgPos[o.key] = at
		t.Args.Set(o.key, p.textValue(a, o.value, at))
	}
	if raw == "" {
		return true
	}
	if inner, whole := bare(raw); whole && inner != "" && a.module.FreeForm == "" && !a.unsafe {
		t.ArgsFrom = &value.Template{Source: raw, Pos: pos}
		p.checkTemplates(*t.ArgsFrom)
		return true
	}
	if a.module.FreeForm == "" {
		d := p.ds.Errorf(pos, "%s takes arguments, not the text %q", a.word, clip(raw))
		d.Hintf("write them below it, one a line: name: value")
		return false
	}
	t.ArgPos[a.module.FreeForm] = pos
	t.Args.Set(a.module.FreeForm, p.textValue(a, raw, pos))
	return true
}

func (p *pass) textValue(a *action, text string, pos diag.Pos) any {
	if a.unsafe || !yaml.HasTemplate(text) {
		return text
	}
	v := value.Template{Source: text, Pos: pos}
	p.checkTemplates(v)
	return v
}

// findOption is where key= stands in the text that starts at pos, or pos.
func findOption(doc *document, pos diag.Pos, key string) diag.Pos {
	from := pos.Col - 1
	for i := pos.Line; i <= len(doc.lines) && i < pos.Line+100; i++ {
		line := []rune(doc.lines[i-1])
		rest := string(line[min(max(from, 0), len(line)):])
		for at := 0; ; {
			n := strings.Index(rest[at:], key+"=")
			if n < 0 {
				break
			}
			at += n
			if at == 0 || isBlank(rest[at-1]) {
				return diag.Pos{File: pos.File, Line: i, Col: max(from, 0) + len([]rune(rest[:at])) + 1}
			}
			at += len(key)
		}
		from = 0
	}
	return pos
}

// clip is s short enough for a message.
func clip(s string) string {
	const most = 40
	if r := []rune(s); len(r) > most {
		return string(r[:most]) + "…"
	}
	return s
}

package jinja

import (
	"fmt"
	"math"
	"strings"
	"unicode/utf8"

	"rp/engine/value"
)

// yamlWriter writes YAML as PyYAML's dump with libyaml does, down to where
// lines break.
type yamlWriter struct {
	b           strings.Builder
	in          *interp
	indentBy    int
	width       int
	sortKeys    bool
	unicode     bool
	flowStyle   *bool // nil: flow for collections of scalars
	indent      int   // -1 before the first collection
	column      int
	whitespace  bool // a blank has just been written
	indention   bool // nothing but indentation stands on the line
	flowLevel   int
	simpleKey   bool
	mappingItem bool // the node is a value or key of a mapping
}

func (w *yamlWriter) raw(s string) {
	w.b.WriteString(s)
	w.column += utf8.RuneCountInString(s)
}

func (w *yamlWriter) lineBreak() {
	w.whitespace, w.indention, w.column = true, true, 0
	w.b.WriteByte('\n')
}

func (w *yamlWriter) writeIndent() {
	indent := max(w.indent, 0)
	if !w.indention || w.column > indent || w.column == indent && !w.whitespace {
		w.lineBreak()
	}
	if w.column < indent {
		w.whitespace = true
		w.raw(strings.Repeat(" ", indent-w.column))
	}
}

func (w *yamlWriter) indicator(s string, needSpace, whitespace, indention bool) {
	if !w.whitespace && needSpace {
		s = " " + s
	}
	w.whitespace = whitespace
	w.indention = w.indention && indention
	w.raw(s)
}

// increase indents one level more and gives the function that takes it back.
func (w *yamlWriter) increase(flow, indentless bool) func() {
	old := w.indent
	switch {
	case w.indent < 0 && flow:
		w.indent = w.indentBy
	case w.indent < 0:
		w.indent = 0
	case !indentless:
		w.indent += w.indentBy
	}
	return func() { w.indent = old }
}

// document writes v as a whole document.
func (w *yamlWriter) document(v any) error {
	w.whitespace, w.indention, w.indent = true, true, -1
	if err := w.node(v, false, false); err != nil {
		return err
	}
	w.writeIndent()
	return nil
}

func (w *yamlWriter) node(v any, mapping, simpleKey bool) error {
	if err := w.in.fits(w.b.Len()); err != nil {
		return err
	}
	w.mappingItem, w.simpleKey = mapping, simpleKey
	switch t := v.(type) {
	case *value.List:
		return w.sequence(t.Items)
	case value.Tuple:
		return w.sequence(t)
	case value.Object:
		return w.mapping(t)
	}
	text, isText, err := yamlText(v)
	if err != nil {
		return err
	}
	w.scalar(text, isText)
	return nil
}

// yamlText is a scalar as it is written plain, and whether it is text.
func yamlText(v any) (text string, isText bool, err error) {
	switch t := v.(type) {
	case nil:
		return "null", false, nil
	case string:
		return t, true, nil
	case bool:
		return strings.ToLower(Str(t)), false, nil
	case float64:
		return yamlFloat(t), false, nil
	case Datetime:
		return t.iso(" "), false, nil
	}
	if isNumber(v) {
		return Str(v), false, nil
	}
	return "", false, typef("cannot represent an object: %s", TypeName(v))
}

func yamlFloat(f float64) string {
	switch {
	case math.IsInf(f, 1):
		return ".inf"
	case math.IsInf(f, -1):
		return "-.inf"
	case math.IsNaN(f):
		return ".nan"
	}
	s := floatRepr(f)
	if !strings.Contains(s, ".") {
		s = strings.Replace(s, "e", ".0e", 1)
	}
	return s
}

// flow reports whether a collection of items is written in flow style.
func (w *yamlWriter) flow(items []any) bool {
	if w.flowLevel > 0 || len(items) == 0 {
		return true
	}
	if w.flowStyle != nil {
		return *w.flowStyle
	}
	for _, e := range items {
		if !isYAMLScalar(e) {
			return false
		}
	}
	return true
}

func isYAMLScalar(v any) bool {
	if isList(v) {
		return false
	}
	_, mapping := asMapping(v)
	return !mapping
}

func (w *yamlWriter) sequence(items []any) error {
	if w.flow(items) {
		return w.flowSequence(items)
	}
	defer w.increase(false, w.mappingItem && !w.indention)()
	for _, e := range items {
		w.writeIndent()
		w.indicator("-", true, false, true)
		if err := w.node(e, false, false); err != nil {
			return err
		}
	}
	return nil
}

func (w *yamlWriter) flowSequence(items []any) error {
	w.indicator("[", true, true, false)
	w.flowLevel++
	back := w.increase(true, false)
	for i, e := range items {
		if i > 0 {
			w.indicator(",", false, false, false)
		}
		if w.column > w.width {
			w.writeIndent()
		}
		if err := w.node(e, false, false); err != nil {
			return err
		}
	}
	back()
	w.flowLevel--
	w.indicator("]", false, false, false)
	return nil
}

// entries are the keys and values of o in the order in which they are written.
func (w *yamlWriter) entries(o value.Object) (keys, values []any, err error) {
	keys = o.Keys()
	if w.sortKeys {
		if ordered, err := sorted(keys, func(k any) any { return k }, false); err == nil {
			keys = ordered
		}
	}
	values = make([]any, len(keys))
	for i, k := range keys {
		v, _ := o.Get(k)
		if values[i], err = w.in.deep(v); err != nil {
			return nil, nil, err
		}
	}
	return keys, values, nil
}

func (w *yamlWriter) mapping(o value.Object) error {
	keys, values, err := w.entries(o)
	if err != nil {
		return err
	}
	flow := w.flow(append(append([]any(nil), keys...), values...))
	if flow {
		w.indicator("{", true, true, false)
		w.flowLevel++
	}
	back := w.increase(flow, false)
	for i, k := range keys {
		if flow && i > 0 {
			w.indicator(",", false, false, false)
		}
		if !flow || w.column > w.width {
			w.writeIndent()
		}
		if err := w.entry(k, values[i], flow); err != nil {
			return err
		}
	}
	back()
	if flow {
		w.flowLevel--
		w.indicator("}", false, false, false)
	}
	return nil
}

func (w *yamlWriter) entry(k, v any, flow bool) error {
	if w.isSimpleKey(k) {
		if err := w.node(k, true, true); err != nil {
			return err
		}
		w.indicator(":", false, false, false)
		return w.node(v, true, false)
	}
	w.indicator("?", true, false, !flow)
	if err := w.node(k, true, false); err != nil {
		return err
	}
	if !flow || w.column > w.width {
		w.writeIndent()
	}
	w.indicator(":", true, false, !flow)
	return w.node(v, true, false)
}

func (w *yamlWriter) isSimpleKey(k any) bool {
	if !isYAMLScalar(k) {
		return false
	}
	text, _, err := yamlText(k)
	a := analyze(text, w.unicode)
	return err == nil && len(text) <= 128 && !a.multiline
}

// scalar writes text in the style that suits it.
func (w *yamlWriter) scalar(text string, isText bool) {
	defer w.increase(true, false)()
	a := analyze(text, w.unicode)
	plain := !isText || yamlIsText(text)
	switch {
	case plain && !(w.simpleKey && (a.empty || a.multiline)) &&
		(w.flowLevel > 0 && a.flowPlain || w.flowLevel == 0 && a.blockPlain):
		w.plain(text)
	case a.single && !(w.simpleKey && a.multiline):
		w.singleQuoted(text)
	default:
		w.doubleQuoted(text)
	}
}

func (w *yamlWriter) plain(text string) {
	if text == "" {
		return
	}
	if !w.whitespace {
		w.raw(" ")
	}
	w.whitespace, w.indention = false, false
	r := []rune(text)
	for i := 0; i < len(r); {
		j := i
		for j < len(r) && (r[j] == ' ') == (r[i] == ' ') {
			j++
		}
		if r[i] == ' ' && j == i+1 && w.column > w.width && !w.simpleKey {
			w.writeIndent()
			w.whitespace, w.indention = false, false
		} else {
			w.raw(string(r[i:j]))
		}
		i = j
	}
}

func (w *yamlWriter) singleQuoted(text string) {
	w.indicator("'", true, false, false)
	r := []rune(text)
	class := func(c rune) int {
		switch {
		case c == ' ':
			return 1
		case strings.ContainsRune(yamlBreaks, c):
			return 2
		}
		return 0
	}
	for i := 0; i < len(r); {
		j := i
		for j < len(r) && class(r[j]) == class(r[i]) {
			j++
		}
		switch part := string(r[i:j]); class(r[i]) {
		case 1:
			if j == i+1 && w.column > w.width && !w.simpleKey && i != 0 && j != len(r) {
				w.writeIndent()
			} else {
				w.raw(part)
			}
		case 2:
			if r[i] == '\n' {
				w.lineBreak()
			}
			for _, br := range r[i:j] {
				if br != '\n' {
					w.raw(string(br))
					w.whitespace, w.indention, w.column = true, true, 0
					continue
				}
				w.lineBreak()
			}
			w.writeIndent()
		default:
			w.raw(strings.ReplaceAll(part, "'", "''"))
		}
		i = j
	}
	w.indicator("'", false, false, false)
}

var yamlEscapes = map[rune]string{
	0: "0", '\a': "a", '\b': "b", '\t': "t", '\n': "n", '\v': "v", '\f': "f", '\r': "r",
	0x1b: "e", '"': `"`, '\\': `\`, 0x85: "N", 0xa0: "_", 0x2028: "L", 0x2029: "P",
}

func (w *yamlWriter) escaped(ch rune) (string, bool) {
	clear := ch >= 0x20 && ch <= 0x7e || w.unicode && (ch >= 0xa0 && ch <= 0xd7ff || ch >= 0xe000 && ch <= 0xfffd)
	if clear && !strings.ContainsRune("\"\\\u0085\u2028\u2029\ufeff", ch) {
		return "", false
	}
	if e, ok := yamlEscapes[ch]; ok {
		return `\` + e, true
	}
	switch {
	case ch <= 0xff:
		return fmt.Sprintf(`\x%02X`, ch), true
	case ch <= 0xffff:
		return fmt.Sprintf(`\u%04X`, ch), true
	}
	return fmt.Sprintf(`\U%08X`, ch), true
}

func (w *yamlWriter) doubleQuoted(text string) {
	w.indicator(`"`, true, false, false)
	r := []rune(text)
	space := false // the character before is a blank
	for i := 0; i < len(r); i++ {
		if r[i] != ' ' {
			if esc, ok := w.escaped(r[i]); ok {
				w.raw(esc)
			} else {
				w.raw(string(r[i]))
			}
			space = false
			continue
		}
		if !w.simpleKey && !space && w.column > w.width && i != 0 && i != len(r)-1 {
			w.writeIndent()
			if r[i+1] == ' ' {
				w.raw(`\`)
			}
		} else {
			w.raw(" ")
		}
		space = true
	}
	w.indicator(`"`, false, false, false)
}

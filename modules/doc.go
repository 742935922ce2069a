package modules

import (
	"fmt"
	"io"
	"strings"

	"rp/engine/module"
	"rp/engine/value"
)

// Text writes s as `rp doc NAME` shows it on a terminal of width columns (at least 40).
func Text(w io.Writer, s *module.Spec, width int) error {
	width = max(width, 40)
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s\n", s.Name, s.Short)
	if names := otherNames(s); len(names) > 0 {
		fmt.Fprintf(&b, "also: %s\n", strings.Join(names, ", "))
	}
	fmt.Fprintf(&b, "kind: %s\n", kindText(s))
	if s.Doc != "" {
		b.WriteString("\n" + wrap(plainDoc(s.Doc), width, "") + "\n")
	}
	b.WriteString("\nARGUMENTS\n")
	for i := range s.Args {
		a := &s.Args[i]
		if a.NotYet {
			continue
		}
		fmt.Fprintf(&b, "  %s\n%s\n", argHead(s, a), wrap(plainDoc(a.Doc), width, "      "))
	}
	if names := notYet(s); len(names) > 0 {
		b.WriteString("\nNOT SUPPORTED YET\n" + wrap(strings.Join(names, ", "), width, "  ") + "\n")
	}
	for _, r := range rules(s) {
		b.WriteString(wrap(r, width, "  ") + "\n")
	}
	if s.Examples != "" {
		b.WriteString("\nEXAMPLES\n" + indent(s.Examples, "  "))
	}
	if len(s.Returns) > 0 {
		b.WriteString("\nRESULT\n")
		for _, r := range s.Returns {
			fmt.Fprintf(&b, "%s\n", wrap(fmt.Sprintf("%s (%s): %s", r.Name, r.Type, r.Doc), width, "  "))
		}
	}
	b.WriteString("\nTESTED\n" + wrap(testedText(s), width, "  ") + "\n")
	_, err := io.WriteString(w, b.String())
	return err
}

// Markdown writes the page of all modules in specs (docs/modules.md).
func Markdown(w io.Writer, specs []*module.Spec) error {
	var b strings.Builder
	b.WriteString("# Modules\n\nMade from the source of `rp doc`; do not edit.\n\n| module | what it is | kind |\n|---|---|---|\n")
	for _, s := range specs {
		fmt.Fprintf(&b, "| [%s](#%s) | %s | %s |\n", s.Name, s.Name, cell(s.Short), s.Kind)
	}
	for _, s := range specs {
		markdownSpec(&b, s)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func markdownSpec(b *strings.Builder, s *module.Spec) {
	fmt.Fprintf(b, "\n## %s\n\n%s (%s).", s.Name, s.Short, kindText(s))
	if names := otherNames(s); len(names) > 0 {
		fmt.Fprintf(b, " Also: `%s`.", strings.Join(names, "`, `"))
	}
	if s.Doc != "" {
		fmt.Fprintf(b, "\n\n%s", strings.TrimSpace(s.Doc))
	}
	b.WriteString("\n")
	if len(s.Args) > 0 {
		b.WriteString("\n| argument | type | |\n|---|---|---|\n")
		for i := range s.Args {
			if a := &s.Args[i]; !a.NotYet {
				fmt.Fprintf(b, "| %s | %s | %s |\n", argNames(a), typeText(a), cell(a.Doc+argNotes(a)))
			}
		}
	}
	if names := notYet(s); len(names) > 0 {
		fmt.Fprintf(b, "\nNot supported yet: `%s`.\n", strings.Join(names, "`, `"))
	}
	for _, r := range rules(s) {
		fmt.Fprintf(b, "\n%s\n", r)
	}
	if s.Examples != "" {
		fmt.Fprintf(b, "\n```yaml\n%s\n```\n", strings.TrimSpace(s.Examples))
	}
	if len(s.Returns) > 0 {
		b.WriteString("\nResult:")
		for i, r := range s.Returns {
			fmt.Fprintf(b, "%s `%s` (%s) %s", map[bool]string{true: "", false: ";"}[i == 0], r.Name, r.Type, r.Doc)
		}
		b.WriteString(".\n")
	}
	fmt.Fprintf(b, "\nTested: %s\n", testedText(s))
}

func otherNames(s *module.Spec) []string {
	var names []string
	if s.Builtin {
		names = append(names, "ansible.builtin."+s.Name)
	}
	return append(names, s.Names...)
}

func kindText(s *module.Spec) string {
	switch s.Kind {
	case module.States:
		return "wants states"
	case module.Event:
		return "does something each time, unless a guard holds"
	case module.Probe:
		return "looks and changes nothing"
	}
	return "runs on the controller"
}

func testedText(s *module.Spec) string {
	if len(s.Tested) == 0 {
		return "by unit tests only; not yet against real systems."
	}
	return strings.Join(s.Tested, "; ") + "."
}

func argHead(s *module.Spec, a *module.Arg) string {
	head := a.Name
	if len(a.Aliases) > 0 {
		head += " (" + strings.Join(a.Aliases, ", ") + ")"
	}
	head += ": " + typeText(a)
	if a.Required {
		head += ", required"
	}
	if s.FreeForm == a.Name {
		head += ", may stand as the module's text"
	}
	return head + strings.ReplaceAll(argNotes(a), "`", "")
}

func argNames(a *module.Arg) string {
	out := "`" + a.Name + "`"
	if a.Required {
		out = "**" + out + "**"
	}
	for _, n := range a.Aliases {
		out += ", `" + n + "`"
	}
	return out
}

func typeText(a *module.Arg) string {
	if a.Type == module.List {
		return "list of " + a.Elem.String()
	}
	return a.Type.String()
}

// argNotes are an argument's choices and default, in words.
func argNotes(a *module.Arg) string {
	var notes []string
	if len(a.Choices) > 0 {
		quoted := make([]string, len(a.Choices))
		for i, c := range a.Choices {
			quoted[i] = fmt.Sprintf("%q", c)
			if strings.Trim(c, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-") == "" && c != "" {
				quoted[i] = c
			}
		}
		notes = append(notes, "one of "+strings.Join(quoted, ", "))
	}
	if d := defaultText(a.Default); d != "" {
		notes = append(notes, "default "+d)
	}
	if len(notes) == 0 {
		return ""
	}
	return " (" + strings.Join(notes, "; ") + ")"
}

func defaultText(d any) string {
	switch d := d.(type) {
	case nil:
		return ""
	case *value.List:
		if d.Len() == 0 {
			return ""
		}
		b, err := jsonText(d)
		if err != nil {
			return ""
		}
		return "`" + string(b) + "`"
	case string:
		if d == "" {
			return ""
		}
		return "`" + strings.Trim(fmt.Sprintf("%q", d), `"`) + "`"
	}
	return fmt.Sprintf("`%v`", d)
}

func notYet(s *module.Spec) []string {
	var names []string
	for _, a := range s.Args {
		if a.NotYet {
			names = append(names, a.Name)
		}
	}
	return names
}

// rules are the rules between arguments, a sentence each.
func rules(s *module.Spec) []string {
	var out []string
	for _, set := range s.Exclusive {
		out = append(out, "At most one of "+strings.Join(set, ", ")+".")
	}
	for _, set := range s.OneOf {
		out = append(out, "At least one of "+strings.Join(set, ", ")+".")
	}
	for _, set := range s.Together {
		out = append(out, strings.Join(set, ", ")+" only together.")
	}
	for _, r := range s.RequiredIf {
		word := " needs "
		if r.Any {
			word = " needs one of "
		}
		out = append(out, r.Arg+"="+r.Value+word+strings.Join(r.Needs, ", ")+".")
	}
	return out
}

// cell is text for a cell of a Markdown table.
func cell(s string) string {
	return strings.NewReplacer("|", `\|`, "\n", " ", "<", "&lt;").Replace(s)
}

// plainDoc is a documentation text for a terminal: without the marks of code.
func plainDoc(s string) string { return strings.ReplaceAll(s, "`", "") }

func indent(s, by string) string {
	var b strings.Builder
	for l := range strings.Lines(s) {
		if strings.TrimSpace(l) != "" {
			b.WriteString(by)
		}
		b.WriteString(l)
	}
	return b.String()
}

// wrap breaks a text into lines of at most width, each behind indent.
func wrap(s string, width int, indent string) string {
	var b strings.Builder
	col := 0
	for _, word := range strings.Fields(s) {
		switch {
		case col == 0:
			b.WriteString(indent)
			col = len(indent)
		case col+1+len([]rune(word)) > width:
			b.WriteString("\n" + indent)
			col = len(indent)
		default:
			b.WriteByte(' ')
			col++
		}
		b.WriteString(word)
		col += len([]rune(word))
	}
	return b.String()
}

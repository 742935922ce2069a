package modules

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"rp/engine/module"
	"rp/engine/state"
)

// editArgs are what the modules that edit a text file share.
func editArgs() []module.Arg {
	return append([]module.Arg{
		{Name: "path", Aliases: []string{"dest", "destfile", "name"}, Type: module.Path, Required: true, Doc: "The file. A symbolic link is followed."},
		{Name: "backup", Type: module.Bool, Default: false, Doc: "Keep the replaced file beside it, with the time in its name."},
		{Name: "validate", Doc: "Command that must succeed on the new file (%s) before it is put in place."},
		{Name: "encoding", Default: "utf-8", Choices: []string{"utf-8", "utf8"}, Doc: "Only UTF-8 is supported yet."},
	}, attrArgs()...)
}

var lineinfileSpec = module.Spec{
	Name: "lineinfile", Builtin: true, Kind: module.States, Local: true,
	Short: "One line of a text file",
	Doc: `Makes sure that a line is in a file, or that no line matching an expression is. With regexp or search_string the last line that matches is
replaced (the first with firstmatch); where none does, the line is added at insertafter or insertbefore, or at the end.`,
	Args: append(editArgs(),
		module.Arg{Name: "line", Aliases: []string{"value"}, Doc: "The line."},
		module.Arg{Name: "regexp", Aliases: []string{"regex"}, Doc: "Expression that finds the line to replace or remove."},
		module.Arg{Name: "search_string", Doc: "Plain text that finds it instead."},
		module.Arg{Name: "state", Default: "present", Choices: []string{"present", "absent"}, Doc: "Whether the line is to be there."},
		module.Arg{Name: "backrefs", Type: module.Bool, Default: false, Doc: "Replace \\1 in line by what regexp's groups found; where it finds nothing, the file is left alone."},
		module.Arg{Name: "insertafter", Doc: "EOF (default) or an expression: a new line goes behind its last match."},
		module.Arg{Name: "insertbefore", Doc: "BOF or an expression: a new line goes in front of its last match."},
		module.Arg{Name: "firstmatch", Type: module.Bool, Default: false, Doc: "Take the first match instead of the last."},
		module.Arg{Name: "create", Type: module.Bool, Default: false, Doc: "Make the file if it is not there."},
		module.Arg{Name: "others", NotYet: true, Doc: "Not used."},
	),
	Exclusive:  [][]string{{"insertbefore", "insertafter"}, {"regexp", "search_string"}, {"backrefs", "search_string"}},
	RequiredIf: []module.RequiredIf{{Arg: "state", Value: "present", Needs: []string{"line"}}, {Arg: "state", Value: "absent", Needs: []string{"line", "regexp", "search_string"}, Any: true}, {Arg: "backrefs", Value: "true", Needs: []string{"regexp"}}},
	Examples: `- name: No root logins
  lineinfile:
    path: /etc/ssh/sshd_config
    regexp: '^#?PermitRootLogin'
    line: PermitRootLogin no
    validate: /usr/sbin/sshd -t -f %s
`,
	Returns: []module.Return{{Name: "found", Type: "int", Doc: "with absent: how many lines were taken out"}, {Name: "backup", Type: "str", Doc: "empty; see the changes for a backup's name"}},
	Run:     runLineinfile,
}

func runLineinfile(ctx context.Context, p module.Params, t module.Target) (module.Result, error) {
	f, body, err := editable(ctx, p, t, p.Bool("create") && p.String("state") == "present", p.String("state") == "absent")
	if err != nil {
		return nil, err
	}
	lines := splitLines(body)
	match, err := lineMatcher(p)
	if err != nil {
		return nil, err
	}
	if p.String("state") == "absent" {
		kept := slices.DeleteFunc(slices.Clone(lines), func(l string) bool { return match(l) != nil })
		r := module.Result{"found": len(lines) - len(kept), "backup": "", "msg": fmt.Sprintf("%d line(s) removed", len(lines)-len(kept))}
		if len(kept) == len(lines) {
			put(r, "msg", "")
			return r, nil
		}
		next := strings.Join(kept, "\n")
		if len(kept) > 0 && strings.HasSuffix(body, "\n") {
			next += "\n"
		}
		return r, edited(ctx, p, t, f, body, next)
	}
	next, err := withLine(p, body, lines, match)
	if err != nil {
		return nil, err
	}
	return module.Result{"backup": ""}, edited(ctx, p, t, f, body, next)
}

// lineMatcher gives a line's match: regexp, search_string or the line itself.
func lineMatcher(p module.Params) (func(string) []int, error) {
	switch {
	case p.Has("regexp"):
		re, err := compile(p.String("regexp"))
		if err != nil {
			return nil, err
		}
		return re.FindStringSubmatchIndex, nil
	case p.Has("search_string"):
		return func(l string) []int {
			if i := strings.Index(l, p.String("search_string")); i >= 0 {
				return []int{i, i + len(p.String("search_string"))}
			}
			return nil
		}, nil
	}
	return func(l string) []int {
		if l == strings.TrimRight(p.String("line"), "\r\n") {
			return []int{0, len(l)}
		}
		return nil
	}, nil
}

func withLine(p module.Params, body string, lines []string, match func(string) []int) (string, error) {
	line := strings.TrimRight(p.String("line"), "\r\n")
	at := pick(lines, p.Bool("firstmatch"), func(l string) bool { return match(l) != nil })
	if at < 0 && p.Has("search_string") || at < 0 && p.Has("regexp") && !p.Bool("backrefs") {
		at = pick(lines, false, func(l string) bool { return l == line }) // it may be there although nothing matched
	}
	switch {
	case at >= 0 && p.Bool("backrefs"):
		re, err := compile(p.String("regexp"))
		if err != nil {
			return "", err
		}
		line = expandGroups(re, line, lines[at], match(lines[at]))
		fallthrough
	case at >= 0:
		if lines[at] == line {
			return body, nil
		}
		lines = slices.Clone(lines)
		lines[at] = line
		return keepEnd(body, lines), nil
	case p.Bool("backrefs"):
		return body, nil
	}
	place, err := newPlace(p, lines)
	if err != nil {
		return "", err
	}
	return joinLines(slices.Insert(slices.Clone(lines), place, line)), nil
}

// keepEnd is a text of lines that ends in a newline if body did.
func keepEnd(body string, lines []string) string {
	if strings.HasSuffix(body, "\n") {
		return joinLines(lines)
	}
	return strings.Join(lines, "\n")
}

// pick is the index of the last (or first) line that holds, or -1.
func pick(lines []string, first bool, holds func(string) bool) int {
	at := -1
	for i, l := range lines {
		if holds(l) {
			if at = i; first {
				return at
			}
		}
	}
	return at
}

// newPlace is where a new line goes.
func newPlace(p module.Params, lines []string) (int, error) {
	after, before := p.String("insertafter"), p.String("insertbefore")
	switch {
	case before == "BOF":
		return 0, nil
	case before != "" || after != "" && after != "EOF":
		re, err := compile(before + after)
		if err != nil {
			return 0, err
		}
		at := pick(lines, p.Bool("firstmatch"), func(l string) bool { return re.MatchString(l) })
		if at >= 0 && before == "" {
			at++
		}
		if at >= 0 {
			return at, nil
		}
	}
	return len(lines), nil
}

// editable reads the file that p names. Where there is none, that is an error
// unless it may be made or its absence is fine.
func editable(ctx context.Context, p module.Params, t module.Target, create, mayLack bool) (state.File, string, error) {
	f, err := realPath(ctx, t, p.String("path"), true)
	if err != nil {
		return f, "", err
	}
	body, err := text(f)
	if err != nil {
		return f, "", err
	}
	if f.Type.Or("") == state.Absent && !create && !mayLack {
		return f, "", fmt.Errorf("cannot edit %q: it is not there", p.String("path"))
	}
	return f, body, nil
}

// edited wants f with the text next, and what attributes p gives.
func edited(ctx context.Context, p module.Params, t module.Target, f state.File, body, next string) error {
	a, err := readAttrs(ctx, p, t)
	if err != nil {
		return err
	}
	created := f.Type.Or("") == state.Absent
	if body == next && !a.any() && (!created || next == "") {
		return nil
	}
	if created {
		if err := needParent(ctx, t, f.Path); err != nil {
			return err
		}
	}
	want := state.File{Path: f.Path, Type: state.Is(state.Regular), Content: state.Is(state.Text(next)), Backup: p.Bool("backup"), Validate: p.String("validate"), InPlace: p.Bool("unsafe_writes")}
	if p.Secret("line") || p.Secret("block") || p.Secret("replace") {
		want.Content = want.Content.Secret()
	}
	if want, err = a.onto(want, f); err != nil {
		return err
	}
	_, err = t.Want(ctx, want)
	return err
}

// lineExpr compiles an expression that is matched against whole texts, line by line.
func lineExpr(expr string) (*regexp.Regexp, error) { return compile("(?m)" + expr) }

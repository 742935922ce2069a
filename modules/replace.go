package modules

import (
	"context"
	"fmt"
	"strings"

	"rp/engine/module"
)

var replaceSpec = module.Spec{
	Name: "replace", Builtin: true, Kind: module.States, Local: true,
	Short: "All matches of an expression in a text file",
	Doc:   `Replaces every match of regexp, which is looked for in the whole text with ^ and $ at each line. Write it so that the replacement is not matched again, or the task changes the file each time.`,
	Args: append(editArgs(),
		module.Arg{Name: "regexp", Required: true, Doc: "The expression."},
		module.Arg{Name: "replace", Default: "", Doc: "What goes in the place of a match; \\1 and \\g<name> are its groups."},
		module.Arg{Name: "after", Doc: "Only behind the first match of this expression."},
		module.Arg{Name: "before", Doc: "Only in front of the first match of this expression."},
	),
	Examples: `- name: Another mirror
  replace:
    path: /etc/apt/sources.list
    regexp: 'http://deb\.debian\.org/'
    replace: http://mirror.example.org/
`,
	Returns: []module.Return{{Name: "rc", Type: "int", Doc: "0"}},
	Run: func(ctx context.Context, p module.Params, t module.Target) (module.Result, error) {
		f, body, err := editable(ctx, p, t, false, false)
		if err != nil {
			return nil, err
		}
		next, n, err := replaceAll(p, body)
		if err != nil {
			return nil, err
		}
		r := module.Result{"rc": 0}
		if n > 0 && next != body {
			r["msg"] = fmt.Sprintf("%d replacements made", n)
		}
		return r, edited(ctx, p, t, f, body, next)
	},
}

// replaceAll replaces within the part of body that after and before leave.
func replaceAll(p module.Params, body string) (string, int, error) {
	from, to := 0, len(body)
	if p.Has("after") {
		re, err := compile("(?s)" + p.String("after"))
		if err != nil {
			return "", 0, err
		}
		m := re.FindStringIndex(body)
		if m == nil {
			return body, 0, nil
		}
		from = m[1]
	}
	if p.Has("before") {
		re, err := compile("(?s)" + p.String("before"))
		if err != nil {
			return "", 0, err
		}
		m := re.FindStringIndex(body[from:])
		if m == nil {
			return body, 0, nil
		}
		to = from + m[0]
	}
	re, err := lineExpr(p.String("regexp"))
	if err != nil {
		return "", 0, err
	}
	part := body[from:to]
	var b strings.Builder
	last, n := 0, 0
	for _, m := range re.FindAllStringSubmatchIndex(part, -1) {
		b.WriteString(part[last:m[0]] + expandGroups(re, p.String("replace"), part, m))
		last, n = m[1], n+1
	}
	b.WriteString(part[last:])
	return body[:from] + b.String() + body[to:], n, nil
}

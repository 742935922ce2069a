package modules

import (
	"fmt"
	"strings"

	"rp/engine/module"
	"rp/engine/value"
)

// envBlock is the lines that set p's variables in a file of the given format.
func envBlock(p module.Params, format string) (lines []string, secret bool, err error) {
	if d := p.Dict("variables"); d != nil {
		bare, unknown, hidden := settle(d)
		if unknown != nil {
			panic(module.NotKnown{Arg: "variables", After: unknown.After})
		}
		vars, _ := bare.(*value.Dict)
		for k, v := range vars.All() {
			name, val := fmt.Sprint(k), plainText(v)
			if b, ok := v.(bool); ok {
				val = fmt.Sprint(b)
			}
			if !envName.MatchString(name) {
				return nil, false, fmt.Errorf("%q is no name of a variable", name)
			}
			if strings.ContainsAny(val, "\n\x00") {
				return nil, false, fmt.Errorf("the value of %s has a line end in it", name)
			}
			line, err := setVar(format, name, val)
			if err != nil {
				return nil, false, err
			}
			lines = append(lines, line)
		}
		secret = hidden || p.Secret("variables")
	}
	parts, err := pathLines(format, p.Strings("path_prepend"), p.Strings("path_append"))
	return append(lines, parts...), secret, err
}

// setVar is the line that sets one variable.
func setVar(format, name, val string) (string, error) {
	switch format {
	case "csh":
		return "setenv " + name + " " + csh(val), nil
	case "fish":
		return "set -gx " + name + " " + doubleQuoted(val, `\"`, "$"), nil
	case "environment.d":
		return name + "=" + doubleQuoted(val, `\"`, "$"), nil
	case "environment":
		// pam_env(8) takes quotes off the ends and knows no escapes
		if strings.ContainsAny(val, `"'#\`) || strings.TrimSpace(val) != val {
			if strings.Contains(val, `"`) || strings.HasSuffix(val, `\`) {
				return "", fmt.Errorf("the value of %s has a quote or a final \\ in it, for which /etc/environment has no form", name)
			}
			return name + `="` + val + `"`, nil
		}
		return name + "=" + val, nil
	}
	return "export " + name + "=" + doubleQuoted(val, "\\\"`", "$"), nil
}

// doubleQuoted puts val into double quotes: the characters of escape get a \
// before them, and so does one of dollar unless it begins a variable that stays one.
func doubleQuoted(val, escape, dollar string) string {
	var b strings.Builder
	b.WriteByte('"')
	for i := 0; i < len(val); i++ {
		if strings.IndexByte(escape, val[i]) >= 0 || strings.IndexByte(dollar, val[i]) >= 0 && !keepsVar(val[i:]) {
			b.WriteByte('\\')
		}
		b.WriteByte(val[i])
	}
	b.WriteByte('"')
	return b.String()
}

// keepsVar reports whether s begins with a variable that the shell is to replace.
func keepsVar(s string) bool {
	name, _ := varName(s[1:])
	return name == "HOME" || name == "USER" || name == "PATH"
}

// csh quotes for csh(1), in which \ does not escape inside of quotes and ! is special everywhere.
func csh(val string) string {
	var b strings.Builder
	for i := 0; i < len(val); i++ {
		switch c := val[i]; {
		case c == '$' && keepsVar(val[i:]), c == '/', c == '.', c == '-', c == '_', c == ':', c == '=', c == ',', c == '+', c == '%', c == '@',
			c >= '0' && c <= '9', c >= 'A' && c <= 'Z', c >= 'a' && c <= 'z', c >= 0x80:
			b.WriteByte(c)
		case (c == '{' || c == '}') && strings.Contains(val, "${"):
			b.WriteByte(c)
		default:
			b.WriteByte('\\')
			b.WriteByte(c)
		}
	}
	if b.Len() == 0 {
		return "''"
	}
	return b.String()
}

// pathLines put directories into PATH, each only if it is not there yet, so
// that a shell inside a shell does not make it longer.
func pathLines(format string, front, back []string) ([]string, error) {
	if len(front)+len(back) == 0 {
		return nil, nil
	}
	for _, d := range append(append([]string{}, front...), back...) {
		if d == "" || strings.ContainsAny(d, ":\n\"'`\\") {
			return nil, fmt.Errorf("%q cannot be a part of PATH", d)
		}
	}
	var lines []string
	switch format {
	case "environment":
		return nil, fmt.Errorf("/etc/environment cannot put directories in front of PATH or behind it; set PATH as a variable or use profile.d")
	case "environment.d":
		parts := append(append(append([]string{}, front...), "${PATH}"), back...)
		return []string{`PATH="` + strings.Join(parts, ":") + `"`}, nil
	case "fish":
		for i := len(front) - 1; i >= 0; i-- {
			lines = append(lines, fmt.Sprintf(`contains -- "%s" $PATH; or set -gx PATH "%s" $PATH`, front[i], front[i]))
		}
		for _, d := range back {
			lines = append(lines, fmt.Sprintf(`contains -- "%s" $PATH; or set -gx PATH $PATH "%s"`, d, d))
		}
	case "csh":
		for i := len(front) - 1; i >= 0; i-- {
			lines = append(lines, fmt.Sprintf(`if ( ":${PATH}:" !~ *:"%s":* ) setenv PATH "%s:${PATH}"`, front[i], front[i]))
		}
		for _, d := range back {
			lines = append(lines, fmt.Sprintf(`if ( ":${PATH}:" !~ *:"%s":* ) setenv PATH "${PATH}:%s"`, d, d))
		}
	default:
		for i := len(front) - 1; i >= 0; i-- {
			lines = append(lines, fmt.Sprintf(`case ":$PATH:" in *":%s:"*) ;; *) export PATH="%s:$PATH" ;; esac`, front[i], front[i]))
		}
		for _, d := range back {
			lines = append(lines, fmt.Sprintf(`case ":$PATH:" in *":%s:"*) ;; *) export PATH="$PATH:%s" ;; esac`, d, d))
		}
	}
	return lines, nil
}

// setBlock puts lines between the markers, in the place of the block that is
// there or else at the top or the bottom; no lines take the block out. A start
// marker with no end is not a block: nothing after it is ours to remove.
func setBlock(body, begin, end string, lines []string, top bool) string {
	all := splitLines(body)
	from, to := -1, -1
	for i, l := range all {
		switch strings.TrimRight(l, " \t\r") {
		case begin:
			if to < 0 {
				from = i
			}
		case end:
			if from >= 0 && to < 0 {
				to = i
			}
		}
	}
	var block []string
	if lines != nil {
		block = append(append([]string{begin}, lines...), end)
	}
	var out []string
	switch {
	case from >= 0 && to >= 0:
		out = append(append(append(out, all[:from]...), block...), all[to+1:]...)
	case top && len(all) > 0 && strings.HasPrefix(all[0], "#!"):
		out = append(append(append(out, all[0]), block...), all[1:]...)
	case top:
		out = append(append(out, block...), all...)
	default:
		out = append(append(out, all...), block...)
	}
	if len(block) == 0 && to < 0 {
		return body
	}
	return joinLines(out)
}

package modules

import (
	"fmt"
	"regexp"
	"strings"
)

// compile makes a regular expression of one written for Python's re, without
// ^ and $ matching at lines (the callers add (?m) where Ansible does). What RE2
// cannot do (looking around, references inside the expression) is refused.
func compile(expr string) (*regexp.Regexp, error) {
	re, err := regexp.Compile(pythonic(expr))
	if err != nil {
		return nil, fmt.Errorf("cannot use the regular expression %q: %w (looking ahead or behind and references within are not supported yet)", expr, err)
	}
	return re, nil
}

// pythonic turns what Python writes otherwise: \Z is \z.
func pythonic(expr string) string {
	var b strings.Builder
	for i := 0; i < len(expr); i++ {
		b.WriteByte(expr[i])
		if expr[i] == '\\' && i+1 < len(expr) {
			if i++; expr[i] == 'Z' {
				b.WriteByte('z')
				continue
			}
			b.WriteByte(expr[i])
		}
	}
	return b.String()
}

// expandGroups is a replacement with Python's references \1, \g<1> and \g<name>
// replaced by what re found in s at m (as FindStringSubmatchIndex gives it), and
// \n, \t and \\ as Python reads them.
func expandGroups(re *regexp.Regexp, repl, s string, m []int) string {
	group := func(n int) string {
		if 2*n+1 >= len(m) || m[2*n] < 0 {
			return ""
		}
		return s[m[2*n]:m[2*n+1]]
	}
	var b strings.Builder
	for i := 0; i < len(repl); i++ {
		if repl[i] != '\\' || i+1 == len(repl) {
			b.WriteByte(repl[i])
			continue
		}
		i++
		switch c := repl[i]; {
		case c >= '1' && c <= '9':
			n := int(c - '0')
			if i+1 < len(repl) && repl[i+1] >= '0' && repl[i+1] <= '9' && 10*n+int(repl[i+1]-'0') <= re.NumSubexp() {
				i++
				n = 10*n + int(repl[i]-'0')
			}
			b.WriteString(group(n))
		case c == 'g' && i+1 < len(repl) && repl[i+1] == '<' && strings.IndexByte(repl[i:], '>') > 0:
			name := repl[i+2 : i+strings.IndexByte(repl[i:], '>')]
			i += strings.IndexByte(repl[i:], '>')
			n := re.SubexpIndex(name)
			if n < 0 {
				_, _ = fmt.Sscan(name, &n)
			}
			if n >= 0 {
				b.WriteString(group(n))
			}
		case c == 'n':
			b.WriteByte('\n')
		case c == 't':
			b.WriteByte('\t')
		case c == 'r':
			b.WriteByte('\r')
		case c == '\\':
			b.WriteByte('\\')
		default:
			b.WriteByte('\\')
			b.WriteByte(c)
		}
	}
	return b.String()
}

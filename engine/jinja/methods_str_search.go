package jinja

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"rp/engine/value"
)

func addStrSearch(m methods) {
	const where = "sub start=none end=none"
	find := func(index func(s, sub string) int, must bool) func(*call) (any, error) {
		return on(func(s string, c *call) any {
			within := part(s, c.args[1], c.args[2], c)
			at := index(within, c.str(0))
			if at < 0 {
				if must {
					c.wrong("substring not found")
				}
				return int64(-1)
			}
			skipped := 0
			if c.args[1] != nil {
				skipped = utf8.RuneCountInString(s) - utf8.RuneCountInString(part(s, c.args[1], nil, c))
			}
			return int64(skipped + utf8.RuneCountInString(within[:at]))
		})
	}
	m.add("find", where, 0, find(strings.Index, false))
	m.add("rfind", where, 0, find(strings.LastIndex, false))
	m.add("index", where, 0, find(strings.Index, true))
	m.add("rindex", where, 0, find(strings.LastIndex, true))
	m.add("count", where, 0, on(func(s string, c *call) any {
		return int64(strings.Count(part(s, c.args[1], c.args[2], c), c.str(0)))
	}))
	m.add("partition", "sep", 0, on(func(s string, c *call) any {
		if before, after, ok := strings.Cut(s, c.str(0)); ok {
			return value.Tuple{before, c.str(0), after}
		}
		return value.Tuple{s, "", ""}
	}))
	m.add("rpartition", "sep", 0, on(func(s string, c *call) any {
		if i := strings.LastIndex(s, c.str(0)); i >= 0 {
			return value.Tuple{s[:i], c.str(0), s[i+len(c.str(0)):]}
		}
		return value.Tuple{"", "", s}
	}))
	m.add("translate", "table", 0, on(func(s string, c *call) any {
		table := c.mapping(c.args[0], "translate() argument must be a mapping")
		var b strings.Builder
		for _, r := range s {
			v, ok := table.Get(int64(r))
			switch t := v.(type) {
			case nil:
				if !ok {
					b.WriteRune(r)
				}
			case int64:
				b.WriteRune(rune(t))
			default:
				b.WriteString(Str(t))
			}
		}
		return b.String()
	}))
}

func addStrSplit(m methods) {
	m.add("split", "sep=none maxsplit=-1", 0, on(func(s string, c *call) any {
		if c.args[0] == nil {
			return value.Strings(splitSpace(s, c.int(1))...)
		}
		if c.str(0) == "" {
			c.wrong("empty separator")
			return nil
		}
		n := c.int(1)
		if n >= 0 {
			n++
		}
		return value.Strings(strings.SplitN(s, c.str(0), n)...)
	}))
	m.add("rsplit", "sep=none maxsplit=-1", 0, on(func(s string, c *call) any {
		if c.args[0] == nil {
			return value.Strings(rsplitSpace(s, c.int(1))...)
		}
		if c.str(0) == "" {
			c.wrong("empty separator")
			return nil
		}
		return value.Strings(rsplit(s, c.str(0), c.int(1))...)
	}))
	m.add("splitlines", "keepends=false", 0, on(func(s string, c *call) any {
		return value.Strings(splitLines(s, c.bool(0))...)
	}))
}

// splitSpace splits at runs of white space, at most n times where n is not negative.
func splitSpace(s string, n int) []string {
	if n < 0 {
		return strings.Fields(s)
	}
	var out []string
	for s = strings.TrimLeftFunc(s, unicode.IsSpace); s != ""; s = strings.TrimLeftFunc(s, unicode.IsSpace) {
		i := strings.IndexFunc(s, unicode.IsSpace)
		if i < 0 || len(out) == n {
			return append(out, s)
		}
		out = append(out, s[:i])
		s = s[i:]
	}
	return out
}

func rsplitSpace(s string, n int) []string {
	if n < 0 {
		return strings.Fields(s)
	}
	var out []string
	for s = strings.TrimRightFunc(s, unicode.IsSpace); s != ""; s = strings.TrimRightFunc(s, unicode.IsSpace) {
		i := strings.LastIndexFunc(s, unicode.IsSpace)
		if i < 0 || len(out) == n {
			return append([]string{s}, out...)
		}
		_, width := utf8.DecodeRuneInString(s[i:])
		out = append([]string{s[i+width:]}, out...)
		s = s[:i]
	}
	return out
}

func rsplit(s, sep string, n int) []string {
	parts := strings.Split(s, sep)
	if n < 0 || len(parts) <= n+1 {
		return parts
	}
	cut := len(parts) - n
	return append([]string{strings.Join(parts[:cut], sep)}, parts[cut:]...)
}

// splitLines splits at Python's line ends, which are more than \n.
func splitLines(s string, keep bool) []string {
	out := []string{}
	for s != "" {
		i := strings.IndexFunc(s, func(r rune) bool {
			switch r {
			case '\n', '\r', '\v', '\f', 0x1c, 0x1d, 0x1e, 0x85, 0x2028, 0x2029:
				return true
			}
			return false
		})
		if i < 0 {
			return append(out, s)
		}
		_, width := utf8.DecodeRuneInString(s[i:])
		if strings.HasPrefix(s[i:], "\r\n") {
			width = 2
		}
		if keep {
			out = append(out, s[:i+width])
		} else {
			out = append(out, s[:i])
		}
		s = s[i+width:]
	}
	return out
}

func addStrTests(m methods) {
	all := func(is func(rune) bool) func(*call) (any, error) {
		return on(func(s string, _ *call) any {
			return s != "" && !strings.ContainsFunc(s, func(r rune) bool { return !is(r) })
		})
	}
	m.add("isdigit", "", open, all(unicode.IsDigit))
	m.add("isdecimal", "", open, all(unicode.IsDigit))
	m.add("isnumeric", "", open, all(unicode.IsNumber))
	m.add("isalpha", "", open, all(unicode.IsLetter))
	m.add("isalnum", "", open, all(func(r rune) bool { return unicode.IsLetter(r) || unicode.IsNumber(r) }))
	m.add("isspace", "", open, all(unicode.IsSpace))
	m.add("isprintable", "", open, on(func(s string, _ *call) any {
		return !strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) })
	}))
	m.add("isascii", "", open, on(func(s string, _ *call) any { return isASCII(s) }))
	m.add("isidentifier", "", open, on(func(s string, _ *call) any { return isIdentifier(s) }))
	m.add("islower", "", open, on(func(s string, _ *call) any {
		return strings.ContainsFunc(s, unicode.IsLower) && !strings.ContainsFunc(s, unicode.IsUpper)
	}))
	m.add("isupper", "", open, on(func(s string, _ *call) any {
		return strings.ContainsFunc(s, unicode.IsUpper) && !strings.ContainsFunc(s, unicode.IsLower)
	}))
	m.add("istitle", "", open, on(func(s string, _ *call) any {
		return strings.ContainsFunc(s, unicode.IsUpper) && pyTitle(s) == s
	}))
}

func isIdentifier(s string) bool {
	for i, r := range s {
		if r != '_' && !unicode.IsLetter(r) && (i == 0 || !unicode.IsDigit(r)) {
			return false
		}
	}
	return s != ""
}

package jinja

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"rp/engine/value"
)

// on makes a method of str from a function of it and the call.
func on(f func(s string, c *call) any) func(*call) (any, error) {
	return func(c *call) (any, error) {
		s, ok := c.self.(string)
		if !ok {
			return nil, typef("descriptor '%s' requires a 'str' object", c.b.name)
		}
		v := f(s, c)
		if t, ok := v.(string); ok && c.err == nil {
			return v, c.in.fits(len(t))
		}
		return v, nil
	}
}

func init() {
	m := strMethods
	m.add("lower", "", 0, on(func(s string, _ *call) any { return strings.ToLower(s) }))
	m.add("casefold", "", 0, on(func(s string, _ *call) any { return strings.ToLower(s) }))
	m.add("upper", "", 0, on(func(s string, _ *call) any { return strings.ToUpper(s) }))
	m.add("title", "", 0, on(func(s string, _ *call) any { return pyTitle(s) }))
	m.add("capitalize", "", 0, on(func(s string, _ *call) any { return capitalize(s) }))
	m.add("swapcase", "", 0, on(func(s string, _ *call) any { return strings.Map(swapCase, s) }))
	m.add("strip", "chars=none", 0, on(func(s string, c *call) any { return trim(s, c.args[0], true, true) }))
	m.add("lstrip", "chars=none", 0, on(func(s string, c *call) any { return trim(s, c.args[0], true, false) }))
	m.add("rstrip", "chars=none", 0, on(func(s string, c *call) any { return trim(s, c.args[0], false, true) }))
	m.add("startswith", "prefix start=none end=none", open, affix(strings.HasPrefix))
	m.add("endswith", "suffix start=none end=none", open, affix(strings.HasSuffix))
	m.add("removeprefix", "prefix", 0, on(func(s string, c *call) any { return strings.TrimPrefix(s, c.str(0)) }))
	m.add("removesuffix", "suffix", 0, on(func(s string, c *call) any { return strings.TrimSuffix(s, c.str(0)) }))
	m.add("replace", "old new count=-1", 0, on(func(s string, c *call) any { return c.replace(s, c.str(0), c.str(1), c.int(2)) }))
	m.add("join", "iterable", 0, on(strJoin))
	m.add("zfill", "width", 0, on(func(s string, c *call) any { return zfill(s, c.width(0)) }))
	m.add("center", "width fillchar='\\x20'", 0, on(func(s string, c *call) any { return center(s, c.width(0), c.str(1)) }))
	m.add("ljust", "width fillchar='\\x20'", 0, on(func(s string, c *call) any { return s + pad(s, c.width(0), c.str(1)) }))
	m.add("rjust", "width fillchar='\\x20'", 0, on(func(s string, c *call) any { return pad(s, c.width(0), c.str(1)) + s }))
	m.add("expandtabs", "tabsize=8", 0, on(func(s string, c *call) any { return expandTabs(s, c.width(0)) }))
	m.add("format", "*args **kwargs", 0, on(func(s string, c *call) any { return c.format(s) }))
	m.add("format_map", "mapping", 0, on(func(s string, c *call) any {
		o := c.mapping(c.args[0], "format_map() argument must be a mapping")
		for _, k := range o.Keys() {
			v, _ := o.Get(k)
			c.kw = append(c.kw, kwarg{Str(k), v})
		}
		return c.format(s)
	}))
	m.add("encode", "encoding='utf-8' errors='strict'", 0, on(func(s string, _ *call) any { return s }))
	m.add("__len__", "", open, on(func(s string, _ *call) any { return int64(utf8.RuneCountInString(s)) }))
	addStrSearch(m)
	addStrSplit(m)
	addStrTests(m)
}

// width is parameter i as a width that a line may have.
func (c *call) width(i int) int {
	n := c.int(i)
	if err := c.in.fits(max(n, 0)); err != nil {
		if c.err == nil {
			c.err = err
		}
		return 0
	}
	return n
}

func strJoin(s string, c *call) any {
	items := c.items(c.args[0])
	parts := make([]string, len(items))
	for i, e := range items {
		t, ok := e.(string)
		if !ok {
			c.wrong("sequence item %d: expected str instance, %s found", i, TypeName(e))
			return ""
		}
		parts[i] = t
	}
	return c.join(parts, s)
}

// join joins parts within the bound on text.
func (c *call) join(parts []string, sep string) string {
	n := 0
	for _, p := range parts {
		n += len(p) + len(sep)
	}
	if err := c.in.fits(n); err != nil {
		if c.err == nil {
			c.err = err
		}
		return ""
	}
	return strings.Join(parts, sep)
}

// replace is s with the first n of old, or all where n is negative, as by.
func (c *call) replace(s, old, by string, n int) string {
	count := strings.Count(s, old)
	if n >= 0 {
		count = min(count, n)
	}
	if err := c.in.fits(len(s) + count*max(0, len(by)-len(old))); err != nil {
		if c.err == nil {
			c.err = err
		}
		return ""
	}
	return strings.Replace(s, old, by, n)
}

func trim(s string, chars any, left, right bool) string {
	set, ok := chars.(string)
	in := func(r rune) bool {
		if ok {
			return strings.ContainsRune(set, r)
		}
		return unicode.IsSpace(r) || r >= 0x1c && r <= 0x1f
	}
	if left {
		s = strings.TrimLeftFunc(s, in)
	}
	if right {
		s = strings.TrimRightFunc(s, in)
	}
	return s
}

// affix is startswith and endswith, which take one text or several.
func affix(has func(string, string) bool) func(*call) (any, error) {
	return on(func(s string, c *call) any {
		s = part(s, c.args[1], c.args[2], c)
		if t, ok := c.args[0].(value.Tuple); ok {
			for _, e := range t {
				if p, ok := e.(string); ok && has(s, p) {
					return true
				}
			}
			return false
		}
		p, ok := c.args[0].(string)
		if !ok {
			c.wrong("%s first arg must be str or a tuple of str, not %s", c.b.name, TypeName(c.args[0]))
		}
		return has(s, p)
	})
}

// part is s[from:to].
func part(s string, from, to any, c *call) string {
	if from == nil && to == nil {
		return s
	}
	v, err := slice(s, from, to, nil)
	if err != nil {
		c.wrong("%s", err.Error())
		return ""
	}
	t, _ := v.(string)
	return t
}

// pyTitle makes the first letter of every run of letters upper case, the rest lower.
func pyTitle(s string) string {
	inWord := false
	return strings.Map(func(r rune) rune {
		letter := unicode.IsLetter(r)
		defer func() { inWord = letter }()
		if letter && !inWord {
			return unicode.ToTitle(r)
		}
		return unicode.ToLower(r)
	}, s)
}

func capitalize(s string) string {
	r, n := utf8.DecodeRuneInString(s)
	if n == 0 {
		return ""
	}
	return string(unicode.ToTitle(r)) + strings.ToLower(s[n:])
}

func swapCase(r rune) rune {
	if unicode.IsUpper(r) {
		return unicode.ToLower(r)
	}
	return unicode.ToUpper(r)
}

// pad is what s lacks to width.
func pad(s string, width int, fill string) string {
	return strings.Repeat(fill, max(0, width-utf8.RuneCountInString(s)))
}

func zfill(s string, width int) string {
	if s != "" && (s[0] == '-' || s[0] == '+') {
		return s[:1] + pad(s, width, "0") + s[1:]
	}
	return pad(s, width, "0") + s
}

func center(s string, width int, fill string) string {
	gap := width - utf8.RuneCountInString(s)
	if gap <= 0 {
		return s
	}
	left := gap/2 + gap&width&1
	return strings.Repeat(fill, left) + s + strings.Repeat(fill, gap-left)
}

func expandTabs(s string, size int) string {
	var b strings.Builder
	col := 0
	for _, r := range s {
		switch r {
		case '\t':
			if size > 0 {
				n := size - col%size
				b.WriteString(strings.Repeat(" ", n))
				col += n
			}
			continue
		case '\n', '\r':
			col = -1
		}
		b.WriteRune(r)
		col++
	}
	return b.String()
}

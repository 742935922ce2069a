package jinja

import (
	"html"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"rp/engine/value"
)

// Filters on text. Every one takes any value by its str().
func init() {
	plain := func(name string, f func(s string) any, alias ...string) {
		addFilter(define(name, "", 0, func(c *call) (any, error) { return f(c.text(c.self)), nil }), alias...)
	}
	plain("lower", func(s string) any { return strings.ToLower(s) })
	plain("upper", func(s string) any { return strings.ToUpper(s) })
	plain("capitalize", func(s string) any { return capitalize(s) })
	plain("title", func(s string) any { return filterTitle(s) })
	plain("wordcount", func(s string) any { return int64(len(wordPattern.FindAllString(s, -1))) })
	plain("escape", func(s string) any { return escapeHTML(s) }, "e", "forceescape")
	plain("safe", func(s string) any { return s })
	plain("striptags", func(s string) any {
		return strings.Join(strings.Fields(html.UnescapeString(tagPattern.ReplaceAllString(s, ""))), " ")
	})
	addFilter(define("trim", "chars=none", 0, func(c *call) (any, error) {
		return trim(c.text(c.self), c.args[0], true, true), nil
	}))
	addFilter(define("replace", "old new count=none", 0, func(c *call) (any, error) {
		n := -1
		if c.args[2] != nil {
			n = c.int(2)
		}
		return c.replace(c.text(c.self), c.anyText(0), c.anyText(1), n), nil
	}))
	addFilter(define("center", "width=80", 0, func(c *call) (any, error) {
		return center(c.text(c.self), c.width(0), " "), nil
	}))
	addFilter(define("format", "*args **kwargs", 0, func(c *call) (any, error) {
		if len(c.rest) > 0 && len(c.kw) > 0 {
			return nil, typef("can't handle positional and keyword arguments at the same time")
		}
		if len(c.kw) > 0 {
			return c.in.percent(c.text(c.self), c.kwDict())
		}
		return c.in.percent(c.text(c.self), value.Tuple(c.rest))
	}))
	addFilter(define("indent", "width=4 first=false blank=false", 0, filterIndent))
	addFilter(define("truncate", "length=255 killwords=false end='...' leeway=5", 0, filterTruncate))
	addFilter(define("wordwrap", "width=79 break_long_words=true wrapstring=none break_on_hyphens=true", 0, func(c *call) (any, error) {
		sep := "\n"
		if c.args[2] != nil {
			sep = c.str(2)
		}
		var lines []string
		for _, line := range splitLines(c.text(c.self), false) {
			lines = append(lines, strings.Join(wrap(line, c.width(0), c.bool(1), c.bool(3)), sep))
		}
		return c.join(lines, sep), nil
	}))
	addFilter(define("join", "d='' attribute=none", 0, func(c *call) (any, error) {
		items := c.items(c.self)
		if c.args[1] != nil {
			var err error
			if items, err = c.attributes(items, c.args[1], nil, false); err != nil {
				return nil, err
			}
		}
		parts := make([]string, len(items))
		for i, e := range items {
			if u, ok := e.(value.Undefined); ok {
				return nil, undefErr{u}
			}
			parts[i] = c.text(e)
		}
		return c.join(parts, c.anyText(0)), nil
	}))
	addFilter(define("xmlattr", "autospace=true", 0, filterXMLAttr))
	addFilter(define("urlize", "*args **kwargs", 0, func(*call) (any, error) {
		return nil, unsupportedErr("the filter 'urlize' is not supported yet")
	}))
	addFilter(define("filesizeformat", "binary=false", 0, filterFileSize))
}

var (
	wordPattern  = regexp.MustCompile(`[\pL\pN_]+`)
	tagPattern   = regexp.MustCompile(`(?s)<!--.*?-->|<[^>]*>`)
	titlePattern = regexp.MustCompile(`[-\s({\[<]+`)
	htmlEscapes  = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", "'", "&#39;", `"`, "&#34;")
)

func escapeHTML(s string) string { return htmlEscapes.Replace(s) }

// filterTitle makes each word start with upper case, where words are what
// blanks, hyphens and opening brackets divide.
func filterTitle(s string) string {
	var b strings.Builder
	word := func(w string) {
		r, n := utf8.DecodeRuneInString(w)
		if n > 0 {
			b.WriteString(string(unicode.ToUpper(r)) + strings.ToLower(w[n:]))
		}
	}
	at := 0
	for _, m := range titlePattern.FindAllStringIndex(s, -1) {
		word(s[at:m[0]])
		b.WriteString(s[m[0]:m[1]])
		at = m[1]
	}
	word(s[at:])
	return b.String()
}

func filterIndent(c *call) (any, error) {
	var by string
	if s, ok := c.args[0].(string); ok {
		by = s
	} else {
		by = strings.Repeat(" ", max(0, c.width(0)))
	}
	s := c.text(c.self)
	lines := splitLines(s+"\n", false)
	if strings.HasSuffix(s, "\n") && len(lines) > 0 {
		// The line break that was added ends an empty line of its own.
		lines = append(splitLines(s, false), "")
	}
	var b strings.Builder
	for i, line := range lines {
		if i > 0 {
			b.WriteByte('\n')
		}
		if (i > 0 || c.bool(1)) && (line != "" || c.bool(2) || i == 0) {
			b.WriteString(by)
		}
		b.WriteString(line)
		if err := c.in.fits(b.Len()); err != nil {
			return nil, err
		}
	}
	return b.String(), nil
}

func filterTruncate(c *call) (any, error) {
	r := []rune(c.text(c.self))
	length, end, leeway := c.int(0), c.str(2), 5
	if c.args[3] != nil {
		leeway = c.int(3)
	}
	size := utf8.RuneCountInString(end)
	if length < size {
		return nil, typef("expected length >= %d, got %d", size, length)
	}
	if len(r) <= length+leeway {
		return string(r), nil
	}
	cut := string(r[:length-size])
	if !c.bool(1) {
		if i := strings.LastIndexByte(cut, ' '); i >= 0 {
			cut = cut[:i]
		}
	}
	return cut + end, nil
}

func filterXMLAttr(c *call) (any, error) {
	o := c.mapping(c.self, "xmlattr needs a mapping")
	var parts []string
	for _, k := range o.Keys() {
		v, _ := o.Get(k)
		if v == nil {
			continue
		}
		key := c.text(k)
		if strings.ContainsAny(key, " \t\n\f\r/>=") {
			return nil, typef("Invalid character in attribute name: %s", pyQuote(key))
		}
		parts = append(parts, escapeHTML(key)+`="`+escapeHTML(c.text(v))+`"`)
	}
	out := strings.Join(parts, " ")
	if c.bool(0) && out != "" {
		out = " " + out
	}
	return out, nil
}

func filterFileSize(c *call) (any, error) {
	f, ok := parseFloat(c.self)
	if !ok {
		return nil, typef("could not convert string to float: %s", Repr(c.self))
	}
	base, units := 1000.0, []string{"kB", "MB", "GB", "TB", "PB", "EB", "ZB", "YB"}
	if c.bool(0) {
		base, units = 1024, []string{"KiB", "MiB", "GiB", "TiB", "PiB", "EiB", "ZiB", "YiB"}
	}
	switch {
	case f == 1:
		return "1 Byte", nil
	case f < base:
		return Str(int64(f)) + " Bytes", nil
	}
	for i, u := range units {
		f /= base
		if f < base || i == len(units)-1 {
			return formatFloat(f, 'f', 1, false) + " " + u, nil
		}
	}
	return nil, nil
}

// wrap breaks a line as Python's textwrap does, dropping blanks at line ends.
func wrap(line string, width int, breakLong, hyphens bool) []string {
	chunks := wrapChunks(line, hyphens)
	var out []string
	for len(chunks) > 0 {
		if strings.TrimSpace(chunks[0]) == "" && len(out) > 0 {
			chunks = chunks[1:]
			continue
		}
		var cur []string
		size := 0
		for len(chunks) > 0 && size+utf8.RuneCountInString(chunks[0]) <= width {
			cur = append(cur, chunks[0])
			size += utf8.RuneCountInString(chunks[0])
			chunks = chunks[1:]
		}
		if len(chunks) > 0 && utf8.RuneCountInString(chunks[0]) > width {
			r := []rune(chunks[0])
			room := max(1, width-size)
			switch {
			case breakLong:
				cur = append(cur, string(r[:room]))
				chunks[0] = string(r[room:])
			case len(cur) == 0:
				cur = append(cur, chunks[0])
				chunks = chunks[1:]
			}
		}
		for len(cur) > 0 && strings.TrimSpace(cur[len(cur)-1]) == "" {
			cur = cur[:len(cur)-1]
		}
		if len(cur) > 0 {
			out = append(out, strings.Join(cur, ""))
		}
	}
	return out
}

var hyphenPattern = regexp.MustCompile(`[\pL\pN_]-[\pL_]`)

// wrapChunks cuts a line into words, blanks, and the parts of hyphenated words.
func wrapChunks(line string, hyphens bool) []string {
	var out []string
	for line != "" {
		i := strings.IndexFunc(line, unicode.IsSpace)
		switch {
		case i == 0:
			i = strings.IndexFunc(line, func(r rune) bool { return !unicode.IsSpace(r) })
			if i < 0 {
				i = len(line)
			}
		case i < 0:
			i = len(line)
		}
		word := line[:i]
		line = line[i:]
		for hyphens {
			m := hyphenPattern.FindStringIndex(word)
			if m == nil {
				break
			}
			cut := strings.IndexByte(word[m[0]:], '-') + m[0] + 1
			out = append(out, word[:cut])
			word = word[cut:]
		}
		out = append(out, word)
	}
	return out
}

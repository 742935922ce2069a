package inventory

import (
	"math/big"
	"strconv"
	"strings"
	"unicode/utf8"

	"rp/engine/value"
)

// maxNesting bounds the brackets of a literal within each other; Python stops at 200.
const maxNesting = 100

// literal is s as Python's ast.literal_eval reads it: a string in quotes, a
// number, a list, tuple, set or dict of such, True, False or None. ok is false
// where s is none of these; then it is plain text. Sets become lists; complex
// numbers, which nothing here can hold, are text.
func literal(s string) (v any, ok bool) {
	if plainText(s) {
		return nil, false
	}
	p := literalParser{s: s}
	v, ok = p.value(0)
	if !ok {
		return nil, false
	}
	p.space()
	if p.i < len(p.s) && p.s[p.i] == ',' {
		// "1, 2" is a tuple without its brackets.
		if v, ok = p.bareTuple(v); !ok {
			return nil, false
		}
	}
	return v, p.i == len(p.s)
}

// plainText sees at once that most values are no literals.
func plainText(s string) bool {
	if s == "" {
		return true
	}
	switch c := s[0]; {
	case c >= '0' && c <= '9', strings.IndexByte("'\"[({+-.", c) >= 0:
		return false
	case strings.IndexByte("TFNrRbBuU", c) >= 0:
		return false
	}
	return true
}

type literalParser struct {
	s     string
	i     int
	depth int // of brackets: within them a newline is a blank
}

func (p *literalParser) space() {
	for p.i < len(p.s) {
		switch c := p.s[p.i]; {
		case c == ' ' || c == '\t' || c == '\f':
			p.i++
		case c == '\n' && p.depth > 0:
			p.i++
		case c == '#' && !strings.Contains(p.s[p.i:], "\n"):
			p.i = len(p.s)
		default:
			return
		}
	}
}

func (p *literalParser) value(nesting int) (any, bool) {
	if p.space(); p.i == len(p.s) || nesting > maxNesting {
		return nil, false
	}
	switch c := p.s[p.i]; c {
	case '[':
		items, _, ok := p.items(']', nesting)
		return &value.List{Items: items}, ok
	case '(':
		items, comma, ok := p.items(')', nesting)
		if ok && len(items) == 1 && !comma {
			return items[0], true
		}
		return value.Tuple(items), ok
	case '{':
		return p.dictOrSet(nesting)
	case '+', '-':
		p.i++
		return negated(c == '-')(p.number())
	}
	if c := p.s[p.i]; c == '.' || c >= '0' && c <= '9' {
		return p.number()
	}
	for word, v := range map[string]any{"True": true, "False": false, "None": nil} {
		if p.word(word) {
			return v, true
		}
	}
	return p.texts()
}

func (p *literalParser) word(w string) bool {
	rest, ok := strings.CutPrefix(p.s[p.i:], w)
	if !ok || rest != "" && (isWordByte(rest[0]) || rest[0] == '\'' || rest[0] == '"') {
		return false
	}
	p.i += len(w)
	return true
}

func isWordByte(c byte) bool {
	return c == '_' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= 0x80
}

// items reads up to the closing bracket; comma tells of one after the last item.
func (p *literalParser) items(end byte, nesting int) (items []any, comma, ok bool) {
	items = []any{}
	p.i++
	p.depth++
	defer func() { p.depth-- }()
	for {
		if p.space(); p.i == len(p.s) {
			return nil, false, false
		}
		if p.s[p.i] == end {
			p.i++
			return items, comma, true
		}
		if len(items) > 0 && !comma {
			return nil, false, false
		}
		v, ok := p.value(nesting + 1)
		if !ok {
			return nil, false, false
		}
		items = append(items, v)
		comma = p.comma()
	}
}

func (p *literalParser) comma() bool {
	if p.space(); p.i < len(p.s) && p.s[p.i] == ',' {
		p.i++
		return true
	}
	return false
}

func (p *literalParser) bareTuple(first any) (any, bool) {
	t := value.Tuple{first}
	for p.comma() {
		if p.space(); p.i == len(p.s) {
			return t, true
		}
		v, ok := p.value(1)
		if !ok {
			return nil, false
		}
		t = append(t, v)
		p.space()
	}
	return t, true
}

func (p *literalParser) dictOrSet(nesting int) (any, bool) {
	p.i++
	p.depth++
	defer func() { p.depth-- }()
	d, set := value.NewDict(), &value.List{Items: []any{}}
	for comma := true; ; {
		if p.space(); p.i == len(p.s) {
			return nil, false
		}
		if p.s[p.i] == '}' {
			p.i++
			if set.Len() > 0 {
				return set, true
			}
			return d, true
		}
		if !comma || !p.entry(d, set, nesting) {
			return nil, false
		}
		comma = p.comma()
	}
}

// entry reads "key: value" into d, or an item of a set.
func (p *literalParser) entry(d *value.Dict, set *value.List, nesting int) bool {
	k, ok := p.value(nesting + 1)
	if !ok || !value.Hashable(k) {
		return false
	}
	if p.space(); p.i < len(p.s) && p.s[p.i] == ':' && set.Len() == 0 {
		p.i++
		v, ok := p.value(nesting + 1)
		if ok {
			d.Set(k, v)
		}
		return ok
	}
	set.Append(k)
	return d.Len() == 0
}

func negated(minus bool) func(any, bool) (any, bool) {
	return func(v any, ok bool) (any, bool) {
		if !ok || !minus {
			return v, ok
		}
		switch v := v.(type) {
		case int64:
			return -v, true
		case float64:
			return -v, true
		case *big.Int:
			return new(big.Int).Neg(v), true
		}
		return nil, false
	}
}

func (p *literalParser) number() (any, bool) {
	p.space()
	start := p.i
	for p.i < len(p.s) {
		c := p.s[p.i]
		sign := (c == '+' || c == '-') && p.i > start && (p.s[p.i-1]|0x20) == 'e' && !strings.HasPrefix(strings.ToLower(p.s[start:]), "0x")
		if !isWordByte(c) && c != '.' && !sign {
			break
		}
		p.i++
	}
	return pythonNumber(p.s[start:p.i])
}

// pythonNumber is text as a number of Python's grammar: 0x1f, 0o17, 0b1, 1_000, 1.5e3; not 017.
func pythonNumber(text string) (any, bool) {
	if text == "" || strings.HasPrefix(text, "_") || strings.HasSuffix(text, "_") || strings.Contains(text, "__") {
		return nil, false
	}
	lower := strings.ToLower(text)
	base := map[bool]int{strings.HasPrefix(lower, "0x"): 16, strings.HasPrefix(lower, "0o"): 8, strings.HasPrefix(lower, "0b"): 2}[true]
	digits := strings.ReplaceAll(lower, "_", "")
	if base != 0 {
		return wholeNumber(digits[2:], base)
	}
	if strings.Trim(digits, "0123456789") == "" {
		if digits[0] == '0' && strings.Trim(digits, "0") != "" {
			return nil, false
		}
		return wholeNumber(digits, 10)
	}
	if strings.Trim(digits, "0123456789.e+-") != "" || strings.Contains(lower, "_.") || strings.Contains(lower, "._") {
		return nil, false
	}
	f, err := strconv.ParseFloat(digits, 64)
	if err != nil && f == 0 {
		return nil, false
	}
	return f, true
}

func wholeNumber(digits string, base int) (any, bool) {
	if digits == "" || digits[0] == '+' || digits[0] == '-' {
		return nil, false
	}
	if n, err := strconv.ParseInt(digits, base, 64); err == nil {
		return n, true
	}
	n, ok := new(big.Int).SetString(digits, base)
	if !ok {
		return nil, false
	}
	return n, true
}

// texts reads one string in quotes, or several side by side.
func (p *literalParser) texts() (any, bool) {
	var b strings.Builder
	found := false
	for {
		p.space()
		prefix := p.i
		for p.i < len(p.s) && p.i-prefix < 2 && strings.IndexByte("rRbBuU", p.s[p.i]) >= 0 {
			p.i++
		}
		if p.i == len(p.s) || p.s[p.i] != '\'' && p.s[p.i] != '"' {
			p.i = prefix
			return b.String(), found
		}
		raw := strings.ContainsAny(p.s[prefix:p.i], "rR")
		if !p.text(&b, raw) {
			return nil, false
		}
		found = true
	}
}

func (p *literalParser) text(b *strings.Builder, raw bool) bool {
	quote := p.s[p.i : p.i+1]
	if triple := strings.Repeat(quote, 3); strings.HasPrefix(p.s[p.i:], triple) {
		quote = triple
	}
	p.i += len(quote)
	for p.i < len(p.s) {
		switch c := p.s[p.i]; {
		case strings.HasPrefix(p.s[p.i:], quote):
			p.i += len(quote)
			return true
		case c == '\\' && raw && p.i+1 < len(p.s):
			b.WriteString(p.s[p.i : p.i+2])
			p.i += 2
		case c == '\\':
			if !p.escape(b) {
				return false
			}
		case c == '\n' && len(quote) == 1:
			return false
		default:
			b.WriteByte(c)
			p.i++
		}
	}
	return false
}

// escape reads one backslash sequence. One that Python does not know stays as it is.
func (p *literalParser) escape(b *strings.Builder) bool {
	if p.i+1 == len(p.s) {
		return false
	}
	c := p.s[p.i+1]
	p.i += 2
	if n := strings.IndexByte("nrtabfv\\'\"\n", c); n >= 0 {
		b.WriteString([]string{"\n", "\r", "\t", "\a", "\b", "\f", "\v", "\\", "'", "\"", ""}[n])
		return true
	}
	if width := map[byte]int{'x': 2, 'u': 4, 'U': 8}[c]; width != 0 {
		if p.i+width > len(p.s) {
			return false
		}
		n, err := strconv.ParseUint(p.s[p.i:p.i+width], 16, 32)
		p.i += width
		if err != nil || n > utf8.MaxRune {
			return false
		}
		b.WriteRune(rune(n))
		return true
	}
	if c >= '0' && c <= '7' {
		end := p.i
		for end < len(p.s) && end < p.i+2 && p.s[end] >= '0' && p.s[end] <= '7' {
			end++
		}
		n, _ := strconv.ParseUint(p.s[p.i-1:end], 8, 32)
		b.WriteRune(rune(n))
		p.i = end
		return true
	}
	b.WriteByte('\\')
	b.WriteByte(c)
	return c != 'N'
}

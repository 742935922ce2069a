package jinja

import (
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"
)

var (
	floatLiteral = regexp.MustCompile(`^(\d+_)*\d+((\.(\d+_)*\d+)?[eE][+\-]?(\d+_)*\d+|\.(\d+_)*\d+)`)
	intLiteral   = regexp.MustCompile(`^(0[bB](_?[01])+|0[oO](_?[0-7])+|0[xX](_?[0-9a-fA-F])+|[1-9](_?\d)*|0(_?0)*)`)
)

func (l *lexer) number() bool {
	rest := l.src[l.at:]
	// "1.5" after a dot (a.1.5) is two subscripts, as in Jinja2.
	if l.at == 0 || l.src[l.at-1] != '.' {
		if m := floatLiteral.FindString(rest); m != "" {
			l.emit(tFloat, strings.ReplaceAll(m, "_", ""))
			l.advance(l.at + len(m))
			return true
		}
	}
	m := intLiteral.FindString(rest)
	l.emit(tInt, strings.ReplaceAll(m, "_", ""))
	l.advance(l.at + len(m))
	return true
}

// quoted reads a string. With literal a backslash stands for itself, except
// before the quote.
func (l *lexer) quoted(literal bool) bool {
	quote := l.src[l.at]
	for i := l.at + 1; i < len(l.src); i++ {
		switch l.src[i] {
		case '\\':
			i++
		case quote:
			body := l.src[l.at+1 : i]
			if literal {
				body = strings.ReplaceAll(body, `\`+string(quote), string(quote))
			} else {
				body = unescape(body)
			}
			l.emit(tString, body)
			l.advance(i + 1)
			return true
		}
	}
	l.fail("unexpected char %s at %d", pyQuote(string(quote)), utf8.RuneCountInString(l.src[:l.at]))
	return false
}

var simpleEscapes = map[byte]string{
	'\n': "", '\\': `\`, '\'': "'", '"': `"`, 'a': "\a", 'b': "\b", 'f': "\f",
	'n': "\n", 'r': "\r", 't': "\t", 'v': "\v",
}

// unescape resolves Python's escapes of a string literal. One that Python
// does not know keeps its backslash.
func unescape(s string) string {
	if !strings.Contains(s, `\`) {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] != '\\' || i+1 == len(s) {
			b.WriteByte(s[i])
			continue
		}
		i++
		if text, ok := simpleEscapes[s[i]]; ok {
			b.WriteString(text)
			continue
		}
		r, n := numericEscape(s[i:])
		if n == 0 {
			b.WriteByte('\\')
			b.WriteByte(s[i])
			continue
		}
		b.WriteRune(r)
		i += n - 1
	}
	return b.String()
}

// numericEscape reads x41, u0041, U00000041 or 101 and gives the bytes it took.
func numericEscape(s string) (rune, int) {
	if s[0] >= '0' && s[0] <= '7' {
		n := 1
		for n < 3 && n < len(s) && s[n] >= '0' && s[n] <= '7' {
			n++
		}
		v, _ := strconv.ParseUint(s[:n], 8, 32)
		return rune(v), n
	}
	size := map[byte]int{'x': 2, 'u': 4, 'U': 8}[s[0]]
	if size == 0 || len(s) < 1+size {
		return 0, 0
	}
	v, err := strconv.ParseUint(s[1:1+size], 16, 32)
	if err != nil || v > utf8.MaxRune {
		return 0, 0
	}
	return rune(v), 1 + size
}

package play

import (
	"errors"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// errUnbalanced is a quote or a {{ that is not closed.
var errUnbalanced = errors.New("a quote or a {{ }} block is not closed")

// word is a part of a task's arguments between blanks, at [start, end) of the text.
type word struct{ start, end int }

// splitWords cuts s at blanks that are neither in quotes nor in a Jinja2 block.
// Quotes may open inside a word and stay part of it.
func splitWords(s string) ([]word, error) {
	var words []word
	for i := 0; i < len(s); {
		if isBlank(s[i]) {
			i++
			continue
		}
		end, err := wordEnd(s, i)
		if err != nil {
			return nil, err
		}
		words = append(words, word{i, end})
		i = end
	}
	return words, nil
}

func isBlank(c byte) bool { return c == ' ' || c == '\t' || c == '\n' || c == '\r' }

// wordEnd is the end of the word that starts at i.
func wordEnd(s string, i int) (int, error) {
	var quote byte
	for i < len(s) {
		c := s[i]
		switch {
		case c == '{' && i+1 < len(s) && (s[i+1] == '{' || s[i+1] == '%' || s[i+1] == '#'):
			end := blockEnd(s, i)
			if end < 0 {
				return 0, errUnbalanced
			}
			i = end
			continue
		case c == '"' || c == '\'':
			if i == 0 || s[i-1] != '\\' {
				quote = toggle(quote, c)
			}
		case quote == 0 && isBlank(c):
			return i, nil
		}
		i++
	}
	if quote != 0 {
		return 0, errUnbalanced
	}
	return i, nil
}

func toggle(quote, c byte) byte {
	switch quote {
	case 0:
		return c
	case c:
		return 0
	}
	return quote
}

// blockEnd is the end of the Jinja2 block that starts at i, or -1. Strings and
// brackets inside an expression may hold what would close it.
func blockEnd(s string, i int) int {
	closing := "}}"
	switch s[i+1] {
	case '%':
		closing = "%}"
	case '#':
		end := strings.Index(s[i+2:], "#}")
		if end < 0 {
			return -1
		}
		return i + 2 + end + 2
	}
	depth := 0
	for j := i + 2; j < len(s); j++ {
		switch c := s[j]; {
		case c == '"' || c == '\'':
			end := stringEnd(s, j)
			if end < 0 {
				return -1
			}
			j = end - 1
		case depth == 0 && strings.HasPrefix(s[j:], closing):
			return j + 2
		case c == '{' || c == '[' || c == '(':
			depth++
		case c == '}' || c == ']' || c == ')':
			depth = max(0, depth-1)
		}
	}
	return -1
}

// stringEnd is the end of the Jinja2 string that starts at i, or -1.
func stringEnd(s string, i int) int {
	for j := i + 1; j < len(s); j++ {
		switch s[j] {
		case '\\':
			j++
		case s[i]:
			return j + 1
		}
	}
	return -1
}

// option is one key=value of a task's arguments.
type option struct{ key, value string }

// parseOptions reads "key=value key='other value' text" as Ansible does. What is
// no key=value is the raw text, its blanks kept, those at its end too. only, when
// not nil, names the keys that are options; every other key=value is then text (FOO=1 make).
func parseOptions(s string, only []string) (opts []option, raw string, err error) {
	words, err := splitWords(s)
	if err != nil {
		return nil, "", err
	}
	var text strings.Builder
	last := -1 // the last word that is text
	for i, w := range words {
		end := len(s)
		if i+1 < len(words) {
			end = words[i+1].start
		}
		part, gap := s[w.start:w.end], s[w.end:end]
		if part == `\` && strings.ContainsAny(gap, "\n") {
			continue // a line that goes on in the next
		}
		key, v, ok := cutOption(decodeEscapes(part))
		if ok && (only == nil || slices.Contains(only, key)) {
			opts = append(opts, option{strings.TrimSpace(key), unquote(strings.TrimSpace(v))})
			continue
		}
		if !ok {
			part = strings.ReplaceAll(part, `\=`, "=")
		}
		text.WriteString(part + gap)
		last = i
	}
	raw = text.String()
	if last < len(words)-1 {
		raw = strings.TrimRight(raw, " \t\r\n")
	}
	return opts, raw, nil
}

// cutOption cuts word at its first = that is not its first byte and not escaped.
func cutOption(word string) (key, v string, ok bool) {
	for i := 1; i < len(word); i++ {
		if word[i] == '=' && word[i-1] != '\\' {
			return word[:i], word[i+1:], true
		}
	}
	return "", "", false
}

func unquote(s string) string {
	if n := len(s); n > 1 && s[0] == s[n-1] && (s[0] == '"' || s[0] == '\'') && s[n-2] != '\\' {
		return s[1 : n-1]
	}
	return s
}

// escapes are those of a Python string that may stand in a key=value.
var escapes = regexp.MustCompile(`\\(?:U[0-9a-fA-F]{8}|u[0-9a-fA-F]{4}|x[0-9a-fA-F]{2}|[0-7]{1,3}|[\\'"abfnrtv])`)

func decodeEscapes(s string) string {
	if !strings.Contains(s, `\`) {
		return s
	}
	return escapes.ReplaceAllStringFunc(s, func(e string) string {
		switch c := e[1]; {
		case c == 'U' || c == 'u' || c == 'x':
			return codePoint(e, e[2:], 16)
		case c >= '0' && c <= '7':
			return codePoint(e, e[1:], 8)
		case c == '\\' || c == '\'' || c == '"':
			return e[1:]
		default:
			return string("\a\b\f\n\r\t\v"[strings.IndexByte("abfnrtv", c)])
		}
	})
}

func codePoint(escape, digits string, base int) string {
	n, err := strconv.ParseInt(digits, base, 32)
	if err != nil || !utf8.ValidRune(rune(n)) {
		return escape
	}
	return string(rune(n))
}

package inventory

import (
	"errors"
	"strings"
)

// word is a word of a line, unquoted, and the byte at which it starts.
type word struct {
	text string
	at   int
	// value is the byte after the first unquoted = (and an opening quote), or 0.
	value int
}

// splitWords splits a line as Python's shlex does with comments and POSIX
// rules: single quotes take all as it is, double quotes let \" and \\ through,
// an unquoted # ends the line wherever it stands.
func splitWords(line string) ([]word, error) {
	var words []word
	for i := 0; i < len(line); {
		switch line[i] {
		case ' ', '\t', '\r', '\n':
			i++
		case '#':
			return words, nil
		default:
			w, next, err := readWord(line, i)
			if err != nil {
				return nil, err
			}
			words = append(words, w)
			i = next
		}
	}
	return words, nil
}

func readWord(line string, at int) (word, int, error) {
	w := word{at: at}
	var b strings.Builder
	i := at
	for i < len(line) && !strings.ContainsRune(" \t\r\n#", rune(line[i])) {
		switch c := line[i]; c {
		case '\'', '"':
			n, err := readQuoted(&b, line[i:])
			if err != nil {
				return w, 0, err
			}
			i += n
		case '\\':
			if i+1 == len(line) {
				return w, 0, errors.New(`a \ at the end escapes nothing`)
			}
			b.WriteByte(line[i+1])
			i += 2
		default:
			b.WriteByte(c)
			i++
			if c == '=' && w.value == 0 {
				w.value = i
				if i < len(line) && (line[i] == '\'' || line[i] == '"') {
					w.value++
				}
			}
		}
	}
	w.text = b.String()
	return w, i, nil
}

// readQuoted reads the quoted text that s starts with and gives its length with both quotes.
func readQuoted(b *strings.Builder, s string) (int, error) {
	quote := s[0]
	for i := 1; i < len(s); i++ {
		switch {
		case s[i] == quote:
			return i + 1, nil
		case s[i] == '\\' && quote == '"' && i+1 < len(s) && (s[i+1] == '"' || s[i+1] == '\\'):
			i++
			b.WriteByte(s[i])
		default:
			b.WriteByte(s[i])
		}
	}
	return 0, errors.New("a quote is not closed")
}

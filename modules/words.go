package modules

import (
	"fmt"
	"strings"
)

// splitWords takes a command line apart as a POSIX shell would: quotes, and \
// outside of single quotes. It expands nothing.
func splitWords(s string) ([]string, error) {
	var words []string
	var cur strings.Builder
	in := false // inside a word, perhaps an empty one in quotes
	for i := 0; i < len(s); i++ {
		c := s[i]
		switch c {
		case '\'', '"':
			in = true
			end, err := quoted(&cur, s, i)
			if err != nil {
				return nil, err
			}
			i = end
		case '\\':
			if i++; i == len(s) {
				return nil, fmt.Errorf("cannot take %q apart: nothing follows its last \\", s)
			}
			if s[i] != '\n' {
				in = true
				cur.WriteByte(s[i])
			}
		case ' ', '\t', '\n', '\r':
			if in {
				words, in = append(words, cur.String()), false
				cur.Reset()
			}
		default:
			in = true
			cur.WriteByte(c)
		}
	}
	if in {
		words = append(words, cur.String())
	}
	return words, nil
}

// quoted reads the quoted text that begins at s[i] and gives the index of its last quote.
func quoted(w *strings.Builder, s string, i int) (int, error) {
	q := s[i]
	for j := i + 1; j < len(s); j++ {
		switch {
		case s[j] == q:
			return j, nil
		case s[j] == '\\' && q == '"' && j+1 < len(s) && strings.IndexByte("\\\"$`\n", s[j+1]) >= 0:
			j++
			if s[j] != '\n' {
				w.WriteByte(s[j])
			}
		default:
			w.WriteByte(s[j])
		}
	}
	return 0, fmt.Errorf("cannot take %q apart: the quote %c is never closed", s, q)
}

// shellQuote is s as one word of a shell.
func shellQuote(s string) string {
	if s != "" && strings.Trim(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./:=@%+,") == "" {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

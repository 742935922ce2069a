package yaml

import (
	"strings"

	yaml3 "gopkg.in/yaml.v3"
)

// source is the text that nodes came from, by line.
type source []string

func newSource(data []byte) source { return strings.Split(string(data), "\n") }

// line is the text of line n, counted from 1.
func (s source) line(n int) string {
	if n < 1 || n > len(s) {
		return ""
	}
	return strings.TrimRight(s[n-1], "\r")
}

// settle moves the place of a scalar to where its text is. The scanner gives
// the place of a tag or an anchor before it, and of the | of a block scalar.
func (s source) settle(n *Node) {
	if n.Anchor != "" || n.Style&yaml3.TaggedStyle != 0 {
		s.skipProperties(n)
	}
	if n.Style&(yaml3.LiteralStyle|yaml3.FoldedStyle) == 0 {
		return
	}
	for i := n.Line + 1; i <= len(s) && i <= n.Line+64; i++ {
		text := s.line(i)
		if in := strings.TrimLeft(text, " "); in != "" {
			n.Line, n.Column = n.Line+1, len(text)-len(in)+1
			return
		}
	}
}

func (s source) skipProperties(n *Node) {
	line := s.line(n.Line)
	// The scanner counts columns in characters.
	runes := []rune(line)
	at := n.Column - 1
	for at >= 0 && at < len(runes) && (runes[at] == '!' || runes[at] == '&') {
		end := at
		for end < len(runes) && runes[end] != ' ' && runes[end] != '\t' {
			end++
		}
		for end < len(runes) && (runes[end] == ' ' || runes[end] == '\t') {
			end++
		}
		if end >= len(runes) {
			return
		}
		at = end
	}
	n.Column = max(at, 0) + 1
}

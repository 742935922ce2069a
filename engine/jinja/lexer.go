package jinja

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// lexer cuts a source into tokens. A mistake becomes a tError token where it
// stands, so that an earlier mistake of grammar is reported first.
type lexer struct {
	src    string
	o      Options
	at     int // where the next token starts
	line   int32
	bol    int // where the present line starts
	tokens []token
	open   []byte // the closing brackets that are waited for
}

// lex cuts a template.
func lex(src string, o Options) []token {
	l := &lexer{src: normalize(src, o), o: o, line: 1}
	l.template()
	return append(l.tokens, token{kind: tEOF, at: l.place(l.at)})
}

// lexExpr cuts a bare expression.
func lexExpr(src string) []token {
	l := &lexer{src: src, line: 1}
	for l.skipSpace(); l.at < len(l.src) && l.one(false); l.skipSpace() {
	}
	return append(l.tokens, token{kind: tEOF, at: l.place(l.at)})
}

// normalize makes every newline \n and drops the last one as Jinja2 does.
func normalize(src string, o Options) string {
	if strings.Contains(src, "\r") {
		src = strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(src)
	}
	if !o.KeepTrailingNewline {
		src = strings.TrimSuffix(src, "\n")
	}
	return src
}

func (l *lexer) place(at int) place {
	return place{line: l.line, col: int32(at-l.bol) + 1} //nolint:gosec // sources are far smaller than 2 GiB
}

// advance moves to at, counting lines.
func (l *lexer) advance(at int) {
	for i := l.at; i < at; i++ {
		if l.src[i] == '\n' {
			l.line++
			l.bol = i + 1
		}
	}
	l.at = at
}

func (l *lexer) emit(kind tokenKind, text string) {
	l.tokens = append(l.tokens, token{kind: kind, text: text, at: l.place(l.at)})
}

func (l *lexer) fail(format string, args ...any) {
	l.emit(tError, fmt.Sprintf(format, args...))
	l.at = len(l.src)
}

// template runs over text until nothing is left.
func (l *lexer) template() {
	for l.at < len(l.src) {
		start, kind := l.nextTag()
		if start < 0 {
			l.data(len(l.src), len(l.src))
			return
		}
		l.tag(start, kind)
	}
}

// nextTag finds the first opening delimiter and what it opens. Of two at the
// same place the longer one wins.
func (l *lexer) nextTag() (int, tokenKind) {
	best, kind, size := -1, tEOF, 0
	for _, d := range []struct {
		text string
		kind tokenKind
	}{{l.o.BlockStart, tBlockBegin}, {l.o.VarStart, tVarBegin}, {l.o.CommentStart, tData}} {
		i := strings.Index(l.src[l.at:], d.text)
		if i < 0 {
			continue
		}
		if i += l.at; best < 0 || i < best || i == best && len(d.text) > size {
			best, kind, size = i, d.kind, len(d.text)
		}
	}
	return best, kind
}

// data emits the text up to end and moves on to next.
func (l *lexer) data(end, next int) {
	if end > l.at {
		l.emit(tData, strings.ReplaceAll(l.src[l.at:end], "\n", l.newline()))
	}
	l.advance(next)
}

func (l *lexer) newline() string {
	if l.o.Newline == "" {
		return "\n"
	}
	return l.o.Newline
}

// tag reads the tag that opens at start, after the text before it.
func (l *lexer) tag(start int, kind tokenKind) {
	open := l.o.VarStart
	switch kind {
	case tBlockBegin:
		open = l.o.BlockStart
	case tData:
		open = l.o.CommentStart
	}
	inside := start + len(open)
	end := start
	sign := byte(0)
	if inside < len(l.src) && (l.src[inside] == '-' || l.src[inside] == '+') {
		sign = l.src[inside]
		inside++
	}
	switch {
	case sign == '-':
		end = l.at + len(strings.TrimRightFunc(l.src[l.at:start], unicode.IsSpace))
	case sign == 0 && l.o.Lstrip && kind != tVarBegin:
		end = l.lstrip(start)
	}
	l.data(end, start)
	if kind == tData {
		l.comment(inside)
		return
	}
	if kind == tBlockBegin && l.raw(inside) {
		return
	}
	l.emit(kind, open)
	l.advance(inside)
	l.inside(kind)
}

// lstrip is where the text before a block at start ends, without the blanks
// that stand alone before it on its line.
func (l *lexer) lstrip(start int) int {
	text := l.src[l.at:start]
	bol := strings.LastIndexByte(text, '\n') + 1
	if bol == 0 && l.at > 0 && l.src[l.at-1] != '\n' {
		return start
	}
	if strings.TrimSpace(text[bol:]) != "" {
		return start
	}
	return l.at + bol
}

// comment skips to behind the end of a comment.
func (l *lexer) comment(inside int) {
	i := strings.Index(l.src[inside:], l.o.CommentEnd)
	if i < 0 {
		l.fail("Missing end of comment tag")
		return
	}
	i += inside
	sign := byte(0)
	if i > inside {
		sign = l.src[i-1]
	}
	l.advance(i + len(l.o.CommentEnd))
	l.after(sign, true)
}

// after drops what the end of a tag takes with it.
func (l *lexer) after(sign byte, block bool) {
	switch {
	case sign == '-':
		rest := strings.TrimLeftFunc(l.src[l.at:], unicode.IsSpace)
		l.advance(len(l.src) - len(rest))
	case sign != '+' && block && l.o.Trim && l.at < len(l.src) && l.src[l.at] == '\n':
		l.advance(l.at + 1)
	}
}

// raw reads {% raw %}…{% endraw %} where one starts, and reports whether it did.
func (l *lexer) raw(inside int) bool {
	head, sign, ok := l.rawTag(inside, "raw")
	if !ok || sign == '+' {
		return false
	}
	opened := l.place(l.at)
	l.advance(head)
	l.after(sign, false) // even with Trim a newline behind it stays
	for from := l.at; ; {
		i := strings.Index(l.src[from:], l.o.BlockStart)
		if i < 0 {
			l.tokens = append(l.tokens, token{kind: tError, text: "Missing end of raw directive", at: opened})
			l.at = len(l.src)
			return true
		}
		start := from + i
		in := start + len(l.o.BlockStart)
		first := byte(0)
		if in < len(l.src) && (l.src[in] == '-' || l.src[in] == '+') {
			first = l.src[in]
			in++
		}
		tail, sign, ok := l.rawTag(in, "endraw")
		if !ok {
			from = start + len(l.o.BlockStart)
			continue
		}
		end := start
		switch {
		case first == '-':
			end = l.at + len(strings.TrimRightFunc(l.src[l.at:start], unicode.IsSpace))
		case first == 0 && l.o.Lstrip:
			end = l.lstrip(start)
		}
		l.data(end, tail)
		l.after(sign, true)
		return true
	}
}

// rawTag reads "word %}" at from; sign is the mark before the end delimiter.
func (l *lexer) rawTag(from int, word string) (end int, sign byte, ok bool) {
	rest := strings.TrimLeftFunc(l.src[from:], unicode.IsSpace)
	if !strings.HasPrefix(rest, word) {
		return 0, 0, false
	}
	rest = strings.TrimLeftFunc(rest[len(word):], unicode.IsSpace)
	if rest != "" && (rest[0] == '-' || rest[0] == '+') {
		sign, rest = rest[0], rest[1:]
	}
	if !strings.HasPrefix(rest, l.o.BlockEnd) {
		return 0, 0, false
	}
	return len(l.src) - len(rest) + len(l.o.BlockEnd), sign, true
}

// inside reads the tokens of a tag up to its end.
func (l *lexer) inside(kind tokenKind) {
	l.open = l.open[:0]
	end, endKind := l.o.VarEnd, tVarEnd
	if kind == tBlockBegin {
		end, endKind = l.o.BlockEnd, tBlockEnd
	}
	for {
		l.skipSpace()
		if l.at >= len(l.src) {
			return
		}
		if len(l.open) == 0 {
			sign, width := byte(0), 0
			if c := l.src[l.at]; c == '-' || c == '+' && kind == tBlockBegin {
				sign, width = c, 1
			}
			if strings.HasPrefix(l.src[l.at+width:], end) {
				l.emit(endKind, end)
				l.advance(l.at + width + len(end))
				l.after(sign, kind == tBlockBegin)
				return
			}
		}
		if !l.one(l.o.Playbook && kind == tVarBegin) {
			return
		}
	}
}

func (l *lexer) skipSpace() {
	rest := strings.TrimLeftFunc(l.src[l.at:], unicode.IsSpace)
	l.advance(len(l.src) - len(rest))
}

// one reads one token of an expression. literal keeps backslashes in strings.
func (l *lexer) one(literal bool) bool {
	c := l.src[l.at]
	switch {
	case c >= '0' && c <= '9':
		return l.number()
	case c == '\'' || c == '"':
		return l.quoted(literal)
	}
	if r, _ := utf8.DecodeRuneInString(l.src[l.at:]); r == '_' || unicode.IsLetter(r) {
		return l.name()
	}
	return l.operator()
}

func (l *lexer) name() bool {
	i := l.at
	for i < len(l.src) {
		r, n := utf8.DecodeRuneInString(l.src[i:])
		if r != '_' && !unicode.IsLetter(r) && !unicode.IsDigit(r) && !unicode.Is(unicode.Mn, r) {
			break
		}
		i += n
	}
	l.emit(tName, l.src[l.at:i])
	l.advance(i)
	return true
}

func (l *lexer) operator() bool {
	op := operatorAt(l.src[l.at:])
	switch op {
	case "":
		r, _ := utf8.DecodeRuneInString(l.src[l.at:])
		l.fail("unexpected char %s at %d", pyQuote(string(r)), utf8.RuneCountInString(l.src[:l.at]))
		return false
	case "(":
		l.open = append(l.open, ')')
	case "[":
		l.open = append(l.open, ']')
	case "{":
		l.open = append(l.open, '}')
	case ")", "]", "}":
		if len(l.open) == 0 {
			l.fail("unexpected '%s'", op)
			return false
		}
		if want := l.open[len(l.open)-1]; want != op[0] {
			l.fail("unexpected '%s', expected '%c'", op, want)
			return false
		}
		l.open = l.open[:len(l.open)-1]
	}
	l.emit(tOp, op)
	l.advance(l.at + len(op))
	return true
}

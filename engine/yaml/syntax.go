package yaml

import (
	"bytes"
	"errors"
	"regexp"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"

	"rp/engine/diag"
)

// scannerMessage is how yaml.v3 words an error: it knows no column, and no
// line at all when that is the first.
var scannerMessage = regexp.MustCompile(`^yaml: (?:line (\d+): )?(.*)$`)

// mendSlashes writes the escape \/ of YAML 1.2 and JSON, which yaml.v3 does not
// know, as \x2F on the line that err names. ok is false where that is not what is wrong.
func mendSlashes(data []byte, err error) (mended []byte, ok bool) {
	m := scannerMessage.FindStringSubmatch(err.Error())
	if m == nil || m[2] != "found unknown escape character" {
		return nil, false
	}
	n, _ := strconv.Atoi(m[1])
	lines := bytes.SplitAfter(data, []byte{'\n'})
	n = max(n, 1) - 1
	if n >= len(lines) || !bytes.Contains(lines[n], []byte(`\/`)) {
		return nil, false
	}
	lines[n] = escapedSlash.ReplaceAll(lines[n], []byte(`$1\x2F`))
	mended = bytes.Join(lines, nil)
	return mended, !bytes.Equal(mended, data)
}

// escapedSlash is \/ with its backslash not escaped itself.
var escapedSlash = regexp.MustCompile(`((?:^|[^\\])(?:\\\\)*)\\/`)

// maxSecondLook bounds what is parsed again to find the place of an error.
const maxSecondLook = 4 << 20

// syntaxError reports err, what yaml.v3 said of data, at its place.
func syntaxError(ds *diag.List, name string, text source, data []byte, err error) {
	message, line := err.Error(), 0
	if m := scannerMessage.FindStringSubmatch(message); m != nil {
		message = m[2]
		line, _ = strconv.Atoi(m[1])
	}
	pos := diag.Pos{File: name, Line: max(line, 1)}
	if l, col, ok := unknownAnchor(text, message); ok {
		pos.Line, pos.Col = l, col
	} else if l, col, ok := secondLook(data); ok {
		pos.Line, pos.Col = l, col
	}
	pos, hint := explain(text, pos, message)
	d := ds.Errorf(pos, "cannot read this as YAML: %s", message)
	d.Hint = hint
}

// secondLook parses data with a parser that knows line and column. It may
// accept what yaml.v3 refuses; then ok is false.
func secondLook(data []byte) (line, col int, ok bool) {
	if len(data) > maxSecondLook {
		return 0, 0, false
	}
	// It only improves a message: whatever it trips over must not end the program.
	defer func() {
		if recover() != nil {
			line, col, ok = 0, 0, false
		}
	}()
	_, err := parser.ParseBytes(data, 0)
	var placed interface {
		error
		GetToken() *token.Token
	}
	if !errors.As(err, &placed) {
		return 0, 0, false
	}
	t := placed.GetToken()
	if t == nil || t.Position == nil {
		return 0, 0, false
	}
	return t.Position.Line, t.Position.Column, true
}

var anchorMessage = regexp.MustCompile(`^unknown anchor '(.*)' referenced$`)

func unknownAnchor(text source, message string) (line, col int, ok bool) {
	m := anchorMessage.FindStringSubmatch(message)
	if m == nil {
		return 0, 0, false
	}
	for i, l := range text {
		if at := strings.Index(l, "*"+m[1]); at >= 0 {
			return i + 1, len([]rune(l[:at])) + 1, true
		}
	}
	return 0, 0, false
}

var (
	unquotedTemplate = regexp.MustCompile(`^\s*(?:- +)*(?:[^\s#'"{\[-][^#'"{\[]*: +|- +)(\{\{.*|\{%.*)$`)
	tabIndent        = regexp.MustCompile(`^ *\t\s*[^\s#]`)
	plainValue       = regexp.MustCompile(`^\s*(?:- +)*[^\s#'"{\[|>-][^:#]*: +([^'"{\[|>&*!].*: .*)$`)
	badStart         = regexp.MustCompile("^\\s*(?:- +)*(?:[^\\s#'\"{\\[:]+: +|- +)([@`%].*)$")
	afterQuote       = regexp.MustCompile(`^\s*(?:- +)*[^\s#'"{\[:]+: +("[^"]*"|'[^']*') *[^\s#,'"]`)
)

// explain looks at the lines around pos for the mistakes that people make most,
// and gives the place of the one it finds and what to do about it.
func explain(text source, pos diag.Pos, message string) (diag.Pos, string) {
	if strings.Contains(message, "unknown escape character") {
		return pos, `in double quotes a backslash is written \\; in single quotes it stands for itself`
	}
	for _, n := range []int{pos.Line, pos.Line - 1, pos.Line + 1} {
		line := text.line(n)
		for _, rule := range []struct {
			match *regexp.Regexp
			hint  string
		}{
			{unquotedTemplate, "a value that starts with {{ or {%% must be in quotes: "},
			{badStart, "a value that starts with this character must be in quotes: "},
			{afterQuote, "nothing may follow the closing quote: put the whole value in quotes"},
			{plainValue, "a value with \": \" in it must be in quotes: "},
		} {
			m := rule.match.FindStringSubmatchIndex(line)
			if m == nil {
				continue
			}
			col := len([]rune(line[:m[2]])) + 1
			hint := strings.ReplaceAll(rule.hint, "%%", "%")
			if strings.HasSuffix(hint, ": ") {
				hint += quoted(line, col)
			}
			return diag.Pos{File: pos.File, Line: n, Col: col}, hint
		}
	}
	if line := text.line(pos.Line); strings.Contains(line, "{{") && strings.Contains(message, "did not find expected ','") {
		return pos, "inside [ ] and { } a value with {{ }} must be in quotes"
	}
	for n := max(1, pos.Line-1); n <= pos.Line+1; n++ {
		if line := text.line(n); tabIndent.MatchString(line) {
			return diag.Pos{File: pos.File, Line: n, Col: strings.IndexByte(line, '\t') + 1}, "YAML is indented with spaces, never with tabs"
		}
	}
	if strings.Contains(message, "did not find expected '-' indicator") || strings.Contains(message, "did not find expected key") ||
		strings.Contains(message, "mapping values are not allowed") {
		return pos, "look at the indentation here and in the line above"
	}
	return pos, ""
}

package jinja

import (
	"strings"

	"rp/engine/diag"
)

// place is where something stands in its source, from 1. Columns count bytes.
type place struct{ line, col int32 }

// in gives p as a position of the file whose part at base the source is.
// Every line of the source is taken to be indented as its first one is.
func (p place) in(base diag.Pos) diag.Pos {
	out := diag.Pos{File: base.File, Line: int(p.line), Col: int(p.col)}
	if base.Line > 1 {
		out.Line += base.Line - 1
	}
	if base.Col > 1 {
		out.Col += base.Col - 1
	}
	return out
}

type tokenKind uint8

const (
	tEOF tokenKind = iota
	tData
	tVarBegin
	tVarEnd
	tBlockBegin
	tBlockEnd
	tName
	tInt
	tFloat
	tString
	tOp
	tError
)

type token struct {
	kind tokenKind
	text string
	at   place
}

// describe names t as Jinja2's messages do.
func (t token) describe() string {
	switch t.kind {
	case tName, tOp:
		return t.text
	}
	return t.kind.String()
}

func (k tokenKind) String() string {
	switch k {
	case tEOF:
		return "end of template"
	case tData:
		return "template data / text"
	case tVarBegin:
		return "begin of print statement"
	case tVarEnd:
		return "end of print statement"
	case tBlockBegin:
		return "begin of statement block"
	case tBlockEnd:
		return "end of statement block"
	case tName:
		return "name"
	case tInt:
		return "integer"
	case tFloat:
		return "float"
	case tString:
		return "string"
	case tOp:
		return "operator"
	}
	return "error"
}

// operators are tried longest first.
var operators = []string{
	"//", "**", "==", "!=", ">=", "<=",
	"+", "-", "/", "*", "%", "~", "[", "]", "(", ")", "{", "}", ">", "<", "=", ".", ":", "|", ",", ";",
}

func operatorAt(s string) string {
	for _, op := range operators {
		if strings.HasPrefix(s, op) {
			return op
		}
	}
	return ""
}

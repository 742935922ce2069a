package main

import (
	"errors"

	"rp/engine/diag"
	"rp/engine/jinja"
)

// checkExpr reports what is wrong with a condition before it is ever evaluated.
func checkExpr(src string, pos diag.Pos) diag.List {
	e, err := jinja.ParseExpr(src, pos)
	if err != nil {
		return syntaxOf(err, pos)
	}
	return e.Check()
}

// checkTemplate reports what is wrong with a template before it is ever rendered.
func checkTemplate(src string, pos diag.Pos) diag.List {
	t, err := jinja.Parse(src, pos, jinja.PlaybookOptions())
	if err != nil {
		return syntaxOf(err, pos)
	}
	return t.Check()
}

func syntaxOf(err error, pos diag.Pos) diag.List {
	var ds diag.List
	var je *jinja.Error
	if errors.As(err, &je) {
		ds.Errorf(je.Pos, "%s", je.Msg)
		return ds
	}
	ds.Errorf(pos, "%v", err)
	return ds
}

package jinja

import (
	"errors"
	"fmt"

	"rp/engine/diag"
	"rp/engine/value"
)

// Kind says what sort of mistake an [Error] is.
type Kind uint8

// The kinds of error.
const (
	// Runtime is any failure that has no kind of its own.
	Runtime Kind = iota
	// Syntax is text that is not Jinja2.
	Syntax
	// Undefined is the use of a value that is not there.
	Undefined
	// Type is an operation on values that it does not take.
	Type
	// Limit is a bound of [Limits] that was reached.
	Limit
	// Recursion is a variable whose value names itself.
	Recursion
	// Unsupported is something of Jinja2 or Ansible that is not built.
	Unsupported
)

// Error is what went wrong in a template, and where.
type Error struct {
	Pos diag.Pos
	// Expr is the source that was evaluated.
	Expr string
	// Msg is in Ansible's words, without position.
	Msg  string
	Kind Kind
	// Err is the cause, or nil.
	Err error
}

// Error is e in one line, with its position where a file is known.
func (e *Error) Error() string {
	if e.Pos.File == "" {
		return e.Msg
	}
	return e.Pos.String() + ": " + e.Msg
}

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.Err }

// Ansible is e as ansible-core 2.17 words it in a task's msg.
func (e *Error) Ansible() string {
	switch e.Kind {
	case Undefined:
		return e.Msg
	case Syntax:
		return fmt.Sprintf("template error while templating string: %s. String: %s. %s", e.Msg, e.Expr, e.Msg)
	}
	return fmt.Sprintf("Unexpected templating type error occurred on (%s): %s. %s", e.Expr, e.Msg, e.Msg)
}

// IsUndefined reports whether err is the use of an undefined value.
func IsUndefined(err error) bool {
	var e *Error
	return errors.As(err, &e) && e.Kind == Undefined
}

// UnknownError is given where text was asked for and a part of it is unknown.
type UnknownError struct{ Unknown value.Unknown }

func (e *UnknownError) Error() string { return "the text is not known yet " + e.Unknown.String() }

// unknownResult ends an evaluation whose answer depends on an unknown condition.
type unknownResult struct{ u value.Unknown }

func (*unknownResult) Error() string { return "the answer is not known yet" }

// typeErr is an operation on the wrong type of value.
type typeErr string

func (e typeErr) Error() string { return string(e) }

func typef(format string, args ...any) error { return typeErr(fmt.Sprintf(format, args...)) }

// undefErr is the use of u.
type undefErr struct{ u value.Undefined }

func (e undefErr) Error() string { return e.u.Message() }

// limitErr is a bound that was reached.
type limitErr string

func (e limitErr) Error() string { return string(e) }

// unsupportedErr is something that is not built.
type unsupportedErr string

func (e unsupportedErr) Error() string { return string(e) }

// errorAt gives err a place, unless it has one.
func (in *interp) errorAt(at place, err error) error {
	if err == nil {
		return nil
	}
	switch t := err.(type) { //nolint:errorlint // what wraps one of these is another error
	case *unknownResult:
		return err
	case *Error:
		if t.Expr == "" {
			t.Expr, t.Pos = in.source, at.in(in.base)
		}
		return err
	}
	e := &Error{Pos: at.in(in.base), Expr: in.source, Msg: err.Error(), Err: err}
	switch err.(type) { //nolint:errorlint // as above
	case undefErr:
		e.Kind = Undefined
	case typeErr:
		e.Kind = Type
	case limitErr:
		e.Kind = Limit
	case unsupportedErr:
		e.Kind = Unsupported
	}
	return e
}

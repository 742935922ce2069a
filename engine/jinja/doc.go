// Package jinja is Jinja2 with Ansible's semantics, over the values of
// engine/value: native results, positions, and values that are undefined,
// unknown, secret or still on their way.
//
// The way through it:
//
//	source ── lexer ──▶ tokens ── parser ──▶ tree ── interp ──▶ value
//
// A [Template] is text with {{ }} and {% %} in it, an [Expr] is a bare
// expression as in when. Both are made by [Parse] and [ParseExpr], which keep
// what they made, and are safe for concurrent use. Evaluating one takes an
// [Env] (what it may reach) and [Vars] (what it may name). One output node
// gives its value with its type, several give text.
//
// Filters, tests, methods and functions are all a builtin: a signature, flags
// and a Go function over plain values. What to do about unknown, secret and
// undefined arguments is decided once, in invoke, by the builtin's flags.
//
// Sources of fact: the Jinja 3.1 template designer documentation, the Python 3
// library reference, the ansible.builtin collection's documentation; and
// testdata/expressions.json, the answers of ansible-core 2.19.
//
// It imports engine/value, engine/diag and libraries; never a module, a host
// or the engine, and it is not linked into what runs on targets.
package jinja

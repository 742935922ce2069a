package jinja

import "sort"

// The builtins by name. They are filled by init, since some call others.
var (
	filters   = map[string]*builtin{}
	tests     = map[string]*builtin{}
	functions = map[string]*builtin{}
)

// addFilter puts a filter under its name and the others.
func addFilter(b *builtin, alias ...string) { add(filters, b, alias) }

// addTest puts a test, which tells nothing of a secret but its answer.
func addTest(b *builtin, alias ...string) {
	b.flags |= open
	add(tests, b, alias)
}

func addFunction(b *builtin, alias ...string) { add(functions, b, alias) }

func add(to map[string]*builtin, b *builtin, alias []string) {
	to[b.name] = b
	for _, a := range alias {
		to[a] = b
	}
}

// FilterNames are the names of all filters, sorted.
func FilterNames() []string { return names(filters) }

// TestNames are the names of all tests, sorted.
func TestNames() []string { return names(tests) }

// FunctionNames are the names of all functions, sorted.
func FunctionNames() []string { return names(functions) }

func names(m map[string]*builtin) []string {
	out := make([]string, 0, len(m))
	for n := range m {
		out = append(out, n)
	}
	sort.Strings(out)
	return out
}

// methods are a type's methods by name.
type methods map[string]*builtin

func (m methods) add(name, sig string, f flags, fn func(*call) (any, error)) {
	m[name] = define(name, sig, f, fn)
}

package vars

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"rp/engine/diag"
	"rp/engine/value"
	"rp/engine/yaml"
	"rp/inventory"
)

// Options say how encrypted values and files are opened. Only its Vault and
// Decrypt count here.
type Options = inventory.Options

// argument is the file name under which mistakes in an argument of -e are told.
const argument = "-e"

var variableName = regexp.MustCompile(`^[\pL_][\pL\pN_]*$`)

// ParseExtra reads the arguments of -e, a later one winning: k=v pairs (their
// values are text), a JSON or YAML mapping that starts with { or [, or @FILE.
// Text with Jinja2 in it becomes a template. The result is never nil.
func ParseExtra(args []string, o Options) (*value.Dict, diag.List) {
	out := value.NewDict()
	var ds diag.List
	for _, arg := range args {
		d, more := parseExtra(arg, o)
		ds = append(ds, more...)
		if d == nil {
			continue
		}
		for k, v := range d.All() {
			if name, ok := k.(string); ok && !variableName.MatchString(name) {
				ds.Warnf(diag.Pos{}, "-e: %q cannot be used as a variable: it is not made of letters, digits and _", name)
			}
			out.Set(k, v)
		}
	}
	return out, ds
}

func parseExtra(arg string, o Options) (*value.Dict, diag.List) {
	arg = strings.TrimSpace(arg)
	switch {
	case arg == "":
		return nil, nil
	case arg[0] == '@':
		return LoadFile(arg[1:], o)
	case arg[0] == '{' || arg[0] == '[':
		return parseMapping(arg, o)
	case arg[0] == '/' || arg[0] == '.':
		var ds diag.List
		ds.Errorf(diag.Pos{}, "-e %q is not key=value", arg).Hintf("to read a file of variables, put an @ in front: -e @%s", arg)
		return nil, ds
	}
	return parsePairs(arg)
}

// parseMapping reads an argument as YAML. Its mistakes have no file to show.
func parseMapping(arg string, o Options) (*value.Dict, diag.List) {
	d, ds := inventory.ParseVars(argument, []byte(arg), o)
	for i := range ds {
		ds[i].Message = fmt.Sprintf("cannot read -e %q: %s", arg, ds[i].Message)
	}
	return d, ds
}

// LoadFile reads a file of variables: YAML or JSON, a mapping of names to
// values. An empty file gives nil. Mistakes are at their place in the file; a
// file that cannot be read is one too.
func LoadFile(path string, o Options) (*value.Dict, diag.List) { return inventory.ReadVarFile(path, o) }

func parsePairs(arg string) (*value.Dict, diag.List) {
	var ds diag.List
	words, err := splitPairs(arg)
	if err != nil {
		ds.Errorf(diag.Pos{}, "cannot read -e %q: %v", arg, err)
		return nil, ds
	}
	d := value.NewDict()
	for _, w := range words {
		at := equals(w)
		if at <= 0 {
			ds.Errorf(diag.Pos{}, "cannot read -e %q: %q is not key=value", arg, w).Hintf("%s", pairHint(arg))
			return nil, ds
		}
		name, text := strings.ReplaceAll(w[:at], `\=`, "="), unquoted(w[at+1:])
		if yaml.HasTemplate(text) {
			d.Set(name, value.Template{Source: text, Pos: diag.Pos{File: argument}})
			continue
		}
		d.Set(name, text)
	}
	return d, ds
}

func pairHint(arg string) string {
	switch {
	case strings.Contains(arg, " =") || strings.Contains(arg, "= "):
		return "write key=value without blanks around the =, and quote a value that has blanks: key='a b'"
	case strings.Contains(arg, ": "):
		return "write a mapping as JSON or as YAML in braces: -e '{key: value}'"
	}
	return "quote a value that has blanks: -e \"key='a b'\""
}

// equals is where the = after the name stands; \= is part of the name. -1: there is none.
func equals(w string) int {
	for i := range len(w) {
		if w[i] == '=' && (i == 0 || w[i-1] != '\\') {
			return i
		}
	}
	return -1
}

// unquoted is text without the quotes around it, if it is in quotes as a whole,
// and with backslash sequences read as Python does.
func unquoted(text string) string {
	if n := len(text); n > 1 && (text[0] == '"' || text[0] == '\'') && text[n-1] == text[0] && text[n-2] != '\\' {
		text = text[1 : n-1]
	}
	if strings.Contains(text, `\`) {
		text = escapes.ReplaceAllStringFunc(text, unescape)
	}
	return text
}

var escapes = regexp.MustCompile(`\\(U[0-9a-fA-F]{8}|u[0-9a-fA-F]{4}|x[0-9a-fA-F]{2}|[\\'"abfnrtv])`)

func unescape(seq string) string {
	if i := strings.IndexByte(`\'"abfnrtv`, seq[1]); i >= 0 {
		return "\\'\"\a\b\f\n\r\t\v"[i : i+1]
	}
	n, err := strconv.ParseUint(seq[2:], 16, 32)
	if err != nil || n > utf8.MaxRune {
		return seq
	}
	return string(rune(n))
}

// splitPairs splits s at blanks outside of quotes and of {{ }}, {% %} and {# #}.
// Quotes stay in the words.
func splitPairs(s string) ([]string, error) {
	var words []string
	start := -1
	for i := 0; i < len(s); {
		if strings.IndexByte(" \t\r\n", s[i]) >= 0 {
			if start >= 0 {
				words = append(words, s[start:i])
				start = -1
			}
			i++
			continue
		}
		if start < 0 {
			start = i
		}
		n, err := unit(s[i:])
		if err != nil {
			return nil, err
		}
		i += n
	}
	if start >= 0 {
		words = append(words, s[start:])
	}
	return words, nil
}

// unit is the length of what must not be split at the start of s: a quoted
// text, an expression, an escaped byte, or one byte.
func unit(s string) (int, error) {
	switch {
	case s[0] == '\\' && len(s) > 1:
		return 2, nil
	case s[0] == '\'' || s[0] == '"':
		for i := 1; i < len(s); i++ {
			if s[i] == s[0] && s[i-1] != '\\' {
				return i + 1, nil
			}
		}
		return 0, fmt.Errorf("the quote %c is not closed", s[0])
	case len(s) > 1 && s[0] == '{':
		if end, ok := map[byte]string{'{': "}}", '%': "%}", '#': "#}"}[s[1]]; ok {
			n := strings.Index(s, end)
			if n < 0 {
				return 0, fmt.Errorf("the %s is not closed", s[:2])
			}
			return n + 2, nil
		}
	}
	return 1, nil
}

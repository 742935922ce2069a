package jinja

import (
	"os"
	"os/user"
	"path/filepath"
	"strings"

	"al.essio.dev/pkg/shellescape"

	"rp/engine/value"
)

// Filters on paths. Those that look at files look at the controller's.
func init() {
	text := func(name string, f func(s string) any) {
		addFilter(define(name, "", 0, func(c *call) (any, error) { return f(c.text(c.self)), nil }))
	}
	text("basename", func(s string) any { return s[strings.LastIndexByte(s, '/')+1:] })
	text("dirname", func(s string) any { return dirname(s) })
	text("splitext", func(s string) any { return splitExt(s, "/") })
	text("expandvars", func(s string) any { return os.Expand(s, envOrKeep) })
	text("win_basename", func(s string) any { return s[strings.LastIndexAny(s, `\/:`)+1:] })
	text("win_dirname", func(s string) any { return winDirname(s) })
	text("win_splitdrive", func(s string) any {
		if len(s) > 1 && s[1] == ':' {
			return value.Tuple{s[:2], s[2:]}
		}
		return value.Tuple{"", s}
	})
	addFilter(define("expanduser", "", 0, func(c *call) (any, error) { return expandUser(c.text(c.self)), nil }))
	addFilter(define("realpath", "", 0, func(c *call) (any, error) { return realPath(c.text(c.self)) }))
	addFilter(define("normpath", "", 0, func(c *call) (any, error) { return filepath.Clean(c.text(c.self)), nil }))
	addFilter(define("relpath", "start='.'", 0, func(c *call) (any, error) {
		from, err := filepath.Abs(c.str(0))
		if err != nil {
			return nil, err
		}
		to, err := filepath.Abs(c.text(c.self))
		if err != nil {
			return nil, err
		}
		return filepath.Rel(from, to)
	}))
	addFilter(define("path_join", "", 0, func(c *call) (any, error) {
		if s, ok := c.self.(string); ok {
			return s, nil
		}
		return joinPath(c.strings(c.self)), nil
	}))
	addFilter(define("commonpath", "", 0, func(c *call) (any, error) { return commonPath(c.strings(c.self)) }))
	addFilter(define("fileglob", "", 0, func(c *call) (any, error) {
		found, err := filepath.Glob(c.text(c.self))
		out := []any{}
		for _, f := range found {
			if i, err := os.Stat(f); err == nil && i.Mode().IsRegular() {
				out = append(out, f)
			}
		}
		return list(out), err
	}))
	addFilter(define("quote", "", 0, func(c *call) (any, error) {
		if c.self == nil {
			return "''", nil
		}
		return shellescape.Quote(c.text(c.self)), nil
	}))
}

func envOrKeep(name string) string {
	if v, ok := os.LookupEnv(name); ok {
		return v
	}
	return "$" + name
}

// dirname is all before the last slash, without the slashes that end it.
func dirname(s string) string {
	head := s[:strings.LastIndexByte(s, '/')+1]
	if cut := strings.TrimRight(head, "/"); cut != "" {
		return cut
	}
	return head
}

func winDirname(s string) string {
	head := s[:strings.LastIndexAny(s, `\/:`)+1]
	drive := 0
	if len(head) > 1 && head[1] == ':' {
		drive = 2
	}
	if cut := strings.TrimRight(head[drive:], `\/`); cut != "" {
		return head[:drive] + cut
	}
	return head
}

// splitExt divides at the last dot of the last part, unless that part starts with it.
func splitExt(s, sep string) value.Tuple {
	base := strings.LastIndexAny(s, sep) + 1
	dot := strings.LastIndexByte(s, '.')
	if dot < base || strings.Trim(s[base:dot], ".") == "" {
		return value.Tuple{s, ""}
	}
	return value.Tuple{s[:dot], s[dot:]}
}

func expandUser(s string) string {
	if !strings.HasPrefix(s, "~") {
		return s
	}
	name, rest, slash := strings.Cut(s[1:], "/")
	home := ""
	if name == "" {
		home, _ = os.UserHomeDir()
	} else if u, err := user.Lookup(name); err == nil {
		home = u.HomeDir
	}
	if home == "" {
		return s
	}
	if slash {
		return strings.TrimRight(home, "/") + "/" + rest
	}
	return home
}

// realPath follows links as far as the path exists.
func realPath(s string) (any, error) {
	p, err := filepath.Abs(s)
	if err != nil {
		return nil, err
	}
	rest := ""
	for at := p; ; at = filepath.Dir(at) {
		if real, err := filepath.EvalSymlinks(at); err == nil {
			return filepath.Join(real, rest), nil
		}
		if at == filepath.Dir(at) {
			return p, nil
		}
		rest = filepath.Join(filepath.Base(at), rest)
	}
}

// joinPath joins as Python does: a part that starts with a slash starts anew.
func joinPath(parts []string) string {
	out := ""
	for _, p := range parts {
		switch {
		case strings.HasPrefix(p, "/") || out == "":
			out = p
		case strings.HasSuffix(out, "/"):
			out += p
		default:
			out += "/" + p
		}
	}
	return out
}

func commonPath(paths []string) (any, error) {
	if len(paths) == 0 {
		return nil, typef("commonpath() arg is an empty sequence")
	}
	var common []string
	for i, p := range paths {
		if strings.HasPrefix(p, "/") != strings.HasPrefix(paths[0], "/") {
			return nil, typef("Can't mix absolute and relative paths")
		}
		parts := strings.FieldsFunc(p, func(r rune) bool { return r == '/' })
		if i == 0 {
			common = parts
		}
		n := 0
		for n < len(common) && n < len(parts) && common[n] == parts[n] {
			n++
		}
		common = common[:n]
	}
	out := strings.Join(common, "/")
	if strings.HasPrefix(paths[0], "/") {
		out = "/" + out
	}
	return out, nil
}

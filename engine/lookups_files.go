package engine

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"rp/engine/diag"
	"rp/engine/jinja"
	"rp/engine/value"
)

// searchVar is the variable that says where a task's files are looked for.
const searchVar = "ansible_search_path"

// bases are the directories of the task's role, file and playbook.
func (a *ask) bases() []string {
	var dirs []string
	if v, ok := a.vars.Lookup(searchVar); ok {
		if l, ok := v.(*value.List); ok {
			for _, d := range l.Items {
				dirs = append(dirs, jinja.Str(d))
			}
		}
	}
	if v, ok := a.vars.Lookup("playbook_dir"); ok && len(dirs) == 0 {
		dirs = append(dirs, jinja.Str(v))
	}
	return dirs
}

// paths are where a name of a kind of file may be, in order.
func (a *ask) paths(kind, name string) []string {
	if filepath.IsAbs(name) {
		return []string{filepath.Clean(name)}
	}
	var out []string
	for _, d := range a.bases() {
		out = append(out, filepath.Join(d, kind, name), filepath.Join(d, name))
	}
	return append(out, filepath.Clean(name))
}

// find looks for a file; "" where there is none.
func (a *ask) find(kind, name string) string {
	for _, p := range a.paths(kind, name) {
		if _, err := a.files.Stat(p); err == nil {
			return p
		}
	}
	return ""
}

// read is the file that is called name.
func (a *ask) read(kind, name string) (path, text string, err error) {
	if path = a.find(kind, name); path == "" {
		return "", "", fmt.Errorf("cannot find %q; looked at %s", name, strings.Join(a.paths(kind, name), ", "))
	}
	b, err := a.files.ReadFile(path)
	if err != nil {
		return path, "", err
	}
	if strings.HasPrefix(string(b), "$ANSIBLE_VAULT;") {
		return path, "", fmt.Errorf("%s is a vault: that is not supported yet in a lookup", path)
	}
	return path, string(b), nil
}

func (a *ask) environ() ([]any, error) {
	var out []any
	for _, t := range a.terms {
		v, set := os.LookupEnv(jinja.Str(t))
		if !set {
			out = append(out, a.option("default", ""))
			continue
		}
		out = append(out, v)
	}
	return out, nil
}

func (a *ask) file() ([]any, error) {
	rstrip, err1 := a.flag("rstrip", true)
	lstrip, err2 := a.flag("lstrip", false)
	if err := errors.Join(err1, err2); err != nil {
		return nil, err
	}
	var out []any
	for _, t := range a.terms {
		_, text, err := a.read("files", jinja.Str(t))
		if err != nil {
			return nil, err
		}
		const blanks = " \t\n\r\v\f"
		if rstrip {
			text = strings.TrimRight(text, blanks)
		}
		if lstrip {
			text = strings.TrimLeft(text, blanks)
		}
		out = append(out, text)
	}
	return out, nil
}

func (a *ask) fileglob() ([]any, error) {
	var out []any
	for _, t := range flattenOnce(value.NewList(a.terms...)) {
		pattern := jinja.Str(t)
		for _, p := range a.paths("files", pattern) {
			found, err := a.files.Glob(p)
			if err != nil {
				return nil, fmt.Errorf("%q: %w", pattern, err)
			}
			slices.Sort(found)
			n := len(out)
			for _, f := range found {
				if fi, err := a.files.Stat(f); err == nil && fi.Mode().IsRegular() {
					out = append(out, f)
				}
			}
			if len(out) > n {
				break
			}
		}
	}
	return out, nil
}

func (a *ask) firstFound() ([]any, error) {
	terms := a.terms
	if len(terms) == 0 && a.opts.Len() > 0 {
		terms = []any{a.opts}
	}
	names, skip, err := a.candidates(terms)
	if err != nil {
		return nil, err
	}
	var looked []string
	for _, n := range names {
		if p := a.find(a.kind, n); p != "" {
			return []any{p}, nil
		}
		looked = append(looked, a.paths(a.kind, n)...)
	}
	if skip {
		return nil, nil
	}
	return nil, fmt.Errorf("no file was found; looked at %s", strings.Join(looked, ", "))
}

// candidates are the names that first_found looks for: of names, of mappings with
// files, paths and skip, and of lists of these.
func (a *ask) candidates(terms []any) (names []string, skip bool, err error) {
	for _, t := range terms {
		switch t := t.(type) {
		case *value.List:
			more, s, err := a.candidates(t.Items)
			if err != nil {
				return nil, false, err
			}
			names, skip = append(names, more...), skip || s
		case *value.Dict:
			files, paths := splitNames(t, "files", ",;"), splitNames(t, "paths", ",:;")
			if len(paths) == 0 {
				names = append(names, files...)
			}
			for _, p := range paths {
				for _, f := range files {
					names = append(names, filepath.Join(p, f))
				}
			}
			if v, ok := t.Get("skip"); ok {
				s, err := toBool(v)
				if err != nil {
					return nil, false, fmt.Errorf("skip: %w", err)
				}
				skip = skip || s
			}
		default:
			names = append(names, jinja.Str(t))
		}
	}
	if v, ok := a.opts.Get("skip"); ok {
		s, err := toBool(v)
		if err != nil {
			return nil, false, fmt.Errorf("skip: %w", err)
		}
		skip = skip || s
	}
	return names, skip, nil
}

// splitNames are the names that d has under key: a list, or a text with names between separators.
func splitNames(d *value.Dict, key, separators string) []string {
	v, ok := d.Get(key)
	if !ok || v == nil {
		return nil
	}
	var out []string
	for _, e := range elements(v) {
		for _, s := range strings.FieldsFunc(jinja.Str(e), func(r rune) bool { return strings.ContainsRune(separators, r) }) {
			out = append(out, strings.TrimSpace(s))
		}
	}
	return out
}

func (a *ask) template() ([]any, error) {
	opts := map[string]string{}
	for k, v := range a.opts.All() {
		switch name := jinja.Str(k); name {
		case "variable_start_string", "variable_end_string", "block_start_string", "block_end_string",
			"comment_start_string", "comment_end_string", "trim_blocks", "lstrip_blocks":
			opts[name] = jinja.Str(v)
		case "template_vars":
		case "convert_data", "jinja2_native": // what a template gives here is always text
			if jinja.Truthy(v).IsTrue() {
				return nil, fmt.Errorf("the option %q is not supported yet", name)
			}
		default:
			return nil, fmt.Errorf("there is no option %q", name)
		}
	}
	o, err := fileOptions(opts)
	if err != nil {
		return nil, err
	}
	vars := a.vars
	if d, ok := a.option("template_vars", nil).(*value.Dict); ok {
		vars = under{vars, d}
	}
	var out []any
	for _, t := range a.terms {
		path, text, err := a.read("templates", jinja.Str(t))
		if err != nil {
			return nil, err
		}
		text, o, head, err := jinja.Header(text, o)
		if err != nil {
			return nil, err
		}
		tpl, err := jinja.Parse(text, diag.Pos{File: path, Line: 1 + head, Col: 1}, o)
		if err != nil {
			return nil, err
		}
		env := *a.env
		env.Include = func(name string) (string, diag.Pos, error) {
			path, text, err := a.read("templates", name)
			return text, diag.Pos{File: path, Line: 1, Col: 1}, err
		}
		v, err := tpl.RenderText(a.ctx, &env, vars)
		if err != nil {
			return nil, err
		}
		out = append(out, v)
	}
	return out, nil
}

// under is variables with others on top.
type under struct {
	jinja.Vars
	top *value.Dict
}

// Lookup implements [jinja.Vars].
func (u under) Lookup(name string) (any, bool) {
	if v, ok := u.top.Get(name); ok {
		return v, true
	}
	return u.Vars.Lookup(name)
}

// Names implements [jinja.Vars].
func (u under) Names() []string {
	set := map[string]bool{}
	for _, n := range u.Vars.Names() {
		set[n] = true
	}
	for k := range u.top.All() {
		set[jinja.Str(k)] = true
	}
	return slices.Sorted(maps.Keys(set))
}

// shell runs a command line on the controller, in the role's or the playbook's directory.
func (a *ask) shell(line string) (string, error) {
	cmd := exec.CommandContext(a.ctx, "/bin/sh", "-c", line) //nolint:gosec // what the lookup is for
	if dirs := a.bases(); len(dirs) > 0 {
		cmd.Dir = dirs[0]
	}
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("%q: %w: %s", line, err, strings.TrimSpace(stderr.String()))
	}
	return string(out), nil
}

func (a *ask) pipe() ([]any, error) {
	var out []any
	for _, t := range a.terms {
		text, err := a.shell(jinja.Str(t))
		if err != nil {
			return nil, err
		}
		out = append(out, strings.TrimRight(text, " \t\n\r\v\f"))
	}
	return out, nil
}

func (a *ask) lines() ([]any, error) {
	var out []any
	for _, t := range a.terms {
		text, err := a.shell(jinja.Str(t))
		if err != nil {
			return nil, err
		}
		for line := range strings.Lines(text) {
			out = append(out, strings.TrimRight(line, "\r\n"))
		}
	}
	return out, nil
}

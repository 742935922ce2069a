package modules

import (
	"context"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"

	"rp/engine/module"
	"rp/engine/value"
)

var setFactSpec = module.Spec{
	Name: "set_fact", Builtin: true, Kind: module.Action, Local: true, AnyArgs: true,
	Short: "Set variables of the host",
	Doc:   `Sets variables for the rest of the run, for this host. Every argument but cacheable is a variable.`,
	Args:  []module.Arg{{Name: "cacheable", Type: module.Bool, Default: false, Doc: "Set them as facts too, which other variables override."}},
	Examples: `- set_fact:
    runtime_dir: "/run/user/{{ account.uid }}"
`,
	Returns: []module.Return{{Name: "ansible_facts", Type: "dict", Doc: "the variables"}},
	Act: func(_ context.Context, p module.Params, _ module.Controller) (module.Outcome, error) {
		vals, _ := p.Values()
		facts := value.NewDict()
		for _, name := range p.Names() {
			if name == "cacheable" {
				continue
			}
			if !envName.MatchString(name) {
				return module.Outcome{}, fmt.Errorf("cannot set the variable %q: a name has letters, digits and _ only, and no digit first", name)
			}
			facts.Set(name, vals[name])
		}
		for name, v := range vals { // one that is set to nothing
			if v == nil && envName.MatchString(name) && name != "cacheable" {
				facts.Set(name, nil)
			}
		}
		if facts.Len() == 0 {
			return module.Outcome{}, fmt.Errorf("cannot set variables: none is given")
		}
		level := "set_fact"
		if p.Bool("cacheable") {
			level = "cacheable"
		}
		return module.Outcome{Facts: facts, FactLevel: level, Result: module.Result{"ansible_facts": facts}}, nil
	},
}

var includeVarsSpec = module.Spec{
	Name: "include_vars", Builtin: true, Kind: module.Action, Local: true, FreeForm: "file",
	Short: "Variables from files, while the playbook runs",
	Doc:   `Reads variables from a YAML or JSON file, or from all such files of a directory in the order of their names, and sets them for this host.`,
	Args: []module.Arg{
		{Name: "file", Doc: "The file; looked for in the role's vars directory and beside the playbook."},
		{Name: "dir", Doc: "A directory of files."},
		{Name: "name", Doc: "Put them into one variable of this name."},
		{Name: "depth", Type: module.Int, Default: int64(0), Doc: "With dir: how many levels down; 0: all."},
		{Name: "extensions", Type: module.List, Elem: module.String, Default: value.Strings("json", "yaml", "yml"), Doc: "With dir: ends of names to read."},
		{Name: "files_matching", Doc: "With dir: expression that names must match."},
		{Name: "ignore_files", Type: module.List, Elem: module.String, Doc: "With dir: names to leave out; expressions."},
		{Name: "ignore_unknown_extensions", Type: module.Bool, Default: false, Doc: "With dir: leave other files out instead of failing."},
		{Name: "hash_behaviour", NotYet: true, Doc: "Whether mappings are merged."},
	},
	Exclusive: [][]string{{"file", "dir"}}, OneOf: [][]string{{"file", "dir"}},
	Examples: `- include_vars:
    file: "{{ ansible_distribution }}.yml"
`,
	Returns: []module.Return{{Name: "ansible_facts", Type: "dict", Doc: "the variables"}, {Name: "ansible_included_var_files", Type: "list", Doc: "the files"}},
	Act: func(_ context.Context, p module.Params, c module.Controller) (module.Outcome, error) {
		files, err := varFiles(p, c)
		if err != nil {
			return module.Outcome{}, err
		}
		facts := value.NewDict()
		for _, f := range files {
			vars, err := c.LoadVars(f)
			if err != nil {
				return module.Outcome{}, err
			}
			for k, v := range vars.All() {
				facts.Set(k, v)
			}
		}
		if name := p.String("name"); name != "" {
			facts = value.DictOf(name, facts)
		}
		return module.Outcome{Facts: facts, FactLevel: "include_vars", Result: module.Result{"ansible_facts": facts, "ansible_included_var_files": files}}, nil
	},
}

// varFiles are the files that include_vars reads, in order.
func varFiles(p module.Params, c module.Controller) ([]string, error) {
	if p.Has("file") {
		f, err := c.Find("vars", p.String("file"))
		return []string{f}, err
	}
	dir, err := c.Find("vars", p.String("dir"))
	if err != nil {
		return nil, err
	}
	names, err := c.WalkFiles(dir)
	if err != nil {
		return nil, fmt.Errorf("cannot read the directory %q: %w", p.String("dir"), err)
	}
	matching, err := compile(p.String("files_matching"))
	if err != nil {
		return nil, err
	}
	var ignore []*regexp.Regexp
	for _, x := range p.Strings("ignore_files") {
		re, err := compile(x)
		if err != nil {
			return nil, err
		}
		ignore = append(ignore, re)
	}
	var files []string
	for _, n := range names {
		base, depth := path.Base(n), p.Int("depth")
		if strings.HasSuffix(n, "/") || depth > 0 && int64(strings.Count(n, "/")) >= depth || anyName(ignore, base, false) || !matching.MatchString(base) {
			continue
		}
		if ext := strings.TrimPrefix(path.Ext(base), "."); !slices.Contains(p.Strings("extensions"), ext) {
			if p.Bool("ignore_unknown_extensions") || p.Has("files_matching") {
				continue
			}
			return nil, fmt.Errorf("cannot read variables from %q: its name ends in none of %s", n, strings.Join(p.Strings("extensions"), ", "))
		}
		files = append(files, path.Join(dir, n))
	}
	return files, nil
}

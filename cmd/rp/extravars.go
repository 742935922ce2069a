package main

import (
	"os"
	"strings"

	"rp/engine/diag"
	"rp/engine/play"
	"rp/engine/value"
	"rp/engine/yaml"
)

// extraVars reads -e arguments in order, a later one winning: key=value words, a
// JSON or YAML mapping, or @FILE with one.
func extraVars(args []string) (*value.Dict, diag.List) {
	all := value.NewDict()
	var ds diag.List
	for _, a := range args {
		d, more := extraVar(a)
		ds = append(ds, more...)
		if d == nil {
			continue
		}
		for k, v := range d.All() {
			all.Set(k, v)
		}
	}
	return all, ds
}

func extraVar(arg string) (*value.Dict, diag.List) {
	var ds diag.List
	at := diag.Pos{File: "--extra-vars"}
	switch {
	case strings.HasPrefix(arg, "@"):
		text, err := os.ReadFile(arg[1:])
		if err != nil {
			ds.Errorf(at, "cannot read the variables: %v", err)
			return nil, ds
		}
		return mapping(arg[1:], text)
	case strings.HasPrefix(arg, "{"), strings.HasPrefix(arg, "["), strings.HasPrefix(arg, "/"), strings.HasPrefix(arg, "."):
		if strings.HasPrefix(arg, "/") || strings.HasPrefix(arg, ".") {
			ds.Errorf(at, "%q is no variables; a file's name stands behind @", arg)
			return nil, ds
		}
		return mapping("--extra-vars", []byte(arg))
	}
	pairs, err := play.KeyValues(arg, at)
	if err != nil {
		ds.Errorf(at, "cannot read %q: %v", arg, err)
		return nil, ds
	}
	return pairs, nil
}

func mapping(name string, text []byte) (*value.Dict, diag.List) {
	v, ds := yaml.Load(name, text, yaml.Options{Templates: true})
	if ds.Failed() || v == nil {
		return nil, ds
	}
	d, ok := v.(*value.Dict)
	if !ok {
		ds.Errorf(diag.Pos{File: name}, "variables must be a mapping")
	}
	return d, ds
}

package jinja

import (
	"strings"

	"rp/engine/yaml"
)

// yamlName stands for the file in what is wrong with a text that is read as YAML.
const yamlName = "<text>"

// YAML filters: what PyYAML's dump writes and its loader reads.
func init() {
	addFilter(define("to_yaml", "default_flow_style=none **kwargs", 0, func(c *call) (any, error) {
		w := &yamlWriter{indentBy: 2}
		if c.args[0] != nil {
			flow := c.bool(0)
			w.flowStyle = &flow
		}
		return c.yaml(w)
	}))
	addFilter(define("to_nice_yaml", "indent=4 **kwargs", 0, func(c *call) (any, error) {
		flow := false
		w := &yamlWriter{indentBy: c.int(0), flowStyle: &flow}
		return c.yaml(w)
	}))
	addFilter(define("from_yaml", "", 0, func(c *call) (any, error) {
		s, ok := c.self.(string)
		if !ok {
			return c.self, nil
		}
		v, problems := yaml.Load(yamlName, []byte(s), yaml.Options{})
		return v, problems.Err()
	}))
	addFilter(define("from_yaml_all", "", 0, func(c *call) (any, error) {
		s, ok := c.self.(string)
		if !ok {
			return c.self, nil
		}
		f, problems := yaml.Parse(yamlName, []byte(s))
		if problems.Failed() {
			return nil, problems.Err()
		}
		out := []any{}
		for _, doc := range f.Docs {
			v, problems := yaml.Value(yamlName, doc, yaml.Options{})
			if problems.Failed() {
				return nil, problems.Err()
			}
			out = append(out, v)
		}
		return list(out), nil
	}))
}

// yaml writes c's value with w, as the named arguments say.
func (c *call) yaml(w *yamlWriter) (any, error) {
	w.in, w.width, w.sortKeys, w.unicode = c.in, 80, true, true
	start, end := false, false
	for _, k := range c.kw {
		yes := Truthy(k.v).IsTrue()
		switch k.name {
		case "indent":
			w.indentBy, _ = asInt(k.v)
		case "width":
			n, _ := parseInt(k.v, 10)
			if n, ok := asInt(n); ok {
				w.width = n
			}
		case "sort_keys":
			w.sortKeys = yes
		case "allow_unicode":
			w.unicode = yes
		case "default_flow_style":
			w.flowStyle = &yes
			if k.v == nil {
				w.flowStyle = nil
			}
		case "explicit_start":
			start = yes
		case "explicit_end":
			end = yes
		default:
			return nil, unsupportedErr("the argument '" + k.name + "' of " + c.b.name + " is not supported yet")
		}
	}
	if w.indentBy <= 1 || w.indentBy >= 10 {
		w.indentBy = 2
	}
	if w.width <= w.indentBy*2 {
		w.width = 80
	}
	if err := w.document(c.self); err != nil {
		return nil, err
	}
	text := w.b.String()
	if start {
		sep := "\n"
		if isYAMLScalar(c.self) || strings.HasPrefix(text, "{") || strings.HasPrefix(text, "[") {
			sep = " "
		}
		text = "---" + sep + text
	}
	if end {
		text += "...\n"
	}
	return text, nil
}

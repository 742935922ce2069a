package play

import (
	"fmt"

	"rp/engine/diag"
	"rp/engine/value"
	"rp/engine/yaml"
)

// KeyValues reads "key=value key='other value'", as on a command line (-e).
// Values are strings, those with Jinja2 templates. Text that is no key=value is an error.
func KeyValues(s string, pos diag.Pos) (*value.Dict, error) {
	return TextArgs(Module{}, s, pos)
}

// TextArgs reads the arguments of the module m as a task may have them in text
// ("name=x state=present", or for a module with FreeForm "ls -l chdir=/tmp"), as
// on a command line (-a).
func TextArgs(m Module, s string, pos diag.Pos) (*value.Dict, error) {
	opts, raw, err := parseOptions(s, m.TextOptions)
	if err != nil {
		return nil, fmt.Errorf("cannot split %q: %w", clip(s), err)
	}
	d := value.NewDict()
	set := func(key, text string) {
		if yaml.HasTemplate(text) {
			d.Set(key, value.Template{Source: text, Pos: pos})
			return
		}
		d.Set(key, text)
	}
	for _, o := range opts {
		set(o.key, o.value)
	}
	if raw == "" {
		return d, nil
	}
	if m.FreeForm == "" {
		return nil, fmt.Errorf("%q is no key=value", raw)
	}
	set(m.FreeForm, raw)
	return d, nil
}

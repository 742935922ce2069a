package jinja

import (
	"strings"

	"rp/engine/value"
)

// Filters and tests with regular expressions, in Python's syntax.
func init() {
	addFilter(define("regex_replace", "pattern='' replacement='' ignorecase=false multiline=false count=0 mandatory_count=0", 0, func(c *call) (any, error) {
		p, err := compile(c.anyText(0), c.bool(2), c.bool(3))
		if err != nil {
			return nil, err
		}
		s := c.text(c.self)
		out, n, err := p.replace(s, c.anyText(1), c.int(4), c.in.fits)
		if err == nil && c.int(5) != 0 && c.int(5) != n {
			return nil, typef("'%s' should match %d times, but matches %d times in '%s'", c.anyText(0), c.int(5), n, s)
		}
		return out, err
	}))
	addFilter(define("regex_findall", "regex multiline=false ignorecase=false", 0, filterFindAll))
	addFilter(define("regex_search", "regex *args **kwargs", 0, filterSearch))
	addFilter(define("regex_escape", "re_type='python'", 0, func(c *call) (any, error) {
		switch c.str(0) {
		case "python":
			return escapeEach(c.text(c.self), "()[]{}?*+-|^$\\.&~# \t\n\r\v\f"), nil
		case "posix_basic":
			return escapeEach(c.text(c.self), "].[^$*\\"), nil
		case "posix_extended":
			return nil, unsupportedErr("regex_escape with re_type posix_extended is not supported yet")
		}
		return nil, typef("Invalid regex type (%s)", c.str(0))
	}))
	for name, how := range map[string]string{"match": "match", "search": "search"} {
		addTest(define(name, "pattern='' ignorecase=false multiline=false", 0, func(c *call) (any, error) {
			return c.matches(c.anyText(0), c.bool(1), c.bool(2), how)
		}))
	}
	addTest(define("regex", "pattern='' ignorecase=false multiline=false match_type='search'", 0, func(c *call) (any, error) {
		return c.matches(c.anyText(0), c.bool(1), c.bool(2), c.str(3))
	}))
}

func (c *call) matches(text string, ignoreCase, multiline bool, how string) (any, error) {
	switch c.self.(type) {
	case *value.List, value.Tuple, value.Object, nil:
		// Ansible takes the str() of anything; so does this.
	}
	p, err := compile(text, ignoreCase, multiline)
	if err != nil {
		return nil, err
	}
	s := c.text(c.self)
	switch how {
	case "search":
		all, err := p.find(s, 1)
		return len(all) > 0, err
	case "match", "fullmatch":
		anchored := `\A(?:` + text + `)`
		if how == "fullmatch" {
			anchored += `\Z`
		}
		if p, err = compile(anchored, ignoreCase, multiline); err != nil {
			return nil, err
		}
		return p.matchAt(s, how == "fullmatch")
	}
	return nil, typef("Invalid match_type specified to the regex test: %s", how)
}

func escapeEach(s, special string) string {
	var b strings.Builder
	for _, r := range s {
		if strings.ContainsRune(special, r) {
			b.WriteByte('\\')
		}
		b.WriteRune(r)
	}
	return b.String()
}

func filterFindAll(c *call) (any, error) {
	p, err := compile(c.anyText(0), c.bool(2), c.bool(1))
	if err != nil {
		return nil, err
	}
	s := c.text(c.self)
	all, err := p.find(s, -1)
	out := make([]any, len(all))
	for i, m := range all {
		switch p.groups {
		case 0:
			out[i], _ = m.group(s, 0)
		case 1:
			out[i], _ = m.group(s, 1)
		default:
			t := make(value.Tuple, p.groups)
			for g := range t {
				t[g], _ = m.group(s, g+1)
			}
			out[i] = t
		}
	}
	return list(out), err
}

func filterSearch(c *call) (any, error) {
	ignoreCase, multiline := false, false
	for _, k := range c.kw {
		switch k.name {
		case "ignorecase":
			ignoreCase = Truthy(k.v).IsTrue()
		case "multiline":
			multiline = Truthy(k.v).IsTrue()
		default:
			return nil, typef("regex_search() got an unexpected keyword argument '%s'", k.name)
		}
	}
	p, err := compile(c.anyText(0), ignoreCase, multiline)
	if err != nil {
		return nil, err
	}
	s := c.text(c.self)
	all, err := p.find(s, 1)
	if err != nil || len(all) == 0 {
		return nil, err
	}
	if len(c.rest) == 0 {
		whole, _ := all[0].group(s, 0)
		return whole, nil
	}
	out := make([]any, len(c.rest))
	for i, a := range c.rest {
		name := c.text(a)
		switch {
		case strings.HasPrefix(name, `\g<`) && strings.HasSuffix(name, ">"):
			name = name[3 : len(name)-1]
		case strings.HasPrefix(name, `\`):
			name = name[1:]
		default:
			return nil, typef("Unknown argument")
		}
		g, err := p.index(name)
		if err != nil {
			return nil, err
		}
		if text, ok := all[0].group(s, g); ok {
			out[i] = text
		}
	}
	return list(out), nil
}

package jinja

import (
	"strings"
	"time"

	"github.com/jmespath/go-jmespath"

	"rp/engine/value"
)

// Filters of Ansible's that fit nowhere else.
func init() {
	addFilter(define("split", "sep=none maxsplit=-1", 0, func(c *call) (any, error) {
		s, ok := c.self.(string)
		if !ok {
			return nil, noMethod(c.self, "split")
		}
		return c.in.invoke(strMethods["split"], s, c.args, nil)
	}))
	addFilter(define("comment", "style='plain' **kwargs", 0, filterComment))
	addFilter(define("to_datetime", "format='%Y-%m-%d\\x20%H:%M:%S'", 0, func(c *call) (any, error) {
		if _, ok := c.self.(Datetime); ok {
			return c.self, nil
		}
		return parseTime(c.text(c.self), c.str(0))
	}))
	addFilter(define("strftime", "second=none utc=false", 0, filterStrftime))
	addFilter(define("json_query", "expr", 0, func(c *call) (any, error) {
		out, err := jmespath.Search(c.str(0), toGo(c.self))
		if err != nil {
			return nil, typef("JMESPathError in json_query filter plugin:\n%s", err.Error())
		}
		return fromJMES(out), nil
	}))
	addFilter(define("version_sort", "", 0, func(c *call) (any, error) {
		items := c.items(c.self)
		var failed error
		out, err := sorted(items, func(v any) any {
			key, err := looseKey(c.text(v))
			if err != nil {
				failed = err
			}
			return list(key)
		}, false)
		if failed != nil {
			err = failed
		}
		return list(out), err
	}))
	addFilter(define("counter", "", 0, func(c *call) (any, error) {
		d := value.NewDict()
		for _, e := range c.items(c.self) {
			n, _ := d.Get(e)
			i, _ := n.(int64)
			d.Set(e, i+1)
		}
		return d, nil
	}))
}

func noMethod(v any, name string) error {
	u := noAttr(v, name)
	return undefErr{u}
}

// commentStyles are the styles of comment with their parts: beginning, decoration, end.
var commentStyles = map[string][3]string{
	"plain":  {"", "# ", ""},
	"erlang": {"", "% ", ""},
	"c":      {"", "// ", ""},
	"cblock": {"/*", " * ", " */"},
	"xml":    {"<!--", " - ", "-->"},
}

func filterComment(c *call) (any, error) {
	style, ok := commentStyles[c.str(0)]
	if !ok {
		return nil, typef("comment: unknown style %s", pyQuote(c.str(0)))
	}
	p := map[string]string{"newline": "\n", "beginning": style[0], "decoration": style[1], "end": style[2]}
	counts := map[string]int{"prefix_count": 1, "postfix_count": 1}
	for _, k := range c.kw {
		if _, ok := counts[k.name]; ok {
			counts[k.name], _ = asInt(k.v)
			if err := c.in.fits(max(0, counts[k.name])); err != nil {
				return nil, err
			}
			continue
		}
		p[k.name] = c.text(k.v)
	}
	for _, part := range []string{"prefix", "postfix"} {
		if _, ok := p[part]; !ok {
			p[part] = strings.TrimRight(p["decoration"], " \t\n")
		}
	}
	nl := p["newline"]
	lines := func(text string, n int) string {
		if text == "" || n <= 0 {
			return ""
		}
		return strings.Repeat(text+nl, n)
	}
	var b strings.Builder
	if p["beginning"] != "" {
		b.WriteString(p["beginning"] + nl)
	}
	b.WriteString(lines(p["prefix"], counts["prefix_count"]))
	for i, line := range strings.Split(c.text(c.self), nl) {
		if i > 0 {
			b.WriteString(nl)
		}
		b.WriteString(strings.TrimRight(p["decoration"]+line, " \t"))
	}
	b.WriteString(strings.Repeat(nl+p["postfix"], max(0, counts["postfix_count"])))
	if p["end"] != "" {
		b.WriteString(nl + p["end"])
	}
	return b.String(), c.in.fits(b.Len())
}

func filterStrftime(c *call) (any, error) {
	var t time.Time
	if c.args[0] == nil {
		if v, ok := c.in.env.unstable("strftime"); ok {
			return v, nil
		}
		t = c.in.env.now()
	} else {
		f, ok := parseFloat(c.args[0])
		if !ok {
			return nil, typef("Invalid value for epoch value (%s)", Str(c.args[0]))
		}
		whole := int64(f)
		t = time.Unix(whole, int64((f-float64(whole))*1e9))
	}
	if c.bool(1) {
		t = t.UTC()
	}
	return formatTime(c.text(c.self), t), nil
}

// toGo is v as the types that the JMESPath library takes.
func toGo(v any) any {
	switch t := v.(type) {
	case *value.List:
		return toGoItems(t.Items)
	case value.Tuple:
		return toGoItems(t)
	case value.Object:
		out := map[string]any{}
		for _, k := range t.Keys() {
			e, _ := t.Get(k)
			out[Str(k)] = toGo(e)
		}
		return out
	case nil, bool, string:
		return v
	}
	if n, ok := toNum(v); ok {
		return n.float()
	}
	return Str(v)
}

func toGoItems(items []any) []any {
	out := make([]any, len(items))
	for i, e := range items {
		out[i] = toGo(e)
	}
	return out
}

// fromJMES gives whole numbers their type back: the library has floats only.
func fromJMES(v any) any {
	switch t := v.(type) {
	case float64:
		if i := int64(t); float64(i) == t {
			return i
		}
		return t
	case []any:
		out := make([]any, len(t))
		for i, e := range t {
			out[i] = fromJMES(e)
		}
		return list(out)
	case map[string]any:
		d := value.NewDict()
		keys, _ := value.FromGo(t).(*value.Dict)
		for _, k := range keys.Keys() {
			d.Set(k, fromJMES(t[Str(k)]))
		}
		return d
	}
	return v
}

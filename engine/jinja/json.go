package jinja

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"math/big"
	"strings"
	"unicode/utf8"

	"rp/engine/value"
)

// jsonStyle is how Python's json.dumps is asked to write.
type jsonStyle struct {
	indent    string // of one level; "" on one line
	sort      bool
	ascii     bool
	item, key string // separators
	in        *interp
}

func init() {
	style := func(c *call, indent, sort any) (jsonStyle, error) {
		s := jsonStyle{ascii: true, item: ", ", key: ": ", in: c.in}
		for _, k := range c.kw {
			switch k.name {
			case "indent":
				indent = k.v
			case "sort_keys":
				sort = k.v
			case "ensure_ascii":
				s.ascii = Truthy(k.v).IsTrue()
			case "separators":
				sep := c.strings(k.v)
				if len(sep) != 2 {
					return s, typef("separators is an (item_separator, key_separator) tuple")
				}
				s.item, s.key = sep[0], sep[1]
			case "vault_to_text", "preprocess_unsafe":
			default:
				return s, unsupportedErr("the argument '" + k.name + "' of " + c.b.name + " is not supported yet")
			}
		}
		s.sort = Truthy(sort).IsTrue()
		switch t := indent.(type) {
		case nil:
		case string:
			s.indent = t
		default:
			n, ok := asInt(t)
			if !ok || n > maxWidth {
				return s, typef("indent must be an integer")
			}
			s.indent = strings.Repeat(" ", max(0, n))
		}
		if indent != nil {
			s.item = strings.TrimRight(s.item, " ")
			s.indent = "\n" + s.indent
		}
		return s, nil
	}
	dump := func(name string, indent, sort any, html bool) {
		addFilter(define(name, "indent=none **kwargs", 0, func(c *call) (any, error) {
			by := indent
			if c.isSet(0) {
				by = c.args[0]
			}
			s, err := style(c, by, sort)
			if err != nil {
				return nil, err
			}
			text, err := s.dump(c.self)
			if html {
				text = strings.NewReplacer("<", `\u003c`, ">", `\u003e`, "&", `\u0026`, "'", `\u0027`).Replace(text)
			}
			return text, err
		}))
	}
	dump("to_json", nil, false, false)
	dump("to_nice_json", int64(4), true, false)
	dump("tojson", nil, true, true)
	addFilter(define("from_json", "**kwargs", 0, func(c *call) (any, error) {
		s, ok := c.self.(string)
		if !ok {
			return nil, typef("the JSON object must be str, bytes or bytearray, not %s", TypeName(c.self))
		}
		return parseJSON(s)
	}))
}

func (s jsonStyle) dump(v any) (string, error) {
	var b strings.Builder
	err := s.write(&b, v, 1)
	return b.String(), err
}

func (s jsonStyle) write(b *strings.Builder, v any, depth int) error {
	if err := s.in.fits(b.Len()); err != nil {
		return err
	}
	switch t := v.(type) {
	case nil:
		b.WriteString("null")
	case bool:
		b.WriteString(strings.ToLower(Str(t)))
	case int64, *big.Int:
		b.WriteString(Str(t))
	case float64:
		b.WriteString(jsonFloat(t))
	case string:
		s.quote(b, t)
	case Datetime:
		s.quote(b, t.iso("T"))
	case *value.List:
		return s.items(b, t.Items, depth)
	case value.Tuple:
		return s.items(b, t, depth)
	case value.Object:
		return s.dict(b, t, depth)
	default:
		return typef("Object of type %s is not JSON serializable", TypeName(v))
	}
	return nil
}

func jsonFloat(f float64) string {
	switch {
	case math.IsInf(f, 1):
		return "Infinity"
	case math.IsInf(f, -1):
		return "-Infinity"
	case math.IsNaN(f):
		return "NaN"
	}
	return floatRepr(f)
}

// line starts a new line at depth, where lines are broken.
func (s jsonStyle) line(b *strings.Builder, depth int) {
	if s.indent != "" {
		b.WriteByte('\n')
		b.WriteString(strings.Repeat(s.indent[1:], depth))
	}
}

func (s jsonStyle) items(b *strings.Builder, items []any, depth int) error {
	if len(items) == 0 {
		b.WriteString("[]")
		return nil
	}
	b.WriteByte('[')
	for i, e := range items {
		if i > 0 {
			b.WriteString(s.item)
		}
		s.line(b, depth)
		if err := s.write(b, e, depth+1); err != nil {
			return err
		}
	}
	s.line(b, depth-1)
	b.WriteByte(']')
	return nil
}

func (s jsonStyle) dict(b *strings.Builder, o value.Object, depth int) error {
	keys := o.Keys()
	if len(keys) == 0 {
		b.WriteString("{}")
		return nil
	}
	if s.sort {
		var err error
		if keys, err = sorted(keys, func(k any) any { return k }, false); err != nil {
			return err
		}
	}
	b.WriteByte('{')
	for i, k := range keys {
		if i > 0 {
			b.WriteString(s.item)
		}
		s.line(b, depth)
		s.quote(b, jsonKey(k))
		b.WriteString(s.key)
		v, _ := o.Get(k)
		v, err := s.in.deep(v)
		if err != nil {
			return err
		}
		if err := s.write(b, v, depth+1); err != nil {
			return err
		}
	}
	s.line(b, depth-1)
	b.WriteByte('}')
	return nil
}

func jsonKey(k any) string {
	switch t := k.(type) {
	case nil:
		return "null"
	case bool:
		return strings.ToLower(Str(t))
	}
	return Str(k)
}

func (s jsonStyle) quote(b *strings.Builder, text string) {
	b.WriteByte('"')
	for _, r := range text {
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\r':
			b.WriteString(`\r`)
		case r == '\t':
			b.WriteString(`\t`)
		case r == '\b':
			b.WriteString(`\b`)
		case r == '\f':
			b.WriteString(`\f`)
		case r < 0x20 || s.ascii && r > 0x7e && r <= 0xffff && r != 0x7f:
			fmt.Fprintf(b, `\u%04x`, r)
		case s.ascii && r > 0xffff:
			r -= 0x10000
			fmt.Fprintf(b, `\u%04x\u%04x`, 0xd800+r>>10, 0xdc00+r&0x3ff)
		default:
			b.WriteRune(r)
		}
	}
	b.WriteByte('"')
}

// parseJSON reads one JSON text, as Python's json.loads.
func parseJSON(text string) (any, error) {
	if !utf8.ValidString(text) {
		return nil, typef("invalid JSON: not UTF-8")
	}
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	v, err := jsonValue(d, 0)
	if err == nil {
		if _, more := d.Token(); !errors.Is(more, io.EOF) {
			err = errors.New("extra data behind the value")
		}
	}
	if err != nil {
		return nil, fmt.Errorf("cannot read JSON: %w", err)
	}
	return v, nil
}

func jsonValue(d *json.Decoder, depth int) (any, error) {
	if depth > maxWalk {
		return nil, limitErr("the value nests too deep")
	}
	tok, err := d.Token()
	if err != nil {
		return nil, err
	}
	switch t := tok.(type) {
	case json.Number:
		if !strings.ContainsAny(t.String(), ".eE") {
			if b, ok := new(big.Int).SetString(t.String(), 10); ok {
				return fromBig(b), nil
			}
		}
		f, _ := t.Float64() // out of range is infinity, as in Python
		return f, nil
	case json.Delim:
		if t == '[' {
			l := &value.List{Items: []any{}}
			for d.More() {
				v, err := jsonValue(d, depth+1)
				if err != nil {
					return nil, err
				}
				l.Append(v)
			}
			_, err := d.Token()
			return l, err
		}
		dict := value.NewDict()
		for d.More() {
			k, err := d.Token()
			if err != nil {
				return nil, err
			}
			v, err := jsonValue(d, depth+1)
			if err != nil {
				return nil, err
			}
			dict.Set(k, v)
		}
		_, err := d.Token()
		return dict, err
	}
	return tok, nil
}

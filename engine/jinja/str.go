package jinja

import (
	"fmt"
	"math"
	"math/big"
	"strconv"
	"strings"
	"unicode"

	"rp/engine/value"
)

// Str is v as Python's str() gives it. A secret is masked; a part that is
// undefined, unknown or a template is shown by its source or message.
func Str(v any) string {
	if s, ok := v.(string); ok {
		return s
	}
	var b strings.Builder
	writeStr(&b, v)
	return b.String()
}

// Repr is v as Python's repr() gives it: as Str, with strings quoted.
func Repr(v any) string {
	var b strings.Builder
	writeRepr(&b, v)
	return b.String()
}

func writeStr(b *strings.Builder, v any) {
	if s, ok := v.(string); ok {
		b.WriteString(s)
		return
	}
	writeRepr(b, v)
}

func writeRepr(b *strings.Builder, v any) {
	switch v := v.(type) {
	case nil:
		b.WriteString("None")
	case bool:
		if v {
			b.WriteString("True")
		} else {
			b.WriteString("False")
		}
	case int64:
		b.WriteString(strconv.FormatInt(v, 10))
	case float64:
		b.WriteString(floatRepr(v))
	case string:
		b.WriteString(pyQuote(v))
	case *big.Int:
		b.WriteString(v.String())
	case *value.List:
		writeItems(b, '[', v.Items, "]")
	case value.Tuple:
		if len(v) == 1 {
			writeItems(b, '(', v, ",)")
		} else {
			writeItems(b, '(', v, ")")
		}
	case *value.Dict:
		writeDict(b, v.Keys(), v.Get)
	case value.Object:
		writeDict(b, v.Keys(), v.Get)
	default:
		b.WriteString(otherRepr(v))
	}
}

func otherRepr(v any) string {
	switch v := v.(type) {
	case value.Template:
		return pyQuote(v.Source)
	case value.Undefined:
		return v.Message()
	case value.Omit:
		return omitText
	case *value.Pending:
		return "(pending)"
	case int:
		return strconv.Itoa(v)
	case fmt.Stringer:
		return v.String()
	}
	return fmt.Sprintf("<%s object>", TypeName(v))
}

// omitText is what omit is where it was joined with text, as in Ansible.
const omitText = "__omit_place_holder__"

func writeItems(b *strings.Builder, open byte, items []any, end string) {
	b.WriteByte(open)
	for i, e := range items {
		if i > 0 {
			b.WriteString(", ")
		}
		writeRepr(b, e)
	}
	b.WriteString(end)
}

func writeDict(b *strings.Builder, keys []any, get func(any) (any, bool)) {
	b.WriteByte('{')
	for i, k := range keys {
		if i > 0 {
			b.WriteString(", ")
		}
		writeRepr(b, k)
		b.WriteString(": ")
		v, _ := get(k)
		writeRepr(b, v)
	}
	b.WriteByte('}')
}

// floatRepr is Python's shortest form: 1.0, 1e+16, 1e-05, inf, nan.
func floatRepr(f float64) string {
	switch {
	case math.IsInf(f, 1):
		return "inf"
	case math.IsInf(f, -1):
		return "-inf"
	case math.IsNaN(f):
		return "nan"
	}
	if a := math.Abs(f); a != 0 && (a < 1e-4 || a >= 1e16) {
		return strconv.FormatFloat(f, 'e', -1, 64)
	}
	s := strconv.FormatFloat(f, 'f', -1, 64)
	if !strings.Contains(s, ".") {
		s += ".0"
	}
	return s
}

// pyQuote is repr() of a str.
func pyQuote(s string) string {
	quote := byte('\'')
	if strings.Contains(s, "'") && !strings.Contains(s, `"`) {
		quote = '"'
	}
	var b strings.Builder
	b.Grow(len(s) + 2)
	b.WriteByte(quote)
	for _, r := range s {
		switch {
		case r == rune(quote) || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\r':
			b.WriteString(`\r`)
		case r == '\t':
			b.WriteString(`\t`)
		case r < 0x20 || r == 0x7f || r > 0x7f && r <= 0xff && !unicode.IsPrint(r):
			fmt.Fprintf(&b, `\x%02x`, r)
		case r > 0xff && !unicode.IsPrint(r) && r <= 0xffff:
			fmt.Fprintf(&b, `\u%04x`, r)
		case r > 0xffff && !unicode.IsPrint(r):
			fmt.Fprintf(&b, `\U%08x`, r)
		default:
			b.WriteRune(r)
		}
	}
	b.WriteByte(quote)
	return b.String()
}

// TypeName is the name of v's Python type: str, int, float, bool, NoneType, list, tuple, dict …
func TypeName(v any) string {
	switch v := v.(type) {
	case nil:
		return "NoneType"
	case bool:
		return "bool"
	case int64, int, *big.Int:
		return "int"
	case float64:
		return "float"
	case string, value.Template:
		return "str"
	case *value.List:
		return "list"
	case value.Tuple:
		return "tuple"
	case *value.Dict:
		return "dict"
	case value.Object:
		return "HostVars"
	case value.Undefined:
		return "AnsibleUndefined"
	case value.Secret:
		return TypeName(v.V)
	case value.Omit:
		return "Omit"
	case value.Unknown:
		return "Unknown"
	case typed:
		return v.typeName()
	}
	return strings.TrimPrefix(fmt.Sprintf("%T", v), "*")
}

// typed is what the package's own kinds of value (functions, loops, dates) have.
type typed interface {
	typeName() string
	storable() bool // whether a variable may hold it
}

// objectRepr names v's type as Jinja2's undefined messages do.
func objectRepr(v any) string {
	if v == nil {
		return "None"
	}
	return TypeName(v) + " object"
}

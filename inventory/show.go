package inventory

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"math/big"
	"slices"
	"strconv"
	"strings"

	"rp/engine/value"
)

// jsonText is v as Python's json.dumps writes it with sorted keys and four
// blanks of indentation, and a newline at the end.
func jsonText(v any) []byte {
	var b bytes.Buffer
	writeJSON(&b, v, "\n")
	b.WriteByte('\n')
	return b.Bytes()
}

// writeJSON writes v; sep is the newline and indentation that v stands at.
func writeJSON(b *bytes.Buffer, v any, sep string) {
	switch v := v.(type) {
	case *value.Dict:
		writeObject(b, v.Keys(), v.Get, sep)
	case value.Object:
		writeObject(b, v.Keys(), v.Get, sep)
	case *value.List:
		writeArray(b, v.Items, sep)
	case value.Tuple:
		writeArray(b, v, sep)
	case nil:
		b.WriteString("null")
	case bool:
		b.WriteString(strconv.FormatBool(v))
	case int64:
		b.WriteString(strconv.FormatInt(v, 10))
	case *big.Int:
		b.WriteString(v.String())
	case float64:
		b.WriteString(jsonFloat(v))
	default:
		writeString(b, leafText(v))
	}
}

// leafText is a value that JSON has no form for as text.
func leafText(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case value.Template:
		return v.Source
	}
	return fmt.Sprint(v) // a Secret prints as asterisks
}

func writeString(b *bytes.Buffer, s string) {
	e := json.NewEncoder(b)
	e.SetEscapeHTML(false)
	// Encoding a string cannot fail; the encoder ends it with a newline.
	_ = e.Encode(s)
	b.Truncate(b.Len() - 1)
}

func jsonFloat(f float64) string {
	s := pythonFloat(f)
	if word, ok := map[string]string{"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}[s]; ok {
		return word
	}
	return s
}

// pythonFloat is f as Python's repr writes it.
func pythonFloat(f float64) string {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return strings.ToLower(strings.TrimPrefix(strconv.FormatFloat(f, 'g', -1, 64), "+"))
	}
	format := byte('f')
	if abs := math.Abs(f); abs != 0 && (abs < 1e-4 || abs >= 1e16) {
		format = 'e'
	}
	s := strconv.FormatFloat(f, format, -1, 64)
	if !strings.ContainsAny(s, ".e") {
		s += ".0"
	}
	return s
}

func writeArray(b *bytes.Buffer, items []any, sep string) {
	if len(items) == 0 {
		b.WriteString("[]")
		return
	}
	b.WriteByte('[')
	for i, e := range items {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(sep + "    ")
		writeJSON(b, e, sep+"    ")
	}
	b.WriteString(sep + "]")
}

func writeObject(b *bytes.Buffer, keys []any, get func(any) (any, bool), sep string) {
	if len(keys) == 0 {
		b.WriteString("{}")
		return
	}
	keys = slices.Clone(keys)
	slices.SortFunc(keys, func(x, y any) int { return strings.Compare(keyText(x), keyText(y)) })
	b.WriteByte('{')
	for i, k := range keys {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(sep + "    ")
		writeString(b, keyText(k))
		b.WriteString(": ")
		v, _ := get(k)
		writeJSON(b, v, sep+"    ")
	}
	b.WriteString(sep + "}")
}

func keyText(k any) string {
	switch k := k.(type) {
	case nil:
		return "null"
	case bool:
		return strconv.FormatBool(k)
	case float64:
		return pythonFloat(k)
	}
	return leafText(k)
}

// pythonText is v as Python's str() writes it.
func pythonText(v any) string {
	switch v.(type) {
	case string, value.Template:
		return leafText(v)
	}
	return pythonRepr(v)
}

func pythonRepr(v any) string {
	switch v := v.(type) {
	case nil:
		return "None"
	case bool:
		return map[bool]string{true: "True", false: "False"}[v]
	case float64:
		return pythonFloat(v)
	case string:
		return pythonQuoted(v)
	case value.Template:
		return pythonQuoted(v.Source)
	case *value.List:
		return "[" + reprs(v.Items) + "]"
	case value.Tuple:
		if len(v) == 1 {
			return "(" + pythonRepr(v[0]) + ",)"
		}
		return "(" + reprs(v) + ")"
	case *value.Dict:
		parts := []string{}
		for k, e := range v.All() {
			parts = append(parts, pythonRepr(k)+": "+pythonRepr(e))
		}
		return "{" + strings.Join(parts, ", ") + "}"
	}
	return fmt.Sprint(v)
}

func reprs(items []any) string {
	parts := make([]string, len(items))
	for i, e := range items {
		parts[i] = pythonRepr(e)
	}
	return strings.Join(parts, ", ")
}

func pythonQuoted(s string) string {
	quote := "'"
	if strings.Contains(s, "'") && !strings.Contains(s, `"`) {
		quote = `"`
	}
	s = strings.NewReplacer(`\`, `\\`, "\n", `\n`, "\t", `\t`, "\r", `\r`, quote, `\`+quote).Replace(s)
	return quote + s + quote
}

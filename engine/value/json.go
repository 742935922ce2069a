package value

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"math/big"
	"strconv"
	"strings"
	"unicode/utf8"
)

// The marks of what JSON has no form for. A mapping whose only key is one of
// them is not a mapping. NUL keeps them apart: a key of somebody's that starts with NUL
// is written with one NUL more.
const (
	mark        = "\x00"
	markUnknown = mark + "unknown"
	markSecret  = mark + "secret"
	markOmit    = mark + "omit"
	markFloat   = mark + "float" // NaN and the infinities
	markBytes   = mark + "bytes" // a string that is not UTF-8
)

// depthMax bounds how deep values may be nested.
const depthMax = 10_000

// Encode writes v as JSON for the wire: unknown and secret values keep their
// marks, mappings their order. A Template, Pending or Undefined value is an error.
func Encode(v any) ([]byte, error) {
	var b bytes.Buffer
	if err := encode(&b, v); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

func encode(b *bytes.Buffer, v any) error {
	switch v := v.(type) {
	case *List:
		return encodeItems(b, v.Items)
	case Tuple:
		return encodeItems(b, v)
	case *Dict:
		return encodeDict(b, v.Keys(), func(k any) any { e, _ := v.Get(k); return e })
	case Object:
		return encodeDict(b, v.Keys(), func(k any) any { e, _ := v.Get(k); return e })
	case Unknown:
		return encodeMarked(b, markUnknown, v.After)
	case Secret:
		return encodeMarked(b, markSecret, v.V)
	case Omit:
		return encodeMarked(b, markOmit, true)
	case *big.Int:
		b.WriteString(v.String())
		return nil
	case Template:
		return fmt.Errorf("cannot send the template %q unrendered", v.Source)
	case Undefined:
		return fmt.Errorf("cannot send an undefined value: %s", v.Message())
	case *Pending:
		return fmt.Errorf("cannot send a value that is not there yet")
	case float64:
		return encodeFloat(b, v)
	case string:
		if !utf8.ValidString(v) {
			return encodeMarked(b, markBytes, strconv.QuoteToASCII(v))
		}
	}
	switch v := v.(type) {
	case nil, bool, int64, string:
		text, err := json.Marshal(v)
		if err != nil {
			return fmt.Errorf("cannot encode a value: %w", err)
		}
		b.Write(text)
		return nil
	}
	return encode(b, FromGo(v))
}

// encodeFloat keeps a float a float: 1.0, not 1.
func encodeFloat(b *bytes.Buffer, f float64) error {
	text := strconv.FormatFloat(f, 'g', -1, 64)
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return encodeMarked(b, markFloat, text)
	}
	b.WriteString(text)
	if !strings.ContainsAny(text, ".e") {
		b.WriteString(".0")
	}
	return nil
}

func encodeMarked(b *bytes.Buffer, mark string, v any) error {
	key, err := json.Marshal(mark)
	if err != nil {
		return fmt.Errorf("cannot encode a mark: %w", err)
	}
	b.WriteByte('{')
	b.Write(key)
	b.WriteByte(':')
	if err := encode(b, v); err != nil {
		return err
	}
	b.WriteByte('}')
	return nil
}

func encodeItems(b *bytes.Buffer, items []any) error {
	b.WriteByte('[')
	for i, e := range items {
		if i > 0 {
			b.WriteByte(',')
		}
		if err := encode(b, e); err != nil {
			return err
		}
	}
	b.WriteByte(']')
	return nil
}

func encodeDict(b *bytes.Buffer, keys []any, get func(any) any) error {
	b.WriteByte('{')
	for i, k := range keys {
		if i > 0 {
			b.WriteByte(',')
		}
		name := keyText(k)
		if strings.HasPrefix(name, mark) {
			name = mark + name
		}
		text, err := json.Marshal(name)
		if err != nil {
			return fmt.Errorf("cannot encode a key: %w", err)
		}
		b.Write(text)
		b.WriteByte(':')
		if err := encode(b, get(k)); err != nil {
			return err
		}
	}
	b.WriteByte('}')
	return nil
}

// keyText is a key as Python's json writes it: keys are strings there.
func keyText(k any) string {
	switch k := k.(type) {
	case string:
		return k
	case nil:
		return "null"
	case float64:
		if k == math.Trunc(k) && math.Abs(k) < 1e16 {
			return strconv.FormatFloat(k, 'f', 1, 64)
		}
	}
	return fmt.Sprint(k)
}

// Decode reads what Encode wrote.
func Decode(text []byte) (any, error) {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	v, err := decode(d, 0)
	if err == nil {
		if _, more := d.Token(); !errors.Is(more, io.EOF) {
			err = errors.New("there is more after it")
		}
	}
	if err != nil {
		return nil, fmt.Errorf("cannot decode a value: %w", err)
	}
	return v, nil
}

func decode(d *json.Decoder, depth int) (any, error) {
	if depth > depthMax {
		return nil, fmt.Errorf("it is nested more than %d deep", depthMax)
	}
	tok, err := d.Token()
	if err != nil {
		return nil, err
	}
	switch tok := tok.(type) {
	case json.Number:
		return number(tok)
	case json.Delim:
		if tok == '[' {
			return decodeList(d, depth+1)
		}
		return decodeDict(d, depth+1)
	}
	return tok, nil
}

func number(n json.Number) (any, error) {
	if !strings.ContainsAny(n.String(), ".eE") {
		if i, err := n.Int64(); err == nil {
			return i, nil
		}
		if i, ok := new(big.Int).SetString(n.String(), 10); ok {
			return i, nil
		}
	}
	return n.Float64()
}

func decodeList(d *json.Decoder, depth int) (any, error) {
	l := &List{}
	for d.More() {
		v, err := decode(d, depth)
		if err != nil {
			return nil, err
		}
		l.Append(v)
	}
	_, err := d.Token()
	return l, err
}

func decodeDict(d *json.Decoder, depth int) (any, error) {
	dict := NewDict()
	for d.More() {
		k, err := d.Token()
		if err != nil {
			return nil, err
		}
		v, err := decode(d, depth)
		if err != nil {
			return nil, err
		}
		dict.Set(k, v)
	}
	if _, err := d.Token(); err != nil {
		return nil, err
	}
	if dict.Len() == 1 {
		if v, ok := marked(dict.keys[0], dict.vals[0]); ok {
			return v, nil
		}
	}
	return unescaped(dict), nil
}

// marked is what a mapping with the one key k stands for.
func marked(k, v any) (any, bool) {
	text, _ := v.(string)
	switch k {
	case markUnknown:
		return Unknown{After: text}, true
	case markSecret:
		return Secret{V: v}, true
	case markOmit:
		return Omit{}, true
	case markFloat:
		f, err := strconv.ParseFloat(text, 64)
		return f, err == nil
	case markBytes:
		s, err := strconv.Unquote(text)
		return s, err == nil
	}
	return nil, false
}

// unescaped takes back the NUL that Encode put before keys that start with one.
func unescaped(d *Dict) *Dict {
	for i, k := range d.keys {
		if s, ok := k.(string); ok && strings.HasPrefix(s, mark+mark) {
			delete(d.index, s)
			d.keys[i] = s[len(mark):]
			d.index[d.keys[i]] = i
		}
	}
	return d
}

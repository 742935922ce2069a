package value

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/big"
	"strings"
)

// The marks of what JSON has no form for. A mapping with such a key first is
// not a mapping. NUL keeps them apart from anybody's keys.
const (
	markUnknown = "\x00unknown"
	markSecret  = "\x00secret"
	markOmit    = "\x00omit"
)

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
		return encodeDict(b, []any{markUnknown}, func(any) any { return v.After })
	case Secret:
		return encodeDict(b, []any{markSecret}, func(any) any { return v.V })
	case Omit:
		return encodeDict(b, []any{markOmit}, func(any) any { return true })
	case *big.Int:
		b.WriteString(v.String())
		return nil
	case Template:
		return fmt.Errorf("cannot send the template %q unrendered", v.Source)
	case Undefined:
		return fmt.Errorf("cannot send an undefined value: %s", v.Message())
	case *Pending:
		return fmt.Errorf("cannot send a value that is not there yet")
	case nil, bool, int64, float64, string:
		text, err := json.Marshal(v)
		if err != nil {
			return fmt.Errorf("cannot encode a value: %w", err)
		}
		b.Write(text)
		return nil
	}
	return encode(b, FromGo(v))
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
		name, ok := k.(string)
		if !ok {
			name = fmt.Sprint(k)
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

// Decode reads what Encode wrote.
func Decode(text []byte) (any, error) {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	v, err := decode(d)
	if err != nil {
		return nil, fmt.Errorf("cannot decode a value: %w", err)
	}
	return v, nil
}

func decode(d *json.Decoder) (any, error) {
	tok, err := d.Token()
	if err != nil {
		return nil, err
	}
	switch tok := tok.(type) {
	case json.Number:
		return number(tok)
	case json.Delim:
		if tok == '[' {
			return decodeList(d)
		}
		return decodeDict(d)
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

func decodeList(d *json.Decoder) (any, error) {
	l := &List{}
	for d.More() {
		v, err := decode(d)
		if err != nil {
			return nil, err
		}
		l.Append(v)
	}
	_, err := d.Token()
	return l, err
}

func decodeDict(d *json.Decoder) (any, error) {
	dict := NewDict()
	for d.More() {
		k, err := d.Token()
		if err != nil {
			return nil, err
		}
		v, err := decode(d)
		if err != nil {
			return nil, err
		}
		dict.Set(k, v)
	}
	if _, err := d.Token(); err != nil {
		return nil, err
	}
	if dict.Len() == 1 {
		switch k := dict.keys[0]; k {
		case markUnknown:
			after, _ := dict.vals[0].(string)
			return Unknown{After: after}, nil
		case markSecret:
			return Secret{V: dict.vals[0]}, nil
		case markOmit:
			return Omit{}, nil
		}
	}
	return dict, nil
}

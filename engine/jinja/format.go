package jinja

import (
	"fmt"
	"math"
	"math/big"
	"strconv"
	"strings"

	"rp/engine/value"
)

// percent is format % v: Python's printf.
func (in *interp) percent(format string, v any) (any, error) {
	p := &percentArgs{one: v}
	if t, ok := v.(value.Tuple); ok {
		p.many, p.isTuple = t, true
	}
	var b strings.Builder
	for i := 0; i < len(format); i++ {
		if format[i] != '%' {
			b.WriteByte(format[i])
			continue
		}
		s, n, err := parsePercent(format[i+1:], p)
		if err != nil {
			return nil, err
		}
		i += n
		text, err := s.apply(p)
		if err != nil {
			return nil, err
		}
		b.WriteString(text)
		if err := in.fits(b.Len()); err != nil {
			return nil, err
		}
	}
	if _, mapping := asMapping(v); !p.named && !mapping && p.left() {
		return nil, typef("not all arguments converted during string formatting")
	}
	return b.String(), nil
}

// percentArgs gives the arguments one by one.
type percentArgs struct {
	one     any
	many    value.Tuple
	isTuple bool
	used    int
	named   bool
}

func (p *percentArgs) next() (any, error) {
	if p.isTuple {
		if p.used >= len(p.many) {
			return nil, typef("not enough arguments for format string")
		}
		p.used++
		return p.many[p.used-1], nil
	}
	if p.used > 0 {
		return nil, typef("not enough arguments for format string")
	}
	p.used++
	return p.one, nil
}

func (p *percentArgs) left() bool {
	if p.isTuple {
		return p.used < len(p.many)
	}
	if _, ok := p.one.(*value.List); ok && p.used == 0 {
		return false // Python lets a mapping-like right side pass
	}
	return p.used == 0
}

// percentSpec is one % conversion.
type percentSpec struct {
	key                          string
	hasKey                       bool
	left, zero, plus, space, alt bool
	width, precision             int
	hasPrecision                 bool
	verb                         byte
}

// parsePercent reads what stands behind a %; n is its length.
func parsePercent(s string, p *percentArgs) (spec percentSpec, n int, err error) {
	i := 0
	if i < len(s) && s[i] == '(' {
		end := strings.IndexByte(s, ')')
		if end < 0 {
			return spec, 0, typef("incomplete format key")
		}
		spec.key, spec.hasKey = s[1:end], true
		i = end + 1
	}
	for ; i < len(s) && strings.IndexByte("-0+ #", s[i]) >= 0; i++ {
		switch s[i] {
		case '-':
			spec.left = true
		case '0':
			spec.zero = true
		case '+':
			spec.plus = true
		case ' ':
			spec.space = true
		case '#':
			spec.alt = true
		}
	}
	if spec.width, i, err = percentNumber(s, i, p); err != nil {
		return spec, 0, err
	}
	if spec.width < 0 {
		spec.left, spec.width = true, -spec.width
	}
	if i < len(s) && s[i] == '.' {
		spec.hasPrecision = true
		if spec.precision, i, err = percentNumber(s, i+1, p); err != nil {
			return spec, 0, err
		}
	}
	for i < len(s) && strings.IndexByte("hlL", s[i]) >= 0 {
		i++
	}
	if i >= len(s) {
		return spec, 0, typef("incomplete format")
	}
	spec.verb = s[i]
	return spec, i + 1, nil
}

// maxWidth bounds widths and precisions in formats.
const maxWidth = 1 << 20

func percentNumber(s string, i int, p *percentArgs) (int, int, error) {
	if i < len(s) && s[i] == '*' {
		v, err := p.next()
		if err != nil {
			return 0, i, err
		}
		n, ok := asInt(v)
		if !ok || n > maxWidth || n < -maxWidth {
			return 0, i, typef("* wants int")
		}
		return n, i + 1, nil
	}
	n := 0
	for ; i < len(s) && s[i] >= '0' && s[i] <= '9'; i++ {
		if n = n*10 + int(s[i]-'0'); n > maxWidth {
			return 0, i, limitErr("width too big")
		}
	}
	return n, i, nil
}

func (s percentSpec) apply(p *percentArgs) (string, error) {
	if s.verb == '%' {
		return "%", nil
	}
	v, err := s.argument(p)
	if err != nil {
		return "", err
	}
	switch s.verb {
	case 's', 'r', 'a':
		text := Str(v)
		if s.verb != 's' {
			text = Repr(v)
		}
		if r := []rune(text); s.hasPrecision && len(r) > s.precision {
			text = string(r[:s.precision])
		}
		return s.pad("", text, false), nil
	case 'c':
		return s.char(v)
	case 'd', 'i', 'u', 'x', 'X', 'o':
		return s.integer(v)
	case 'e', 'E', 'f', 'F', 'g', 'G':
		return s.floating(v)
	}
	return "", typef("unsupported format character '%c' (0x%x)", s.verb, s.verb)
}

func (s percentSpec) argument(p *percentArgs) (any, error) {
	if !s.hasKey {
		return p.next()
	}
	p.named = true
	o, ok := asMapping(p.one)
	if !ok {
		return nil, typef("format requires a mapping")
	}
	v, ok := o.Get(s.key)
	if !ok {
		return nil, typef("%s", pyQuote(s.key))
	}
	return v, nil
}

func (s percentSpec) char(v any) (string, error) {
	if t, ok := v.(string); ok && len([]rune(t)) == 1 {
		return s.pad("", t, false), nil
	}
	if n, ok := asInt(v); ok {
		return s.pad("", string(rune(n)), false), nil
	}
	return "", typef("%%c requires int or char")
}

func (s percentSpec) integer(v any) (string, error) {
	n, ok := toNum(v)
	if !ok {
		return "", typef("%%%c format: a real number is required, not %s", s.verb, TypeName(v))
	}
	if n.kind == 'f' {
		if strings.IndexByte("xXo", s.verb) >= 0 {
			return "", typef("%%%c format: an integer is required, not float", s.verb)
		}
		whole, err := fromFloat(n.f)
		if err != nil {
			return "", err
		}
		n, _ = toNum(whole)
	}
	base, prefix := 10, ""
	switch s.verb {
	case 'x', 'X':
		base, prefix = 16, "0x"
	case 'o':
		base, prefix = 8, "0o"
	}
	b := n.big()
	digits := new(big.Int).Abs(b).Text(base)
	if s.verb == 'X' {
		digits, prefix = strings.ToUpper(digits), "0X"
	}
	if s.hasPrecision && len(digits) < s.precision {
		digits = strings.Repeat("0", s.precision-len(digits)) + digits
	}
	if !s.alt {
		prefix = ""
	}
	return s.pad(s.sign(b.Sign() < 0)+prefix, digits, true), nil
}

func (s percentSpec) floating(v any) (string, error) {
	n, ok := toNum(v)
	if !ok {
		return "", typef("must be real number, not %s", TypeName(v))
	}
	precision := 6
	if s.hasPrecision {
		precision = s.precision
	}
	f := n.float()
	return s.pad(s.sign(math.Signbit(f)), formatFloat(math.Abs(f), s.verb, precision, s.alt), true), nil
}

func (s percentSpec) sign(negative bool) string {
	switch {
	case negative:
		return "-"
	case s.plus:
		return "+"
	case s.space:
		return " "
	}
	return ""
}

func (s percentSpec) pad(sign, text string, number bool) string {
	fill := s.width - len([]rune(sign)) - len([]rune(text))
	switch {
	case fill <= 0:
		return sign + text
	case s.left:
		return sign + text + strings.Repeat(" ", fill)
	case s.zero && number:
		return sign + strings.Repeat("0", fill) + text
	}
	return strings.Repeat(" ", fill) + sign + text
}

// formatFloat is f, which is not negative, by a verb of C's printf.
func formatFloat(f float64, verb byte, precision int, alt bool) string {
	upper := verb >= 'A' && verb <= 'Z'
	var text string
	switch {
	case math.IsInf(f, 0):
		text = "inf"
	case math.IsNaN(f):
		text = "nan"
	case verb == 'g' || verb == 'G':
		text = formatG(f, precision, alt)
	default:
		text = strconv.FormatFloat(f, verb|0x20, precision, 64)
	}
	if upper {
		return strings.ToUpper(text)
	}
	return text
}

// formatG is C's %g, whose choice of form Go's differs from.
func formatG(f float64, precision int, alt bool) string {
	if precision == 0 {
		precision = 1
	}
	e := strconv.FormatFloat(f, 'e', precision-1, 64)
	exp, _ := strconv.Atoi(e[strings.IndexByte(e, 'e')+1:])
	var mantissa, tail string
	if exp < -4 || exp >= precision {
		i := strings.IndexByte(e, 'e')
		mantissa, tail = e[:i], e[i:]
	} else {
		mantissa = strconv.FormatFloat(f, 'f', precision-1-exp, 64)
	}
	if !alt && strings.Contains(mantissa, ".") {
		mantissa = strings.TrimRight(strings.TrimRight(mantissa, "0"), ".")
	}
	return fmt.Sprint(mantissa, tail)
}

package jinja

import (
	"math"
	"math/big"
	"strconv"
	"strings"
	"unicode/utf8"

	"rp/engine/value"
)

// format is str.format: {} {0} {name} {0.attr[key]!r:>10}.
func (c *call) format(format string) any {
	f := &formatter{c: c}
	out, err := f.run(format, 0)
	if err != nil && c.err == nil {
		c.err = err
	}
	return out
}

type formatter struct {
	c    *call
	next int // the next automatic number
	mode byte
}

// run formats text; depth is 1 inside a format specification.
func (f *formatter) run(s string, depth int) (string, error) {
	if depth > 1 {
		return "", typef("Max string recursion exceeded")
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		switch {
		case (s[i] == '{' || s[i] == '}') && i+1 < len(s) && s[i+1] == s[i]:
			b.WriteByte(s[i])
			i++
		case s[i] == '}':
			return "", typef("Single '}' encountered in format string")
		case s[i] == '{':
			end := fieldEnd(s[i+1:])
			if end < 0 {
				return "", typef("expected '}' before end of string")
			}
			text, err := f.field(s[i+1:i+1+end], depth)
			if err != nil {
				return "", err
			}
			b.WriteString(text)
			i += 1 + end
		default:
			b.WriteByte(s[i])
		}
		if err := f.c.in.fits(b.Len()); err != nil {
			return "", err
		}
	}
	return b.String(), nil
}

// fieldEnd is where the } of a field is.
func fieldEnd(s string) int {
	open := 0
	for i := range len(s) {
		switch s[i] {
		case '{':
			open++
		case '}':
			if open == 0 {
				return i
			}
			open--
		}
	}
	return -1
}

func (f *formatter) field(s string, depth int) (string, error) {
	name, spec := s, ""
	conversion := byte(0)
	bracket := false
	for i := range len(s) {
		bracket = s[i] == '[' || bracket && s[i] != ']'
		if bracket || s[i] != '!' && s[i] != ':' {
			continue
		}
		name = s[:i]
		rest := s[i:]
		if rest[0] == '!' {
			if len(rest) < 2 {
				return "", typef("unmatched '{' in format spec")
			}
			conversion, rest = rest[1], rest[2:]
		}
		spec = strings.TrimPrefix(rest, ":")
		break
	}
	v, err := f.value(name)
	if err != nil {
		return "", err
	}
	switch conversion {
	case 's':
		v = Str(v)
	case 'r', 'a':
		v = Repr(v)
	}
	if strings.Contains(spec, "{") {
		if spec, err = f.run(spec, depth+1); err != nil {
			return "", err
		}
	}
	return formatValue(v, spec)
}

// value is what a field's name stands for.
func (f *formatter) value(name string) (any, error) {
	end := strings.IndexAny(name, ".[")
	if end < 0 {
		end = len(name)
	}
	v, err := f.argument(name[:end])
	if err != nil {
		return nil, err
	}
	for rest := name[end:]; rest != ""; {
		if rest[0] == '.' {
			n := strings.IndexAny(rest[1:], ".[")
			if n < 0 {
				n = len(rest) - 1
			}
			v, err = f.c.in.attr(v, rest[1:1+n])
			rest = rest[1+n:]
		} else {
			n := strings.IndexByte(rest, ']')
			if n < 0 {
				return nil, typef("Missing ']' in format string")
			}
			var key any = rest[1:n]
			if i, err := strconv.ParseInt(rest[1:n], 10, 64); err == nil {
				key = i
			}
			v, err = f.c.in.item(v, key)
			rest = rest[n+1:]
		}
		if u, ok := v.(value.Undefined); ok && err == nil {
			err = undefErr{u}
		}
		if err != nil {
			return nil, err
		}
	}
	return v, nil
}

func (f *formatter) argument(name string) (any, error) {
	mode := byte('m')
	i, err := strconv.Atoi(name)
	switch {
	case name == "":
		mode, i = 'a', f.next
		f.next++
	case err != nil:
		for _, k := range f.c.kw {
			if k.name == name {
				return k.v, nil
			}
		}
		return nil, typef("%s", pyQuote(name))
	}
	if f.mode != 0 && f.mode != mode {
		return nil, typef("cannot switch from manual field specification to automatic field numbering")
	}
	f.mode = mode
	if i < 0 || i >= len(f.c.rest) {
		return nil, typef("Replacement index %d out of range for positional args tuple", i)
	}
	return f.c.rest[i], nil
}

// formatSpec is Python's format specification: [[fill]align][sign][#][0][width][,][.precision][type].
type formatSpec struct {
	fill       string
	align      byte
	sign       byte
	alt, zero  bool
	width      int
	group      string
	precision  int
	hasPrecise bool
	verb       byte
}

func parseFormatSpec(s string) (f formatSpec, err error) {
	f.fill = " "
	if _, n := utf8.DecodeRuneInString(s); n > 0 && n < len(s) && strings.IndexByte("<>=^", s[n]) >= 0 {
		f.fill, f.align, s = s[:n], s[n], s[n+1:]
	} else if s != "" && strings.IndexByte("<>=^", s[0]) >= 0 {
		f.align, s = s[0], s[1:]
	}
	take := func(set string) byte {
		if s != "" && strings.IndexByte(set, s[0]) >= 0 {
			c := s[0]
			s = s[1:]
			return c
		}
		return 0
	}
	f.sign = take("+- ")
	f.alt = take("#") != 0
	if take("0") != 0 {
		f.zero = true
		if f.align == 0 {
			f.fill, f.align = "0", '='
		}
	}
	digits := func() int {
		n := 0
		for s != "" && s[0] >= '0' && s[0] <= '9' && n <= maxWidth {
			n = n*10 + int(s[0]-'0')
			s = s[1:]
		}
		return n
	}
	f.width = digits()
	if g := take(",_"); g != 0 {
		f.group = string(g)
	}
	if take(".") != 0 {
		f.hasPrecise = true
		f.precision = digits()
	}
	if f.width > maxWidth || f.precision > maxWidth {
		return f, limitErr("Too many decimal digits in format string")
	}
	if s != "" {
		f.verb, s = s[0], s[1:]
	}
	if s != "" {
		return f, typef("Invalid format specifier")
	}
	return f, nil
}

// formatValue is format(v, spec).
func formatValue(v any, spec string) (string, error) {
	if d, ok := v.(Datetime); ok && spec != "" {
		return formatTime(spec, d.Time), nil
	}
	f, err := parseFormatSpec(spec)
	if err != nil {
		return "", err
	}
	n, isNum := toNum(v)
	if _, isBool := v.(bool); isBool && f.verb == 0 {
		isNum = spec != ""
	}
	if !isNum {
		return f.text(v, spec)
	}
	return f.number(n)
}

func (f formatSpec) text(v any, spec string) (string, error) {
	s, ok := v.(string)
	if !ok {
		if spec != "" {
			return "", typef("unsupported format string passed to %s.__format__", TypeName(v))
		}
		return Str(v), nil
	}
	if f.verb != 0 && f.verb != 's' {
		return "", typef("Unknown format code '%c' for object of type 'str'", f.verb)
	}
	if f.align == '=' && !f.zero {
		return "", typef("'=' alignment not allowed in string format specifier")
	}
	if r := []rune(s); f.hasPrecise && len(r) > f.precision {
		s = string(r[:f.precision])
	}
	if f.align == '=' {
		f.align = '<'
	}
	return f.pad("", s, '<'), nil
}

func (f formatSpec) number(n num) (string, error) {
	if n.isInt() && strings.IndexByte("\x00dnbcoxX", f.verb) >= 0 {
		return f.integer(n.big())
	}
	x := n.float()
	sign := f.signOf(math.Signbit(x))
	x = math.Abs(x)
	var text string
	switch f.verb {
	case 'f', 'F', 'e', 'E', 'g', 'G', 'n', '%':
		precision := 6
		if f.hasPrecise {
			precision = f.precision
		}
		verb, suffix := f.verb, ""
		switch verb {
		case 'n':
			verb = 'g'
		case '%':
			verb, suffix = 'f', "%"
			x *= 100
		}
		text = formatFloat(x, verb, precision, f.alt) + suffix
	case 0:
		text = floatRepr(x)
		if f.hasPrecise {
			text = formatFloat(x, 'g', f.precision, f.alt)
			if !strings.ContainsAny(text, ".en") && f.precision > len(text) {
				text += ".0"
			}
		}
	default:
		return "", typef("Unknown format code '%c' for object of type 'float'", f.verb)
	}
	return f.pad(sign, groupDigits(text, f.group, 3), '>'), nil
}

func (f formatSpec) integer(b *big.Int) (string, error) {
	if f.hasPrecise {
		return "", typef("Precision not allowed in integer format specifier")
	}
	base, prefix, size := 10, "", 3
	switch f.verb {
	case 'b':
		base, prefix, size = 2, "0b", 4
	case 'o':
		base, prefix, size = 8, "0o", 4
	case 'x':
		base, prefix, size = 16, "0x", 4
	case 'X':
		base, prefix, size = 16, "0X", 4
	case 'c':
		return f.pad("", string(rune(b.Int64())), '<'), nil
	}
	digits := new(big.Int).Abs(b).Text(base)
	if f.verb == 'X' {
		digits = strings.ToUpper(digits)
	}
	if !f.alt {
		prefix = ""
	}
	return f.pad(f.signOf(b.Sign() < 0)+prefix, groupDigits(digits, f.group, size), '>'), nil
}

func (f formatSpec) signOf(negative bool) string {
	switch {
	case negative:
		return "-"
	case f.sign == '+':
		return "+"
	case f.sign == ' ':
		return " "
	}
	return ""
}

// groupDigits puts sep after every size digits of the whole part.
func groupDigits(s, sep string, size int) string {
	if sep == "" {
		return s
	}
	end := strings.IndexAny(s, ".eE%")
	if end < 0 {
		end = len(s)
	}
	whole, rest := s[:end], s[end:]
	for i := len(whole) - size; i > 0; i -= size {
		whole = whole[:i] + sep + whole[i:]
	}
	return whole + rest
}

func (f formatSpec) pad(sign, text string, natural byte) string {
	fill := f.width - utf8.RuneCountInString(sign) - utf8.RuneCountInString(text)
	if fill <= 0 {
		return sign + text
	}
	align := f.align
	if align == 0 {
		align = natural
	}
	switch align {
	case '<':
		return sign + text + strings.Repeat(f.fill, fill)
	case '=':
		return sign + strings.Repeat(f.fill, fill) + text
	case '^':
		return strings.Repeat(f.fill, fill/2) + sign + text + strings.Repeat(f.fill, fill-fill/2)
	}
	return strings.Repeat(f.fill, fill) + sign + text
}

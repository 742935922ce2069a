package yaml

import (
	"fmt"
	"math"
	"math/big"
	"regexp"
	"strconv"
	"strings"
	"time"

	yaml3 "gopkg.in/yaml.v3"
)

// The scalars of YAML 1.1 (https://yaml.org/type/), as PyYAML reads them.
var (
	floatForm = regexp.MustCompile(`^(?:[-+]?[0-9][0-9_]*\.[0-9_]*(?:[eE][-+][0-9]+)?|\.[0-9][0-9_]*(?:[eE][-+][0-9]+)?|[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+\.[0-9_]*|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))$`)
	intForm   = regexp.MustCompile(`^(?:[-+]?0b[01_]+|[-+]?0[0-7_]+|[-+]?(?:0|[1-9][0-9_]*)|[-+]?0x[0-9a-fA-F_]+|[-+]?[1-9][0-9_]*(?::[0-5]?[0-9])+)$`)
	dateForm  = regexp.MustCompile(`^(\d{4})-(\d{2})-(\d{2})$`)
	timeForm  = regexp.MustCompile(`^(\d{4})-(\d\d?)-(\d\d?)(?:[Tt]|[ \t]+)(\d\d?):(\d{2}):(\d{2})(?:\.(\d*))?(?:[ \t]*(?:(Z)|([-+])(\d\d?)(?::(\d{2}))?))?$`)
)

// booleans are YAML 1.1's, in the three spellings of case that it knows.
var booleans = map[string]bool{
	"yes": true, "Yes": true, "YES": true, "no": false, "No": false, "NO": false,
	"true": true, "True": true, "TRUE": true, "false": false, "False": false, "FALSE": false,
	"on": true, "On": true, "ON": true, "off": false, "Off": false, "OFF": false,
}

func isMerge(k *Node) bool {
	return k.Kind == yaml3.ScalarNode && k.Value == "<<" && (k.Style == 0 || k.ShortTag() == "!!merge")
}

// resolve is the value of the scalar n without regard to rp's own tags: nil,
// bool, int64, *big.Int, float64 or string. text is true for a string.
func resolve(n *Node) (v any, text bool) {
	if n.Style&yaml3.TaggedStyle == 0 {
		if n.Style != 0 {
			return n.Value, true
		}
		return plain(n.Value)
	}
	switch n.ShortTag() {
	case "!!int", "!!float", "!!bool", "!!null":
		v, text := plain(n.Value)
		if i, ok := v.(int64); ok && n.ShortTag() == "!!float" {
			return float64(i), false
		}
		return v, text
	}
	return n.Value, true
}

// plain resolves an unquoted, untagged scalar.
func plain(s string) (v any, text bool) {
	switch s {
	case "", "~", "null", "Null", "NULL":
		return nil, false
	}
	if b, ok := booleans[s]; ok {
		return b, false
	}
	if c := s[0]; c != '-' && c != '+' && c != '.' && (c < '0' || c > '9') {
		return s, true
	}
	if floatForm.MatchString(s) {
		return number(parseFloat(s))(s)
	}
	if intForm.MatchString(s) {
		return number(parseInt(s))(s)
	}
	if t, ok := timestamp(s); ok {
		return t, false
	}
	return s, true
}

// number is the parsed v, or the text itself where it only looked like a number ("0x_").
func number(v any, err error) func(s string) (any, bool) {
	return func(s string) (any, bool) {
		if err != nil {
			return s, true
		}
		return v, false
	}
}

func parseInt(s string) (any, error) {
	s = strings.ReplaceAll(s, "_", "")
	digits := strings.TrimLeft(s, "+-")
	base := 10
	switch {
	case digits == "0":
	case strings.HasPrefix(digits, "0b"):
		base, digits = 2, digits[2:]
	case strings.HasPrefix(digits, "0x"):
		base, digits = 16, digits[2:]
	case strings.HasPrefix(digits, "0"):
		base = 8
	case strings.Contains(digits, ":"):
		return sexagesimal(s, digits)
	}
	i, ok := new(big.Int).SetString(digits, base)
	if !ok {
		return nil, fmt.Errorf("no integer: %q", s)
	}
	return signed(i, s), nil
}

// signed is i with the sign of s, as int64 where it fits.
func signed(i *big.Int, s string) any {
	if strings.HasPrefix(s, "-") {
		i.Neg(i)
	}
	if i.IsInt64() {
		return i.Int64()
	}
	return i
}

// sexagesimal reads 1:30:00, in base 60.
func sexagesimal(s, digits string) (any, error) {
	total := new(big.Int)
	for part := range strings.SplitSeq(digits, ":") {
		i, ok := new(big.Int).SetString(part, 10)
		if !ok {
			return nil, fmt.Errorf("no integer: %q", s)
		}
		total.Mul(total, big.NewInt(60)).Add(total, i)
	}
	return signed(total, s), nil
}

func parseFloat(s string) (any, error) {
	s = strings.ToLower(strings.ReplaceAll(s, "_", ""))
	sign := 1.0
	if strings.HasPrefix(s, "-") {
		sign = -1
	}
	digits := strings.TrimLeft(s, "+-")
	switch digits {
	case ".inf":
		return sign * math.Inf(1), nil
	case ".nan":
		return math.NaN(), nil
	}
	total := 0.0
	for part := range strings.SplitSeq(digits, ":") {
		f, err := strconv.ParseFloat(part, 64)
		if err != nil && !math.IsInf(f, 0) {
			return nil, fmt.Errorf("no number: %q", s)
		}
		total = total*60 + f
	}
	return sign * total, nil
}

// timestamp is a date or time as Python's isoformat writes it.
func timestamp(s string) (string, bool) {
	if m := dateForm.FindStringSubmatch(s); m != nil {
		_, err := time.Parse(time.DateOnly, s)
		return s, err == nil
	}
	m := timeForm.FindStringSubmatch(s)
	if m == nil {
		return "", false
	}
	fraction := ""
	if f := strings.TrimRight(m[7], "0"); f != "" {
		fraction = "." + (m[7] + "000000")[:6]
	}
	zone := ""
	switch {
	case m[8] != "":
		zone = "+00:00"
	case m[9] != "":
		zone = m[9] + pad(m[10]) + ":" + pad(m[11])
	}
	t := fmt.Sprintf("%s-%s-%sT%s:%s:%s", m[1], pad(m[2]), pad(m[3]), pad(m[4]), m[5], m[6])
	if _, err := time.Parse("2006-01-02T15:04:05", t); err != nil {
		return "", false
	}
	return t + fraction + zone, true
}

func pad(s string) string { return ("00" + s)[len(s):] }

package engine

import (
	"crypto/rand"
	"fmt"
	"maps"
	"math/big"
	"slices"
	"strconv"
	"strings"

	"rp/engine/jinja"
	"rp/engine/value"
)

// password makes a password that is kept nowhere: a file of them on the controller is not supported yet.
func (a *ask) password() ([]any, error) {
	var out []any
	for _, t := range a.terms {
		path, of := a.keyAndOptions(t)
		for k := range of.opts.All() {
			if name := jinja.Str(k); name != "length" && name != "chars" {
				return nil, fmt.Errorf("the option %s is not supported yet", name)
			}
		}
		if path != "/dev/null" {
			return nil, fmt.Errorf("a password that is kept in a file (%s) is not supported yet; one that is kept nowhere is: /dev/null", path)
		}
		n, err := strconv.Atoi(of.text("length", "20"))
		if err != nil || n < 1 || n > 4096 {
			return nil, fmt.Errorf("length must be a number from 1 to 4096, not %s", of.text("length", ""))
		}
		chars := passwordChars(of.option("chars", value.Strings("ascii_letters", "digits", ".,:-_")))
		p := make([]rune, n)
		for i := range p {
			k, err := rand.Int(rand.Reader, big.NewInt(int64(len(chars))))
			if err != nil {
				return nil, fmt.Errorf("cannot make a password: %w", err)
			}
			p[i] = chars[k.Int64()]
		}
		out = append(out, value.Secret{V: string(p)})
	}
	return out, nil
}

// passwordChars are the characters that a password is made of: those of the named classes, and others as they are.
func passwordChars(v any) []rune {
	const lower, digits = "abcdefghijklmnopqrstuvwxyz", "0123456789"
	classes := map[string]string{
		"ascii_lowercase": lower, "ascii_uppercase": strings.ToUpper(lower), "ascii_letters": lower + strings.ToUpper(lower),
		"digits": digits, "hexdigits": digits + "abcdefABCDEF", "octdigits": "01234567", "punctuation": "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~",
	}
	var names []string
	for _, e := range elements(v) {
		if _, isList := v.(*value.List); isList {
			names = append(names, jinja.Str(e))
			continue
		}
		for _, s := range strings.Split(strings.ReplaceAll(jinja.Str(e), ",,", ",\x00"), ",") {
			names = append(names, strings.ReplaceAll(s, "\x00", ","))
		}
	}
	set := map[rune]bool{}
	for _, n := range names {
		if c, ok := classes[n]; ok {
			n = c
		}
		for _, r := range n {
			set[r] = true
		}
	}
	if len(set) == 0 {
		return []rune(lower)
	}
	return slices.Sorted(maps.Keys(set))
}

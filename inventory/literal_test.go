package inventory

import (
	"strings"
	"testing"
)

func TestLiteral(t *testing.T) {
	// On the right is what repr() of ast.literal_eval gives in Python 3.11, or "-" where it fails.
	for in, want := range map[string]string{
		"1": "1", "-1": "-1", "+1": "1", "- 1": "-1", "1_000": "1000", "0x1F": "31", "0o17": "15", "0b101": "5",
		"017": "-", "00": "0", "1__0": "-", "1_": "-", "_1": "-", "0x": "-", "--1": "-", "1a": "-", "1 2": "-",
		"1.5": "1.5", ".5": "0.5", "5.": "5.0", "1e3": "1000.0", "1.5E-7": "1.5e-07", "1e400": "inf", "1e": "-", ".": "-", "1_0.5": "10.5",
		"123456789012345678901234567890": "123456789012345678901234567890", "-9223372036854775809": "-9223372036854775809",
		"True": "True", "False": "False", "None": "None", "true": "-", "Truex": "-", "yes": "-", "": "-", "-True": "-",
		`'a'`: "'a'", `"a"`: "'a'", `'a' "b"`: "'ab'", `'a''b'`: "'ab'", `'it"s'`: `'it"s'`, `"it's"`: `"it's"`,
		`'a\nb'`: `'a\nb'`, `r'a\nb'`: `'a\\nb'`, `u'x'`: "'x'", `'\x41\u00e9\101'`: "'AéA'", `'\q'`: `'\\q'`, `'\N{x}'`: "-",
		`'a`: "-", `'a'b`: "-", `"a" b`: "-", `'''a'b'''`: `"a'b"`, `'a' # c`: "'a'", "1 # c": "1",
		"[]": "[]", "[1, 'a', [2]]": "[1, 'a', [2]]", "[1,]": "[1]", "[,]": "-", "[1 2]": "-", "[1": "-", "[a]": "-", "[1]]": "-",
		"()": "()", "(1)": "1", "(1,)": "(1,)", "(1, 2)": "(1, 2)", "1, 2": "(1, 2)", "1,": "(1,)",
		"{}": "{}", "{'a': 1, 'b': [2]}": "{'a': 1, 'b': [2]}", "{'a' 1}": "-", "{'a': }": "-", "{'a': 1, 2}": "-", "{[1]: 2}": "-", "{1: {2: 3}}": "{1: {2: 3}}",
		"{1, 2}": "[1, 2]", // a set: here a list
		"1+2j":   "-",      // a complex number: here text
		"abc":    "-", "{{ x }}": "-", "foo()": "-", "[1]+[2]": "-", "...": "-",
	} {
		v, ok := literal(in)
		got := "-"
		if ok {
			got = pythonRepr(v)
		}
		if got != want {
			t.Errorf("literal(%q) = %s, want %s", in, got, want)
		}
	}
	if _, ok := literal(strings.Repeat("[", 5000)); ok {
		t.Error("a literal of 5000 brackets was read")
	}
}

func FuzzLiteral(f *testing.F) {
	for _, s := range []string{"1", "[1, 'a']", `{"a": (1,)}`, `r'\'`, "'\\x4", "1e5", "{1,2}", "'''"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		v, ok := literal(s)
		if !ok {
			return
		}
		// What was read is read again from how it is shown.
		again, ok := literal(pythonRepr(v))
		if shown := pythonRepr(v); !strings.Contains(shown, "inf") && (!ok || pythonRepr(again) != shown) {
			t.Errorf("literal(%q) shows as %s, which is read as %v, %v", s, shown, again, ok)
		}
	})
}

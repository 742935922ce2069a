package vars

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"testing"

	"rp/engine/value"
)

func TestMask(t *testing.T) {
	var m Masker
	if got := m.Mask("hunter22"); got != "hunter22" {
		t.Errorf("a masker that knows nothing masks: %q", got)
	}
	m.Add(value.DictOf("user", "bobsname", "pw", value.Secret{V: "hunter22"}, "l", value.NewList(value.Secret{V: value.DictOf("k", value.NewList("p&ss<w>/'é\"\n"))}), "short", value.Secret{V: "abc"}, "pin", value.Secret{V: int64(987654)}))
	m.Add(value.Secret{V: "-----BEGIN KEY-----\n    c2VjcmV0IGtleQ==\nmore-of-it\n-----END KEY-----\n"})
	m.Add(nil)
	odd := "p&ss<w>/'é\"\n"
	goJSON, _ := json.Marshal(odd)
	for in, want := range map[string]string{
		"pw=hunter22.":                     "pw=********.",
		"hunter22hunter22":                 "****************",
		"bobsname abc":                     "bobsname abc",
		"pin 987654":                       "pin ********",
		"hunter2":                          "hunter2",
		"x" + string(goJSON) + "y":         `x"********"y`,
		`"p&ss<w>/'\u00e9\"\n"`:            `"********"`,
		"?q=" + url.QueryEscape(odd) + "&": "?q=********&",
		url.PathEscape(odd):                mask,
		strings.ToLower(url.QueryEscape(odd[:6])) + "x": strings.ToLower(url.QueryEscape(odd[:6])) + "x",
		"  c2VjcmV0IGtleQ==\n  more-of-it\n":            "  ********\n  ********\n",
		"-----BEGIN KEY-----":                           "-----BEGIN KEY-----",
		"":                                              "",
	} {
		if got := m.Mask(in); got != want {
			t.Errorf("Mask(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestMaskBase64(t *testing.T) {
	var m Masker
	m.AddText("hunter22", "s3cr+t/??>>")
	for _, enc := range []*base64.Encoding{base64.StdEncoding, base64.RawURLEncoding} {
		for _, secret := range []string{"hunter22", "s3cr+t/??>>"} {
			for _, around := range []string{"", "u", "us", "user:", "a longer text before "} {
				text := enc.EncodeToString([]byte(around + secret + around))
				got := m.Mask("Authorization: Basic " + text)
				if !strings.Contains(got, mask) {
					t.Errorf("%q in base64 behind %q is shown: %s", secret, around, got)
				}
				// What is left of it must not give the secret away.
				if rest := strings.ReplaceAll(strings.TrimPrefix(got, "Authorization: Basic "), mask, ""); len(rest) > len(text)-len(secret) {
					t.Errorf("only little of %s is masked: %s", text, got)
				}
			}
		}
	}
}

func TestMaskOverlaps(t *testing.T) {
	var m Masker
	m.AddText("abcdefgh", "efghijkl", "abcdef")
	for in, want := range map[string]string{"xabcdefghijkly": "x********y", "abcdefx": "********x", "abcdefghx": "********x"} {
		if got := m.Mask(in); got != want {
			t.Errorf("Mask(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestMaskWriter(t *testing.T) {
	var m Masker
	m.AddText("hunter22", "another secret")
	text := strings.Repeat("a line with hunter22 and another secret in it\n", 20) + "hunter2"
	for _, size := range []int{1, 2, 7, 100, 10_000} {
		var out bytes.Buffer
		w := m.Writer(&out)
		for rest := text; rest != ""; {
			n := min(size, len(rest))
			if k, err := w.Write([]byte(rest[:n])); k != n || err != nil {
				t.Fatal(k, err)
			}
			rest = rest[n:]
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		if got := out.String(); got != m.Mask(text) {
			t.Errorf("in pieces of %d: %q", size, got)
		}
	}
	var none Masker
	var out bytes.Buffer
	w := none.Writer(&out)
	fmt.Fprint(w, "at once")
	if out.String() != "at once" {
		t.Errorf("without secrets something is held back: %q", out.String())
	}
}

func FuzzMask(f *testing.F) {
	f.Add("hunter22", "x hunter22 y", 3)
	f.Add("aaaaaa", "aaaaaaaaaaaaaaaaa", 1)
	f.Add("é&<\n\"/", "é&<\n\"/", 2)
	f.Add("line one\nline two", "  line one\n  line two", 2)
	f.Fuzz(func(t *testing.T, secret, text string, size int) {
		if len(secret) < MinSecret || strings.Contains(mask, secret[:1]) || size < 1 {
			return
		}
		var m Masker
		m.AddText(secret)
		if got := m.Mask(text); strings.Contains(got, secret) {
			t.Errorf("Mask(%q) shows %q: %q", text, secret, got)
		}
		var out bytes.Buffer
		w := m.Writer(&out)
		for rest := text; rest != ""; {
			n := min(size, len(rest))
			if _, err := w.Write([]byte(rest[:n])); err != nil {
				t.Fatal(err)
			}
			rest = rest[n:]
		}
		if err := w.Close(); err != nil || strings.Contains(out.String(), secret) {
			t.Errorf("in pieces, %q shows %q: %q, %v", text, secret, out.String(), err)
		}
	})
}

func BenchmarkMask(b *testing.B) {
	var m Masker
	for i := range 20 {
		m.AddText(fmt.Sprintf("secret number %d", i))
	}
	text := strings.Repeat("ok: [web1] => (item=something) some output of a task\n", 1000)
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		m.Mask(text)
	}
}

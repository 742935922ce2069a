package report

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"net/url"
	"strings"
	"sync"
	"testing"
)

func TestMaskForms(t *testing.T) {
	const secret = `pa"ss/wörd+1 =`
	quoted, err := json.Marshal(secret)
	if err != nil {
		t.Fatal(err)
	}
	m := NewMasker()
	m.Add(secret)
	for _, form := range []string{
		secret, string(quoted), url.QueryEscape(secret), url.PathEscape(secret),
		base64.StdEncoding.EncodeToString([]byte(secret)),
		base64.StdEncoding.EncodeToString([]byte("user:" + secret)),
		base64.StdEncoding.EncodeToString([]byte("me:" + secret + "!")),
		base64.URLEncoding.EncodeToString([]byte("x" + secret)),
	} {
		got := m.Mask("before " + form + " after")
		if !strings.Contains(got, hidden) || !strings.HasPrefix(got, "before ") || !strings.HasSuffix(got, " after") {
			t.Errorf("%q was masked as %q", form, got)
		}
		// of base64 at most what its neighbours share a character with may stay
		if rest := strings.ReplaceAll(strings.TrimSuffix(strings.TrimPrefix(got, "before "), " after"), hidden, ""); len(rest) > 12 {
			t.Errorf("of %q is left %q", form, rest)
		}
	}
	if got := m.Mask("nothing of it"); got != "nothing of it" {
		t.Errorf("a text without the secret became %q", got)
	}
}

func TestMaskLimits(t *testing.T) {
	m := NewMasker()
	m.Add("short")
	m.Add("      ")
	m.Add("")
	if got := m.Mask("a short text"); got != "a short text" {
		t.Errorf("a secret of five bytes was masked: %q", got)
	}
	m.Add("-----BEGIN KEY-----\nabcdefgh\nxyz\n-----END KEY-----\n")
	if got := m.Mask("line: abcdefgh, xyz"); got != "line: "+hidden+", xyz" {
		t.Errorf("a line of a secret of several lines: %q", got)
	}
	m.Add("hunter22")
	m.Add("hunter22-longer") // one secret that begins with another
	if got := m.Mask("hunter22-longer hunter22"); got != hidden+" "+hidden {
		t.Errorf("overlapping secrets: %q", got)
	}
}

// What a writer is told it wrote is what it was given, however long the mask is.
func TestMaskWriter(t *testing.T) {
	m := NewMasker()
	m.Add("a-very-long-secret-indeed")
	var b bytes.Buffer
	p := []byte("x a-very-long-secret-indeed y\n")
	if n, err := m.Writer(&b).Write(p); n != len(p) || err != nil {
		t.Errorf("Write = %d, %v; want %d", n, err, len(p))
	}
	if got := b.String(); got != "x "+hidden+" y\n" {
		t.Errorf("written: %q", got)
	}
}

func TestMaskConcurrently(t *testing.T) {
	m := NewMasker()
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			s := strings.Repeat(string(rune('a'+i)), 8)
			m.Add(s)
			if got := m.Mask(s); got != hidden {
				t.Errorf("%q was masked as %q", s, got)
			}
		})
	}
	wg.Wait()
}

package report

import (
	"encoding/base64"
	"encoding/json"
	"io"
	"net/url"
	"sort"
	"strings"
	"sync"
	"sync/atomic"
)

// minSecret is the length in bytes from which a secret is masked literally: a
// shorter one would hide half of any text.
const minSecret = 6

// hidden stands in a secret's place.
const hidden = "********"

// Masker hides secrets in whatever text they turn up in: as they are, in
// base64, in URLs and in JSON. It is safe for concurrent use.
type Masker struct {
	mu       sync.Mutex
	seen     map[string]bool
	forms    []string
	replacer atomic.Pointer[strings.Replacer]
}

// NewMasker makes a Masker that knows no secrets yet.
func NewMasker() *Masker { return &Masker{seen: map[string]bool{}} }

// Add makes secret known. What is shorter than six bytes is not masked. Each
// line of a secret of several lines counts as one too.
func (m *Masker) Add(secret string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	added := false
	for _, s := range append(strings.Split(secret, "\n"), secret) {
		s = strings.TrimSpace(s)
		if len(s) < minSecret || m.seen[s] {
			continue
		}
		m.seen[s] = true
		m.forms = append(m.forms, formsOf(s)...)
		added = true
	}
	if !added {
		return
	}
	sort.SliceStable(m.forms, func(a, b int) bool { return len(m.forms[a]) > len(m.forms[b]) })
	pairs := make([]string, 0, 2*len(m.forms))
	for _, f := range m.forms {
		pairs = append(pairs, f, hidden)
	}
	m.replacer.Store(strings.NewReplacer(pairs...))
}

// formsOf are the forms in which a secret may turn up.
func formsOf(s string) []string {
	forms := []string{s}
	add := func(f string) {
		if f != s && len(f) >= minSecret {
			forms = append(forms, f)
		}
	}
	add(url.QueryEscape(s))
	add(url.PathEscape(s))
	if j, err := json.Marshal(s); err == nil {
		add(string(j[1 : len(j)-1]))
	}
	// in base64 a text looks different by where in the stream it starts; what does not depend on its neighbours is masked
	for off := range 3 {
		enc := base64.StdEncoding.EncodeToString(append(make([]byte, off), s...))
		from := (off*8 + 5) / 6
		to := (off + len(s)) * 8 / 6
		if to-from >= minSecret {
			add(enc[from:to])
			add(strings.NewReplacer("+", "-", "/", "_").Replace(enc[from:to]))
		}
	}
	return forms
}

// Mask is text with every secret hidden.
func (m *Masker) Mask(text string) string {
	if r := m.replacer.Load(); r != nil {
		return r.Replace(text)
	}
	return text
}

// Writer masks what is written to w. Each Write is looked at by itself, so that
// whoever writes must give whole lines.
func (m *Masker) Writer(w io.Writer) io.Writer { return &maskWriter{m: m, w: w} }

type maskWriter struct {
	m *Masker
	w io.Writer
}

func (w *maskWriter) Write(p []byte) (int, error) {
	if _, err := io.WriteString(w.w, w.m.Mask(string(p))); err != nil {
		return 0, err
	}
	return len(p), nil
}

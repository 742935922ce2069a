package vars

import (
	"cmp"
	"io"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"

	"rp/engine/value"
)

// MinSecret is the length in bytes from which a secret is masked: anything
// shorter would be found in text by chance.
const MinSecret = 6

// mask is what stands in text for a secret.
const mask = "********"

// Masker knows the secrets of a run and takes them out of text: as they are,
// line by line, and in base64, URL, JSON and shell-quoted form. The zero Masker
// knows none. It is safe for concurrent use.
type Masker struct {
	mu    sync.Mutex
	known map[string]bool
	table atomic.Pointer[maskTable]
}

// maskTable is the forms of all secrets, found by their first bytes. It never changes.
type maskTable struct {
	first   [256]bool
	byStart map[string][]string // by the first prefix bytes, the longest first
	longest int
}

// prefix is how many bytes the forms are found by; each is at least MinSecret long.
const prefix = 4

// Add makes the secrets inside v known: every value.Secret that it is or
// holds. Text, numbers and what secret lists and mappings hold are masked from then on.
func (m *Masker) Add(v any) {
	var found []string
	collect(v, false, &found)
	m.AddText(found...)
}

// collect gathers the texts of v that are secret.
func collect(v any, secret bool, found *[]string) {
	switch v := v.(type) {
	case value.Secret:
		collect(v.V, true, found)
	case *value.List:
		for _, e := range v.Items {
			collect(e, secret, found)
		}
	case value.Tuple:
		for _, e := range v {
			collect(e, secret, found)
		}
	case *value.Dict:
		for _, e := range v.All() {
			collect(e, secret, found)
		}
	case string:
		if secret {
			*found = append(*found, v)
		}
	case int64:
		if secret {
			*found = append(*found, strconv.FormatInt(v, 10))
		}
	}
}

// AddText makes texts known as secrets. Those shorter than MinSecret bytes are passed over.
func (m *Masker) AddText(texts ...string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	changed := false
	for _, t := range texts {
		if len(t) < MinSecret || m.known[t] {
			continue
		}
		if m.known == nil {
			m.known = map[string]bool{}
		}
		m.known[t], changed = true, true
	}
	if changed {
		m.table.Store(newMaskTable(m.known))
	}
}

func newMaskTable(secrets map[string]bool) *maskTable {
	t := &maskTable{byStart: map[string][]string{}}
	seen := map[string]bool{}
	for s := range secrets {
		for _, form := range forms(s) {
			if len(form) < MinSecret || seen[form] {
				continue
			}
			seen[form] = true
			t.first[form[0]] = true
			t.longest = max(t.longest, len(form))
			t.byStart[form[:prefix]] = append(t.byStart[form[:prefix]], form)
		}
	}
	for _, list := range t.byStart {
		slices.SortFunc(list, func(a, b string) int {
			return cmp.Or(cmp.Compare(len(b), len(a)), cmp.Compare(a, b))
		})
	}
	return t
}

// Mask is text with asterisks for every secret in it.
func (m *Masker) Mask(text string) string {
	t := m.table.Load()
	if t == nil {
		return text
	}
	out, _ := t.mask(text, 0)
	return out
}

// at is the length of the longest secret that s starts with, or 0.
func (t *maskTable) at(s string) int {
	if len(s) < prefix || !t.first[s[0]] {
		return 0
	}
	for _, form := range t.byStart[s[:prefix]] {
		if strings.HasPrefix(s, form) {
			return len(form)
		}
	}
	return 0
}

// mask masks text up to where a secret might go on beyond its end, keeping at
// least hold bytes undecided; rest is what is left. With hold 0 nothing is left.
func (t *maskTable) mask(text string, hold int) (out, rest string) {
	var b strings.Builder
	from, i := 0, 0
	for i+hold < len(text) {
		n := t.at(text[i:])
		if n == 0 {
			i++
			continue
		}
		// Secrets may overlap: what starts inside this one is masked with it.
		end := i + n
		for j := i + 1; j < end && j < len(text); j++ {
			if n := t.at(text[j:]); n > 0 {
				end = max(end, j+n)
			}
		}
		b.WriteString(text[from:i])
		b.WriteString(mask)
		from, i = end, end
	}
	if from == 0 && i >= len(text) {
		return text, ""
	}
	i = min(max(i, from), len(text))
	b.WriteString(text[from:i])
	return b.String(), text[i:]
}

// Writer gives a writer that masks what goes through it to w, also where a
// secret comes in several pieces. Close writes what was held back; it does not close w.
func (m *Masker) Writer(w io.Writer) io.WriteCloser { return &maskWriter{m: m, w: w} }

type maskWriter struct {
	m    *Masker
	w    io.Writer
	held string
}

func (w *maskWriter) Write(p []byte) (int, error) {
	t := w.m.table.Load()
	if t == nil {
		if _, err := io.WriteString(w.w, w.held); err != nil {
			return 0, err
		}
		w.held = ""
		return w.w.Write(p)
	}
	// Overlapping secrets may reach twice as far as one.
	out, rest := t.mask(w.held+string(p), 2*t.longest)
	w.held = rest
	if _, err := io.WriteString(w.w, out); err != nil {
		return 0, err
	}
	return len(p), nil
}

func (w *maskWriter) Close() error {
	out := w.m.Mask(w.held)
	w.held = ""
	_, err := io.WriteString(w.w, out)
	return err
}

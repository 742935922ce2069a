package vars

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"unicode/utf16"
)

// forms are the ways in which the secret s may stand in a text.
func forms(s string) []string {
	out := plainForms(s)
	for line := range strings.Lines(s) {
		// A secret of several lines is often shown indented. The frame of a PEM block is no secret.
		if line = strings.TrimSpace(line); line != s && !strings.HasPrefix(line, "-----") {
			out = append(out, plainForms(line)...)
		}
	}
	for skip := range 3 {
		std := base64At(s, skip)
		out = append(out, std, strings.NewReplacer("+", "-", "/", "_").Replace(std))
	}
	return out
}

func plainForms(s string) []string {
	escaped := jsonEscaped(s)
	return []string{
		s,
		escaped, asciiOnly(escaped), strings.ReplaceAll(escaped, "/", `\/`), htmlSafe(escaped),
		url.QueryEscape(s), url.PathEscape(s), lowerEscapes(url.QueryEscape(s)), lowerEscapes(url.PathEscape(s)),
		strings.ReplaceAll(s, "'", `'"'"'`), strings.ReplaceAll(s, "'", `'\''`), strings.ReplaceAll(s, "'", "''"),
	}
}

// base64At is the part of base64 that s always gives when skip bytes stand
// before it, modulo three: without the letters that depend on its neighbours.
func base64At(s string, skip int) string {
	text := base64.RawStdEncoding.EncodeToString([]byte(strings.Repeat("\x00", skip) + s))
	whole := (skip + len(s)) * 8 / 6
	return text[[]int{0, 2, 3}[skip]:whole]
}

// jsonEscaped is s as it stands between the quotes of JSON.
func jsonEscaped(s string) string {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(s); err != nil {
		return s
	}
	text := strings.TrimSuffix(b.String(), "\n")
	return text[1 : len(text)-1]
}

// htmlSafe escapes what Go's encoder escapes besides.
func htmlSafe(s string) string {
	return strings.NewReplacer("<", `\u003c`, ">", `\u003e`, "&", `\u0026`).Replace(s)
}

// asciiOnly escapes what Python's encoder escapes besides.
func asciiOnly(s string) string {
	var b strings.Builder
	for _, r := range s {
		switch {
		case r < 0x7f:
			b.WriteRune(r)
		case r > 0xffff:
			hi, lo := utf16.EncodeRune(r)
			fmt.Fprintf(&b, `\u%04x\u%04x`, hi, lo)
		default:
			fmt.Fprintf(&b, `\u%04x`, r)
		}
	}
	return b.String()
}

// lowerEscapes writes %2F as %2f.
func lowerEscapes(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '%' && i+2 < len(s) {
			b.WriteString(strings.ToLower(s[i : i+3]))
			i += 2
			continue
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

package jinja

import (
	"strconv"
	"strings"

	"rp/engine/value"
)

// Filters and tests on URLs.
func init() {
	addFilter(define("urlencode", "", 0, func(c *call) (any, error) {
		if s, ok := c.self.(string); ok {
			return percentEncode(s, "/", false), nil
		}
		if !isSequence(c.self) {
			return percentEncode(c.text(c.self), "/", false), nil
		}
		all, err := c.in.pairs(c.self)
		if err != nil {
			return nil, err
		}
		parts := make([]string, len(all))
		for i, p := range all {
			parts[i] = percentEncode(c.text(p[0]), "", true) + "=" + percentEncode(c.text(p[1]), "", true)
		}
		return strings.Join(parts, "&"), nil
	}))
	addFilter(define("urldecode", "", 0, func(c *call) (any, error) { return percentDecode(c.text(c.self)), nil }))
	addFilter(define("urlsplit", "query='' name='urlsplit'", 0, func(c *call) (any, error) {
		parts := splitURL(c.text(c.self))
		if c.anyText(0) == "" {
			return parts, nil
		}
		v, ok := parts.Get(c.anyText(0))
		if !ok {
			return nil, typef("urlsplit: unknown URL component: %s", c.anyText(0))
		}
		return v, nil
	}))
	kind := func(name string, ok func(scheme, host any) bool) {
		addTest(define(name, "schemes=none", 0, func(c *call) (any, error) {
			text, isText := c.self.(string)
			u := splitURL(text)
			scheme, _ := u.Get("scheme")
			host, _ := u.Get("netloc")
			if !isText || !ok(scheme, host) {
				return false, nil
			}
			return c.args[0] == nil || containsItem(c.items(c.args[0]), scheme).IsTrue(), nil
		}))
	}
	kind("uri", func(any, any) bool { return true })
	kind("url", func(scheme, host any) bool { return host != "" || scheme == "file" })
	kind("urn", func(scheme, _ any) bool { return scheme == "urn" })
}

// percentEncode writes what is not a letter, a digit, in -._~ or in safe as %XX.
func percentEncode(s, safe string, plus bool) string {
	var b strings.Builder
	for i := range len(s) {
		c := s[i]
		switch {
		case c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.IndexByte("-._~"+safe, c) >= 0:
			b.WriteByte(c)
		case c == ' ' && plus:
			b.WriteByte('+')
		default:
			b.WriteString("%" + strings.ToUpper(strconv.FormatUint(0x100|uint64(c), 16)[1:]))
		}
	}
	return b.String()
}

// percentDecode reads %XX and + where they are right, and leaves the rest.
func percentDecode(s string) string {
	s = strings.ReplaceAll(s, "+", " ")
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '%' && i+2 < len(s) {
			if c, err := strconv.ParseUint(s[i+1:i+3], 16, 8); err == nil {
				b.WriteByte(byte(c))
				i += 2
				continue
			}
		}
		b.WriteByte(s[i])
	}
	return strings.ToValidUTF8(b.String(), "\ufffd")
}

// splitURL divides a URL as Python's urlsplit does, which takes anything.
func splitURL(s string) *value.Dict {
	rest, fragment, _ := strings.Cut(s, "#")
	scheme := ""
	if i := strings.IndexByte(rest, ':'); i > 0 && isScheme(rest[:i]) {
		scheme, rest = strings.ToLower(rest[:i]), rest[i+1:]
	}
	netloc := ""
	if strings.HasPrefix(rest, "//") {
		end := strings.IndexAny(rest[2:], "/?")
		if end < 0 {
			end = len(rest) - 2
		}
		netloc, rest = rest[2:2+end], rest[2+end:]
	}
	path, query, _ := strings.Cut(rest, "?")
	var user, password, host, port any
	address := netloc
	if i := strings.LastIndexByte(netloc, '@'); i >= 0 {
		address = netloc[i+1:]
		name, pw, has := strings.Cut(netloc[:i], ":")
		user = name
		if has {
			password = pw
		}
	}
	if address != "" {
		var h, p string
		if end := strings.IndexByte(address, ']'); strings.HasPrefix(address, "[") && end > 0 {
			h, p = address[1:end], strings.TrimPrefix(address[end+1:], ":")
		} else {
			h, p, _ = strings.Cut(address, ":")
		}
		host = strings.ToLower(h)
		if n, err := strconv.ParseInt(p, 10, 32); err == nil {
			port = n
		}
	}
	return value.DictOf("fragment", fragment, "hostname", host, "netloc", netloc, "password", password,
		"path", path, "port", port, "query", query, "scheme", scheme, "username", user)
}

func isScheme(s string) bool {
	for i, r := range s {
		letter := r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z'
		if !letter && (i == 0 || (r < '0' || r > '9') && !strings.ContainsRune("+-.", r)) {
			return false
		}
	}
	return true
}

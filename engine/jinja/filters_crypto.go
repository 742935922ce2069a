package jinja

import (
	"crypto/md5"  //nolint:gosec // a filter of that name
	"crypto/sha1" //nolint:gosec // as above
	"crypto/sha256"
	"crypto/sha3"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"hash"
	"strings"
	"unicode/utf8"

	"golang.org/x/crypto/blake2b"
	"golang.org/x/crypto/blake2s"
)

var hashes = map[string]func() hash.Hash{
	"md5": md5.New, "sha1": sha1.New, "sha224": sha256.New224, "sha256": sha256.New,
	"sha384": sha512.New384, "sha512": sha512.New, "sha512_256": sha512.New512_256,
	"sha3_224": func() hash.Hash { return sha3.New224() }, "sha3_256": func() hash.Hash { return sha3.New256() },
	"sha3_384": func() hash.Hash { return sha3.New384() }, "sha3_512": func() hash.Hash { return sha3.New512() },
	"blake2b": func() hash.Hash { h, _ := blake2b.New512(nil); return h },
	"blake2s": func() hash.Hash { h, _ := blake2s.New256(nil); return h },
}

// Hashes and encodings.
func init() {
	sum := func(c *call, name string) (any, error) {
		f := hashes[strings.ReplaceAll(strings.ToLower(name), "-", "_")]
		if f == nil {
			return nil, typef("unsupported hash type %s", name)
		}
		h := f()
		h.Write([]byte(c.text(c.self)))
		return hex.EncodeToString(h.Sum(nil)), nil
	}
	addFilter(define("hash", "hashtype='sha1'", 0, func(c *call) (any, error) { return sum(c, c.str(0)) }))
	addFilter(define("md5", "", 0, func(c *call) (any, error) { return sum(c, "md5") }))
	addFilter(define("sha1", "", 0, func(c *call) (any, error) { return sum(c, "sha1") }), "checksum")
	addFilter(define("b64encode", "encoding='utf-8'", 0, func(c *call) (any, error) {
		b, err := encodeText(c.text(c.self), c.str(0))
		return base64.StdEncoding.EncodeToString(b), err
	}))
	addFilter(define("b64decode", "encoding='utf-8'", 0, func(c *call) (any, error) {
		s := strings.Map(func(r rune) rune {
			if r == '\n' || r == '\r' || r == ' ' || r == '\t' {
				return -1
			}
			return r
		}, c.text(c.self))
		b, err := base64.StdEncoding.DecodeString(s)
		if err != nil {
			return nil, fmt.Errorf("cannot decode base64: %w", err)
		}
		return decodeText(b, c.str(0))
	}))
	addFilter(define("password_hash", "hashtype='sha512' salt=none salt_size=none rounds=none ident=none", 0, filterPasswordHash))
	addFilter(define("to_uuid", "namespace='361E6D51-FAEC-444A-9079-341386DA8E2E'", 0, func(c *call) (any, error) {
		ns, err := hex.DecodeString(strings.ReplaceAll(c.anyText(0), "-", ""))
		if err != nil || len(ns) != 16 {
			return nil, typef("Invalid value '%s' for 'namespace': badly formed hexadecimal UUID string", c.anyText(0))
		}
		u := sha1.Sum(append(ns, c.text(c.self)...)) //nolint:gosec // a version 5 UUID is made of it (RFC 9562)
		u[6], u[8] = u[6]&0x0f|0x50, u[8]&0x3f|0x80
		return fmt.Sprintf("%x-%x-%x-%x-%x", u[0:4], u[4:6], u[6:8], u[8:10], u[10:16]), nil
	}))
	for _, name := range []string{"vault", "unvault"} {
		addFilter(define(name, "*args **kwargs", 0, func(*call) (any, error) {
			return nil, unsupportedErr("the filter '" + name + "' is not supported yet")
		}))
	}
}

// encodeText gives the bytes of s in one of the encodings that templates ask for.
func encodeText(s, encoding string) ([]byte, error) {
	switch strings.ReplaceAll(strings.ToLower(encoding), "_", "-") {
	case "utf-8", "utf8":
		return []byte(s), nil
	case "utf-16-le", "utf-16le":
		return utf16LE(s), nil
	case "ascii", "latin-1", "iso-8859-1":
		out := make([]byte, 0, len(s))
		for _, r := range s {
			if r > 0xff || r > 0x7f && encoding == "ascii" {
				return nil, typef("'%s' codec can't encode character '\\u%04x'", encoding, r)
			}
			out = append(out, byte(r))
		}
		return out, nil
	}
	return nil, unsupportedErr("the encoding '" + encoding + "' is not supported yet")
}

func utf16LE(s string) []byte {
	var out []byte
	for _, r := range s {
		if r > 0xffff {
			r -= 0x10000
			hi, lo := 0xd800+r>>10, 0xdc00+r&0x3ff
			out = append(out, byte(hi), byte(hi>>8), byte(lo), byte(lo>>8)) //nolint:gosec // the low bytes are meant
			continue
		}
		out = append(out, byte(r), byte(r>>8)) //nolint:gosec // as above
	}
	return out
}

func decodeText(b []byte, encoding string) (any, error) {
	switch strings.ReplaceAll(strings.ToLower(encoding), "_", "-") {
	case "utf-8", "utf8", "ascii":
		if !utf8.Valid(b) {
			// Ansible keeps such bytes by surrogates, which Go's strings do as they are.
			return string(b), nil
		}
		return string(b), nil
	case "utf-16-le", "utf-16le":
		var out strings.Builder
		for i := 0; i+1 < len(b); i += 2 {
			r := rune(b[i]) | rune(b[i+1])<<8
			if r >= 0xd800 && r < 0xdc00 && i+3 < len(b) {
				i += 2
				r = 0x10000 + (r-0xd800)<<10 + (rune(b[i]) | rune(b[i+1])<<8 - 0xdc00)
			}
			out.WriteRune(r)
		}
		return out.String(), nil
	case "latin-1", "iso-8859-1":
		r := make([]rune, len(b))
		for i, c := range b {
			r[i] = rune(c)
		}
		return string(r), nil
	}
	return nil, unsupportedErr("the encoding '" + encoding + "' is not supported yet")
}

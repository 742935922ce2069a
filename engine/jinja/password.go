package jinja

import (
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"strings"

	"github.com/go-crypt/crypt/algorithm"
	"github.com/go-crypt/crypt/algorithm/bcrypt"
	"github.com/go-crypt/crypt/algorithm/md5crypt"
	"github.com/go-crypt/crypt/algorithm/shacrypt"
)

// saltLetters are the characters of a salt of crypt(5).
const saltLetters = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

// cryptScheme is one method of crypt(5), with the defaults that passlib has.
type cryptScheme struct {
	salt, maxSalt                int // characters
	rounds, minRounds, maxRounds int
}

var cryptSchemes = map[string]cryptScheme{
	"md5":      {salt: 8, maxSalt: 8},
	"sha256":   {salt: 16, maxSalt: 16, rounds: 535000, minRounds: 1000, maxRounds: 999999999},
	"sha512":   {salt: 16, maxSalt: 16, rounds: 656000, minRounds: 1000, maxRounds: 999999999},
	"blowfish": {salt: 22, maxSalt: 22, rounds: 12, minRounds: 10, maxRounds: 16},
}

// maxRounds keeps a template from running for minutes; so does the bound on
// blowfish's rounds, each of which doubles the time.
const maxRounds = 5_000_000

func filterPasswordHash(c *call) (any, error) {
	name := c.str(0)
	name = strings.TrimSuffix(name, "_crypt")
	if name == "bcrypt" {
		name = "blowfish"
	}
	s, ok := cryptSchemes[name]
	if !ok {
		return nil, typef("passlib does not support '%s' algorithm", c.str(0))
	}
	salt, err := c.salt(s)
	if _, stands := salt.(string); err != nil || !stands {
		return salt, err
	}
	rounds := s.rounds
	if c.args[3] != nil {
		rounds = c.looseInt(3)
	}
	if s.rounds > 0 && (rounds < s.minRounds || rounds > s.maxRounds || rounds > maxRounds) {
		return nil, typef("Could not hash the secret. %s: rounds (%d) must be at least %d and at most %d", name, rounds, s.minRounds, min(s.maxRounds, maxRounds))
	}
	if c.args[4] != nil && (name != "blowfish" || c.anyText(4) != "2b") {
		return nil, unsupportedErr("password_hash with the ident '" + c.anyText(4) + "' is not supported yet")
	}
	return cryptHash(name, c.text(c.self), Str(salt), rounds)
}

// salt is the salt that was given, or a random one. In a dry run a random one
// is not made: the stand-in for it is given instead of text.
func (c *call) salt(s cryptScheme) (any, error) {
	if c.args[1] != nil {
		salt := c.anyText(1)
		if strings.Trim(salt, saltLetters) != "" {
			return nil, typef("invalid characters in salt")
		}
		if len(salt) > s.maxSalt || salt == "" || s.salt == 22 && len(salt) != 22 {
			return nil, typef("the salt must have 1 to %d characters", s.maxSalt)
		}
		return salt, nil
	}
	if v, ok := c.in.env.unstable("password_hash"); ok {
		return v, nil
	}
	n := s.salt
	if c.args[2] != nil {
		if n = c.looseInt(2); n < 1 || n > s.maxSalt {
			return nil, typef("salt_size must be between 1 and %d", s.maxSalt)
		}
	}
	b := make([]byte, n)
	if _, err := rand.Read(b); err != nil {
		return nil, fmt.Errorf("cannot make a salt: %w", err)
	}
	for i := range b {
		b[i] = saltLetters[b[i]&63]
	}
	return string(b), nil
}

func cryptHash(name, password, salt string, rounds int) (string, error) {
	h, raw, err := hasher(name, salt, rounds)
	if err != nil {
		return "", fmt.Errorf("cannot hash the secret: %w", err)
	}
	digest, err := h.HashWithSalt(password, raw)
	if err != nil {
		return "", fmt.Errorf("cannot hash the secret: %w", err)
	}
	return digest.Encode(), nil
}

func hasher(name, salt string, rounds int) (algorithm.Hash, []byte, error) {
	switch name {
	case "md5":
		h, err := md5crypt.New()
		return h, []byte(salt), err
	case "sha256":
		h, err := shacrypt.New(shacrypt.WithSHA256(), shacrypt.WithIterations(rounds))
		return h, []byte(salt), err
	case "sha512":
		h, err := shacrypt.New(shacrypt.WithSHA512(), shacrypt.WithIterations(rounds))
		return h, []byte(salt), err
	}
	letters := "./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
	raw, err := base64.NewEncoding(letters).WithPadding(base64.NoPadding).DecodeString(salt)
	if err != nil {
		return nil, nil, err
	}
	h, err := bcrypt.New(bcrypt.WithIterations(rounds))
	return h, raw, err
}

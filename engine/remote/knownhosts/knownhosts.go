// Package knownhosts reads, checks and writes OpenSSH's known_hosts files.
//
// A [DB] holds several files read once. [DB.Check] says whether a host may
// present a key, [DB.Algorithms] which kinds of key to ask it for: those on
// file first, since a server that has several would otherwise present one that
// is not on file and look like an impostor. [Append] writes new keys.
//
// x/crypto's own package refuses a whole file for one line that it cannot
// read, and loses the order of algorithms; here such a line is skipped and
// reported, as OpenSSH does. The format is sshd(8)'s, SSH_KNOWN_HOSTS FILE
// FORMAT. This package imports nothing of rp but the patterns of sshconf.
package knownhosts

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha1" //nolint:gosec // the format's own hash of names
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"slices"
	"strings"
	"sync"

	"golang.org/x/crypto/ssh"

	"rp/engine/remote/sshconf"
)

// Entry is one line of a file.
type Entry struct {
	File   string
	Line   int
	Marker string // "", "cert-authority" or "revoked"
	Hosts  []string
	Key    ssh.PublicKey
}

// Place is the entry's file:line.
func (e Entry) Place() string { return fmt.Sprintf("%s:%d", e.File, e.Line) }

// DB is what some files hold; it may be used from several goroutines.
type DB struct {
	// Files are those that were asked for, whether they are there or not.
	Files []string
	// Warnings are the lines and files that could not be used.
	Warnings []string

	mu     sync.RWMutex
	named  map[string][]Entry // lines with plain names only, by name
	others []Entry            // lines with patterns, hashes or markers
}

// Load reads files; one that is not there is empty.
func Load(files []string) *DB {
	db := &DB{Files: files, named: map[string][]Entry{}}
	for _, f := range files {
		data, err := os.ReadFile(f)
		if err != nil {
			if !errors.Is(err, fs.ErrNotExist) {
				db.Warnings = append(db.Warnings, fmt.Sprintf("cannot read known hosts: %v", err))
			}
			continue
		}
		entries, bad := Parse(f, data)
		db.Warnings = append(db.Warnings, bad...)
		for _, e := range entries {
			db.add(e)
		}
	}
	return db
}

// Parse reads the text of one file: its entries, and what is wrong with the rest.
func Parse(file string, data []byte) (entries []Entry, bad []string) {
	n := 0
	for line := range bytes.Lines(data) {
		n++
		line = bytes.TrimSpace(line)
		if len(line) == 0 || line[0] == '#' {
			continue
		}
		marker, hosts, key, _, _, err := ssh.ParseKnownHosts(line)
		if err == nil && marker != "" && marker != "cert-authority" && marker != "revoked" {
			err = fmt.Errorf("unknown marker %q", "@"+marker)
		}
		if err != nil {
			bad = append(bad, fmt.Sprintf("%s:%d: not a line of known hosts: %v", file, n, err))
			continue
		}
		entries = append(entries, Entry{File: file, Line: n, Marker: marker, Hosts: hosts, Key: key})
	}
	return entries, bad
}

func (db *DB) add(e Entry) {
	plain := e.Marker == "" && !slices.ContainsFunc(e.Hosts, func(h string) bool {
		return strings.ContainsAny(h, "*?!|")
	})
	if !plain {
		db.others = append(db.others, e)
		return
	}
	for _, h := range e.Hosts {
		h = strings.ToLower(h)
		db.named[h] = append(db.named[h], e)
	}
}

// Add makes db know keys that have been written since it was read.
func (db *DB) Add(entries ...Entry) {
	db.mu.Lock()
	defer db.mu.Unlock()
	for _, e := range entries {
		db.add(e)
	}
}

// Name is how a host is called in the files: its name where the port is 22,
// else [name]:port.
func Name(host string, port int) string {
	host = strings.ToLower(host)
	if port == 22 || port == 0 {
		return host
	}
	return fmt.Sprintf("[%s]:%d", host, port)
}

// Lookup gives the entries for a host as [Name] names it, revoked ones aside.
func (db *DB) Lookup(name string) []Entry {
	db.mu.RLock()
	defer db.mu.RUnlock()
	out := slices.Clone(db.named[name])
	for _, e := range db.others {
		if e.Marker != "revoked" && e.matches(name) {
			out = append(out, e)
		}
	}
	slices.SortStableFunc(out, func(a, b Entry) int {
		if d := slices.Index(db.Files, a.File) - slices.Index(db.Files, b.File); d != 0 {
			return d
		}
		return a.Line - b.Line
	})
	return out
}

// matches reports whether the entry is one for name. Patterns are held against
// the whole of [name]:port where the port is not 22, as in OpenSSH.
func (e Entry) matches(name string) bool {
	if len(e.Hosts) == 1 && strings.HasPrefix(e.Hosts[0], "|1|") {
		return hashMatches(e.Hosts[0], name)
	}
	var patterns []string
	for _, h := range e.Hosts {
		patterns = append(patterns, strings.ToLower(h))
	}
	return sshconf.MatchList(patterns, name)
}

// hashMatches compares a name with |1|salt|HMAC-SHA1(salt, name).
func hashMatches(hashed, name string) bool {
	parts := strings.Split(hashed, "|")
	if len(parts) != 4 {
		return false
	}
	salt, err1 := base64.StdEncoding.DecodeString(parts[2])
	want, err2 := base64.StdEncoding.DecodeString(parts[3])
	if err1 != nil || err2 != nil {
		return false
	}
	return hmac.Equal(want, hashName(salt, name))
}

func hashName(salt []byte, name string) []byte {
	mac := hmac.New(sha1.New, salt)
	mac.Write([]byte(name))
	return mac.Sum(nil)
}

// UnknownError says that no file has an entry for the host.
type UnknownError struct {
	Name string
	Key  ssh.PublicKey
}

func (e *UnknownError) Error() string {
	return fmt.Sprintf("%s is not a known host: it presents %s key %s", e.Name, KeyType(e.Key), ssh.FingerprintSHA256(e.Key))
}

// ChangedError says that the host presents another key than the one on file.
type ChangedError struct {
	Name string
	Key  ssh.PublicKey
	Want []Entry
}

func (e *ChangedError) Error() string {
	var want []string
	for _, w := range e.Want {
		want = append(want, fmt.Sprintf("%s at %s", KeyType(w.Key), w.Place()))
	}
	return fmt.Sprintf("%s presents %s key %s, but on file is %s", e.Name, KeyType(e.Key), ssh.FingerprintSHA256(e.Key), strings.Join(want, ", "))
}

// RevokedError says that a file forbids ever to take this key.
type RevokedError struct {
	Name  string
	Key   ssh.PublicKey
	Entry Entry
}

func (e *RevokedError) Error() string {
	return fmt.Sprintf("%s presents %s key %s, which %s revokes", e.Name, KeyType(e.Key), ssh.FingerprintSHA256(e.Key), e.Entry.Place())
}

// CertError says that the host presents a certificate that is not good for it.
type CertError struct {
	Name string
	Err  error
}

func (e *CertError) Error() string {
	return fmt.Sprintf("%s presents a certificate: %v", e.Name, e.Err)
}
func (e *CertError) Unwrap() error { return e.Err }

// KeyType is the kind of a key in short: ed25519, rsa, ecdsa-sha2-nistp256.
func KeyType(k ssh.PublicKey) string { return strings.TrimPrefix(k.Type(), "ssh-") }

// Check decides whether the host of that name (as [Name] makes it; principal is
// the bare name, which certificates hold) may present key. The error is one of
// this package's types.
func (db *DB) Check(name, principal string, key ssh.PublicKey) error {
	if e, ok := db.revoked(key); ok {
		return &RevokedError{Name: name, Key: key, Entry: e}
	}
	entries := db.Lookup(name)
	if cert, ok := key.(*ssh.Certificate); ok {
		return db.checkCert(entries, name, principal, cert)
	}
	var want []Entry
	for _, e := range entries {
		if e.Marker != "" {
			continue
		}
		if sameKey(e.Key, key) {
			return nil
		}
		want = append(want, e)
	}
	if len(want) > 0 {
		return &ChangedError{Name: name, Key: key, Want: want}
	}
	// The same key on file for the host's port 22 is good for its other ports.
	if plain := Name(principal, 22); name != plain && strings.HasPrefix(name, "[") && db.Check(plain, principal, key) == nil {
		return nil
	}
	return &UnknownError{Name: name, Key: key}
}

func (db *DB) checkCert(entries []Entry, name, principal string, cert *ssh.Certificate) error {
	checker := ssh.CertChecker{
		IsHostAuthority: func(ca ssh.PublicKey, _ string) bool {
			return slices.ContainsFunc(entries, func(e Entry) bool {
				return e.Marker == "cert-authority" && sameKey(e.Key, ca)
			})
		},
		IsRevoked: func(c *ssh.Certificate) bool {
			_, is := db.revoked(c.SignatureKey)
			return is
		},
	}
	if err := checker.CheckHostKey(net.JoinHostPort(principal, "22"), nil, cert); err != nil {
		// Without an authority for this host the bare key decides, as in OpenSSH.
		if !checker.IsHostAuthority(cert.SignatureKey, "") {
			return db.Check(name, principal, cert.Key)
		}
		return &CertError{Name: name, Err: err}
	}
	return nil
}

// revoked finds the entry that revokes a key, or a certificate's own key.
func (db *DB) revoked(key ssh.PublicKey) (Entry, bool) {
	if c, ok := key.(*ssh.Certificate); ok {
		key = c.Key
	}
	db.mu.RLock()
	defer db.mu.RUnlock()
	for _, e := range db.others {
		if e.Marker == "revoked" && sameKey(e.Key, key) {
			return e, true
		}
	}
	return Entry{}, false
}

func sameKey(a, b ssh.PublicKey) bool { return bytes.Equal(a.Marshal(), b.Marshal()) }

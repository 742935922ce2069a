package knownhosts

import (
	"bytes"
	"crypto/rand"
	"crypto/sha1" //nolint:gosec // the format's own hash of names
	"encoding/base64"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/crypto/ssh"
	"golang.org/x/sys/unix"
)

// New is a key to be written for a host, as [Name] names it.
type New struct {
	Name string
	Key  ssh.PublicKey
}

// Append writes keys to the end of a file, under a lock, and gives the entries
// that it wrote. A name and key that the file has already is left out. Names
// are hashed if hash says so or the file has hashed names. The file is made
// (0600, its directory 0700) where it is not there.
func Append(file string, hash bool, keys []New) (written []Entry, err error) {
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		return nil, fmt.Errorf("cannot write known hosts: %w", err)
	}
	f, err := os.OpenFile(file, os.O_RDWR|os.O_APPEND|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("cannot write known hosts: %w", err)
	}
	defer func() {
		if e := f.Close(); err == nil && e != nil {
			err = fmt.Errorf("cannot write known hosts: %w", e)
		}
	}()
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX); err != nil {
		return nil, fmt.Errorf("cannot lock %s: %w", file, err)
	}
	old, err := io.ReadAll(f)
	if err != nil {
		return nil, fmt.Errorf("cannot read %s: %w", file, err)
	}
	text, written := addition(file, old, hash, keys)
	if len(text) == 0 {
		return nil, nil
	}
	if _, err := f.Write(text); err != nil {
		return nil, fmt.Errorf("cannot write %s: %w", file, err)
	}
	return written, nil
}

// addition is the text to put behind old.
func addition(file string, old []byte, hash bool, keys []New) (text []byte, written []Entry) {
	entries, _ := Parse(file, old)
	hash = hash || slices.ContainsFunc(entries, func(e Entry) bool {
		return strings.HasPrefix(e.Hosts[0], "|1|")
	})
	line := bytes.Count(old, []byte("\n"))
	var b bytes.Buffer
	if len(old) > 0 && !bytes.HasSuffix(old, []byte("\n")) {
		b.WriteByte('\n')
		line++
	}
	for _, k := range keys {
		if slices.ContainsFunc(entries, func(e Entry) bool {
			return e.Marker == "" && sameKey(e.Key, k.Key) && e.matches(k.Name)
		}) {
			continue
		}
		name := k.Name
		if hash {
			name = hashed(name)
		}
		line++
		e := Entry{File: file, Line: line, Hosts: []string{name}, Key: k.Key}
		entries, written = append(entries, e), append(written, e)
		fmt.Fprintf(&b, "%s %s", name, ssh.MarshalAuthorizedKey(k.Key)) // ends with a newline
	}
	if len(written) == 0 {
		return nil, nil
	}
	return b.Bytes(), written
}

// hashed is a name as HashKnownHosts keeps it.
func hashed(name string) string {
	salt := make([]byte, sha1.Size)
	rand.Read(salt)
	enc := base64.StdEncoding.EncodeToString
	return "|1|" + enc(salt) + "|" + enc(hashName(salt, name))
}

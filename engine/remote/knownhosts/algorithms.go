package knownhosts

import (
	"net"
	"slices"

	"golang.org/x/crypto/ssh"
)

// Preferred is the order in which a host is asked for kinds of key where
// nothing is on file: OpenSSH's, certificates aside.
var Preferred = []string{
	ssh.KeyAlgoED25519, ssh.KeyAlgoECDSA256, ssh.KeyAlgoECDSA384, ssh.KeyAlgoECDSA521,
	ssh.KeyAlgoRSASHA512, ssh.KeyAlgoRSASHA256,
}

// Algorithms gives what to ask a host for: certificates where an authority for
// it is on file, then the kinds of key on file, then the others, so that a host
// whose key has changed to another kind is seen as changed.
func (db *DB) Algorithms(name string) []string {
	entries := db.Lookup(name)
	if host, _, err := net.SplitHostPort(name); err == nil && len(entries) == 0 {
		entries = db.Lookup(host) // see Check: good for other ports, too
	}
	var out []string
	add := func(algorithms ...string) {
		for _, a := range algorithms {
			if !slices.Contains(out, a) {
				out = append(out, a)
			}
		}
	}
	for _, e := range entries {
		if e.Marker == "cert-authority" {
			// The authority's kind says nothing of the kind of the host's key.
			add(ssh.CertAlgoED25519v01, ssh.CertAlgoECDSA256v01, ssh.CertAlgoECDSA384v01, ssh.CertAlgoECDSA521v01,
				ssh.CertAlgoRSASHA512v01, ssh.CertAlgoRSASHA256v01)
		}
	}
	for _, e := range entries {
		if e.Marker != "" {
			continue
		}
		if e.Key.Type() == ssh.KeyAlgoRSA {
			add(ssh.KeyAlgoRSASHA512, ssh.KeyAlgoRSASHA256)
		}
		add(e.Key.Type())
	}
	add(Preferred...)
	return out
}

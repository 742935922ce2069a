package remote

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"

	"golang.org/x/crypto/ssh"
	"golang.org/x/sync/errgroup"

	"rp/engine/remote/knownhosts"
)

// UnknownKey is the key of a host that no known_hosts file knows.
type UnknownKey struct {
	Target      string // the inventory's name, or the jump host's
	Name        string // what the key will be kept under
	Type        string // ed25519, rsa, ecdsa-sha2-nistp256
	Fingerprint string // SHA256:…
	key         ssh.PublicKey
	file        string
	hash        bool
}

// scanned is where a scan puts the key that it came for.
type scanned struct{ key ssh.PublicKey }

// errScanned ends a handshake that was only for the key.
var errScanned = errors.New("the host key has been read")

// checkHostKey is the handshake's question whether this is the host.
func (a *attempt) checkHostKey(_ string, _ net.Addr, key ssh.PublicKey) error {
	if a.scan != nil {
		a.scan.key = key
		return errScanned
	}
	if a.s.check == CheckOff {
		return nil
	}
	name, principal := a.s.keyName()
	err := a.d.hosts(a.s.knownFiles).Check(name, principal, key)
	var unknown *knownhosts.UnknownError
	if errors.As(err, &unknown) && a.s.check == CheckAcceptNew {
		u := UnknownKey{Target: a.s.name, Name: name, key: unknown.Key, file: a.s.writeTo, hash: a.s.hashKnown}
		if err := a.d.Accept([]UnknownKey{u}); err != nil {
			a.d.warn(err.Error())
		}
		return nil
	}
	a.keyErr = err
	return err
}

// keyHint says what to do about a host key that was not taken.
func keyHint(err error) string {
	var changed *knownhosts.ChangedError
	var unknown *knownhosts.UnknownError
	switch {
	case errors.As(err, &changed):
		return fmt.Sprintf("somebody may be in between; if the host was set up anew, remove its old key: ssh-keygen -R %q", changed.Name)
	case errors.As(err, &unknown):
		return "compare the fingerprint and connect once with ssh, or use --host-key-check=accept-new"
	}
	return ""
}

// scanAtOnce is how many hosts are asked for their keys at the same time.
const scanAtOnce = 32

// ScanHostKeys collects the keys of the targets that are not known yet, in the
// targets' order, each once. Only such hosts are connected to, and none is
// logged in to, but for known jump hosts on the way. A host behind an unknown
// jump host is reported once that one is accepted, so call it again after
// [Dialer.Accept] until nothing is left. A host that cannot be reached is left
// out: Dial will say why. The error is the context's.
func (d *Dialer) ScanHostKeys(ctx context.Context, targets []Target) ([]UnknownKey, error) {
	found := make([]*UnknownKey, len(targets))
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(scanAtOnce)
	for i, t := range targets {
		s, err := d.settings(ctx, t)
		if err != nil {
			continue
		}
		g.Go(func() error {
			found[i] = d.scan(ctx, s, 0)
			return ctx.Err()
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	var out []UnknownKey
	for _, f := range found {
		if f != nil && !slices.ContainsFunc(out, func(o UnknownKey) bool { return o.Name == f.Name && o.file == f.file }) {
			out = append(out, *f)
		}
	}
	return out, nil
}

// scan gives the first unknown key on the way to s, nil if there is none.
func (d *Dialer) scan(ctx context.Context, s *settings, depth int) *UnknownKey {
	if depth > maxJumps {
		return nil
	}
	if hop, err := d.hop(ctx, s); err != nil {
		return nil
	} else if hop != nil {
		if u := d.scan(ctx, hop, depth+1); u != nil {
			return u
		}
	}
	if s.check != CheckStrict || d.isKnown(s) {
		return nil
	}
	var got scanned
	_, err := d.open(ctx, s, &got)
	if !errors.Is(err, errScanned) {
		return nil
	}
	key := got.key
	if c, ok := key.(*ssh.Certificate); ok {
		key = c.Key
	}
	name, _ := s.keyName()
	return &UnknownKey{
		Target: s.name, Name: name, Type: knownhosts.KeyType(key), Fingerprint: ssh.FingerprintSHA256(key),
		key: key, file: s.writeTo, hash: s.hashKnown,
	}
}

// isKnown reports whether anything at all is on file for the host.
func (d *Dialer) isKnown(s *settings) bool {
	db := d.hosts(s.knownFiles)
	name, principal := s.keyName()
	return len(db.Lookup(name)) > 0 || strings.HasPrefix(name, "[") && len(db.Lookup(strings.ToLower(principal))) > 0
}

// Accept writes keys to the known hosts and takes them from now on.
func (d *Dialer) Accept(keys []UnknownKey) error {
	type place struct {
		file string
		hash bool
	}
	byPlace := map[place][]knownhosts.New{}
	var order []place
	var errs []error
	for _, k := range keys {
		p := place{k.file, k.hash}
		if _, ok := byPlace[p]; !ok {
			order = append(order, p)
		}
		byPlace[p] = append(byPlace[p], knownhosts.New{Name: k.Name, Key: k.key})
	}
	for _, p := range order {
		if p.file != "" {
			if _, err := knownhosts.Append(p.file, p.hash, byPlace[p]); err != nil {
				errs = append(errs, err)
			}
		}
		d.learn(p.file, byPlace[p])
	}
	return errors.Join(errs...)
}

// learn makes every set of known hosts that reads a file know the new keys.
func (d *Dialer) learn(file string, keys []knownhosts.New) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, db := range d.known {
		if file != "" && !slices.Contains(db.Files, file) {
			continue
		}
		for _, k := range keys {
			db.Add(knownhosts.Entry{File: file, Hosts: []string{k.Name}, Key: k.Key})
		}
	}
}

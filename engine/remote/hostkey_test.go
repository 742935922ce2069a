package remote

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"
)

func TestHostKeyCheck(t *testing.T) {
	s := startSSHD(t)
	name := fmt.Sprintf("[127.0.0.1]:%d", s.port)
	other := writeKey(t, filepath.Join(s.dir, "other"), "")
	line := func(name string, k ssh.PublicKey) string { return name + " " + string(ssh.MarshalAuthorizedKey(k)) }
	keygen(t, "-q", "-t", "ecdsa", "-N", "", "-f", filepath.Join(s.dir, "ecdsa"))
	ecdsa := string(read(t, filepath.Join(s.dir, "ecdsa.pub")))
	cases := []struct {
		name, check, file, args string
		refused                 []string // nil: it connects
		after                   string   // how often the key is in the file then
	}{
		{"known", CheckStrict, line(name, s.hostKey), "", nil, "1"},
		{"unknown", CheckStrict, "", "", []string{"not a known host", ssh.FingerprintSHA256(s.hostKey)}, "0"},
		{"known for port 22", CheckStrict, line("127.0.0.1", s.hostKey), "", nil, "1"},
		{"changed", CheckStrict, "# a comment\n" + line(name, other), "", []string{"known_hosts:2", "ssh-keygen -R"}, "0"},
		{"changed in kind", CheckAcceptNew, name + " " + ecdsa, "", []string{"known_hosts:1"}, "0"},
		{"two kinds on file", CheckStrict, name + " " + ecdsa + line(name, s.hostKey), "", nil, "1"},
		{"a bad line before", CheckStrict, "rubbish\n" + line(name, s.hostKey), "", nil, "1"},
		{"revoked", CheckStrict, line(name, s.hostKey) + "@revoked " + line("*", s.hostKey), "", []string{"known_hosts:2 revokes"}, "2"},
		{"accepted when new", CheckAcceptNew, "", "", nil, "1"},
		{"changed is not new", CheckAcceptNew, line(name, other), "", []string{"known_hosts:1"}, "0"},
		{"off", CheckOff, line(name, other), "", nil, "0"},
		{"off by ssh argument", "", line(name, other), "-o StrictHostKeyChecking=no", nil, "0"},
		{"strict beats ssh argument", CheckStrict, line(name, other), "-o StrictHostKeyChecking=no", []string{"known_hosts:1"}, "0"},
		{"alias", "", line("web-alias", s.hostKey), "-o HostKeyAlias=web-alias", nil, "1"},
		{"other file by ssh argument", "", "", "-o UserKnownHostsFile=/dev/null -o StrictHostKeyChecking=accept-new", nil, "0"},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "known_hosts")
			write(t, file, tc.file)
			o := options(t, file)
			o.HostKeyCheck = tc.check
			d := newDialer(t, o)
			target := s.target()
			target.SSHCommonArgs = tc.args
			if tc.refused != nil {
				fails(t, d, target, StageHostKey, tc.refused...)
			} else {
				dial(t, d, target)
				dial(t, d, target)
			}
			n := strings.Count(string(read(t, file)), strings.TrimSpace(string(ssh.MarshalAuthorizedKey(s.hostKey))))
			if fmt.Sprint(n) != tc.after {
				t.Errorf("the file has the key %d times, want %s:\n%s", n, tc.after, read(t, file))
			}
		})
	}
}

func TestHostCertificate(t *testing.T) {
	s := startSSHD(t, "HostCertificate DIR/host-cert.pub")
	ca := filepath.Join(s.dir, "ca")
	authority := string(ssh.MarshalAuthorizedKey(writeKey(t, ca, "")))
	keygen(t, "-q", "-s", ca, "-I", "test", "-h", "-n", "127.0.0.1", filepath.Join(s.dir, "host.pub"))
	known := filepath.Join(t.TempDir(), "known_hosts")
	// sshd read its files when it started; it has to be told of the certificate.
	s2 := restartWith(t, s, "HostCertificate "+filepath.Join(s.dir, "host-cert.pub"))
	name := fmt.Sprintf("[127.0.0.1]:%d", s2.port)
	write(t, known, "@cert-authority [127.0.0.1]:* "+authority)
	dial(t, newDialer(t, options(t, known)), s2.target())
	if !strings.Contains(string(read(t, known)), "@cert") {
		t.Error("the file was changed")
	}
	write(t, known, "@cert-authority "+name+" "+authority+"@revoked * "+authority)
	fails(t, newDialer(t, options(t, known)), s2.target(), StageHostKey, "certificate")
	other := string(ssh.MarshalAuthorizedKey(writeKey(t, filepath.Join(s.dir, "ca2"), "")))
	write(t, known, "@cert-authority "+name+" "+other)
	fails(t, newDialer(t, options(t, known)), s2.target(), StageHostKey, "not a known host")
	target := s2.target()
	target.HostKeyAlias = "another-name"
	write(t, known, "@cert-authority another-name "+authority)
	fails(t, newDialer(t, options(t, known)), target, StageHostKey, "another-name presents a certificate")
}

// restartWith starts an sshd that has s's host key and user key.
func restartWith(t *testing.T, s *sshd, lines ...string) *sshd {
	t.Helper()
	n := startSSHD(t, append(lines, "HostKey "+filepath.Join(s.dir, "host"))...)
	n.hostKey = s.hostKey
	return n
}

func TestScanAndAccept(t *testing.T) {
	jump, a, b := startSSHD(t), startSSHD(t), startSSHD(t)
	file := filepath.Join(t.TempDir(), "deep", ".ssh", "known_hosts")
	o := options(t, file)
	o.HostKeyCheck = CheckStrict
	o.KeyFiles = []string{filepath.Join(jump.dir, "id"), filepath.Join(a.dir, "id"), filepath.Join(b.dir, "id")}
	d := newDialer(t, o)
	behind := b.target()
	behind.Name, behind.Jumps = "behind", []string{fmt.Sprintf("127.0.0.1:%d", jump.port)}
	gone := Target{Name: "gone", Address: "127.0.0.1", Port: freePort(t)}
	same := a.target()
	same.Name = "the same again"
	targets := []Target{a.target(), behind, gone, same}

	var rounds [][]string
	for len(rounds) < 5 {
		keys, err := d.ScanHostKeys(context.Background(), targets)
		if err != nil {
			t.Fatal(err)
		}
		if len(keys) == 0 {
			break
		}
		var names []string
		for _, k := range keys {
			names = append(names, k.Target+" "+k.Type+" "+k.Fingerprint)
		}
		rounds = append(rounds, names)
		if err := d.Accept(keys); err != nil {
			t.Fatal(err)
		}
	}
	want := [][]string{
		{"web1 ed25519 " + ssh.FingerprintSHA256(a.hostKey), behind.Jumps[0] + " ed25519 " + ssh.FingerprintSHA256(jump.hostKey)},
		{"behind ed25519 " + ssh.FingerprintSHA256(b.hostKey)},
	}
	if fmt.Sprint(rounds) != fmt.Sprint(want) {
		t.Errorf("got %v\nwant %v", rounds, want)
	}
	dial(t, d, behind)
	// What was written is what another run reads, and names the host, not the way to it.
	dial(t, newDialer(t, o), behind)
	text := string(read(t, file))
	if strings.Count(text, "\n") != 3 || strings.Contains(text, "0.0.0.0") || !strings.Contains(text, fmt.Sprintf("[127.0.0.1]:%d ", b.port)) {
		t.Errorf("the file is:\n%s", text)
	}
	if fi, err := os.Stat(file); err != nil || fi.Mode().Perm() != 0o600 {
		t.Errorf("the file is %v, %v", fi.Mode(), err)
	}
}

package knownhosts

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"golang.org/x/crypto/ssh"
)

func newKey(t testing.TB) ssh.PublicKey {
	t.Helper()
	pub, _, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return public(t, pub)
}

func newECDSA(t testing.TB) ssh.PublicKey {
	t.Helper()
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return public(t, k.Public())
}

func public(t testing.TB, key any) ssh.PublicKey {
	t.Helper()
	k, err := ssh.NewPublicKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func line(hosts string, k ssh.PublicKey) string {
	return hosts + " " + string(ssh.MarshalAuthorizedKey(k))
}

func load(t *testing.T, text string) *DB {
	t.Helper()
	f := filepath.Join(t.TempDir(), "known_hosts")
	if err := os.WriteFile(f, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return Load([]string{f})
}

func TestCheck(t *testing.T) {
	right, wrong := newKey(t), newKey(t)
	cases := []struct {
		name, hosts, host string
		port              int
		want              string // known, unknown, changed, revoked
	}{
		{"plain", "web1", "web1", 22, "known"},
		{"case", "WEB1", "Web1", 22, "known"},
		{"one of several", "web0,web1,10.0.0.1", "10.0.0.1", 22, "known"},
		{"other host", "web1", "web2", 22, "unknown"},
		{"port", "[web1]:2222", "web1", 2222, "known"},
		{"other port", "[web1]:2222", "web1", 2223, "unknown"},
		{"port 22 is good for others", "web1", "web1", 2222, "known"},
		{"others are not good for port 22", "[web1]:2222", "web1", 22, "unknown"},
		{"address of six", "fe80::1", "fe80::1", 22, "known"},
		{"address of six with a port", "[fe80::1]:2222", "fe80::1", 2222, "known"},
		{"pattern", "*.example.org,!db.example.org", "web.example.org", 22, "known"},
		{"pattern that excludes", "*.example.org,!db.example.org", "db.example.org", 22, "unknown"},
		{"question mark", "web?", "web1", 22, "known"},
		{"pattern with port", "[*.example.org]:*", "web.example.org", 2222, "known"},
		{"hashed", hashed("web1"), "web1", 22, "known"},
		{"hashed with port", hashed("[web1]:2222"), "web1", 2222, "known"},
		{"hashed other", hashed("web2"), "web1", 22, "unknown"},
		{"damaged hash", "|1|x|y", "web1", 22, "unknown"},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			db := load(t, line(tc.hosts, right))
			if got := kind(db.Check(Name(tc.host, tc.port), tc.host, right)); got != tc.want {
				t.Errorf("the right key is %s, want %s", got, tc.want)
			}
			want := tc.want
			if want == "known" {
				want = "changed"
			}
			got := kind(db.Check(Name(tc.host, tc.port), tc.host, wrong))
			if tc.name == "port 22 is good for others" {
				want = "unknown"
			}
			if got != want {
				t.Errorf("the wrong key is %s, want %s", got, want)
			}
			db = load(t, line(tc.hosts, right)+line("@revoked *", right))
			if got := kind(db.Check(Name(tc.host, tc.port), tc.host, right)); got != "revoked" {
				t.Errorf("the revoked key is %s", got)
			}
		})
	}
}

func kind(err error) string {
	var u *UnknownError
	var c *ChangedError
	var r *RevokedError
	switch {
	case err == nil:
		return "known"
	case errors.As(err, &u):
		return "unknown"
	case errors.As(err, &c):
		return "changed"
	case errors.As(err, &r):
		return "revoked"
	}
	return err.Error()
}

func TestBadLinesAreWarnings(t *testing.T) {
	k := newKey(t)
	db := load(t, "# comment\n\nrubbish\nweb1 ssh-dss AAAA\n@other "+line("web1", k)+line("web1", k))
	if len(db.Warnings) != 3 || !strings.Contains(db.Warnings[0], "known_hosts:3: ") {
		t.Errorf("warnings %q", db.Warnings)
	}
	if err := db.Check("web1", "web1", k); err != nil {
		t.Error(err)
	}
	if got := db.Lookup("web1"); len(got) != 1 || got[0].Line != 6 {
		t.Errorf("found %v", got)
	}
	if db := Load([]string{"/no/such/file"}); len(db.Warnings) != 0 || len(db.Lookup("web1")) != 0 {
		t.Errorf("a file that is not there: %v", db.Warnings)
	}
	if db := Load([]string{t.TempDir()}); len(db.Warnings) != 1 {
		t.Errorf("a directory: %v", db.Warnings)
	}
}

func TestSeveralFilesKeepTheirOrder(t *testing.T) {
	a, b := filepath.Join(t.TempDir(), "a"), filepath.Join(t.TempDir(), "b")
	k1, k2 := newKey(t), newKey(t)
	for f, k := range map[string]ssh.PublicKey{a: k1, b: k2} {
		if err := os.WriteFile(f, []byte(line("web1", k)), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	err := Load([]string{b, a}).Check("web1", "web1", newKey(t))
	if want := fmt.Sprintf("ed25519 at %s:1, ed25519 at %s:1", b, a); err == nil || !strings.HasSuffix(err.Error(), want) {
		t.Errorf("got %v, want … %s", err, want)
	}
	if err := Load([]string{b, a}).Check("web1", "web1", k1); err != nil {
		t.Error(err)
	}
}

func TestAlgorithms(t *testing.T) {
	ed, ec := newKey(t), newECDSA(t)
	cases := []struct{ name, text, host, want string }{
		{"nothing on file", "", "web1", "ssh-ed25519"},
		{"what is on file is first", line("web1", ec), "web1", "ecdsa-sha2-nistp256 ssh-ed25519"},
		{"both, in the file's order", line("web1", ec) + line("web1", ed), "web1", "ecdsa-sha2-nistp256 ssh-ed25519"},
		{"the plain name's for a port", line("web1", ec), "[web1]:2222", "ecdsa-sha2-nistp256 ssh-ed25519"},
		{"authority", line("@cert-authority *", ed), "web1", "ssh-ed25519-cert-v01@openssh.com"},
	}
	for _, tc := range cases {
		got := strings.Join(load(t, tc.text).Algorithms(tc.host), " ")
		if !strings.HasPrefix(got, tc.want) {
			t.Errorf("%s: got %s, want %s …", tc.name, got, tc.want)
		}
		for _, p := range Preferred {
			if strings.Count(" "+got+" ", " "+p+" ") != 1 {
				t.Errorf("%s: %s is not there once: %s", tc.name, p, got)
			}
		}
	}
}

func TestAppend(t *testing.T) {
	f := filepath.Join(t.TempDir(), "deep", "known_hosts")
	k1, k2 := newKey(t), newKey(t)
	if _, err := Append(f, false, []New{{"web1", k1}, {"[web1]:2222", k2}, {"web1", k1}}); err != nil {
		t.Fatal(err)
	}
	if got, want := content(t, f), line("web1", k1)+line("[web1]:2222", k2); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	// A file without a newline at its end, an entry that is there, and one that is not.
	if err := os.WriteFile(f, []byte("# mine\n"+strings.TrimSpace(line("web1,web2", k1))), 0o644); err != nil {
		t.Fatal(err)
	}
	written, err := Append(f, false, []New{{"web2", k1}, {"web3", k2}})
	if err != nil || len(written) != 1 || written[0].Line != 3 {
		t.Errorf("wrote %v, %v", written, err)
	}
	if got, want := content(t, f), "# mine\n"+line("web1,web2", k1)+line("web3", k2); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if _, err := Append(t.TempDir(), false, []New{{"web1", k1}}); err == nil {
		t.Error("writes into a directory")
	}
}

func TestAppendHashesAsTheFileDoes(t *testing.T) {
	f := filepath.Join(t.TempDir(), "known_hosts")
	k := newKey(t)
	for _, hash := range []bool{true, false} { // the second time because the file is hashed
		name := fmt.Sprintf("web-%v", hash)
		if _, err := Append(f, hash, []New{{name, k}}); err != nil {
			t.Fatal(err)
		}
		if text := content(t, f); strings.Contains(text, name) {
			t.Errorf("the name is readable: %s", text)
		}
		if err := Load([]string{f}).Check(name, name, k); err != nil {
			t.Error(err)
		}
		if _, err := exec.LookPath("ssh-keygen"); err != nil {
			continue
		}
		if out, err := exec.Command("ssh-keygen", "-f", f, "-F", name).CombinedOutput(); err != nil {
			t.Errorf("ssh-keygen does not find it: %v %s", err, out)
		}
	}
	if got := strings.Count(content(t, f), "\n"); got != 2 {
		t.Errorf("%d lines", got)
	}
}

func TestAppendFromManyAtOnce(t *testing.T) {
	f := filepath.Join(t.TempDir(), "known_hosts")
	k := newKey(t)
	var g sync.WaitGroup
	for i := range 20 {
		g.Go(func() {
			if _, err := Append(f, i%2 == 0, []New{{fmt.Sprintf("web%d", i%10), k}}); err != nil {
				t.Error(err)
			}
		})
	}
	g.Wait()
	db := Load([]string{f})
	if n := strings.Count(content(t, f), "\n"); n != 10 || len(db.Warnings) != 0 {
		t.Errorf("%d lines, %v", n, db.Warnings)
	}
}

func content(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func FuzzParse(f *testing.F) {
	k := newKey(f)
	f.Add([]byte(line("web1,[web2]:22", k) + line("@revoked *", k)))
	f.Add([]byte("|1|a|b ssh-rsa x\n@cert-authority\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		entries, bad := Parse("known_hosts", data)
		lines := strings.Count(string(data), "\n") + 1
		if len(entries)+len(bad) > lines {
			t.Errorf("%d entries and %d warnings of %d lines", len(entries), len(bad), lines)
		}
		for _, e := range entries {
			if e.Key == nil || len(e.Hosts) == 0 {
				t.Errorf("an empty entry: %v", e)
			}
			e.matches("web1")
		}
	})
}

package remote

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestSettings(t *testing.T) {
	const config = `
Host web1
  HostName %h.example.org
  User deploy
  Port 2200
  IdentityFile ~/.ssh/web-%r
  ProxyJump hop@bastion:22
  ConnectTimeout 1m30s
  ServerAliveInterval 7
Host short
  HostKeyAlias alias-%n
  UserKnownHostsFile ~/known-%h /second
  HashKnownHosts yes
  PreferredAuthentications password,publickey
  PasswordAuthentication no
  ProxyCommand connect %h %p %r %%
  AddressFamily inet6
  BatchMode yes
`
	show := func(s *settings) string {
		name, _ := s.keyName()
		return fmt.Sprintf("%s@%s keys %v jumps %v proxy %q timeout %s alive %s known as %s in %v methods %v %s batch %v check %s",
			s.user, s.address(), s.keyFiles, s.jumps, s.proxyCommand, s.timeout, s.alive, name, s.knownFiles, s.methods, s.network, s.batch, s.check)
	}
	cases := []struct {
		name   string
		target Target
		want   []string
	}{
		{"the file", Target{Name: "web1"}, []string{"deploy@web1.example.org:2200", "keys [HOME/.ssh/web-deploy]", "jumps [hop@bastion:22]", "timeout 1m30s", "alive 7s", "known as [web1.example.org]:2200"}},
		{
			"the inventory wins",
			Target{Name: "x", Address: "web1", User: "me", Port: 22, KeyFiles: []string{"/k"}, Jumps: []string{}, Timeout: time.Second},
			[]string{"me@web1.example.org:22 ", "keys [/k HOME/.ssh/web-me]", "jumps []", "timeout 1s", "known as web1.example.org in"},
		},
		{"arguments win over the file", Target{Name: "web1", SSHCommonArgs: "-o User=arg -J none", SSHExtraArgs: "-p 23 -o User=late"}, []string{"arg@web1.example.org:23", "jumps []"}},
		{"the rest", Target{Name: "short"}, []string{"known as alias-short in [HOME/known-short /second /etc/ssh/ssh_known_hosts", "methods [publickey]", `proxy "connect short 22 USER %"`, "tcp6", "batch true", "check strict"}},
		{"nothing said", Target{Name: "192.0.2.1"}, []string{"USER@192.0.2.1:22", "keys [HOME/.ssh/id_ed25519 ", "known as 192.0.2.1 in [HOME/.ssh/known_hosts ", "methods [publickey keyboard-interactive password] tcp ", "timeout 10s"}},
		{"address of six", Target{Name: "x", Address: "fe80::1", Port: 23}, []string{"@[fe80::1]:23 ", "known as [fe80::1]:23"}},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			o := options(t)
			o.KnownHosts, o.ConnectTimeout = nil, 0
			o.ConfigFile = filepath.Join(o.Home, "config")
			write(t, o.ConfigFile, config)
			s, err := newDialer(t, o).settings(t.Context(), tc.target)
			if err != nil {
				t.Fatal(err)
			}
			for _, w := range tc.want {
				w = strings.NewReplacer("HOME", o.Home, "USER", localUser()).Replace(w)
				if !strings.Contains(show(s), w) {
					t.Errorf("%q is not in\n%s", w, show(s))
				}
			}
		})
	}
}

func TestSettingsThatAreWrong(t *testing.T) {
	for args, want := range map[string]string{
		"-p x":                             "port",
		"-p 70000":                         "70000 is not a port",
		"-o ConnectTimeout=soon":           "connecttimeout",
		"-o AddressFamily=ipx":             "AddressFamily",
		"-o StrictHostKeyChecking=perhaps": "StrictHostKeyChecking",
		"-N":                               "-N is not supported",
	} {
		o := options(t)
		o.ConnectTimeout = 0
		fails(t, newDialer(t, o), Target{Name: "web1", SSHCommonArgs: args}, StageSettings, want)
	}
	if _, err := New(Options{HostKeyCheck: "maybe"}); err == nil {
		t.Error("host key check maybe")
	}
}

func TestUserConfigIsRead(t *testing.T) {
	o := options(t)
	o.ConfigFile = ""
	write(t, filepath.Join(o.Home, ".ssh", "config"), "Host web1\n Port 2201\n")
	s, err := newDialer(t, o).settings(t.Context(), Target{Name: "web1"})
	if err != nil || s.port != 2201 {
		t.Errorf("got %v, %v", s, err)
	}
}

func TestAlgorithmLists(t *testing.T) {
	defaults := []string{"a", "b", "c"}
	for spec, want := range map[string]string{"": "[]", "x,y": "[x y]", "+x": "[a b c x]", "-b,c": "[a]", "^c": "[c a b c]"} {
		if got := fmt.Sprint(algorithms(spec, defaults)); got != want {
			t.Errorf("%s: got %s, want %s", spec, got, want)
		}
	}
}

// A setting that names ciphers is what the server sees.
func TestCiphersAreHonoured(t *testing.T) {
	s := startSSHD(t, "Ciphers aes128-ctr")
	d := newDialer(t, options(t, s.known()))
	target := s.target()
	dial(t, d, target)
	target.SSHCommonArgs = "-o Ciphers=aes256-ctr"
	fails(t, d, target, StageHandshake, "no common algorithm")
	target.SSHCommonArgs = "-o HostKeyAlgorithms=ecdsa-sha2-nistp256"
	fails(t, d, target, StageHandshake, "no common algorithm for host key")
}

func TestParseJump(t *testing.T) {
	for text, want := range map[string]string{
		"bastion": "@bastion:0", "me@bastion:22": "me@bastion:22", "ssh://me@bastion:22/": "me@bastion:22", "[fe80::1]:23": "@fe80::1:23",
		"fe80::1": "@fe80::1:0", "a@b@c": "a@b@c:0", "x:0": "", "x:y": "", "me@": "", "": "",
	} {
		j, err := parseJump(text)
		got := fmt.Sprintf("%s@%s:%d", j.User, j.Address, j.Port)
		if err != nil {
			got = ""
		}
		if got != want {
			t.Errorf("%q: got %q, %v, want %q", text, got, err, want)
		}
	}
}

func TestWarningsAreSaidOnce(t *testing.T) {
	o := options(t)
	var said []string
	o.Warn = func(s string) { said = append(said, s) }
	o.ConfigFile = filepath.Join(o.Home, "config")
	write(t, o.ConfigFile, "Port\n")
	d := newDialer(t, o)
	for range 2 {
		if _, err := d.settings(t.Context(), Target{Name: "web1"}); err != nil {
			t.Fatal(err)
		}
	}
	if len(said) != 1 || !strings.Contains(said[0], o.ConfigFile+":1") {
		t.Errorf("said %q", said)
	}
	if _, err := os.Stat(o.ConfigFile); err != nil {
		t.Fatal(err)
	}
}

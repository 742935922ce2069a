package sshconf

import (
	"context"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func write(t *testing.T, path, text string) string {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// show is v as lines, sorted.
func show(v Values) string {
	var lines []string
	for _, k := range slices.Sorted(maps.Keys(v)) {
		lines = append(lines, k+"="+strings.Join(v[k], "|"))
	}
	return strings.Join(lines, " ")
}

func TestLookup(t *testing.T) {
	cases := []struct{ name, file, host, want string }{
		{"first wins", "User a\nUser b\n", "x", "user=a"},
		{"equals sign and quotes", "User=a\nIdentityFile = \"/a b\"\nPort\t22 # not 23\n", "x", "identityfile=/a b port=22 user=a"},
		{"case of keywords", "hOsTnAmE y\n", "x", "hostname=y"},
		{"host patterns", "Host a? !ab *.org\n User u\nHost *\n Port 5\n", "ac", "port=5 user=u"},
		{"negated pattern", "Host a? !ab *.org\n User u\nHost *\n Port 5\n", "ab", "port=5"},
		{"identity files add up", "IdentityFile a\nHost x\n IdentityFile b\n IdentityFile a\n", "x", "identityfile=a|b"},
		{"rest of line", "ProxyCommand nc -x \"a b\" %h # %p\n", "x", `proxycommand=nc -x "a b" %h # %p`},
		{"match host after HostName", "HostName y.org\nMatch host *.org\n User u\n", "x", "hostname=y.org user=u"},
		{"match originalhost", "HostName y.org\nMatch originalhost=x user \"me,you\"\n Port 5\n", "x", "hostname=y.org port=5"},
		{"match user", "User deploy\nMatch user deploy localuser me\n Port 5\nMatch user root\n Port 6\n", "x", "port=5 user=deploy"},
		{"match negated", "Match !host y\n Port 5\nMatch !all\n User u\n", "x", "port=5"},
		{"match all", "Host z\n Port 1\nMatch all\n Port 5\n", "x", "port=5"},
		{"match final is last", "Match final all\n Port 5\n User late\nHost *\n User early\n", "x", "port=5 user=early"},
		{"older names", "ChallengeResponseAuthentication no\nPubkeyAcceptedKeyTypes ssh-rsa\n", "x", "kbdinteractiveauthentication=no pubkeyacceptedalgorithms=ssh-rsa"},
		{"nothing", "# only a comment\n\n", "x", ""},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			c := Load(write(t, filepath.Join(t.TempDir(), "config"), tc.file), "", "/home/me")
			if c.NeedsSSH() || c.Warnings != nil {
				t.Errorf("needs ssh %v, warnings %v", c.NeedsSSH(), c.Warnings)
			}
			if got := show(c.Lookup(Query{Host: tc.host, LocalUser: "me"}, nil)); got != tc.want {
				t.Errorf("got  %s\nwant %s", got, tc.want)
			}
		})
	}
}

func TestInclude(t *testing.T) {
	home := t.TempDir()
	user := write(t, home+"/.ssh/config", "Include conf.d/*.conf ~/other missing\nHost x\n Include inner\n Port 7\nHost *\n Port 8\n")
	write(t, home+"/.ssh/conf.d/b.conf", "User b\n")
	write(t, home+"/.ssh/conf.d/a.conf", "Host y\n User a\n")
	write(t, home+"/other", "IdentityFile o\n")
	write(t, home+"/.ssh/inner", "Compression yes\nHost *\n BatchMode yes\n")
	c := Load(user, "", home)
	for host, want := range map[string]string{
		"x": "batchmode=yes compression=yes identityfile=o port=7 user=b",
		"y": "identityfile=o port=8 user=a",
	} {
		if got := show(c.Lookup(Query{Host: host}, nil)); got != want {
			t.Errorf("%s: got %s, want %s", host, got, want)
		}
	}
	round := write(t, home+"/round", "Include "+home+"/round\nPort 9\n")
	c = Load(round, "", home)
	if got := c.Lookup(Query{Host: "x"}, nil).Get("port"); got != "9" || len(c.Warnings) == 0 {
		t.Errorf("a circle: port %s, warnings %v", got, c.Warnings)
	}
}

func TestWrongLinesAreWarnings(t *testing.T) {
	f := write(t, filepath.Join(t.TempDir(), "config"), "Port\nHostName x\nnonsense\n")
	c := Load(f, "", "")
	if got := show(c.Lookup(Query{Host: "a"}, nil)); got != "hostname=x" || len(c.Warnings) != 2 || !strings.HasPrefix(c.Warnings[0], f+":1: ") {
		t.Errorf("got %s, %q", got, c.Warnings)
	}
}

func TestParseArgs(t *testing.T) {
	cases := []struct{ line, want, file, err string }{
		{"", "", "", ""},
		{"-o StrictHostKeyChecking=no -oUserKnownHostsFile=/dev/null", "stricthostkeychecking=no userknownhostsfile=/dev/null", "", ""},
		{`-o ProxyCommand="ssh -W %h:%p -q bastion"`, "proxycommand=ssh -W %h:%p -q bastion", "", ""},
		{`-o 'ProxyCommand ssh -W "%h:%p" b'`, `proxycommand=ssh -W "%h:%p" b`, "", ""},
		{"-J a,b -i k1 -ik2 -p 2222 -l root -F /f", "identityfile=k1|k2 port=2222 proxyjump=a,b user=root", "/f", ""},
		{"-C -o ControlMaster=auto -o ControlPersist=60s -qv4", "addressfamily=inet", "", ""},
		{"-o port=1 -p 2", "port=1", "", ""},
		{"-o ForwardAgent=no", "", "", ""},
		{"-o ForwardAgent=yes", "", "", `-o "ForwardAgent=yes" is not supported`},
		{"-o Nonsense=1", "", "", `-o "Nonsense=1" is not supported`},
		{"-o Port", "", "", "not Key=Value"},
		{"-L 1:2:3", "", "", "-L is not supported"},
		{"-p", "", "", "-p has no argument"},
		{"host", "", "", "not an option"},
		{"-o 'x", "", "", "open quote"},
	}
	for _, tc := range cases {
		a, err := ParseArgs(tc.line)
		switch {
		case tc.err != "":
			if err == nil || !strings.Contains(err.Error(), tc.err) {
				t.Errorf("%s: got %v, want %s", tc.line, err, tc.err)
			}
		case err != nil || show(a.Values) != tc.want || a.File != tc.file:
			t.Errorf("%s: got %s, -F %s, %v", tc.line, show(a.Values), a.File, err)
		}
	}
}

// asks are what a resolver is compared with ssh in.
const asks = `
Host web? !web9
  HostName %h.example.org
  User deploy
  IdentityFile ~/.ssh/web
  ProxyJump bastion
Host *.org
  Port 2200
Match host *.example.org user deploy
  ConnectTimeout 7
  UserKnownHostsFile ~/.ssh/a ~/.ssh/b
Match final host web2.example.org
  HashKnownHosts yes
Host bastion
  ServerAliveInterval 9
  StrictHostKeyChecking accept-new
Host *
  IdentitiesOnly yes
  User nobody
  HostKeyAlias common
`

// What is decided here is what ssh itself decides.
func TestResolveAsSSHDoes(t *testing.T) {
	ssh, err := exec.LookPath("ssh")
	if err != nil {
		t.Skip("needs ssh, to compare with")
	}
	file := write(t, filepath.Join(t.TempDir(), "config"), asks)
	local, home := "me", "/home/me"
	for _, host := range []string{"web1", "web2", "web9", "x.org", "bastion", "other"} {
		ours := (&Resolver{UserFile: file, Home: home, LocalUser: local}).Resolve(context.Background(), Query{Host: host, LocalUser: local}, Args{})
		theirs, err := sshG(ssh, []string{"-F", file, "--", host})
		if err != nil {
			t.Fatal(err)
		}
		for _, k := range []string{"port", "user", "proxyjump", "connecttimeout", "serveraliveinterval", "hostkeyalias"} {
			want := theirs.Get(k)
			if _, has := ours[k]; has && ours.Get(k) != want {
				t.Errorf("%s: %s is %q, ssh says %q", host, k, ours.Get(k), want)
			} else if !has && !slices.Contains([]string{"22", "", "0", "none"}, want) {
				t.Errorf("%s: %s is not given, ssh says %q", host, k, want)
			}
		}
		for _, k := range []string{"identitiesonly", "hashknownhosts"} {
			if got := ours.Get(k) == "yes"; got != (theirs.Get(k) == "yes") {
				t.Errorf("%s: %s is %q, ssh says %q", host, k, ours.Get(k), theirs.Get(k))
			}
		}
		if h := ours.Get("hostname"); h != "" && strings.ReplaceAll(h, "%h", host) != theirs.Get("hostname") {
			t.Errorf("%s: hostname is %q, ssh says %q", host, h, theirs.Get("hostname"))
		}
	}
}

func TestResolveAsksSSHForWhatOnlyItKnows(t *testing.T) {
	ssh, err := exec.LookPath("ssh")
	if err != nil {
		t.Skip("needs ssh")
	}
	file := write(t, filepath.Join(t.TempDir(), "config"), "Match host web1 exec \"true\"\n Port 2201\nMatch exec \"false\"\n User nobody\nHost *\n IdentityFile /k\n")
	r := &Resolver{UserFile: file, Home: "/home/me", LocalUser: "me", SSH: ssh}
	args, err := ParseArgs("-o ConnectTimeout=9")
	if err != nil {
		t.Fatal(err)
	}
	v := r.Resolve(context.Background(), Query{Host: "web1", User: "deploy"}, args)
	if v.Get("port") != "2201" || v.Get("user") != "deploy" || v.Get("identityfile") != "/k" || v.Get("connecttimeout") != "9" || v.Get("ciphers") != "" {
		t.Errorf("got %s", show(v))
	}
	var warned []string
	r = &Resolver{UserFile: file, Warn: func(s string) { warned = append(warned, s) }}
	v = r.Resolve(context.Background(), Query{Host: "web1"}, Args{})
	if show(v) != "identityfile=/k" || len(warned) != 1 {
		t.Errorf("without ssh: %s, %q", show(v), warned)
	}
	r = &Resolver{UserFile: file, SSH: "/bin/false", Warn: func(s string) { warned = append(warned, s) }}
	if v = r.Resolve(context.Background(), Query{Host: "web1"}, Args{}); v.Get("identityfile") != "/k" || len(warned) != 2 {
		t.Errorf("with an ssh that fails: %s, %q", show(v), warned)
	}
}

// A question that -F answers reads that file alone.
func TestOtherFile(t *testing.T) {
	dir := t.TempDir()
	r := &Resolver{UserFile: write(t, dir+"/user", "Port 1\n"), SystemFile: write(t, dir+"/system", "User s\nPort 2\n"), Home: dir}
	other := write(t, dir+"/other", "Port 3\n")
	for file, want := range map[string]string{"": "port=1 user=s", other: "port=3", "~/other": "port=3", "none": ""} {
		if got := show(r.Resolve(context.Background(), Query{Host: "x"}, Args{File: file})); got != want {
			t.Errorf("-F %s: got %s, want %s", file, got, want)
		}
	}
}

func FuzzLoad(f *testing.F) {
	f.Add(asks)
	f.Add("Match exec \"x\" !host a,b\nInclude x\n")
	f.Add("Host \"\nPort = \"2\" # c\n=\n")
	f.Fuzz(func(t *testing.T, text string) {
		if strings.Contains(strings.ToLower(text), "include") {
			return // no reading of other files
		}
		c := &Config{}
		l := loader{config: c}
		c.files = []*file{l.parse(text, "config", "/", 0)}
		for k, vs := range c.Lookup(Query{Host: "web1", LocalUser: "me"}, nil) {
			if k != strings.ToLower(k) || len(vs) == 0 {
				t.Errorf("%q=%q", k, vs)
			}
		}
	})
}

func FuzzParseArgs(f *testing.F) {
	f.Add(`-o ProxyCommand="ssh -W %h:%p b" -J a -i 'k 1' -p22`)
	f.Add(`-o \`)
	f.Fuzz(func(t *testing.T, line string) {
		a, err := ParseArgs(line)
		if err == nil && len(a.Words) == 0 && strings.TrimSpace(line) != "" {
			t.Errorf("%q is accepted and gives nothing", line)
		}
	})
}

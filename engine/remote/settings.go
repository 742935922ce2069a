package remote

import (
	"context"
	"crypto/sha1" //nolint:gosec // ssh's own %C
	"encoding/hex"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"rp/engine/remote/knownhosts"
	"rp/engine/remote/sshconf"
)

// settings are how one host is reached, all sources taken together.
type settings struct {
	name     string // what the user calls it; errors name it
	original string // what would stand behind ssh
	host     string
	port     int
	user     string
	password string

	keyFiles, certFiles []string
	defaultKeys         bool // no key was named: ~/.ssh/id_*
	passphrase          string
	identitiesOnly      bool
	agentSocket         string // "" for none
	methods             []string
	batch               bool

	jumps        []string
	proxyCommand string
	network      string // tcp, tcp4, tcp6
	bind         string

	knownFiles  []string // the first is written to; none: nothing is written
	writeTo     string
	check       string
	alias       string
	hashKnown   bool
	timeout     time.Duration
	alive       time.Duration
	aliveCount  int
	attempts    int
	ciphers     string
	macs        string
	kex         string
	hostKeyAlgs string
	pubkeyAlgs  string
}

// address is host:port, for dialling and for people.
func (s *settings) address() string { return net.JoinHostPort(s.host, strconv.Itoa(s.port)) }

// keyName is what the host's key is kept under, and the bare name that its
// certificate must hold. An alias stands without a port, as in ssh.
func (s *settings) keyName() (name, principal string) {
	if s.alias != "" {
		return strings.ToLower(s.alias), s.alias
	}
	return knownhosts.Name(s.host, s.port), s.host
}

// settings works out how to reach t.
func (d *Dialer) settings(ctx context.Context, t Target) (*settings, error) {
	args, err := sshconf.ParseArgs(t.SSHCommonArgs + " " + t.SSHExtraArgs)
	if err != nil {
		return nil, err
	}
	if args.File == "" {
		args.File = d.opt.ConfigFile
		if args.File != "" {
			args.Words = append(args.Words, "-F", args.File)
		}
	}
	q := sshconf.Query{Host: t.address(), User: t.User, LocalUser: d.user}
	s := &settings{name: t.Name, original: t.address(), password: t.Password, passphrase: t.Passphrase}
	if s.name == "" {
		s.name = s.original
	}
	if s.original == "" || strings.HasPrefix(s.original, "-") || strings.ContainsAny(s.original, " \t\n\x00") {
		return nil, fmt.Errorf("%q is not a host name or address", s.original)
	}
	v := d.resolver.Resolve(ctx, q, args)
	if err := s.place(v, t, d); err != nil {
		return nil, err
	}
	s.login(v, t, d)
	if err := s.way(v, t, d); err != nil {
		return nil, err
	}
	return s, s.hostKeys(v, t, d)
}

// place settles address, port, user and the times.
func (s *settings) place(v sshconf.Values, t Target, d *Dialer) (err error) {
	s.host, s.port, s.user = s.original, t.Port, t.User
	if h := v.Get("hostname"); h != "" {
		s.host = strings.NewReplacer("%h", s.original, "%%", "%").Replace(h)
	}
	s.host = strings.Trim(s.host, "[]")
	if s.port == 0 {
		if s.port, err = number(v, "port", 22); err != nil {
			return err
		}
	}
	if s.port < 1 || s.port > 65535 {
		return fmt.Errorf("%d is not a port", s.port)
	}
	if s.user == "" {
		s.user = v.Get("user")
	}
	if s.user == "" {
		s.user = d.user
	}
	if s.timeout = first(t.Timeout, d.opt.ConnectTimeout); s.timeout == 0 {
		if s.timeout, err = seconds(v, "connecttimeout", 10*time.Second); err != nil {
			return err
		}
	}
	if s.alive = d.opt.KeepAlive; s.alive == 0 {
		if s.alive, err = seconds(v, "serveraliveinterval", 15*time.Second); err != nil {
			return err
		}
	}
	if s.aliveCount = d.opt.KeepAliveCount; s.aliveCount == 0 {
		if s.aliveCount, err = number(v, "serveralivecountmax", 4); err != nil {
			return err
		}
	}
	s.attempts, err = number(v, "connectionattempts", 1)
	return err
}

func first(ds ...time.Duration) time.Duration {
	for _, d := range ds {
		if d > 0 {
			return d
		}
	}
	return 0
}

func number(v sshconf.Values, keyword string, otherwise int) (int, error) {
	text := v.Get(keyword)
	if text == "" {
		return otherwise, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 0 {
		return 0, fmt.Errorf("ssh setting %s is %q, not a number", keyword, text)
	}
	return n, nil
}

// seconds reads a time as sshd_config(5) writes it: 90, 90s, 1m30s. 0 and
// "none" leave it at otherwise.
func seconds(v sshconf.Values, keyword string, otherwise time.Duration) (time.Duration, error) {
	text := strings.ToLower(v.Get(keyword))
	if text == "" || text == "none" {
		return otherwise, nil
	}
	if n, err := strconv.Atoi(text); err == nil {
		text = strconv.Itoa(n) + "s"
	}
	t, err := time.ParseDuration(text)
	if err != nil || t < 0 {
		return 0, fmt.Errorf("ssh setting %s is %q, not a time", keyword, text)
	}
	return first(t, otherwise), nil
}

func isOff(value string) bool {
	return slices.Contains([]string{"no", "false", "off"}, strings.ToLower(value))
}

func isOn(value string) bool {
	return slices.Contains([]string{"yes", "true", "on"}, strings.ToLower(value))
}

// defaultKeyNames are those ssh tries by itself, the likeliest first: each key
// that a server has to turn down costs a round trip.
var defaultKeyNames = []string{"id_ed25519", "id_rsa", "id_ecdsa"}

// login settles keys and methods.
func (s *settings) login(v sshconf.Values, t Target, d *Dialer) {
	for _, f := range slices.Concat(t.KeyFiles, d.opt.KeyFiles, v["identityfile"]) {
		if f = s.path(f, d); f != "" && !strings.EqualFold(f, "none") && !slices.Contains(s.keyFiles, f) {
			s.keyFiles = append(s.keyFiles, f)
		}
	}
	for _, f := range v["certificatefile"] {
		s.certFiles = append(s.certFiles, s.path(f, d))
	}
	if len(s.keyFiles) == 0 && len(v["identityfile"]) == 0 {
		s.defaultKeys = true
		for _, n := range defaultKeyNames {
			s.keyFiles = append(s.keyFiles, filepath.Join(d.opt.Home, ".ssh", n))
		}
	}
	s.identitiesOnly = isOn(v.Get("identitiesonly"))
	s.batch = isOn(v.Get("batchmode"))
	s.agentSocket = d.opt.AgentSocket
	switch a := v.Get("identityagent"); {
	case a == "" || a == "SSH_AUTH_SOCK":
	case strings.EqualFold(a, "none"):
		s.agentSocket = ""
	case strings.HasPrefix(a, "$"):
		s.agentSocket = os.Getenv(strings.Trim(a[1:], "{}"))
	default:
		s.agentSocket = s.path(a, d)
	}
	s.methods = methods(v)
	s.ciphers, s.macs, s.kex = v.Get("ciphers"), v.Get("macs"), v.Get("kexalgorithms")
	s.hostKeyAlgs, s.pubkeyAlgs = v.Get("hostkeyalgorithms"), v.Get("pubkeyacceptedalgorithms")
}

// methods are the ways to log in that are allowed, the preferred first.
func methods(v sshconf.Values) []string {
	allowed := map[string]string{
		"publickey": "pubkeyauthentication", "keyboard-interactive": "kbdinteractiveauthentication", "password": "passwordauthentication",
	}
	order := []string{"publickey", "keyboard-interactive", "password"}
	if p := v.Get("preferredauthentications"); p != "" {
		order = strings.Split(p, ",")
	}
	return slices.DeleteFunc(order, func(m string) bool {
		keyword, known := allowed[m]
		return !known || isOff(v.Get(keyword))
	})
}

// way settles how to get there. A jump host beats a ProxyCommand, and the
// inventory's jump hosts those of ssh's settings.
func (s *settings) way(v sshconf.Values, t Target, d *Dialer) error {
	s.jumps, s.proxyCommand = t.Jumps, v.Get("proxycommand")
	jump := v.Get("proxyjump")
	switch {
	case t.Jumps != nil:
		s.proxyCommand = ""
	case jump != "" && !strings.EqualFold(jump, "none"):
		s.jumps, s.proxyCommand = strings.Split(jump, ","), ""
	}
	if strings.EqualFold(s.proxyCommand, "none") {
		s.proxyCommand = ""
	}
	s.proxyCommand = s.tokens(s.proxyCommand, d)
	s.bind = v.Get("bindaddress")
	switch f := strings.ToLower(v.Get("addressfamily")); f {
	case "", "any":
		s.network = "tcp"
	case "inet":
		s.network = "tcp4"
	case "inet6":
		s.network = "tcp6"
	default:
		return fmt.Errorf("ssh setting AddressFamily is %q", f)
	}
	return nil
}

// hostKeys settles how the host is known.
func (s *settings) hostKeys(v sshconf.Values, t Target, d *Dialer) error {
	s.alias = t.HostKeyAlias
	if s.alias == "" {
		s.alias = s.tokens(v.Get("hostkeyalias"), d)
	}
	s.hashKnown = isOn(v.Get("hashknownhosts"))
	user, system := v.Words("userknownhostsfile"), v.Words("globalknownhostsfile")
	if user == nil {
		user = d.opt.KnownHosts
	}
	if system == nil && d.opt.KnownHosts == nil {
		system = []string{"/etc/ssh/ssh_known_hosts", "/etc/ssh/ssh_known_hosts2"}
	}
	if user == nil {
		user = []string{"~/.ssh/known_hosts", "~/.ssh/known_hosts2"}
	}
	for _, f := range slices.Concat(user, system) {
		if f = s.path(f, d); !strings.EqualFold(f, "none") && f != os.DevNull {
			s.knownFiles = append(s.knownFiles, f)
		}
	}
	if len(user) > 0 && len(s.knownFiles) > 0 && s.knownFiles[0] == s.path(user[0], d) {
		s.writeTo = s.knownFiles[0]
	}
	s.check = d.opt.HostKeyCheck
	if s.check == "" {
		switch c := strings.ToLower(v.Get("stricthostkeychecking")); c {
		case "", "yes", "true", "ask":
			s.check = CheckStrict
		case "accept-new":
			s.check = CheckAcceptNew
		case "no", "false", "off":
			s.check = CheckOff
		default:
			return fmt.Errorf("ssh setting StrictHostKeyChecking is %q", c)
		}
	}
	return nil
}

// path is a file name of ssh's settings with ~ and the tokens put in.
func (s *settings) path(f string, d *Dialer) string {
	return s.tokens(sshconf.ExpandHome(f, d.opt.Home), d)
}

// tokens puts in what ssh_config(5), TOKENS, names.
func (s *settings) tokens(text string, d *Dialer) string {
	if !strings.Contains(text, "%") {
		return text
	}
	full, _ := os.Hostname()
	short, _, _ := strings.Cut(full, ".")
	port := strconv.Itoa(s.port)
	alias := s.alias
	if alias == "" {
		alias = s.original
	}
	sum := sha1.Sum([]byte(full + s.host + port + s.user)) //nolint:gosec // ssh's own
	return strings.NewReplacer("%%", "%", "%h", s.host, "%n", s.original, "%k", alias, "%p", port, "%r", s.user,
		"%d", d.opt.Home, "%u", d.user, "%i", strconv.Itoa(os.Getuid()), "%l", full, "%L", short, "%j", strings.Join(s.jumps, ","),
		"%C", hex.EncodeToString(sum[:])).Replace(text)
}

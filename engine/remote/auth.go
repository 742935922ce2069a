package remote

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"

	"golang.org/x/crypto/ssh"
)

// login is the authentication of one connection.
type login struct {
	d     *Dialer
	s     *settings
	clock *clock

	started bool     // the host's key was taken, and the server asked who we are
	offered []string // the methods that the server takes
	partial []string // those that it has taken already
	tried   []string // what was tried, for people
	notes   []string // what could not be tried, and why
	used    *keySigner
	asked   bool
	banner  strings.Builder
}

// maxBanner is how much of a server's banner is kept.
const maxBanner = 4096

// config is the client's side of the handshake, host key aside.
func (l *login) config() *ssh.ClientConfig {
	cfg := &ssh.ClientConfig{
		User: l.s.user,
		BannerCallback: func(text string) error {
			if l.banner.Len() < maxBanner {
				l.banner.WriteString(text)
			}
			return nil
		},
		AuthCallback: func(c *ssh.ClientAuthContext) (ssh.AuthMethod, error) {
			l.started, l.offered, l.partial = true, c.AllowedMethods, c.PartialSuccessMethods
			return nil, nil // leave the choice to Auth
		},
	}
	known := ssh.SupportedAlgorithms()
	cfg.Ciphers = algorithms(l.s.ciphers, known.Ciphers)
	cfg.MACs = algorithms(l.s.macs, known.MACs)
	cfg.KeyExchanges = algorithms(l.s.kex, known.KeyExchanges)
	for _, m := range l.s.methods {
		switch {
		case m == "publickey":
			cfg.Auth = append(cfg.Auth, ssh.PublicKeysCallback(l.signers))
		case !l.hasPassword():
		case m == "password":
			cfg.Auth = append(cfg.Auth, ssh.PasswordCallback(l.password))
		default:
			cfg.Auth = append(cfg.Auth, ssh.KeyboardInteractive(l.challenge))
		}
	}
	return cfg
}

func (l *login) hasPassword() bool {
	return l.s.password != "" || l.d.opt.Prompt != nil && !l.s.batch
}

// signers gives the keys to offer, the likeliest first, each once.
func (l *login) signers() ([]ssh.Signer, error) {
	var keys []*keySigner
	add := func(k *keySigner) {
		same := func(o *keySigner) bool { return samePublic(o.pub, k.pub) }
		if l.accepted(k) && !slices.ContainsFunc(keys, same) {
			k.used = func(k *keySigner) { l.used = k }
			keys = append(keys, k)
		}
	}
	agentKeys := l.agentKeys()
	files := l.fileKeys(agentKeys)
	if !l.s.defaultKeys {
		for _, k := range files {
			add(k)
		}
	}
	if !l.s.identitiesOnly {
		for _, k := range agentKeys {
			add(k)
		}
	}
	for _, k := range files {
		add(k)
	}
	l.d.mu.Lock()
	works := l.d.works[l.s.user]
	l.d.mu.Unlock()
	slices.SortStableFunc(keys, func(a, b *keySigner) int {
		return btoi(b.fingerprint() == works) - btoi(a.fingerprint() == works)
	})
	out := make([]ssh.Signer, len(keys))
	for i, k := range keys {
		l.tried = append(l.tried, k.name)
		out[i] = k
	}
	if len(out) == 0 && len(l.notes) == 0 {
		l.notes = append(l.notes, "there is no key to try")
	}
	return out, nil
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

// accepted reports whether PubkeyAcceptedAlgorithms lets the key be offered.
func (l *login) accepted(k *keySigner) bool {
	if l.s.pubkeyAlgs == "" {
		return true
	}
	allowed := algorithms(l.s.pubkeyAlgs, ssh.SupportedAlgorithms().PublicKeyAuths)
	return slices.ContainsFunc(append(k.Algorithms(), k.pub.Type()), func(a string) bool { return slices.Contains(allowed, a) })
}

// agentKeys gives what the agent holds.
func (l *login) agentKeys() []*keySigner {
	if l.s.agentSocket == "" {
		return nil
	}
	a := l.d.agents.signers(l.s.agentSocket)
	if a.err != nil {
		if l.s.agentSocket != l.d.opt.AgentSocket || !errors.Is(a.err, fs.ErrNotExist) {
			l.notes = append(l.notes, a.err.Error())
		}
		return nil
	}
	var keys []*keySigner
	for _, s := range a.signers {
		alg, ok := s.(ssh.AlgorithmSigner)
		if !ok {
			continue
		}
		name := "agent key " + a.names[ssh.FingerprintSHA256(s.PublicKey())]
		keys = append(keys, &keySigner{pub: s.PublicKey(), name: strings.TrimSpace(name), open: func() (ssh.AlgorithmSigner, error) { return alg, nil }})
	}
	return keys
}

// fileKeys gives the keys on disk, each behind its certificate; the agent signs
// for those that it holds.
func (l *login) fileKeys(agentKeys []*keySigner) []*keySigner {
	var keys []*keySigner
	for _, path := range l.s.keyFiles {
		f := l.d.keys.get(path)
		base := l.fileKey(f)
		if i := slices.IndexFunc(agentKeys, func(a *keySigner) bool { return samePublic(a.pub, f.pub) }); i >= 0 {
			base = agentKeys[i]
		}
		if base == nil {
			continue
		}
		certs := []*ssh.Certificate{f.cert}
		for _, c := range l.s.certFiles {
			certs = append(certs, readCert(c))
		}
		for _, c := range certs {
			if c != nil && samePublic(c.Key, base.pub) {
				keys = append(keys, &keySigner{pub: c, name: base.name + " with its certificate", open: base.open})
			}
		}
		keys = append(keys, base)
	}
	return keys
}

// fileKey makes a key of a file; nil, and a note, if it cannot be one.
func (l *login) fileKey(f *keyFile) *keySigner {
	open := func() (ssh.AlgorithmSigner, error) {
		return f.open(l.s.passphrase, func(try int) (string, error) {
			if l.s.batch {
				return "", errNobody
			}
			text := fmt.Sprintf("Passphrase for key %s", f.path)
			return l.ask(PromptPassphrase, fmt.Sprintf("key %d %s", try, f.path), text)
		})
	}
	if f.err != nil {
		if !l.s.defaultKeys || !errors.Is(f.err, fs.ErrNotExist) {
			l.notes = append(l.notes, f.err.Error())
		}
		return nil
	}
	if f.pub == nil { // an old format without a .pub file: only opening tells
		if _, err := open(); err != nil {
			l.notes = append(l.notes, err.Error())
			return nil
		}
	}
	noted := func() (ssh.AlgorithmSigner, error) {
		defer l.clock.pause()() // opening takes this machine's time, by design
		s, err := open()
		if err != nil {
			l.notes = append(l.notes, err.Error())
		}
		return s, err
	}
	return &keySigner{pub: f.pub, name: f.path, open: noted}
}

// ask asks a person; the connection's clock stands still meanwhile.
func (l *login) ask(kind PromptKind, key, text string) (string, error) {
	if _, had := l.d.asker.had(key); !had {
		l.asked = true
		defer l.clock.pause()()
	}
	return l.d.asker.ask(kind, key, text)
}

func (l *login) password() (string, error) {
	l.tried = append(l.tried, "password")
	if l.s.password != "" {
		return l.s.password, nil
	}
	return l.ask(PromptPassword, "password "+l.s.user, fmt.Sprintf("SSH password for user %s", l.s.user))
}

// challenge answers keyboard-interactive: the password where one hidden answer
// is wanted, a person for the rest.
func (l *login) challenge(_, instruction string, questions []string, echos []bool) ([]string, error) {
	var answers []string
	for i, q := range questions {
		var a string
		var err error
		switch {
		case !echos[i] && (len(questions) == 1 && l.s.password != "" || strings.Contains(strings.ToLower(q), "password")):
			a, err = l.password()
			l.tried[len(l.tried)-1] = "keyboard-interactive"
		case l.s.batch:
			err = errNobody
		default:
			l.tried = append(l.tried, "keyboard-interactive")
			a, err = l.ask(PromptAnswer, "", oneLine(fmt.Sprintf("%s: %s %s", l.s.name, instruction, q)))
		}
		if err != nil {
			return nil, err
		}
		answers = append(answers, a)
	}
	return answers, nil
}

// remember keeps which key worked.
func (l *login) remember() {
	if l.used == nil {
		return
	}
	l.d.mu.Lock()
	l.d.works[l.s.user] = l.used.fingerprint()
	l.d.mu.Unlock()
}

// failure says what was tried and what the server takes.
func (l *login) failure(err error, late bool) error {
	who := fmt.Sprintf("%s as %q", l.s.address(), l.s.user)
	if late {
		return unreachable(l.s.name, StageAuth, fmt.Errorf("login to %s did not end within %s", who, l.s.timeout), "")
	}
	text := fmt.Sprintf("login to %s refused", who)
	if len(l.partial) > 0 {
		text += fmt.Sprintf(" after %s", strings.Join(l.partial, ", "))
	}
	tried := "nothing"
	if len(l.tried) > 0 {
		tried = strings.Join(slices.Compact(slices.Clone(l.tried)), ", ")
	}
	text += fmt.Sprintf(": tried %s; the server takes %s", tried, strings.Join(l.offered, ", "))
	if len(l.notes) > 0 {
		text += "; " + strings.Join(l.notes, "; ")
	}
	hint := ""
	switch c := cause(err); {
	case strings.Contains(c, "Too many authentication failures"):
		hint = "too many keys: name the right one with --private-key or IdentityFile and IdentitiesOnly"
	case !strings.Contains(c, "unable to authenticate"):
		text += "; " + c
	case len(l.tried) == 0 && l.s.agentSocket == "" && os.Getenv("SSH_AUTH_SOCK") == "":
		hint = "there is no ssh agent either"
	}
	return unreachable(l.s.name, StageAuth, errors.New(text), hint)
}

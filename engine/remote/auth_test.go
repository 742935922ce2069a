package remote

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"
)

// asked is a person who gives answers by kind and counts the questions.
type asked struct {
	mu      sync.Mutex
	answers map[PromptKind]string
	texts   []string
}

func (a *asked) prompt(kind PromptKind, text string) (string, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.texts = append(a.texts, string(kind)+": "+text)
	s, ok := a.answers[kind]
	if !ok {
		return "", errors.New("no answer")
	}
	return s, nil
}

func TestPasswords(t *testing.T) {
	totp := []string{"Password: ", "Code: "}
	cases := []struct {
		name    string
		server  ssh.ServerConfig
		given   string
		answers map[PromptKind]string
		asked   []string
		refused []string
	}{
		{"password", password("secret"), "secret", nil, nil, nil},
		{"asked for", password("secret"), "", map[PromptKind]string{PromptPassword: "secret"}, []string{"password: SSH password for user deploy"}, nil},
		{"wrong", password("secret"), "guess", nil, nil, []string{"tried password", "takes password"}},
		{"nobody to ask", password("secret"), "", nil, nil, []string{"tried nothing", "takes password"}},
		{"keyboard-interactive", questions([]string{"Password: "}, []bool{false}, []string{"secret"}), "secret", nil, nil, nil},
		{"hidden question of another name", questions([]string{"Passwort: "}, []bool{false}, []string{"secret"}), "secret", nil, nil, nil},
		{"code", questions(totp, []bool{false, true}, []string{"secret", "123"}), "secret", map[PromptKind]string{PromptAnswer: "123"}, []string{"answer: web1: Code:"}, nil},
		{"code and nobody to ask", questions(totp, []bool{false, true}, []string{"secret", "123"}), "secret", nil, nil, []string{"keyboard-interactive"}},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			f := serving(t, tc.server)
			o := options(t, f.known())
			person := &asked{answers: tc.answers}
			if tc.answers != nil {
				o.Prompt = person.prompt
			}
			d := newDialer(t, o)
			target := f.target()
			target.Password = tc.given
			if tc.refused != nil {
				fails(t, d, target, StageAuth, tc.refused...)
				return
			}
			dial(t, d, target)
			if fmt.Sprint(person.texts) != fmt.Sprint(tc.asked) {
				t.Errorf("asked %q, want %q", person.texts, tc.asked)
			}
		})
	}
}

// One question is asked for many hosts, and the time it takes is nobody's fault.
func TestPersonIsAskedOnceAndMayTakeTime(t *testing.T) {
	f := serving(t, password("secret"))
	o := options(t, f.known())
	o.ConnectTimeout = 2 * time.Second
	n := 0
	o.Prompt = func(PromptKind, string) (string, error) {
		n++
		time.Sleep(3 * time.Second)
		return "secret", nil
	}
	d := newDialer(t, o)
	var g sync.WaitGroup
	for range 4 {
		g.Go(func() {
			c, err := d.Dial(t.Context(), f.target())
			if err != nil {
				t.Error(err)
				return
			}
			_ = c.Close()
		})
	}
	g.Wait()
	if n != 1 {
		t.Errorf("asked %d times", n)
	}
}

func TestKeyWithPassphrase(t *testing.T) {
	s := startSSHD(t)
	locked := filepath.Join(s.dir, "locked")
	write(t, filepath.Join(s.dir, "authorized"), string(ssh.MarshalAuthorizedKey(writeKey(t, locked, "open sesame"))))
	target := Target{Name: "web1", Address: "127.0.0.1", Port: s.port, KeyFiles: []string{locked}}

	o := options(t, s.known())
	fails(t, newDialer(t, o), target, StageAuth, locked, "passphrase")

	person := &asked{answers: map[PromptKind]string{PromptPassphrase: "open sesame"}}
	o.Prompt = person.prompt
	d := newDialer(t, o)
	dial(t, d, target)
	dial(t, d, target)
	if want := []string{"passphrase: Passphrase for key " + locked}; fmt.Sprint(person.texts) != fmt.Sprint(want) {
		t.Errorf("asked %q, want %q", person.texts, want)
	}

	mistypes := 0
	o.Prompt = func(PromptKind, string) (string, error) {
		mistypes++
		return map[bool]string{true: "open sesame"}[mistypes == 3], nil
	}
	dial(t, newDialer(t, o), target)
	o.Prompt = func(PromptKind, string) (string, error) { return "guess", nil }
	fails(t, newDialer(t, o), target, StageAuth, "wrong passphrase for key "+locked)

	o.Prompt = nil
	target.Passphrase = "open sesame"
	dial(t, newDialer(t, o), target)

	// A key that the server does not want is not worth a question.
	other := filepath.Join(s.dir, "other")
	writeKey(t, other, "another one")
	person = &asked{answers: person.answers}
	o.Prompt = person.prompt
	target = s.target()
	write(t, filepath.Join(s.dir, "authorized"), string(read(t, filepath.Join(s.dir, "id.pub"))))
	target.KeyFiles = []string{other, filepath.Join(s.dir, "id")}
	dial(t, newDialer(t, o), target)
	if len(person.texts) != 0 {
		t.Errorf("asked %q", person.texts)
	}
}

func read(t *testing.T, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestRefusedKeysAreNamed(t *testing.T) {
	s := startSSHD(t, "PasswordAuthentication no", "KbdInteractiveAuthentication no")
	other := filepath.Join(t.TempDir(), "other")
	writeKey(t, other, "")
	target := s.target()
	target.KeyFiles = []string{other, "/no/such/key"}
	fails(t, newDialer(t, options(t, s.known())), target, StageAuth, "tried "+other, "the server takes publickey", "/no/such/key: no such file")
	target.KeyFiles = nil
	fails(t, newDialer(t, options(t, s.known())), target, StageAuth, "tried nothing", "there is no key to try")

	var many []string
	for i := range 8 {
		many = append(many, filepath.Join(t.TempDir(), fmt.Sprint("key", i)))
		writeKey(t, many[i], "")
	}
	target.KeyFiles = many
	fails(t, newDialer(t, options(t, s.known())), target, StageAuth, "IdentitiesOnly")
}

func TestDefaultKeysAndTheOneThatWorked(t *testing.T) {
	s := startSSHD(t)
	o := options(t, s.known())
	writeKey(t, filepath.Join(o.Home, ".ssh", "id_ed25519"), "")
	write(t, filepath.Join(o.Home, ".ssh", "id_ecdsa"), string(read(t, filepath.Join(s.dir, "id"))))
	d := newDialer(t, o)
	target := s.target()
	target.KeyFiles = nil
	dial(t, d, target)
	first := strings.Count(s.log.String(), "Failed publickey")
	dial(t, d, target)
	if again := strings.Count(s.log.String(), "Failed publickey"); first != 1 || again != 1 {
		t.Errorf("%d keys refused at first, %d in all", first, again)
	}
}

// serveAgent is an ssh agent with those keys; it gives its socket.
func serveAgent(t *testing.T, files ...string) string {
	t.Helper()
	ring := agent.NewKeyring()
	for _, f := range files {
		key, err := ssh.ParseRawPrivateKey(read(t, f))
		if err != nil {
			t.Fatal(err)
		}
		if err := ring.Add(agent.AddedKey{PrivateKey: key, Comment: filepath.Base(f)}); err != nil {
			t.Fatal(err)
		}
	}
	dir, err := os.MkdirTemp("", "agent") // t.TempDir is too long for a socket
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	l, err := net.Listen("unix", filepath.Join(dir, "s"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() { _ = agent.ServeAgent(ring, c) }()
		}
	}()
	return filepath.Join(dir, "s")
}

func TestAgent(t *testing.T) {
	s := startSSHD(t, "MaxAuthTries 2")
	id := filepath.Join(s.dir, "id")
	others := []string{filepath.Join(s.dir, "a"), filepath.Join(s.dir, "b"), filepath.Join(s.dir, "c")}
	for _, f := range others {
		writeKey(t, f, "")
	}
	target := Target{Name: "web1", Address: "127.0.0.1", Port: s.port}
	o := options(t, s.known())

	o.AgentSocket = serveAgent(t, id)
	dial(t, newDialer(t, o), target)

	o.AgentSocket = serveAgent(t, others[0])
	fails(t, newDialer(t, o), target, StageAuth, "agent key a")

	// The agent's many keys come behind the one that was named; its .pub is enough.
	o.AgentSocket = serveAgent(t, append(others, id)...)
	fails(t, newDialer(t, o), target, StageAuth, "IdentitiesOnly")
	target.SSHCommonArgs = "-o IdentitiesOnly=yes -i " + id + ".pub"
	dial(t, newDialer(t, o), target)

	target.SSHCommonArgs = "-o IdentityAgent=none"
	fails(t, newDialer(t, o), target, StageAuth, "tried nothing")
	o.AgentSocket = filepath.Join(t.TempDir(), "gone")
	target.SSHCommonArgs = ""
	fails(t, newDialer(t, o), target, StageAuth)
}

func TestUserCertificate(t *testing.T) {
	s := startSSHD(t, "TrustedUserCAKeys DIR/ca.pub", "AuthorizedKeysFile none")
	ca, id := filepath.Join(s.dir, "ca"), filepath.Join(s.dir, "id")
	writeKey(t, ca, "")
	d := newDialer(t, options(t, s.known()))
	fails(t, d, s.target(), StageAuth, "tried "+id)
	keygen(t, "-q", "-s", ca, "-I", "test", "-n", localUser(), id+".pub")
	dial(t, newDialer(t, options(t, s.known())), s.target())
	// In the agent, too: its key signs for a certificate that is named.
	o := options(t, s.known())
	o.AgentSocket = serveAgent(t, id)
	if err := os.Rename(id+"-cert.pub", filepath.Join(s.dir, "elsewhere.pub")); err != nil {
		t.Fatal(err)
	}
	target := s.target()
	target.KeyFiles = []string{id + ".pub"}
	target.SSHCommonArgs = "-o CertificateFile=" + filepath.Join(s.dir, "elsewhere.pub")
	dial(t, newDialer(t, o), target)
}

func TestRSAKeySignsWithSHA2(t *testing.T) {
	s := startSSHD(t, "PubkeyAcceptedAlgorithms rsa-sha2-512,rsa-sha2-256")
	rsa := filepath.Join(s.dir, "rsa")
	keygen(t, "-q", "-t", "rsa", "-b", "2048", "-N", "", "-f", rsa)
	write(t, filepath.Join(s.dir, "authorized"), string(read(t, rsa+".pub")))
	target := s.target()
	target.KeyFiles = []string{rsa}
	dial(t, newDialer(t, options(t, s.known())), target)
	o := options(t, s.known())
	o.AgentSocket = serveAgent(t, rsa)
	target.KeyFiles = nil
	dial(t, newDialer(t, o), target)
}

func TestTwoMethodsInARow(t *testing.T) {
	s := startSSHD(t)
	pub, err := ssh.ParsePublicKey(mustKey(t, filepath.Join(s.dir, "id.pub")))
	if err != nil {
		t.Fatal(err)
	}
	f := serving(t, ssh.ServerConfig{PublicKeyCallback: func(_ ssh.ConnMetadata, k ssh.PublicKey) (*ssh.Permissions, error) {
		if !samePublic(k, pub) {
			return nil, errWrong
		}
		return nil, &ssh.PartialSuccessError{Next: ssh.ServerAuthCallbacks{PasswordCallback: password("secret").PasswordCallback}}
	}})
	target := f.target()
	target.KeyFiles = []string{filepath.Join(s.dir, "id")}
	fails(t, newDialer(t, options(t, f.known())), target, StageAuth, "refused after publickey", "takes password")
	target.Password = "secret"
	dial(t, newDialer(t, options(t, f.known())), target)
}

func mustKey(t *testing.T, path string) []byte {
	t.Helper()
	k, _, _, _, err := ssh.ParseAuthorizedKey(read(t, path)) //nolint:dogsled // x/crypto's signature
	if err != nil {
		t.Fatal(err)
	}
	return k.Marshal()
}

package remote

import (
	"bytes"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"

	"golang.org/x/crypto/ssh"
)

// keyring holds the key files of a run, each read once and opened at most once.
type keyring struct {
	mu    sync.Mutex
	files map[string]*keyFile
}

// keyFile is a private key on disk. Its public half is known before it is
// opened, so that a passphrase is asked for only when a server wants the key.
type keyFile struct {
	path string
	once sync.Once
	data []byte
	pub  ssh.PublicKey // nil where only opening tells
	cert *ssh.Certificate
	err  error // cannot be used, and why

	mu     sync.Mutex
	signer ssh.AlgorithmSigner // nil until opened
}

func (k *keyring) get(path string) *keyFile {
	k.mu.Lock()
	if k.files == nil {
		k.files = map[string]*keyFile{}
	}
	f, ok := k.files[path]
	if !ok {
		f = &keyFile{path: path}
		k.files[path] = f
	}
	k.mu.Unlock()
	f.once.Do(f.read)
	return f
}

// read finds out what can be known without a passphrase.
func (f *keyFile) read() {
	private, public := strings.TrimSuffix(f.path, ".pub"), strings.TrimSuffix(f.path, ".pub")+".pub"
	if data, err := os.ReadFile(public); err == nil {
		f.pub, _, _, _, _ = ssh.ParseAuthorizedKey(data)
	}
	f.cert = readCert(private + "-cert.pub")
	data, err := os.ReadFile(private)
	if err != nil {
		f.err = err
		return
	}
	f.data = data
	signer, err := ssh.ParsePrivateKey(data)
	var locked *ssh.PassphraseMissingError
	switch {
	case errors.As(err, &locked):
		if locked.PublicKey != nil {
			f.pub = locked.PublicKey
		}
	case err != nil:
		f.err = fmt.Errorf("cannot read key %s: %s", f.path, cause(err))
	default:
		f.set(signer)
		f.pub = signer.PublicKey()
	}
}

func (f *keyFile) set(s ssh.Signer) {
	f.signer, _ = s.(ssh.AlgorithmSigner) // all of x/crypto's are
	if f.signer == nil {
		f.err = fmt.Errorf("cannot use key %s: kind %s", f.path, s.PublicKey().Type())
	}
}

// readCert reads a certificate; nil where there is none.
func readCert(path string) *ssh.Certificate {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil
	}
	pub, _, _, _, err := ssh.ParseAuthorizedKey(data) //nolint:dogsled // x/crypto's signature
	if err != nil {
		return nil
	}
	c, _ := pub.(*ssh.Certificate)
	return c
}

// passphraseTries is how often a person may mistype.
const passphraseTries = 3

// open gives the signer; ask is called for the passphrase where one is needed
// and given is not it.
func (f *keyFile) open(given string, ask func(try int) (string, error)) (ssh.AlgorithmSigner, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.signer != nil || f.err != nil {
		return f.signer, f.err
	}
	for try := range passphraseTries + 1 { // the first with what was given
		phrase := given
		if try > 0 {
			var err error
			if phrase, err = ask(try); err != nil {
				return nil, fmt.Errorf("key %s has a passphrase: %w", f.path, err)
			}
		}
		if phrase == "" {
			continue // not given, or just Enter
		}
		s, err := ssh.ParsePrivateKeyWithPassphrase(f.data, []byte(phrase))
		if err == nil {
			f.set(s)
			f.pub = s.PublicKey()
			return f.signer, f.err
		}
		if !errors.Is(err, x509.IncorrectPasswordError) {
			f.err = fmt.Errorf("cannot open key %s: %s", f.path, cause(err))
			return nil, f.err
		}
	}
	f.err = fmt.Errorf("wrong passphrase for key %s", f.path)
	return nil, f.err
}

// keySigner is a key that can be offered to a server now and opened when it is
// taken. It notes that it was.
type keySigner struct {
	pub  ssh.PublicKey // a certificate, where that is offered
	name string        // for people
	open func() (ssh.AlgorithmSigner, error)
	used func(*keySigner)
}

func (k *keySigner) PublicKey() ssh.PublicKey { return k.pub }

func (k *keySigner) Sign(rand io.Reader, data []byte) (*ssh.Signature, error) {
	return k.SignWithAlgorithm(rand, data, "")
}

func (k *keySigner) SignWithAlgorithm(rand io.Reader, data []byte, algorithm string) (*ssh.Signature, error) {
	s, err := k.open()
	if err != nil {
		return nil, err
	}
	k.used(k)
	return s.SignWithAlgorithm(rand, data, algorithm)
}

// Algorithms are the signatures that the key can make, the best first.
func (k *keySigner) Algorithms() []string {
	base := k.pub
	if c, ok := k.pub.(*ssh.Certificate); ok {
		base = c.Key
	}
	if base.Type() == ssh.KeyAlgoRSA {
		return []string{ssh.KeyAlgoRSASHA512, ssh.KeyAlgoRSASHA256, ssh.KeyAlgoRSA}
	}
	return []string{base.Type()}
}

func (k *keySigner) fingerprint() string { return ssh.FingerprintSHA256(k.pub) }

func samePublic(a, b ssh.PublicKey) bool {
	return a != nil && b != nil && bytes.Equal(a.Marshal(), b.Marshal())
}

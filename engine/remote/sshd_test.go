package remote

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"rp/engine/remote/knownhosts"
)

const testArch = runtime.GOARCH

// sshd is the system's sshd on a port of its own, run by whoever runs the test.
type sshd struct {
	t       *testing.T
	dir     string
	port    int
	hostKey ssh.PublicKey
	log     *tail
}

// startSSHD starts one with more lines of configuration. The user's key for it
// is dir/id; it may be called with files of its own put into dir before.
func startSSHD(t *testing.T, lines ...string) *sshd {
	t.Helper()
	const program = "/usr/sbin/sshd"
	if _, err := os.Stat(program); err != nil {
		t.Skip("needs OpenSSH's sshd: apt-get install openssh-server")
	}
	if os.Getuid() == 0 {
		if err := os.MkdirAll("/run/sshd", 0o755); err != nil {
			t.Skipf("sshd needs /run/sshd: %v", err)
		}
	}
	s := &sshd{t: t, dir: t.TempDir(), port: freePort(t), log: &tail{limit: 64 << 10}}
	s.hostKey = writeKey(t, filepath.Join(s.dir, "host"), "")
	user := writeKey(t, filepath.Join(s.dir, "id"), "")
	write(t, filepath.Join(s.dir, "authorized"), string(ssh.MarshalAuthorizedKey(user)))
	// sshd takes the first value it is given.
	config := strings.ReplaceAll(strings.Join(lines, "\n"), "DIR", s.dir) + fmt.Sprintf(`
Port %d
ListenAddress 127.0.0.1
HostKey %[2]s/host
AuthorizedKeysFile %[2]s/authorized
PidFile none
StrictModes no
UsePAM no
PermitRootLogin yes
PrintMotd no
LogLevel VERBOSE
`, s.port, s.dir)
	write(t, filepath.Join(s.dir, "config"), config)
	cmd := exec.Command(program, "-D", "-e", "-f", filepath.Join(s.dir, "config"))
	cmd.Stderr = s.log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		if t.Failed() {
			t.Logf("sshd says:\n%s", s.log)
		}
	})
	for range 100 {
		if strings.Contains(s.log.String(), "Server listening") {
			return s
		}
		time.Sleep(20 * time.Millisecond)
	}
	t.Fatalf("sshd does not start: %s", s.log)
	return nil
}

// target is the host, with the key that it lets in.
func (s *sshd) target() Target {
	return Target{Name: "web1", Address: "127.0.0.1", Port: s.port, KeyFiles: []string{filepath.Join(s.dir, "id")}}
}

// known is a known_hosts file that has the host's key.
func (s *sshd) known() string {
	return knownFile(s.t, knownhosts.Name("127.0.0.1", s.port), s.hostKey)
}

func knownFile(t *testing.T, name string, key ssh.PublicKey) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "known_hosts")
	write(t, path, name+" "+string(ssh.MarshalAuthorizedKey(key)))
	return path
}

// options are those of a user with no configuration and no agent.
func options(t *testing.T, known ...string) Options {
	t.Helper()
	if known == nil {
		known = []string{filepath.Join(t.TempDir(), "known_hosts")}
	}
	return Options{
		KnownHosts: known, ConfigFile: "none", AgentSocket: "none", Home: t.TempDir(), ConnectTimeout: 10 * time.Second,
		Warn: func(s string) { t.Log("warning:", s) },
	}
}

func newDialer(t *testing.T, o Options) *Dialer {
	t.Helper()
	d, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(d.Close)
	return d
}

// dial connects with those options, or fails the test.
func dial(t *testing.T, d *Dialer, target Target) *Conn {
	t.Helper()
	c, err := d.Dial(context.Background(), target)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// run runs a command that must succeed.
func run(t *testing.T, c *Conn, command string) string {
	t.Helper()
	out, errOut, exit, err := c.Run(context.Background(), command, nil)
	if err != nil || exit != 0 {
		t.Fatalf("%s: exit %d, %v, %s", command, exit, err, errOut)
	}
	return string(out)
}

func freePort(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// writeKey makes a key pair, path and path.pub, locked by a passphrase if not "".
func writeKey(t *testing.T, path, passphrase string) ssh.PublicKey {
	t.Helper()
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	var block *pem.Block
	if passphrase == "" {
		block, err = ssh.MarshalPrivateKey(private, "test")
	} else {
		block, err = ssh.MarshalPrivateKeyWithPassphrase(private, "test", []byte(passphrase))
	}
	if err != nil {
		t.Fatal(err)
	}
	write(t, path, string(pem.EncodeToMemory(block)))
	signer, err := ssh.NewSignerFromKey(private)
	if err != nil {
		t.Fatal(err)
	}
	write(t, path+".pub", string(ssh.MarshalAuthorizedKey(signer.PublicKey())))
	return signer.PublicKey()
}

// keygen runs ssh-keygen, which the sshd's package brings along.
func keygen(t *testing.T, args ...string) {
	t.Helper()
	var out bytes.Buffer
	cmd := exec.Command("ssh-keygen", args...)
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Run(); err != nil {
		t.Fatalf("ssh-keygen %v: %v\n%s", args, err, out.String())
	}
}

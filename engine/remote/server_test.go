package remote

import (
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"net"
	"strconv"
	"sync/atomic"
	"testing"

	"golang.org/x/crypto/ssh"
)

// fake is an SSH server in this process, for what sshd would not do.
type fake struct {
	t     *testing.T
	addr  *net.TCPAddr
	key   ssh.Signer
	conns atomic.Int32
}

// listen calls serve with each connection and its number, from 1.
func listen(t *testing.T, serve func(f *fake, n int, c net.Conn)) *fake {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := ssh.NewSignerFromKey(private)
	if err != nil {
		t.Fatal(err)
	}
	f := &fake{t: t, addr: l.Addr().(*net.TCPAddr), key: signer}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			n := int(f.conns.Add(1))
			t.Cleanup(func() { _ = c.Close() })
			go serve(f, n, c)
		}
	}()
	return f
}

// serveSSH speaks SSH with that login; commands are answered with their own text.
func (f *fake) serveSSH(c net.Conn, cfg ssh.ServerConfig) {
	cfg.AddHostKey(f.key)
	_, chans, reqs, err := ssh.NewServerConn(c, &cfg)
	if err != nil {
		return
	}
	go ssh.DiscardRequests(reqs)
	for nc := range chans {
		ch, in, err := nc.Accept()
		if err != nil {
			return
		}
		go func() {
			for r := range in {
				if r.WantReply {
					_ = r.Reply(r.Type == "exec", nil)
				}
				if r.Type != "exec" {
					continue
				}
				_, _ = ch.Write(r.Payload[4:])
				_, _ = ch.SendRequest("exit-status", false, []byte{0, 0, 0, 0})
				_ = ch.Close()
			}
		}()
	}
}

// serving makes a server of that login.
func serving(t *testing.T, cfg ssh.ServerConfig) *fake {
	t.Helper()
	return listen(t, func(f *fake, _ int, c net.Conn) { f.serveSSH(c, cfg) })
}

func (f *fake) target() Target {
	return Target{Name: "web1", Address: "127.0.0.1", Port: f.addr.Port, User: "deploy"}
}

func (f *fake) known() string {
	return knownFile(f.t, "[127.0.0.1]:"+strconv.Itoa(f.addr.Port), f.key.PublicKey())
}

var errWrong = errors.New("wrong")

func password(want string) ssh.ServerConfig {
	return ssh.ServerConfig{PasswordCallback: func(_ ssh.ConnMetadata, p []byte) (*ssh.Permissions, error) {
		if string(p) != want {
			return nil, errWrong
		}
		return nil, nil
	}}
}

func questions(ask []string, echo []bool, want []string) ssh.ServerConfig {
	return ssh.ServerConfig{KeyboardInteractiveCallback: func(_ ssh.ConnMetadata, client ssh.KeyboardInteractiveChallenge) (*ssh.Permissions, error) {
		got, err := client("", "", ask, echo)
		if err != nil || len(got) != len(want) {
			return nil, errWrong
		}
		for i := range got {
			if got[i] != want[i] {
				return nil, errWrong
			}
		}
		return nil, nil
	}}
}

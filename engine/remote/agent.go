package remote

import (
	"fmt"
	"net"
	"sync"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"
)

// agents are the ssh agents in use, by their sockets: each is connected to
// once, and its keys are listed once.
type agents struct {
	mu   sync.Mutex
	open map[string]*openAgent
}

type openAgent struct {
	once    sync.Once
	conn    net.Conn
	signers []ssh.Signer
	names   map[string]string // comment by fingerprint
	err     error
}

// signers gives the agent's keys and their comments.
func (a *agents) signers(socket string) *openAgent {
	a.mu.Lock()
	if a.open == nil {
		a.open = map[string]*openAgent{}
	}
	o, ok := a.open[socket]
	if !ok {
		o = &openAgent{}
		a.open[socket] = o
	}
	a.mu.Unlock()
	o.once.Do(func() { o.connect(socket) })
	return o
}

func (o *openAgent) connect(socket string) {
	if o.conn, o.err = net.Dial("unix", socket); o.err != nil {
		o.err = fmt.Errorf("cannot reach the ssh agent: %w", o.err)
		return
	}
	client := agent.NewClient(o.conn)
	if o.signers, o.err = client.Signers(); o.err != nil {
		o.err = fmt.Errorf("cannot list the ssh agent's keys: %w", o.err)
		return
	}
	o.names = map[string]string{}
	if keys, err := client.List(); err == nil {
		for _, k := range keys {
			if pub, err := ssh.ParsePublicKey(k.Blob); err == nil {
				o.names[ssh.FingerprintSHA256(pub)] = k.Comment
			}
		}
	}
}

func (a *agents) close() {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, o := range a.open {
		o.once.Do(func() { o.err = net.ErrClosed })
		if o.conn != nil {
			_ = o.conn.Close()
		}
	}
}

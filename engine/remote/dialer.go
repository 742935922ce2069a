package remote

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strings"
	"sync"

	"rp/engine/remote/knownhosts"
	"rp/engine/remote/sshconf"
)

// Dialer opens connections for one run. What hosts have in common is had once:
// the agent's connection, opened keys, jump hosts, known hosts, and what a
// person was asked. It may be used from several goroutines.
type Dialer struct {
	opt      Options
	user     string // the local one
	resolver *sshconf.Resolver
	asker    asker
	agents   agents
	keys     keyring

	ctx    context.Context // ends with Close; what is shared lives in it
	cancel context.CancelFunc

	mu     sync.Mutex
	known  map[string]*knownhosts.DB
	jumps  map[string]*jump
	warned map[string]bool
	// works is the fingerprint of the key that let a user in last: tried first
	// on the next host, since every other key costs a round trip.
	works map[string]string
	tap   func(target string) // tests count connections; nil otherwise
}

// New makes a Dialer. It reads no file yet and opens nothing.
func New(o Options) (*Dialer, error) {
	switch o.HostKeyCheck {
	case "", CheckStrict, CheckAcceptNew, CheckOff:
	default:
		return nil, fmt.Errorf("host key check is %q, not strict, accept-new or off", o.HostKeyCheck)
	}
	if o.Home == "" {
		home, err := os.UserHomeDir()
		if err != nil {
			return nil, fmt.Errorf("cannot find the home directory: %w", err)
		}
		o.Home = home
	}
	switch o.AgentSocket {
	case "":
		o.AgentSocket = os.Getenv("SSH_AUTH_SOCK")
	case "none":
		o.AgentSocket = ""
	}
	if o.MaxPerJump <= 0 {
		o.MaxPerJump = 8
	}
	d := &Dialer{
		opt: o, user: localUser(), known: map[string]*knownhosts.DB{}, jumps: map[string]*jump{},
		warned: map[string]bool{}, works: map[string]string{},
	}
	d.ctx, d.cancel = context.WithCancel(context.Background())
	d.asker.prompt = o.Prompt
	d.resolver = &sshconf.Resolver{
		UserFile: filepath.Join(o.Home, ".ssh", "config"), SystemFile: "/etc/ssh/ssh_config",
		Home: o.Home, LocalUser: d.user, SSH: sshProgram(o.SSHProgram), Warn: d.warn,
	}
	return d, nil
}

// localUser is who runs this, by the account's name.
func localUser() string {
	if u, err := user.Current(); err == nil && u.Username != "" {
		return u.Username
	}
	return os.Getenv("USER")
}

func sshProgram(want string) string {
	switch want {
	case "none":
		return ""
	case "":
		want = "ssh"
	}
	path, err := exec.LookPath(want)
	if err != nil {
		return ""
	}
	return path
}

// warn tells the user something once.
func (d *Dialer) warn(text string) {
	d.mu.Lock()
	said := d.warned[text]
	d.warned[text] = true
	d.mu.Unlock()
	if !said && d.opt.Warn != nil {
		d.opt.Warn(text)
	}
}

// hosts gives the known hosts of some files, read once.
func (d *Dialer) hosts(files []string) *knownhosts.DB {
	key := strings.Join(files, "\x00")
	d.mu.Lock()
	db, ok := d.known[key]
	if !ok {
		db = knownhosts.Load(files)
		d.known[key] = db
	}
	d.mu.Unlock()
	if !ok {
		for _, w := range db.Warnings {
			d.warn(w)
		}
	}
	return db
}

// Dial connects and logs in to a host. The time for it is bounded by the
// target's Timeout, waiting for a person or for a jump host's turn aside. The
// error is an [*ErrUnreachable], or the context's.
func (d *Dialer) Dial(ctx context.Context, t Target) (*Conn, error) {
	s, err := d.settings(ctx, t)
	if err != nil {
		return nil, unreachable(t.Name, StageSettings, err, "")
	}
	l, err := d.open(ctx, s, nil)
	if err != nil {
		if ctx.Err() != nil && errors.Is(err, ctx.Err()) {
			return nil, ctx.Err()
		}
		return nil, err
	}
	return newConn(s, l), nil
}

// Close ends the shared connections (jump hosts, agent). Connections to
// targets are closed each by itself, before.
func (d *Dialer) Close() {
	d.cancel()
	d.mu.Lock()
	jumps := d.jumps
	d.jumps = map[string]*jump{}
	d.mu.Unlock()
	for _, j := range jumps {
		<-j.ready
		if j.link != nil {
			j.link.close()
		}
	}
	d.agents.close()
}

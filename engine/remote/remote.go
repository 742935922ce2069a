// Package remote gets to hosts over SSH and starts rp's own process there.
//
// A [Dialer] belongs to one run. It finds out how a [Target] is reached
// (settings.go: the inventory's words, then ssh arguments, then ~/.ssh/config),
// opens the way (connect.go: TCP, a jump host shared by all who go through it,
// or a ProxyCommand), checks the host's key (hostkey.go) and logs in (auth.go).
// Every step has a deadline. The result is a [Conn], on which programs are
// started as [Process]es; [Place] starts the target-side binary, pushing it
// first where it is not there. What is said on that byte stream is not known
// here.
//
// A host that cannot be had is an [ErrUnreachable], which says at which stage,
// why, and what to do. goph's client wraps a connection that was dialled here,
// because goph's own dial has no deadline on the handshake, no jump hosts and
// no choice of host key algorithms.
//
// This package must not import anything of the language (play, jinja, vars),
// nor the modules.
package remote

import (
	"time"
)

// Target is one host, as the inventory gives it. Only Name is needed.
type Target struct {
	Name     string // as the inventory calls it
	Address  string // ansible_host; "" for Name
	Port     int    // ansible_port; 0 for what ~/.ssh/config says, or 22
	User     string // ansible_user; "" for what ~/.ssh/config says, or the local user
	Password string // ansible_password; also answers keyboard-interactive
	// KeyFiles are private keys to try first (ansible_ssh_private_key_file).
	KeyFiles []string
	// Passphrase opens KeyFiles that need one.
	Passphrase string
	// Jumps are the hosts to go through, the nearest first, each as
	// [user@]host[:port]. nil leaves it to ProxyJump; empty means none.
	Jumps []string
	// SSHCommonArgs and SSHExtraArgs are ssh's own arguments
	// (ansible_ssh_common_args, ansible_ssh_extra_args), in that order.
	SSHCommonArgs, SSHExtraArgs string
	// HostKeyAlias is the name the host's key is kept under; "" for its address.
	HostKeyAlias string
	// Timeout bounds connect and handshake together; 0 for the settings' one.
	Timeout time.Duration
}

// address is what the user would have typed behind ssh.
func (t Target) address() string {
	if t.Address != "" {
		return t.Address
	}
	return t.Name
}

// Values of [Options.HostKeyCheck].
const (
	CheckStrict    = "strict"     // refuse unknown keys
	CheckAcceptNew = "accept-new" // write down unknown keys, refuse changed ones
	CheckOff       = "off"        // take any key
)

// Options are those of a whole run.
type Options struct {
	// HostKeyCheck is one of CheckStrict, CheckAcceptNew and CheckOff; "" for
	// what StrictHostKeyChecking says, or strict.
	HostKeyCheck string
	// KnownHosts replaces the default files (~/.ssh/known_hosts and the
	// system's). New keys go to the first. ssh's own settings win over it.
	KnownHosts []string
	// ConfigFile replaces ~/.ssh/config and the system's file; "none" for neither.
	ConfigFile string
	// ConnectTimeout bounds connect and handshake together; 0 for
	// ConnectTimeout of the ssh settings, or 10 s.
	ConnectTimeout time.Duration
	// KeepAlive is the time between two signs of life, KeepAliveCount how many
	// may go unanswered before the connection is given up: 0 for ssh's
	// ServerAlive settings, or 15 s and 4.
	KeepAlive      time.Duration
	KeepAliveCount int
	// KeyFiles are private keys to try on every host, jump hosts too (--private-key).
	KeyFiles []string
	// AgentSocket is the agent's socket; "" for $SSH_AUTH_SOCK, "none" for no agent.
	AgentSocket string
	// Prompt asks the person for a secret; it is never called twice for the
	// same thing, nor by two goroutines at once. nil: nobody can be asked.
	Prompt func(kind PromptKind, text string) (string, error)
	// Warn is told, once each, what is odd but no reason to stop; may be nil.
	Warn func(text string)
	// MaxPerJump is how many hosts may be dialled through one jump host at the
	// same time; 0 for 8.
	MaxPerJump int
	// Home is where ~ leads; "" for the user's home directory.
	Home string
	// SSHProgram is the ssh to ask where the configuration holds what only ssh
	// can decide; "" for the one in PATH, "none" for none.
	SSHProgram string
}

// PromptKind says what is asked for.
type PromptKind string

// What a person can be asked for.
const (
	PromptPassword   PromptKind = "password"   // a login password
	PromptPassphrase PromptKind = "passphrase" // of a private key
	PromptAnswer     PromptKind = "answer"     // to a question of the server (a one-time code)
)

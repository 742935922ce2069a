package inventory

import (
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"rp/engine/diag"
	"rp/engine/value"
)

// The kinds of connection.
const (
	SSH   = "ssh"
	Local = "local"
)

// Hidden is text that prints as asterisks. string(h) is the text itself.
type Hidden string

func (Hidden) String() string { return "********" }

// GoString keeps h out of %#v.
func (Hidden) GoString() string { return "inventory.Hidden" }

// MarshalText keeps h out of JSON.
func (Hidden) MarshalText() ([]byte, error) { return []byte("********"), nil }

// Connection is what the ansible_* variables of a host say of how it is
// reached. A zero field says nothing: the command line, the play or the user's
// ssh_config decides.
type Connection struct {
	Kind     string // SSH or Local
	Host     string // name or address to dial, the host's name unless ansible_host is set
	Port     int
	User     string
	Password Hidden
	KeyFile  string
	// SSHText is the options of ssh(1) in ansible_ssh_args, ansible_ssh_common_args
	// and ansible_ssh_extra_args, one after the other; engine/remote knows what they mean.
	SSHText string
	// ConnectTimeout is ansible_ssh_timeout or ansible_timeout.
	ConnectTimeout time.Duration
	// HostKeyChecking is ansible_host_key_checking or ansible_ssh_host_key_checking, nil where neither is set.
	HostKeyChecking *bool
	// Become and what follows override the play's keywords where they are set.
	Become         *bool
	BecomeMethod   string // sudo, su or doas
	BecomeUser     string
	BecomePassword Hidden
	BecomeExe      string
	BecomeFlags    string
	// RemoteTmp is where the helper may put its files on the host.
	RemoteTmp string
}

// becomeMethods are those that rp has.
var becomeMethods = []string{"sudo", "su", "doas"}

// Connect reads the connection variables of the host called name. look gives
// the variable of a name, rendered, and whether it is set. What cannot be used,
// or is not supported, is an error that names the variable.
func Connect(name string, look func(string) (any, bool)) (Connection, diag.List) {
	r := connReader{look: look}
	c := Connection{Kind: r.kind(), Host: name}
	if h := r.text("ansible_ssh_host", "ansible_host"); h != "" {
		c.Host = h
	}
	c.Port = r.port("ansible_ssh_port", "ansible_port")
	c.User = r.text("ansible_ssh_user", "ansible_user")
	c.Password = Hidden(r.text("ansible_ssh_password", "ansible_ssh_pass", "ansible_password"))
	c.KeyFile = r.text("ansible_ssh_private_key_file", "ansible_private_key_file")
	c.ConnectTimeout = r.seconds("ansible_ssh_timeout", "ansible_timeout")
	c.HostKeyChecking = r.flag("ansible_ssh_host_key_checking", "ansible_host_key_checking")
	c.RemoteTmp = r.text("ansible_remote_tmp")
	r.become(&c)
	args := []string{r.text("ansible_ssh_args"), r.text("ansible_ssh_common_args"), r.text("ansible_ssh_extra_args")}
	c.SSHText = strings.TrimSpace(strings.Join(args, " "))
	if exe := r.text("ansible_ssh_executable"); exe != "" && filepath.Base(exe) != "ssh" {
		r.ds.Errorf(diag.Pos{}, "ansible_ssh_executable %q is not supported yet: rp speaks SSH itself", exe)
	}
	return c, r.ds
}

type connReader struct {
	look func(string) (any, bool)
	ds   diag.List
}

// get gives the first of names that is set, as plain as it can be.
func (r *connReader) get(names []string) (string, any) {
	for _, name := range names {
		v, ok := r.look(name)
		if s, secret := v.(value.Secret); secret {
			v = s.V
		}
		if _, omitted := v.(value.Omit); !ok || v == nil || omitted {
			continue
		}
		return name, v
	}
	return "", nil
}

func (r *connReader) text(names ...string) string {
	name, v := r.get(names)
	switch v := v.(type) {
	case nil:
	case string:
		return v
	case int64:
		return strconv.FormatInt(v, 10)
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	default:
		r.wrong(name, "text", v)
	}
	return ""
}

func (r *connReader) wrong(name, want string, v any) {
	switch v := v.(type) {
	case value.Unknown, *value.Pending:
		r.ds.Errorf(diag.Pos{}, "%s is not known yet %v", name, v)
	case value.Undefined:
		r.ds.Errorf(diag.Pos{}, "%s: %s", name, v.Message())
	case value.Template:
		r.ds.Errorf(v.Pos, "%s is still a template: %q", name, v.Source)
	default:
		r.ds.Errorf(diag.Pos{}, "%s must be %s, not %T", name, want, v)
	}
}

func (r *connReader) kind() string {
	k := strings.TrimPrefix(r.text("ansible_connection"), "ansible.builtin.")
	switch k {
	case "", "smart", "ssh", "paramiko", "paramiko_ssh":
		return SSH
	case "local":
		return Local
	}
	r.ds.Errorf(diag.Pos{}, "ansible_connection %q is not supported yet", k).Hintf("rp has ssh and local")
	return SSH
}

func (r *connReader) port(names ...string) int {
	name, v := r.get(names)
	if v == nil {
		return 0
	}
	n, ok := integer(v)
	if s, isString := v.(string); isString && s == "" {
		return 0
	}
	if !ok || n < 1 || n > 65535 {
		r.wrong(name, "a port from 1 to 65535", v)
		return 0
	}
	return int(n)
}

func (r *connReader) seconds(names ...string) time.Duration {
	name, v := r.get(names)
	if v == nil {
		return 0
	}
	f, isFloat := v.(float64)
	if n, ok := integer(v); ok {
		f, isFloat = float64(n), true
	}
	if !isFloat || f < 0 || f > math.MaxInt32 {
		r.wrong(name, "a number of seconds", v)
		return 0
	}
	return time.Duration(f * float64(time.Second))
}

// flag is a variable as a boolean in any of the forms that Ansible takes.
func (r *connReader) flag(names ...string) *bool {
	name, v := r.get(names)
	if v == nil {
		return nil
	}
	yes := []string{"yes", "on", "1", "true", "y", "t"}
	no := []string{"no", "off", "0", "false", "n", "f"}
	s := strings.ToLower(fmt.Sprint(v))
	b := slices.Contains(yes, s)
	if !b && !slices.Contains(no, s) {
		r.wrong(name, "yes or no", v)
		return nil
	}
	return &b
}

func (r *connReader) become(c *Connection) {
	c.Become = r.flag("ansible_become")
	m := strings.TrimPrefix(strings.TrimPrefix(r.text("ansible_become_method"), "ansible.builtin."), "community.general.")
	if m != "" && !slices.Contains(becomeMethods, m) {
		r.ds.Errorf(diag.Pos{}, "ansible_become_method %q is not supported yet", m).Hintf("rp has sudo, su and doas")
		return
	}
	c.BecomeMethod = m
	if m == "" {
		m = "sudo"
	}
	// The variables of the method itself go before the general ones.
	c.BecomeUser = r.text("ansible_"+m+"_user", "ansible_become_user")
	c.BecomePassword = Hidden(r.text("ansible_"+m+"_pass", "ansible_become_pass", "ansible_become_password"))
	c.BecomeExe = r.text("ansible_"+m+"_exe", "ansible_become_exe")
	c.BecomeFlags = r.text("ansible_"+m+"_flags", "ansible_become_flags")
}

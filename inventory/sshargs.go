package inventory

import (
	"fmt"
	"path"
	"strconv"
	"strings"
	"time"
)

// SSHArgs is what options of ssh(1) in ansible_ssh_*args mean to rp, which runs no ssh.
type SSHArgs struct {
	// ProxyJump is the hosts to go through, in order: [user@]host[:port]. "none" is one empty list set on purpose: NoProxy.
	ProxyJump []string
	NoProxy   bool
	// StrictHostKeyChecking is "yes", "no", "ask", "accept-new" or "off" as written, or empty.
	StrictHostKeyChecking string
	// KnownHosts are the files of UserKnownHostsFile.
	KnownHosts []string
	// IdentityFiles are those of -i and IdentityFile; IdentitiesOnly is nil where it is not set.
	IdentityFiles  []string
	IdentitiesOnly *bool
	User           string
	Port           int
	ConnectTimeout time.Duration
	// KeepAlive is ServerAliveInterval, KeepAliveMax ServerAliveCountMax.
	KeepAlive    time.Duration
	KeepAliveMax int
	// ConfigFile is -F: read in place of the user's ssh_config.
	ConfigFile string
}

// ignoredSSH are options of ssh that change nothing for rp: it shares one
// connection by itself, reads no terminal and writes no log of ssh's.
var ignoredSSH = map[string]bool{
	"controlmaster": true, "controlpersist": true, "controlpath": true, "loglevel": true, "batchmode": true,
	"requesttty": true, "tcpkeepalive": true, "compression": true, "escapechar": true, "visualhostkey": true,
	"checkhostip": true, "updatehostkeys": true, "hashknownhosts": true,
}

// harmlessWhenNo are options that rp behaves as if they were no.
var harmlessWhenNo = map[string]bool{
	"forwardagent": true, "forwardx11": true, "forwardx11trusted": true, "gssapiauthentication": true,
	"gssapidelegatecredentials": true, "permitlocalcommand": true, "hostbasedauthentication": true,
	"canonicalizehostname": true, "clearallforwardings": true, "verifyhostkeydns": true, "addkeystoagent": true,
}

// parse adds the arguments in text to a. An option that rp cannot honour is an error.
func (a *SSHArgs) parse(text string) error {
	words, err := splitWords(text)
	if err != nil {
		return fmt.Errorf("cannot read the ssh arguments %q: %w", text, err)
	}
	for i := 0; i < len(words); i++ {
		w := words[i].text
		if len(w) < 2 || w[0] != '-' {
			return fmt.Errorf("%q is no option of ssh", w)
		}
		if strings.Trim(w[1:], "CqvtTx") == "" {
			continue // -C -q -v -t -T -x
		}
		arg := w[2:]
		if arg == "" {
			i++
			if i == len(words) {
				return fmt.Errorf("the ssh option %s needs an argument", w)
			}
			arg = words[i].text
		}
		if err := a.option(w[:2], arg); err != nil {
			return err
		}
	}
	return nil
}

func (a *SSHArgs) option(flag, arg string) error {
	name, ok := map[string]string{"-J": "ProxyJump", "-i": "IdentityFile", "-l": "User", "-p": "Port"}[flag]
	switch {
	case ok:
		return a.set(name, arg)
	case flag == "-F":
		a.ConfigFile = arg
		return nil
	case flag == "-o":
		key, val, found := strings.Cut(arg, "=")
		if !found {
			key, val, _ = strings.Cut(arg, " ")
		}
		return a.set(strings.TrimSpace(key), strings.Trim(strings.TrimSpace(val), `"`))
	}
	return fmt.Errorf("the ssh option %s is not supported yet", flag)
}

func (a *SSHArgs) set(name, val string) error {
	key := strings.ToLower(name)
	switch key {
	case "proxyjump":
		a.jump(val)
	case "proxycommand":
		return a.proxyCommand(val)
	case "stricthostkeychecking":
		a.StrictHostKeyChecking = strings.ToLower(val)
	case "userknownhostsfile":
		a.KnownHosts = strings.Fields(val)
	case "identityfile":
		a.IdentityFiles = append(a.IdentityFiles, val)
	case "identitiesonly":
		yes := strings.EqualFold(val, "yes")
		a.IdentitiesOnly = &yes
	case "user":
		a.User = val
	case "preferredauthentications", "pubkeyauthentication", "passwordauthentication", "kbdinteractiveauthentication":
		// rp tries every way it has the means for; that is a superset of any of these lists.
	case "port", "connecttimeout", "serveraliveinterval", "serveralivecountmax":
		return a.number(name, val)
	default:
		if ignoredSSH[key] || harmlessWhenNo[key] && strings.EqualFold(val, "no") {
			return nil
		}
		return fmt.Errorf("the ssh option %s=%s is not supported yet", name, val)
	}
	return nil
}

func (a *SSHArgs) jump(val string) {
	if strings.EqualFold(val, "none") {
		a.ProxyJump, a.NoProxy = nil, true
		return
	}
	a.ProxyJump, a.NoProxy = strings.Split(val, ","), false
}

// proxyCommand understands the one that stands for a jump host: ssh -W %h:%p [user@]host.
func (a *SSHArgs) proxyCommand(val string) error {
	if strings.EqualFold(val, "none") {
		a.jump(val)
		return nil
	}
	words, err := splitWords(val)
	unsupported := fmt.Errorf("the ssh option ProxyCommand=%s is not supported yet: only ssh -W %%h:%%p HOST is, or ProxyJump", val)
	if err != nil || len(words) < 4 || path.Base(words[0].text) != "ssh" {
		return unsupported
	}
	var host, user, port string
	forwards := false
	for i := 1; i < len(words); i++ {
		w := words[i].text
		next := func() string {
			if len(w) > 2 {
				return w[2:]
			}
			if i++; i < len(words) {
				return words[i].text
			}
			return ""
		}
		switch {
		case strings.HasPrefix(w, "-W"):
			forwards = strings.Trim(next(), "[]") != "" && strings.Contains(val, "%h") && strings.Contains(val, "%p")
		case strings.HasPrefix(w, "-p"):
			port = next()
		case strings.HasPrefix(w, "-l"):
			user = next()
		case strings.Trim(w, "-CqvtTx") == "":
		case w[0] == '-' || host != "":
			return unsupported
		default:
			host = w
		}
	}
	if !forwards || host == "" {
		return unsupported
	}
	if user != "" && !strings.Contains(host, "@") {
		host = user + "@" + host
	}
	if port != "" {
		host += ":" + port
	}
	a.ProxyJump, a.NoProxy = []string{host}, false
	return nil
}

func (a *SSHArgs) number(name, val string) error {
	n, err := strconv.ParseUint(val, 10, 16)
	if err != nil {
		return fmt.Errorf("the ssh option %s must be a number, not %q", name, val)
	}
	switch strings.ToLower(name) {
	case "port":
		a.Port = int(n)
	case "connecttimeout":
		a.ConnectTimeout = time.Duration(n) * time.Second
	case "serveraliveinterval":
		a.KeepAlive = time.Duration(n) * time.Second
	case "serveralivecountmax":
		a.KeepAliveMax = int(n)
	}
	return nil
}

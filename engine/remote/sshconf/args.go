package sshconf

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Args is what the arguments of an ssh command line say.
type Args struct {
	// Values are the settings, those of -i, -J, -l and -p among them.
	Values Values
	// File is the argument of -F: the one file to read in place of the
	// user's and the system's; "none" for no file.
	File string
	// Words are the arguments as given, split.
	Words []string
}

// honoured are the settings that rp does as it is told.
var honoured = []string{
	"addressfamily", "batchmode", "bindaddress", "certificatefile", "ciphers", "connectionattempts", "connecttimeout",
	"globalknownhostsfile", "hashknownhosts", "hostkeyalgorithms", "hostkeyalias", "hostname", "identitiesonly", "identityagent",
	"identityfile", "kbdinteractiveauthentication", "kexalgorithms", "macs", "passwordauthentication", "port",
	"preferredauthentications", "proxycommand", "proxyjump", "pubkeyacceptedalgorithms", "pubkeyauthentication",
	"serveralivecountmax", "serveraliveinterval", "stricthostkeychecking", "user", "userknownhostsfile",
}

// needless are those that ask for what rp does anyway (one connection a host,
// which stays), or that only change what is printed or how fast.
var needless = []string{
	"addkeystoagent", "checkhostip", "compression", "controlmaster", "controlpath", "controlpersist", "escapechar",
	"exitonforwardfailure", "fingerprinthash", "ipqos", "loglevel", "logverbose", "nohostauthenticationforlocalhost",
	"numberofpasswordprompts", "permitlocalcommand", "rekeylimit", "sendenv", "tcpkeepalive", "updatehostkeys", "visualhostkey",
}

// refusable are those accepted when they switch off what rp does not have.
var refusable = []string{
	"canonicalizehostname", "clearallforwardings", "forwardagent", "forwardx11", "forwardx11trusted", "gssapiauthentication",
	"gssapidelegatecredentials", "gssapikeyexchange", "hostbasedauthentication", "requesttty", "tunnel", "verifyhostkeydns",
}

// ParseArgs reads arguments as ansible_ssh_common_args has them: -o Key=Value,
// -J, -i, -p, -F, -l, -4 and -6; and -C, -q, -v, -T, -x and -a, which change
// nothing here. Anything else is an error that names it.
func ParseArgs(line string) (Args, error) {
	words, err := split(line)
	if err != nil {
		return Args{}, err
	}
	a := Args{Values: Values{}, Words: words}
	for len(words) > 0 {
		if words, err = a.next(words); err != nil {
			return Args{}, err
		}
	}
	return a, nil
}

// next takes one word, and the one behind it where that is its argument.
func (a *Args) next(words []string) (left []string, err error) {
	w := words[0]
	if len(w) < 2 || w[0] != '-' {
		return nil, fmt.Errorf("ssh argument %q is not an option", w)
	}
	flags := w[1:]
	for flags != "" {
		f := flags[0]
		flags = flags[1:]
		if !strings.ContainsRune("oJipFl", rune(f)) {
			if err := a.flag(f); err != nil {
				return nil, err
			}
			continue
		}
		arg := flags
		switch {
		case arg != "":
		case len(words) > 1:
			arg, words = words[1], words[1:]
		default:
			return nil, fmt.Errorf("ssh option -%c has no argument", f)
		}
		flags = ""
		if err := a.option(f, arg); err != nil {
			return nil, err
		}
	}
	return words[1:], nil
}

func (a *Args) flag(f byte) error {
	switch f {
	case '4':
		a.Values.add("addressfamily", "inet")
	case '6':
		a.Values.add("addressfamily", "inet6")
	case 'C', 'q', 'v', 'T', 'x', 'a':
	default:
		return fmt.Errorf("ssh option -%c is not supported", f)
	}
	return nil
}

func (a *Args) option(f byte, arg string) error {
	switch f {
	case 'J':
		a.Values.add("proxyjump", arg)
	case 'i':
		a.Values.add("identityfile", arg)
	case 'p':
		a.Values.add("port", arg)
	case 'l':
		a.Values.add("user", arg)
	case 'F':
		a.File = arg
	case 'o':
		return a.setting(arg)
	}
	return nil
}

func (a *Args) setting(arg string) error {
	n, ok := parseLine(arg)
	if !ok || n.keyword == "" || n.value == "" {
		return fmt.Errorf("ssh option -o %q is not Key=Value", arg)
	}
	off := slices.Contains([]string{"no", "false", "auto"}, strings.ToLower(n.value))
	switch {
	case slices.Contains(honoured, n.keyword):
		a.Values.add(n.keyword, n.value)
	case slices.Contains(needless, n.keyword), slices.Contains(refusable, n.keyword) && off:
	default:
		return fmt.Errorf("ssh option -o %q is not supported", arg)
	}
	return nil
}

// errQuote: a quote is opened and not closed.
var errQuote = errors.New("ssh arguments have an open quote")

// split cuts a line into words as a shell does: blanks, '…', "…", backslash.
func split(line string) ([]string, error) {
	var out []string
	var b strings.Builder
	var quote rune
	started, escaped := false, false
	for _, r := range line {
		switch {
		case escaped:
			if quote == '"' && r != '"' && r != '\\' && r != '$' && r != '`' {
				b.WriteRune('\\')
			}
			b.WriteRune(r)
			escaped = false
		case r == '\\' && quote != '\'':
			escaped, started = true, true
		case quote != 0 && r == quote:
			quote = 0
		case quote == 0 && (r == '\'' || r == '"'):
			quote, started = r, true
		case quote == 0 && strings.ContainsRune(" \t\r\n", r):
			if started {
				out = append(out, b.String())
				b.Reset()
				started = false
			}
		default:
			b.WriteRune(r)
			started = true
		}
	}
	if quote != 0 || escaped {
		return nil, errQuote
	}
	if started {
		out = append(out, b.String())
	}
	return out, nil
}

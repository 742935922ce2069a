package sshconf

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sort"
	"strings"
)

// maxDepth is how deep files may include files, as in ssh.
const maxDepth = 16

// Config is what configuration files say, for all hosts.
type Config struct {
	files []*file
	// Warnings are the lines that could not be used, each with its place.
	Warnings []string
	// complex: only `ssh -G` can tell (see [Config.NeedsSSH]).
	complex bool
}

type file struct{ nodes []node }

// node is one line: a setting, the start of a block, or an Include.
type node struct {
	keyword  string // lower case; "host", "match" and "include" are the others
	value    string
	args     []string
	included []*file
}

// loader reads files into a Config.
type loader struct {
	home   string
	config *Config
}

// Load reads the user's and the system's file, either of which may be "" or
// not there. home is what `~` stands for.
func Load(user, system, home string) *Config {
	l := loader{home: home, config: &Config{}}
	for _, f := range []struct{ path, base string }{
		{user, filepath.Join(home, ".ssh")}, {system, "/etc/ssh"},
	} {
		if f.path == "" {
			continue
		}
		if parsed := l.load(f.path, f.base, 0); parsed != nil {
			l.config.files = append(l.config.files, parsed)
		}
	}
	return l.config
}

func (l *loader) warn(format string, args ...any) {
	l.config.Warnings = append(l.config.Warnings, fmt.Sprintf(format, args...))
}

func (l *loader) load(path, base string, depth int) *file {
	data, err := os.ReadFile(path)
	if err != nil {
		if !os.IsNotExist(err) {
			l.warn("cannot read ssh configuration: %v", err)
		}
		return nil
	}
	return l.parse(string(data), path, base, depth)
}

// parse reads the text of the file at path, whose relative Includes lie in base.
func (l *loader) parse(text, path, base string, depth int) *file {
	f := &file{}
	for i, line := range strings.Split(text, "\n") {
		n, ok := parseLine(line)
		if !ok {
			continue
		}
		if n.keyword == "" || (n.value == "" && n.keyword != "host") {
			l.warn("%s:%d: no value in %q", path, i+1, strings.TrimSpace(line))
			continue
		}
		if n.keyword == "include" {
			l.include(&n, path, base, i+1, depth)
		}
		l.note(n)
		f.nodes = append(f.nodes, n)
	}
	return f
}

// include reads the files an Include line names, in the order of their names.
func (l *loader) include(n *node, path, base string, line, depth int) {
	if depth >= maxDepth {
		l.warn("%s:%d: files include each other more than %d deep", path, line, maxDepth)
		return
	}
	for _, pattern := range n.args {
		pattern = ExpandHome(pattern, l.home)
		if !filepath.IsAbs(pattern) {
			pattern = filepath.Join(base, pattern)
		}
		names, err := filepath.Glob(pattern)
		if err != nil {
			l.warn("%s:%d: bad pattern %q", path, line, pattern)
			continue
		}
		sort.Strings(names)
		for _, name := range names {
			if f := l.load(name, base, depth+1); f != nil {
				n.included = append(n.included, f)
			}
		}
	}
}

// simpleCriteria are those of Match that can be decided here.
var simpleCriteria = []string{"all", "final", "host", "originalhost", "user", "localuser"}

// note keeps what has to be known of the whole before any host is looked up.
func (l *loader) note(n node) {
	switch n.keyword {
	case "host", "include":
	case "match":
		for _, c := range criteria(n.args) {
			if !slices.Contains(simpleCriteria, c.name) {
				l.config.complex = true
			}
		}
	case "canonicalizehostname":
		if v := strings.ToLower(n.value); v != "no" && v != "false" {
			l.config.complex = true
		}
	}
}

// NeedsSSH reports whether the files hold something that only ssh itself can
// decide: a Match on anything but names, or CanonicalizeHostname.
func (c *Config) NeedsSSH() bool { return c.complex }

// rest are the keywords whose value is the rest of the line, as it stands.
var rest = []string{"proxycommand", "localcommand", "remotecommand", "knownhostscommand"}

// parseLine splits one line; ok is false for blank lines and comments.
func parseLine(line string) (n node, ok bool) {
	line = strings.TrimSpace(line)
	if line == "" || line[0] == '#' {
		return n, false
	}
	end := strings.IndexAny(line, " \t=")
	if end < 0 {
		return node{keyword: ""}, true
	}
	n.keyword = canonical(strings.Trim(line[:end], `"`))
	value := strings.TrimLeft(line[end:], " \t")
	value = strings.TrimLeft(strings.TrimPrefix(value, "="), " \t")
	if slices.Contains(rest, n.keyword) {
		n.value = value
		return n, true
	}
	n.value = strings.TrimSpace(cutComment(value))
	n.args = fields(n.value)
	if len(n.args) == 1 {
		n.value = n.args[0]
	}
	return n, true
}

// cutComment takes off a comment behind a value: a # that starts a word.
func cutComment(s string) string {
	quoted := false
	for i, r := range s {
		switch {
		case r == '"':
			quoted = !quoted
		case r == '#' && !quoted && (i == 0 || s[i-1] == ' ' || s[i-1] == '\t'):
			return s[:i]
		}
	}
	return s
}

// criterion is one condition of a Match line.
type criterion struct {
	name   string
	negate bool
	arg    string
}

// criteria splits the arguments of a Match line: all, canonical and final
// stand alone, the others have an argument behind a blank or `=`.
func criteria(args []string) []criterion {
	var out []criterion
	for i := 0; i < len(args); i++ {
		name, arg, has := strings.Cut(args[i], "=")
		c := criterion{name: strings.ToLower(name), arg: arg}
		if n, ok := strings.CutPrefix(c.name, "!"); ok {
			c.name, c.negate = n, true
		}
		alone := c.name == "all" || c.name == "canonical" || c.name == "final"
		if !alone && !has && i+1 < len(args) {
			i++
			c.arg = args[i]
		}
		out = append(out, c)
	}
	return out
}

// ExpandHome puts home in the place of a leading `~`.
func ExpandHome(path, home string) string {
	if path == "~" {
		return home
	}
	if after, ok := strings.CutPrefix(path, "~/"); ok {
		return filepath.Join(home, after)
	}
	return path
}

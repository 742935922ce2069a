package host

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"rp/engine/state"
)

// program is a user's command, ready to run.
type program struct {
	path    string
	argv    []string
	env     []string
	dir     string
	stdin   *string
	as      *cred
	timeout time.Duration
	strip   bool
	shown   any    // the result's cmd: a string for a shell, a list otherwise
	title   string // for messages
	script  string // a file to be removed afterwards
}

func (p *program) cleanUp() {
	if p.script != "" {
		_ = os.Remove(p.script) // in a temporary directory; there is nobody to tell
	}
}

// keptEnv are the variables that a command has from the login (environ(7)); those that end in _ are
// prefixes. Everything else comes from the task's environment.
var keptEnv = []string{
	"PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "LANGUAGE", "LC_", "TZ", "MAIL", "TERM", "TMPDIR",
	"XDG_", "DBUS_SESSION_BUS_ADDRESS", "SSH_", "SUDO_", "http_proxy", "https_proxy", "ftp_proxy",
	"no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "FTP_PROXY", "NO_PROXY",
}

// commandEnv is the environment of a command: what is kept of the login, as's own, the task's, the command's.
func commandEnv(ctx context.Context, as *cred, own map[string]string) map[string]string {
	env := map[string]string{"PATH": defaultPath}
	for _, kv := range os.Environ() {
		k, v, _ := strings.Cut(kv, "=")
		if slices.ContainsFunc(keptEnv, func(n string) bool {
			return k == n || strings.HasSuffix(n, "_") && strings.HasPrefix(k, n)
		}) {
			env[k] = v
		}
	}
	if as != nil {
		maps.DeleteFunc(env, func(k, _ string) bool {
			return strings.HasPrefix(k, "XDG_") || k == "DBUS_SESSION_BUS_ADDRESS" || k == "MAIL" || k == "TMPDIR"
		})
		env["HOME"], env["USER"], env["LOGNAME"] = as.home, as.name, as.name
		if as.shell != "" {
			env["SHELL"] = as.shell
		}
	}
	maps.Copy(env, EnvOf(ctx))
	maps.Copy(env, own)
	return env
}

// prepare finds the program of c and all that it is run with.
func (l *Linux) prepare(ctx context.Context, c state.Command) (*program, error) {
	p := &program{
		stdin: c.Stdin, timeout: time.Duration(c.Timeout) * time.Second, strip: c.StripEmptyEnds, dir: c.Dir, title: line([]string{c.Line()}),
	}
	if c.Secret {
		p.title = "the command"
	}
	var err error
	if c.As != "" {
		if p.as, err = l.credOf(ctx, c.As); err != nil {
			return nil, fmt.Errorf("cannot run %s: %w", p.title, err)
		}
	}
	env := commandEnv(ctx, p.as, c.Env)
	for _, k := range slices.Sorted(maps.Keys(env)) {
		p.env = append(p.env, k+"="+env[k])
	}
	if err := p.directory(); err != nil {
		return nil, err
	}
	if err := l.words(c, p, env); err != nil {
		return nil, fmt.Errorf("cannot run %s: %w", p.title, err)
	}
	p.path = lookPath(p.argv[0], env["PATH"], p.dir)
	return p, nil
}

// directory settles where the command runs: where it was told, in the home of the user that it
// runs as, or where this process is.
func (p *program) directory() error {
	if p.dir == "" && p.as != nil {
		p.dir = "/"
		if fi, err := os.Stat(p.as.home); err == nil && fi.IsDir() {
			p.dir = p.as.home
		}
	}
	if p.dir == "" {
		if wd, err := os.Getwd(); err == nil {
			p.dir = wd
		} else {
			p.dir = "/"
		}
	}
	if fi, err := os.Stat(p.dir); err != nil {
		return fmt.Errorf("cannot change to the directory %s: %w", p.dir, bare(err))
	} else if !fi.IsDir() {
		return fmt.Errorf("cannot change to the directory %s: %w", p.dir, errNotDir)
	}
	return nil
}

func (l *Linux) words(c state.Command, p *program, env map[string]string) error {
	argv := slices.Clone(c.Argv)
	if c.ExpandVars && !c.Shell {
		for i := range argv {
			argv[i] = l.expand(argv[i], env)
		}
	}
	switch {
	case c.Script != nil:
		return l.spoolScript(c, p, argv)
	case c.Shell:
		if len(argv) != 1 {
			return fmt.Errorf("a shell takes one text, not %d", len(argv))
		}
		sh := c.Executable
		if sh == "" {
			sh = "/bin/sh"
		}
		p.shown, p.argv = argv[0], []string{sh, "-c", argv[0]}
		return nil
	case len(argv) == 0 || argv[0] == "":
		return errors.New("there is no command")
	}
	shown := make([]any, len(argv))
	for i, w := range argv {
		shown[i] = w
	}
	p.shown, p.argv = shown, argv
	return nil
}

// spoolScript puts the script into a file that the user can run and nobody else can read.
func (l *Linux) spoolScript(c state.Command, p *program, args []string) error {
	dir, err := l.scriptDir(p.as)
	if err != nil {
		return err
	}
	path := filepath.Join(dir, ".rp-"+randomName())
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o700)
	if err != nil {
		return fmt.Errorf("cannot spool the script: %w", err)
	}
	p.script = path
	_, err = f.Write(c.Script)
	if err == nil && p.as != nil {
		err = f.Chown(int(p.as.uid), int(p.as.gid))
	}
	if err = errors.Join(err, f.Close()); err != nil {
		p.cleanUp()
		return fmt.Errorf("cannot spool the script: %w", err)
	}
	run, err := splitWords(c.Executable)
	if err != nil {
		return err
	}
	if len(run) == 0 && !bytes.HasPrefix(c.Script, []byte("#!")) && !bytes.HasPrefix(c.Script, []byte("\x7fELF")) {
		run = []string{"/bin/sh"} // as a shell does where the kernel knows no format
	}
	p.argv = append(append(run, path), args...)
	p.shown = c.Line()
	return nil
}

// scriptDir is a directory from which as, or the process itself, may run a program.
func (l *Linux) scriptDir(as *cred) (string, error) {
	dirs := []string{"/var/tmp", os.TempDir(), "/tmp", "/dev/shm"}
	if as == nil && l.o.Scratch != "" {
		if dir, err := l.scratch(); err == nil {
			dirs = append([]string{dir}, dirs...)
		}
	}
	for _, d := range dirs {
		if fi, err := os.Stat(d); err == nil && fi.IsDir() && !noExec(d) {
			return d, nil
		}
	}
	return "", fmt.Errorf("cannot spool the script: in none of %s may a program be run", strings.Join(dirs, ", "))
}

// lookPath finds name as execvp(3) would: in PATH unless it has a slash. What is not found
// stays as it is, for execve(2) to say so.
func lookPath(name, path, dir string) string {
	if strings.Contains(name, "/") {
		return name
	}
	for _, d := range filepath.SplitList(path) {
		p := filepath.Join(d, name)
		if d == "" || !filepath.IsAbs(d) {
			p = filepath.Join(dir, d, name)
		}
		if fi, err := os.Stat(p); err == nil && fi.Mode().IsRegular() && fi.Mode()&0o111 != 0 {
			return p
		}
	}
	return "/nonexistent/" + name
}

// expand replaces $NAME and ${NAME} by env where they are set, and ~ and ~user at the start by a home.
func (l *Linux) expand(word string, env map[string]string) string {
	if rest, ok := strings.CutPrefix(word, "~"); ok {
		name, tail, _ := strings.Cut(rest, "/")
		home := env["HOME"]
		if name != "" {
			home = ""
			if text, err := l.accountFile("/etc/passwd"); err == nil {
				for _, u := range parsePasswd(text) {
					if u.Name == name {
						home = u.Home
					}
				}
			}
		}
		if home != "" {
			word = home
			if len(name) < len(rest) {
				word += "/" + tail
			}
		}
	}
	var b strings.Builder
	for i := 0; i < len(word); {
		name, n := variable(word[i:])
		v, set := env[name]
		if n > 0 && set {
			b.WriteString(v)
			i += n
			continue
		}
		b.WriteByte(word[i])
		i++
	}
	return b.String()
}

// variable is the name of the variable reference that s starts with, and the reference's length; 0 for none.
func variable(s string) (name string, n int) {
	if len(s) < 2 || s[0] != '$' {
		return "", 0
	}
	if s[1] == '{' {
		if end := strings.IndexByte(s, '}'); end > 0 {
			return s[2:end], end + 1
		}
		return "", 0
	}
	n = 1
	for n < len(s) && (s[n] == '_' || s[n] >= '0' && s[n] <= '9' || s[n]|0x20 >= 'a' && s[n]|0x20 <= 'z') {
		n++
	}
	if n == 1 {
		return "", 0
	}
	return s[1:n], n
}

// credOf is the user named name, with all groups.
func (l *Linux) credOf(ctx context.Context, name string) (*cred, error) {
	a, err := l.loadAccounts()
	if err != nil {
		return nil, err
	}
	u := a.user(name)
	if u == nil {
		entry, err := l.getent(ctx, "passwd", name)
		if err != nil {
			return nil, err
		}
		if us := parsePasswd(entry); len(us) > 0 {
			u = &us[0]
		} else {
			return nil, fmt.Errorf("there is no user %q", name)
		}
	}
	if u.UID == int64(os.Geteuid()) {
		return nil, nil //nolint:nilnil // that is who we are
	}
	if os.Geteuid() != 0 {
		return nil, fmt.Errorf("cannot become the user %q: %w", name, syscall.EPERM)
	}
	c := &cred{uid: uint32(u.UID), gid: uint32(u.GID), name: u.Name, home: u.Home, shell: u.Shell} //nolint:gosec // ids have 32 bits
	c.groups = []uint32{c.gid}
	for _, g := range a.groups {
		if slices.Contains(g.Members, name) && !slices.Contains(c.groups, uint32(g.GID)) { //nolint:gosec // as above
			c.groups = append(c.groups, uint32(g.GID)) //nolint:gosec // as above
		}
	}
	return c, nil
}

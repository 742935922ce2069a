package host

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strconv"
	"strings"

	"rp/engine/state"
)

func init() {
	register("accounts", kind{read: readAccounts, imagine: imagineAccounts})
}

// accountFileMax bounds what is read of one file of the passwd family.
const accountFileMax = 64 << 20

// shadowEntry is what rp keeps of a line of shadow(5).
type shadowEntry struct {
	password string // the whole field, with its lock mark
	expires  int64  // days since 1970, -1 for never
}

// accounts are the local account files as they stand.
type accounts struct {
	users  []state.Account
	groups []state.GroupEntry
	// shadow is nil where it cannot be read.
	shadow map[string]shadowEntry
}

func (a *accounts) user(name string) *state.Account {
	i := slices.IndexFunc(a.users, func(u state.Account) bool { return u.Name == name })
	if i < 0 {
		return nil
	}
	return &a.users[i]
}

func (a *accounts) group(name string) *state.GroupEntry {
	i := slices.IndexFunc(a.groups, func(g state.GroupEntry) bool { return g.Name == name })
	if i < 0 {
		return nil
	}
	return &a.groups[i]
}

// groupName is the name of gid, or its number where it has none.
func (a *accounts) groupName(gid int64) string {
	for _, g := range a.groups {
		if g.GID == gid {
			return g.Name
		}
	}
	return strconv.FormatInt(gid, 10)
}

// loadAccounts reads passwd(5), group(5) and, where it may, shadow(5).
func (l *Linux) loadAccounts() (*accounts, error) {
	passwd, err := l.accountFile("/etc/passwd")
	if err != nil {
		return nil, err
	}
	group, err := l.accountFile("/etc/group")
	if err != nil {
		return nil, err
	}
	a := &accounts{users: parsePasswd(passwd), groups: parseGroup(group)}
	shadow, err := l.accountFile("/etc/shadow")
	switch {
	case errors.Is(err, fs.ErrPermission):
	case err != nil:
		return nil, err
	default:
		a.shadow = parseShadow(shadow)
	}
	return a, nil
}

// accountFile is the text of a file of the passwd family; "" where there is none.
func (l *Linux) accountFile(path string) (string, error) {
	text, err := readBounded(l.path(path), accountFileMax)
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("cannot read the accounts: %w", err)
	}
	return string(text), nil
}

// readBounded is the content of a file of at most limit bytes.
func readBounded(path string, limit int64) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close() //nolint:errcheck // only read
	text, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err != nil {
		return nil, err
	}
	if int64(len(text)) > limit {
		return nil, fmt.Errorf("%s is larger than %d bytes", path, limit)
	}
	return text, nil
}

// fieldsOf splits the lines of text at colons; lines with fewer than n fields,
// comments and NIS entries (+name, -name) are left out.
func colonLines(text string, n int) [][]string {
	var ls [][]string
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		if line == "" || strings.ContainsRune("#+-", rune(line[0])) {
			continue
		}
		if f := strings.Split(line, ":"); len(f) >= n {
			ls = append(ls, f)
		}
	}
	return ls
}

func parsePasswd(text string) []state.Account {
	var us []state.Account
	for _, f := range colonLines(text, 7) {
		uid, err1 := strconv.ParseInt(f[2], 10, 64)
		gid, err2 := strconv.ParseInt(f[3], 10, 64)
		if err1 != nil || err2 != nil {
			continue
		}
		us = append(us, state.Account{Name: f[0], UID: uid, GID: gid, Comment: f[4], Home: f[5], Shell: f[6]})
	}
	return us
}

func parseGroup(text string) []state.GroupEntry {
	var gs []state.GroupEntry
	for _, f := range colonLines(text, 4) {
		gid, err := strconv.ParseInt(f[2], 10, 64)
		if err != nil {
			continue
		}
		gs = append(gs, state.GroupEntry{Name: f[0], GID: gid, Members: splitMembers(f[3])})
	}
	return gs
}

func splitMembers(s string) []string {
	var ms []string
	for m := range strings.SplitSeq(s, ",") {
		if m = strings.TrimSpace(m); m != "" && !slices.Contains(ms, m) {
			ms = append(ms, m)
		}
	}
	slices.Sort(ms)
	return ms
}

func parseShadow(text string) map[string]shadowEntry {
	es := map[string]shadowEntry{}
	for _, f := range colonLines(text, 2) {
		e := shadowEntry{password: f[1], expires: -1}
		if len(f) > 7 && f[7] != "" {
			if days, err := strconv.ParseInt(f[7], 10, 64); err == nil {
				e.expires = days
			}
		}
		if _, twice := es[f[0]]; !twice { // the first line counts, as for the C library
			es[f[0]] = e
		}
	}
	return es
}

func readAccounts(_ context.Context, l *Linux, ss []state.State) ([]state.State, error) {
	a, err := l.loadAccounts()
	if err != nil {
		return nil, err
	}
	out := make([]state.State, len(ss))
	for i := range ss {
		out[i] = state.Accounts{Users: state.Is(slices.Clone(a.users)), Groups: state.Is(slices.Clone(a.groups))}
	}
	return out, nil
}

// getent asks the C library's name services for one entry; "" where they have none.
func (l *Linux) getent(ctx context.Context, database, key string) (string, error) {
	if l.o.Root != "" || !l.hasNameServices(database) {
		return "", nil
	}
	r, err := l.run(ctx, call{argv: []string{"getent", database, key}, timeout: nssTimeout})
	switch {
	case errors.Is(err, errNoTool):
		return "", nil
	case err != nil:
		return "", fmt.Errorf("cannot look up %q in %s: %w", key, database, err)
	case r.rc == 2: // getent(1): the key was not found
		return "", nil
	case r.rc != 0:
		return "", fmt.Errorf("cannot look up %q in %s: getent ended with status %d: %s", key, database, r.rc, strings.TrimSpace(string(r.stderr)))
	}
	return string(r.stdout), nil
}

// hasNameServices reports whether nsswitch.conf(5) names, for database, more
// sources than the local files and systemd's own: only then is getent worth its start.
func (l *Linux) hasNameServices(database string) bool {
	text, err := readBounded(l.path("/etc/nsswitch.conf"), 1<<20)
	if err != nil {
		return false
	}
	return len(otherServices(string(text), database)) > 0
}

func otherServices(text, database string) []string {
	var out []string
	for line := range strings.Lines(text) {
		line, _, _ = strings.Cut(line, "#")
		db, list, ok := strings.Cut(line, ":")
		if !ok || strings.TrimSpace(db) != database {
			continue
		}
		for _, w := range strings.Fields(list) {
			if !strings.HasPrefix(w, "[") && !strings.HasSuffix(w, "]") &&
				!slices.Contains([]string{"files", "compat", "systemd", "altfiles", "mymachines"}, w) {
				out = append(out, w)
			}
		}
	}
	return out
}

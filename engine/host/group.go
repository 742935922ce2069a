package host

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"rp/engine/state"
)

func init() {
	register("group", kind{read: readGroups, plan: planGroup, write: writeGroups, touches: touchGroup})
}

// nssTimeout bounds a question to the name services (LDAP may hang).
const nssTimeout = 20 * time.Second

// accountTimeout bounds one run of shadow's tools: they wait for each other's
// locks, and usermod may have a home to move or to chown.
const accountTimeout = 10 * time.Minute

func readGroups(ctx context.Context, l *Linux, ss []state.State) ([]state.State, error) {
	a, err := l.loadAccounts()
	if err != nil {
		return nil, err
	}
	out := make([]state.State, len(ss))
	for i, s := range ss {
		g := s.(state.Group)
		e, err := l.findGroup(ctx, a, g.Name)
		if err != nil {
			return nil, err
		}
		g.Present, g.GID, g.Members = state.Is(e != nil), state.Value[int64]{}, state.Value[[]string]{}
		if e != nil {
			g.GID, g.Members = state.Is(e.GID), state.Is(e.Members)
		}
		out[i] = g
	}
	return out, nil
}

// findGroup is the group that goes by name or number, nil where there is none.
func (l *Linux) findGroup(ctx context.Context, a *accounts, name string) (*state.GroupEntry, error) {
	if g := a.group(name); g != nil {
		return g, nil
	}
	if gid, err := strconv.ParseInt(name, 10, 64); err == nil {
		for i := range a.groups {
			if a.groups[i].GID == gid {
				return &a.groups[i], nil
			}
		}
	}
	line, err := l.getent(ctx, "group", name)
	if err != nil {
		return nil, err
	}
	if gs := parseGroup(line); len(gs) > 0 {
		return &gs[0], nil
	}
	return nil, nil
}

func planGroup(ctx context.Context, r Reader, c state.Change) (state.Change, error) {
	from, to := c.From.(state.Group), c.To.(state.Group)
	if present, known := from.Present.Get(); !known || present || !to.Present.Or(true) {
		return c, nil
	}
	to.Present = state.Is(true)
	if !to.GID.IsSet() {
		d, err := readAccountDefaults(ctx, r)
		if err != nil {
			return c, err
		}
		to.GID = d.nextGID(to.System, -1)
	}
	if !to.Members.IsSet() {
		to.Members = state.Is([]string{})
	}
	c.To = to
	return c, nil
}

func writeGroups(ctx context.Context, l *Linux, cs []state.Change) error {
	for _, c := range cs {
		if err := l.writeGroup(ctx, c); err != nil {
			return fmt.Errorf("cannot bring group %q to its state: %w", c.To.(state.Group).Name, err)
		}
	}
	return nil
}

func (l *Linux) writeGroup(ctx context.Context, c state.Change) error {
	from, to := c.From.(state.Group), c.To.(state.Group)
	present := from.Present.Or(false)
	switch {
	case !to.Present.Or(true):
		return l.groupdel(ctx, to)
	case !present:
		if err := l.groupadd(ctx, to); err != nil {
			return err
		}
	default:
		if gid, ok := to.GID.Get(); ok && from.GID.Or(-1) != gid {
			argv := []string{"groupmod", "-g", strconv.FormatInt(gid, 10)}
			if to.NonUnique {
				argv = append(argv, "-o")
			}
			if err := l.account(ctx, append(argv, to.Name), nil); err != nil {
				return err
			}
		}
	}
	members, ok := to.Members.Get()
	if !ok || !present && len(members) == 0 || strings.Join(members, ",") == strings.Join(from.Members.Or(nil), ",") {
		return nil
	}
	return l.setMembers(ctx, to.Name, from.Members.Or(nil), members)
}

func (l *Linux) groupadd(ctx context.Context, g state.Group) error {
	var argv []string
	gid, hasGID := g.GID.Get()
	if hasGID {
		argv = append(argv, "-g", strconv.FormatInt(gid, 10))
	}
	if l.busyboxAccounts() {
		if g.System {
			argv = append(argv, "-S")
		}
		return l.account(ctx, append(append([]string{"addgroup"}, argv...), g.Name), nil)
	}
	if g.System {
		argv = append(argv, "-r")
	}
	if g.NonUnique {
		argv = append(argv, "-o")
	}
	return l.account(ctx, append(append([]string{"groupadd"}, argv...), g.Name), nil)
}

func (l *Linux) groupdel(ctx context.Context, g state.Group) error {
	if l.busyboxAccounts() {
		return l.account(ctx, []string{"delgroup", g.Name}, nil)
	}
	argv := []string{"groupdel"}
	if g.Force { // removes a group that is some user's primary one
		argv = append(argv, "-f")
	}
	return l.account(ctx, append(argv, g.Name), nil)
}

func (l *Linux) setMembers(ctx context.Context, group string, from, to []string) error {
	if !l.busyboxAccounts() {
		return l.account(ctx, []string{"gpasswd", "-M", strings.Join(to, ","), group}, nil)
	}
	for _, m := range without(from, to) {
		if err := l.account(ctx, []string{"delgroup", m, group}, nil); err != nil {
			return err
		}
	}
	for _, m := range without(to, from) {
		if err := l.account(ctx, []string{"addgroup", m, group}, nil); err != nil {
			return err
		}
	}
	return nil
}

// without is what of a is not in b.
func without(a, b []string) []string {
	in := map[string]bool{}
	for _, s := range b {
		in[s] = true
	}
	var out []string
	for _, s := range a {
		if !in[s] {
			out = append(out, s)
		}
	}
	return out
}

// account runs one of the tools that write the passwd family.
func (l *Linux) account(ctx context.Context, argv []string, stdin []byte) error {
	_, err := l.must(ctx, call{argv: argv, stdin: stdin, timeout: accountTimeout})
	return err
}

// busyboxAccounts reports whether the host has busybox's adduser and not shadow's tools (Alpine).
func (l *Linux) busyboxAccounts() bool {
	if _, err := l.tool("useradd"); !errors.Is(err, errNoTool) {
		return false
	}
	_, err := l.tool("adduser")
	return err == nil
}

// passwdFamily are the files that every tool of shadow's may write, with the copies
// that it leaves of what was there before (passwd(5), useradd(8) FILES; seen with strace on Debian 12).
var passwdFamily = []string{
	"/etc/passwd", "/etc/passwd-", "/etc/shadow", "/etc/shadow-",
	"/etc/group", "/etc/group-", "/etc/gshadow", "/etc/gshadow-", "/etc/.pwd.lock",
}

func touchGroup(state.Change) []string { return passwdFamily }

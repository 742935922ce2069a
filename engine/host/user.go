package host

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"rp/engine/state"
)

func init() {
	register("user", kind{read: readUsers, plan: planUser, write: writeUsers, touches: touchUser})
}

// readUsers reads passwd(5), shadow(5) (as root) and group(5); a name that is
// not in the files is asked of the name services.
func readUsers(ctx context.Context, l *Linux, ss []state.State) ([]state.State, error) {
	a, err := l.loadAccounts()
	if err != nil {
		return nil, err
	}
	out := make([]state.State, len(ss))
	for i, s := range ss {
		u := s.(state.User)
		e, err := l.findUser(ctx, a, u.Name)
		if err != nil {
			return nil, err
		}
		if out[i], err = l.describeUser(ctx, a, u, e); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// findUser is the account that goes by name, nil where there is none.
func (l *Linux) findUser(ctx context.Context, a *accounts, name string) (*state.Account, error) {
	if u := a.user(name); u != nil {
		return u, nil
	}
	line, err := l.getent(ctx, "passwd", name)
	if err != nil {
		return nil, err
	}
	if us := parsePasswd(line); len(us) > 0 {
		return &us[0], nil
	}
	return nil, nil
}

// describeUser is asked with what is true of the account e in place of what was asked.
func (l *Linux) describeUser(ctx context.Context, a *accounts, asked state.User, e *state.Account) (state.User, error) {
	u := state.User{
		Name: asked.Name, Present: state.Is(e != nil),
		System: asked.System, CreateHome: asked.CreateHome, MoveHome: asked.MoveHome, Skeleton: asked.Skeleton,
		NonUnique: asked.NonUnique, Remove: asked.Remove, Force: asked.Force,
	}
	if e == nil {
		return u, nil
	}
	u.CreateHome = false // what brings this account back must not fill its home from the skeleton
	group := a.groupName(e.GID)
	if group == strconv.FormatInt(e.GID, 10) {
		line, err := l.getent(ctx, "group", group)
		if err != nil {
			return u, err
		}
		if gs := parseGroup(line); len(gs) > 0 {
			group = gs[0].Name
		}
	}
	if asked.Group.Or("") == strconv.FormatInt(e.GID, 10) {
		group = asked.Group.Or("") // asked for by number: answered by number
	}
	u.UID, u.Group = state.Is(e.UID), state.Is(group)
	u.Home, u.Shell, u.Comment = state.Is(e.Home), state.Is(e.Shell), state.Is(e.Comment)
	u.Groups = state.Is(memberOf(a, asked.Name, asked.Groups.Or(nil)))
	if sh, ok := a.shadow[asked.Name]; ok {
		password := strings.TrimLeft(sh.password, "!")
		u.Password = state.Is(password).Secret()
		u.Locked = state.Is(strings.HasPrefix(sh.password, "!"))
		u.Expires = state.Is(sh.expires)
	}
	return u, nil
}

// memberOf are the groups that list name, sorted; those that were asked for by number go by it.
func memberOf(a *accounts, name string, asked []string) []string {
	gs := []string{}
	for _, g := range a.groups {
		if !slices.Contains(g.Members, name) {
			continue
		}
		if n := strconv.FormatInt(g.GID, 10); slices.Contains(asked, n) {
			gs = append(gs, n)
			continue
		}
		gs = append(gs, g.Name)
	}
	slices.Sort(gs)
	return slices.Compact(gs)
}

// passwordField is the field of shadow(5) for a password and its lock mark.
func passwordField(password string, locked bool) string {
	if locked {
		return "!" + password
	}
	return password
}

func touchUser(c state.Change) []string {
	paths := slices.Clone(passwdFamily)
	for _, w := range c.With { // the tools keep a copy of what they replace
		if f, ok := w.To.(state.File); ok && (f.Path == subUIDFile || f.Path == subGIDFile) {
			paths = append(paths, f.Path+"-")
		}
	}
	return paths
}

func userError(c state.Change, err error) error {
	u := c.To.(state.User)
	verb := "change"
	switch {
	case !u.Present.Or(true):
		verb = "remove"
	case !c.From.(state.User).Present.Or(false):
		verb = "create"
	}
	return fmt.Errorf("cannot %s user %q: %w", verb, u.Name, err)
}

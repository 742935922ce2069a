package modules

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"rp/engine/module"
	"rp/engine/state"
)

// attrArgs are the arguments that all modules which write files share.
func attrArgs() []module.Arg {
	return []module.Arg{
		{Name: "owner", Doc: "Name or number of the user that is to own it. Not given: left as it is; a new file is the task's user's."},
		{Name: "group", Doc: "Name or number of the group that is to own it."},
		{Name: "mode", Type: module.Mode, Doc: "Permissions: octal digits in quotes (`\"0644\"`) or clauses as chmod(1) takes them (`u=rw,g=r,o=`). Not given: left as it is; a new file gets what the umask leaves."},
		{Name: "unsafe_writes", Type: module.Bool, Default: false, Doc: "Write into the existing file instead of renaming a new one over it; needed where the file itself is a mount."},
		{Name: "attributes", Aliases: []string{"attr"}, NotYet: true, Doc: "File attributes as chattr(1) has them."},
		{Name: "seuser", NotYet: true, Doc: "SELinux user."},
		{Name: "serole", NotYet: true, Doc: "SELinux role."},
		{Name: "setype", NotYet: true, Doc: "SELinux type."},
		{Name: "selevel", NotYet: true, Doc: "SELinux level."},
	}
}

// attrs are owner, group and mode as a task gives them.
type attrs struct {
	owner, group, mode state.Value[string]
	umask              state.Mode
}

// readAttrs takes owner, group and mode from p. What needs the host's help
// (numbers of users, the umask for clauses that name nobody) is read.
func readAttrs(ctx context.Context, p module.Params, t module.Target) (attrs, error) {
	a := attrs{owner: p.StringValue("owner"), group: p.StringValue("group"), mode: p.StringValue("mode")}
	if isNumber(a.owner.Or("")) || isNumber(a.group.Or("")) {
		all, err := readOne(ctx, t, state.Accounts{})
		if err != nil {
			return a, err
		}
		a.owner, a.group = userName(all, a.owner), groupName(all, a.group)
	}
	if m, is := a.mode.Get(); is && strings.ContainsAny(m, "+-=") {
		sys, err := readOne(ctx, t, state.System{})
		if err != nil {
			return a, err
		}
		a.umask = sys.Umask.Or(0o022)
	}
	return a, nil
}

func isNumber(s string) bool { return s != "" && strings.Trim(s, "0123456789") == "" }

// userName is the name that the host has for the number v, as a File's Owner has it.
func userName(all state.Accounts, v state.Value[string]) state.Value[string] {
	n, err := strconv.ParseInt(v.Or(""), 10, 64)
	if err != nil {
		return v
	}
	if all.Users.IsUnknown() {
		return state.Unknown[string](all.Users.After())
	}
	for _, u := range all.Users.Or(nil) {
		if u.UID == n {
			return state.Is(u.Name)
		}
	}
	return v
}

// groupName is userName for groups.
func groupName(all state.Accounts, v state.Value[string]) state.Value[string] {
	n, err := strconv.ParseInt(v.Or(""), 10, 64)
	if err != nil {
		return v
	}
	if all.Groups.IsUnknown() {
		return state.Unknown[string](all.Groups.After())
	}
	for _, g := range all.Groups.Or(nil) {
		if g.GID == n {
			return state.Is(g.Name)
		}
	}
	return v
}

// any reports whether a asks for anything.
func (a attrs) any() bool { return a.owner.IsSet() || a.group.IsSet() || a.mode.IsSet() }

// onto puts a into the wanted f. have is what is there now; a new file's clauses
// start from what the umask leaves of 0666, a directory's of 0777.
func (a attrs) onto(f, have state.File) (state.File, error) {
	f.Owner, f.Group = a.owner, a.group
	kind := f.Type
	if !kind.IsSet() {
		kind = have.Type
	}
	if kind.Or("") == state.Link {
		return f, nil // a link has no mode of its own
	}
	text, is := a.mode.Get()
	if !is {
		f.Mode = state.Map(a.mode, func(string) state.Mode { return 0 })
		return f, nil
	}
	dir := kind.Or("") == state.Directory
	cur, symbolic := have.Mode, strings.ContainsAny(text, "+-=")
	if t, k := have.Type.Get(); k && t == state.Absent {
		cur = state.Is(0o666 &^ a.umask)
		if dir {
			cur = state.Is(0o777 &^ a.umask)
		}
	}
	if symbolic && cur.IsUnknown() {
		f.Mode = state.Unknown[state.Mode](cur.After())
		return f, nil
	}
	m, err := newMode(text, cur.Or(0), dir, a.umask)
	if err != nil {
		return f, fmt.Errorf("cannot set the mode of %q: %w", f.Path, err)
	}
	f.Mode = state.Is(m)
	return f, nil
}

package host

import (
	"context"
	"fmt"
	"io/fs"
	"strconv"
	"strings"
	"syscall"

	"rp/engine/state"
)

// errNotDir is what looking below something that is no directory gives.
var errNotDir error = syscall.ENOTDIR

// ownerOf is the user and group id of a file.
func ownerOf(fi fs.FileInfo) (uid, gid int64) {
	if st, ok := fi.Sys().(*syscall.Stat_t); ok {
		return int64(st.Uid), int64(st.Gid)
	}
	return -1, -1
}

// names turns user and group ids into names and back, for one batch: the account
// files are read once, and name services asked once for each id.
type names struct {
	l      *Linux
	loaded bool
	err    error

	userName, groupName map[int64]string
	userID, groupID     map[string]int64
}

func newNames(l *Linux) *names { return &names{l: l} }

func (n *names) load() error {
	if n.loaded {
		return n.err
	}
	n.loaded = true
	n.userName, n.groupName = map[int64]string{}, map[int64]string{}
	n.userID, n.groupID = map[string]int64{}, map[string]int64{}
	for _, file := range []struct {
		path string
		into func(text string)
	}{
		{"/etc/passwd", func(t string) {
			for _, u := range parsePasswd(t) {
				keepFirst(n.userName, n.userID, u.Name, u.UID)
			}
		}},
		{"/etc/group", func(t string) {
			for _, g := range parseGroup(t) {
				keepFirst(n.groupName, n.groupID, g.Name, g.GID)
			}
		}},
	} {
		text, err := n.l.accountFile(file.path)
		if err != nil {
			n.err = err
			return err
		}
		file.into(text)
	}
	return nil
}

// keepFirst notes a line of an account file; of lines with one name or one id the
// first counts, as for the C library.
func keepFirst(byID map[int64]string, byName map[string]int64, name string, id int64) {
	if _, ok := byID[id]; !ok {
		byID[id] = name
	}
	if _, ok := byName[name]; !ok {
		byName[name] = id
	}
}

// user is the name of uid, or its number where it has none. When it was asked for by
// a number that is the same, the number.
func (n *names) user(ctx context.Context, uid int64, asked string) (string, error) {
	if err := n.load(); err != nil {
		return "", err
	}
	return n.name(ctx, "passwd", n.userName, uid, asked)
}

// group is for groups what user is for users.
func (n *names) group(ctx context.Context, gid int64, asked string) (string, error) {
	if err := n.load(); err != nil {
		return "", err
	}
	return n.name(ctx, "group", n.groupName, gid, asked)
}

func (n *names) name(ctx context.Context, db string, byID map[int64]string, id int64, asked string) (string, error) {
	number := strconv.FormatInt(id, 10)
	if asked == number {
		return asked, nil
	}
	if name, ok := byID[id]; ok {
		return name, nil
	}
	entry, err := n.l.getent(ctx, db, number)
	if err != nil {
		return "", err
	}
	name, _, ok := strings.Cut(entry, ":")
	if !ok || name == "" {
		name = number
	}
	byID[id] = name
	return name, nil
}

// uid is the id of the user named name, which may be a number.
func (n *names) uid(ctx context.Context, name string) (int, error) {
	if err := n.load(); err != nil {
		return 0, err
	}
	return n.id(ctx, "passwd", "user", n.userID, name)
}

// gid is the id of the group named name, which may be a number.
func (n *names) gid(ctx context.Context, name string) (int, error) {
	if err := n.load(); err != nil {
		return 0, err
	}
	return n.id(ctx, "group", "group", n.groupID, name)
}

func (n *names) id(ctx context.Context, db, what string, byName map[string]int64, name string) (int, error) {
	if id, ok := byName[name]; ok {
		return int(id), nil
	}
	if id, err := strconv.ParseUint(name, 10, 32); err == nil {
		return int(id), nil
	}
	entry, err := n.l.getent(ctx, db, name)
	if err != nil {
		return 0, err
	}
	if f := strings.SplitN(entry, ":", 4); len(f) > 2 {
		if id, err := strconv.ParseUint(f[2], 10, 32); err == nil {
			byName[name] = int64(id)
			return int(id), nil
		}
	}
	return 0, fmt.Errorf("there is no %s %q", what, name)
}

// owners shows a file's owner and group as they will be named when the predicted
// users and groups are there.
func (v *View) owners(ctx context.Context, asked, f state.File) (state.File, error) {
	owner, knownOwner := f.Owner.Get()
	group, knownGroup := f.Group.Get()
	if !knownOwner && !knownGroup {
		return f, nil
	}
	renamed := v.mem.has("user", "group")
	if !renamed && !otherNumber(asked.Owner, owner) && !otherNumber(asked.Group, group) {
		return f, nil
	}
	got, err := v.Read(ctx, state.Accounts{})
	if err != nil {
		return f, err
	}
	base, err := v.base.Read(ctx, state.Accounts{})
	if err != nil {
		return f, err
	}
	now, was := got[0].(state.Accounts), base[0].(state.Accounts)
	if knownOwner {
		f.Owner = renameID(owner, asked.Owner, state.Map(was.Users, userIDs), state.Map(now.Users, userIDs), v.willBe("user", owner))
	}
	if knownGroup {
		f.Group = renameID(group, asked.Group, state.Map(was.Groups, groupIDs), state.Map(now.Groups, groupIDs), v.willBe("group", group))
	}
	return f, nil
}

func otherNumber(asked state.Value[string], have string) bool {
	a, known := asked.Get()
	_, err := strconv.ParseUint(a, 10, 32)
	return known && err == nil && a != have
}

type idName struct {
	id   int64
	name string
}

func userIDs(us []state.Account) []idName {
	out := make([]idName, len(us))
	for i, u := range us {
		out[i] = idName{u.UID, u.Name}
	}
	return out
}

func groupIDs(gs []state.GroupEntry) []idName {
	out := make([]idName, len(gs))
	for i, g := range gs {
		out[i] = idName{g.GID, g.Name}
	}
	return out
}

// fate is what is predicted of an account.
type fate uint8

const (
	untouched fate = iota
	stays          // it is made or changed
	goes
	unsure
)

func (v *View) willBe(kind, name string) fate {
	e, ok := v.mem.get(state.Key{Kind: kind, Name: name})
	if !ok {
		return untouched
	}
	present, known := state.Present(e.s)
	switch {
	case !known:
		return unsure
	case present:
		return stays
	}
	return goes
}

// renameID is how the owner have is named by the accounts now, when it was named by those before.
func renameID(have string, asked state.Value[string], was, now state.Value[[]idName], f fate) state.Value[string] {
	number, _ := asked.Get()
	after, known := now.Get()
	switch {
	case f == stays && !isNumber(number):
		return state.Is(have)
	case !known && (f != untouched || isNumber(have) || isNumber(number)), f == unsure:
		return state.Unknown[string](now.After())
	case !known:
		return state.Is(have)
	}
	id, ok := idOf(have, after)
	if !ok {
		id, ok = idOf(have, was.Or(nil))
	}
	if !ok {
		return state.Is(have)
	}
	if isNumber(number) && number == strconv.FormatInt(id, 10) {
		return state.Is(number)
	}
	for _, e := range after {
		if e.id == id {
			return state.Is(e.name)
		}
	}
	return state.Is(strconv.FormatInt(id, 10))
}

func isNumber(s string) bool {
	_, err := strconv.ParseUint(s, 10, 32)
	return err == nil
}

func idOf(name string, in []idName) (int64, bool) {
	for _, e := range in {
		if e.name == name {
			return e.id, true
		}
	}
	n, err := strconv.ParseInt(name, 10, 64)
	return n, err == nil
}

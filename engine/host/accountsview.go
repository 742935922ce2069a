package host

import (
	"context"
	"slices"
	"strconv"

	"rp/engine/state"
)

// imagineAccounts lays the predicted users and groups over the real ones.
func imagineAccounts(_ context.Context, v *View, _, base state.State) (state.State, error) {
	a := base.(state.Accounts)
	users, ok1 := a.Users.Get()
	groups, ok2 := a.Groups.Get()
	if !ok1 || !ok2 {
		return a, nil
	}
	im := imagined{accounts: accounts{users: slices.Clone(users), groups: slices.Clone(groups)}}
	for _, e := range v.mem.all("group") {
		im.layGroup(e)
	}
	for _, e := range v.mem.all("user") {
		im.layUser(e)
	}
	a.Users, a.Groups = state.Is(im.users), state.Is(im.groups)
	if im.usersAfter != nil {
		a.Users = state.Unknown[[]state.Account](*im.usersAfter)
	}
	if im.groupsAfter != nil {
		a.Groups = state.Unknown[[]state.GroupEntry](*im.groupsAfter)
	}
	return a, nil
}

// imagined are accounts under prediction; the tasks after which they are known, where they are not.
type imagined struct {
	accounts
	usersAfter, groupsAfter *string
}

func (im *imagined) layGroup(e entry) {
	s := e.s.(state.Group)
	switch present, known := s.Present.Get(); {
	case !known && s.Present.IsSet():
		im.groupsAfter = &e.task
	case known && !present:
		im.groups = slices.DeleteFunc(im.groups, func(g state.GroupEntry) bool { return g.Name == s.Name })
	default:
		g := im.group(s.Name)
		if g == nil {
			im.groups = append(im.groups, state.GroupEntry{Name: s.Name})
			g = &im.groups[len(im.groups)-1]
		}
		if s.GID.IsUnknown() || s.Members.IsUnknown() {
			im.groupsAfter = &e.task
		}
		g.GID, g.Members = s.GID.Or(g.GID), slices.Clone(s.Members.Or(g.Members))
		if len(g.Members) == 0 {
			g.Members = nil // as the file is read
		}
	}
}

func (im *imagined) layUser(e entry) {
	s := e.s.(state.User)
	switch present, known := s.Present.Get(); {
	case !known && s.Present.IsSet():
		im.usersAfter, im.groupsAfter = &e.task, &e.task
	case known && !present:
		im.users = slices.DeleteFunc(im.users, func(u state.Account) bool { return u.Name == s.Name })
		im.join(s.Name, nil)
	default:
		u := im.user(s.Name)
		if u == nil {
			im.users = append(im.users, state.Account{Name: s.Name})
			u = &im.users[len(im.users)-1]
		}
		u.UID, u.Home, u.Shell, u.Comment = s.UID.Or(u.UID), s.Home.Or(u.Home), s.Shell.Or(u.Shell), s.Comment.Or(u.Comment)
		if gid, ok := im.gidOf(s.Group.Or("")); ok {
			u.GID = gid
		} else if s.Group.IsSet() {
			im.usersAfter = &e.task
		}
		if s.UID.IsUnknown() || s.Group.IsUnknown() || s.Home.IsUnknown() || s.Shell.IsUnknown() {
			im.usersAfter = &e.task
		}
		if gs, ok := s.Groups.Get(); ok {
			im.join(s.Name, gs)
		} else if s.Groups.IsSet() {
			im.groupsAfter = &e.task
		}
	}
}

// gidOf is the number of the group that goes by name or number.
func (im *imagined) gidOf(name string) (int64, bool) {
	if g := im.group(name); g != nil {
		return g.GID, true
	}
	gid, err := strconv.ParseInt(name, 10, 64)
	return gid, err == nil
}

// join makes name a member of exactly those groups.
func (im *imagined) join(name string, groups []string) {
	for i := range im.groups {
		g := &im.groups[i]
		in, should := slices.Contains(g.Members, name), slices.Contains(groups, g.Name)
		switch {
		case in && !should:
			if g.Members = without(g.Members, []string{name}); len(g.Members) == 0 {
				g.Members = nil
			}
		case should && !in:
			g.Members = append(slices.Clone(g.Members), name)
			slices.Sort(g.Members)
		}
	}
}

// imagineSubIDs reads the ranges from the predicted file, where one is predicted.
func imagineSubIDs(ctx context.Context, v *View, asked, base state.State) (state.State, error) {
	q := asked.(state.SubIDs)
	path := subIDFile(q.Groups)
	if _, predicted := v.mem.get(state.Key{Kind: "file", Name: path}); !predicted {
		return base, nil
	}
	text, err := readTexts(ctx, v, path)
	if err != nil {
		return nil, err
	}
	got, err := v.Read(ctx, state.Accounts{})
	if err != nil {
		return nil, err
	}
	a := accounts{users: got[0].(state.Accounts).Users.Or(nil)}
	q.Ranges = state.Map(text[0], func(t string) []state.SubRange { return rangesOf(t, q.User, a.user(q.User)) })
	return q, nil
}

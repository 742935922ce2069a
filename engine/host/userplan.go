package host

import (
	"context"
	"errors"
	"fmt"
	"path"
	"slices"
	"strconv"

	"rp/engine/state"
)

// planUser says in advance what useradd, usermod or userdel will do, so that
// what is shown is what is written: [Linux.useradd] gives them the same values as arguments.
func planUser(ctx context.Context, r Reader, c state.Change) (state.Change, error) {
	from, to := c.From.(state.User), c.To.(state.User)
	present, known := from.Present.Get()
	if !known {
		return c, nil
	}
	want, ok := to.Present.Get()
	if !ok {
		want = !to.Present.IsUnknown()
	}
	p := userPlan{r: r, from: from, to: to}
	var err error
	switch {
	case want && !present:
		err = p.create(ctx)
	case want:
		err = p.change(ctx)
	case present:
		err = p.remove(ctx)
	}
	if err != nil {
		return c, userError(c, err)
	}
	c.To, c.With = p.to, p.with
	return c, nil
}

var errNoPassword = errors.New("it has no password, so unlocking it would let anybody in; give it a password first")

type userPlan struct {
	r        Reader
	from, to state.User
	with     []state.Change
	d        *accountDefaults
}

func (p *userPlan) add(cs ...state.Change) { p.with = append(p.with, cs...) }

func (p *userPlan) create(ctx context.Context) (err error) {
	if p.d, err = readAccountDefaults(ctx, p.r); err != nil {
		return err
	}
	to := &p.to
	if to.Locked.IsKnown() && !to.Locked.Or(true) && !to.Password.IsSet() {
		return errNoPassword
	}
	to.Present = state.Is(true)
	explicitUID := to.UID.IsSet()
	if !explicitUID {
		to.UID = p.d.nextUID(to.System)
	}
	if err := p.primaryGroup(ctx); err != nil {
		return err
	}
	if err := p.supplementary(ctx); err != nil {
		return err
	}
	p.ownDefaults()
	if err := p.subIDs(ctx, explicitUID); err != nil {
		return err
	}
	if to.CreateHome {
		if err := p.home(ctx); err != nil {
			return err
		}
	}
	return p.mailSpool(ctx)
}

// ownDefaults are the fields that stand in the account's own lines.
func (p *userPlan) ownDefaults() {
	to, d := &p.to, p.d
	if !to.Groups.IsSet() {
		to.Groups = state.Is([]string{})
	}
	if !to.Home.IsSet() {
		to.Home = orUnsure(d, d.useraddOr("HOME", "/home")+"/"+to.Name)
	}
	if sh, ok := d.useradd["SHELL"]; !to.Shell.IsSet() && ok {
		to.Shell = orUnsure(d, sh)
	}
	if !to.Comment.IsSet() {
		to.Comment = state.Is("")
	}
	if !to.Locked.IsSet() {
		to.Locked = state.Is(!to.Password.IsSet())
	}
	if !to.Password.IsSet() {
		to.Password = state.Is("").Secret()
	}
	if !to.Expires.IsSet() {
		to.Expires = d.defaultExpires()
	}
}

func orUnsure(d *accountDefaults, s string) state.Value[string] {
	if !d.known {
		return state.Unknown[string](d.unsure)
	}
	return state.Is(s)
}

// primaryGroup is the group that was asked for, which must be there, or one of
// the user's own. Where a group of that name exists already, useradd is told
// -N and the user gets the default group, as Ansible does it.
func (p *userPlan) primaryGroup(ctx context.Context) error {
	to, d := &p.to, p.d
	if g, ok := to.Group.Get(); ok {
		if g == to.Name && d.accountsKnown && !d.hasGroup(g) {
			p.ownGroup()
			return nil
		}
		return p.groupsExist(ctx, g)
	}
	switch {
	case to.Group.IsUnknown():
	case !d.known || !d.accountsKnown:
		to.Group = state.Unknown[string](d.unsure)
	case d.yes("USERGROUPS_ENAB") && !d.hasGroup(to.Name):
		to.Group = state.Is(to.Name)
		p.ownGroup()
	default:
		to.Group = state.Is(d.defaultGroup())
	}
	return nil
}

func (p *userPlan) ownGroup() {
	gid := p.d.nextGID(p.to.System, p.to.UID.Or(-1))
	if p.to.UID.IsUnknown() {
		gid = state.Unknown[int64](p.to.UID.After())
	}
	p.add(state.Change{
		From: state.Group{Name: p.to.Name, Present: state.Is(false)},
		To:   state.Group{Name: p.to.Name, Present: state.Is(true), GID: gid, Members: state.Is([]string{}), System: p.to.System},
	})
}

func (p *userPlan) supplementary(ctx context.Context) error {
	return p.groupsExist(ctx, without(p.to.Groups.Or(nil), p.from.Groups.Or(nil))...)
}

// groupsExist fails for groups that are known not to be there.
func (p *userPlan) groupsExist(ctx context.Context, names ...string) error {
	if len(names) == 0 {
		return nil
	}
	ss := make([]state.State, len(names))
	for i, n := range names {
		ss[i] = state.Group{Name: n}
	}
	got, err := p.r.Read(ctx, ss...)
	if err != nil {
		return err
	}
	for i, s := range got {
		if s.(state.Group).Present.Or(true) || ownGroupIn(p.with, names[i]) {
			continue
		}
		return fmt.Errorf("there is no group %q", names[i])
	}
	return nil
}

func ownGroupIn(with []state.Change, name string) bool {
	return slices.ContainsFunc(with, func(w state.Change) bool {
		g, ok := w.To.(state.Group)
		return ok && g.Name == name
	})
}

// subIDs are the ranges that useradd adds for a user who is no system account
// and whose uid, if it was given, is in the range of plain users, to the files that exist.
func (p *userPlan) subIDs(ctx context.Context, explicitUID bool) error {
	d := p.d
	lo, hi := d.idRange("UID", false)
	if uid, ok := p.to.UID.Get(); p.to.System || explicitUID && ok && uid != 0 && (uid < lo || uid > hi) {
		return nil
	}
	return p.rewrite(ctx, func(path, text string) (string, bool) {
		kind := "SUB_UID_"
		if path == subGIDFile {
			kind = "SUB_GID_"
		}
		count := d.number(kind+"COUNT", 65536)
		if !d.known || count <= 0 {
			return text, d.known
		}
		text, ok := addSubRange(text, p.to.Name, d.number(kind+"MIN", 100000), d.number(kind+"MAX", 600100000), count)
		return text, ok
	})
}

// rewrite adds the change of the sub-id files that exist to what edit makes of
// them; ok false leaves the new content unknown.
func (p *userPlan) rewrite(ctx context.Context, edit func(path, text string) (string, bool)) error {
	paths := []string{subUIDFile, subGIDFile}
	got, err := p.r.Read(ctx,
		state.File{Path: paths[0], Content: state.Ask[state.Content]()},
		state.File{Path: paths[1], Content: state.Ask[state.Content]()})
	if err != nil {
		return err
	}
	for i, s := range got {
		from := s.(state.File)
		if from.Type.Or(state.Absent) != state.Regular {
			continue
		}
		after := state.Unknown[state.Content](p.unsureOf(from))
		if text, known := textOf(from).Get(); known {
			if after0, ok := edit(paths[i], text); ok {
				if after0 == text {
					continue
				}
				after = state.Is(state.Text(after0))
			}
		}
		p.add(state.Change{From: from, To: state.File{Path: paths[i], Type: state.Is(state.Regular), Content: after, Lock: "shadow"}})
	}
	return nil
}

func (p *userPlan) unsureOf(f state.File) string {
	if f.Content.IsUnknown() {
		return f.Content.After()
	}
	return p.d.unsure
}

// mailSpool is the mailbox that useradd makes with CREATE_MAIL_SPOOL=yes for a user who is no system account.
func (p *userPlan) mailSpool(ctx context.Context) error {
	if p.to.System || p.d.useraddOr("CREATE_MAIL_SPOOL", "no") != "yes" {
		return nil
	}
	spool := p.spool()
	got, err := p.r.Read(ctx, state.File{Path: spool}, state.File{Path: path.Dir(spool)})
	if err != nil {
		return err
	}
	from := got[0].(state.File)
	if from.Type.Or("") != state.Absent || got[1].(state.File).Type.Or("") != state.Directory {
		return nil
	}
	group, mode := p.to.Group, state.Mode(0o600)
	if p.d.hasGroup("mail") {
		group, mode = state.Is("mail"), 0o660
	}
	p.add(state.Change{From: from, To: state.File{
		Path: spool, Type: state.Is(state.Regular), Content: state.Is(state.Text("")),
		Owner: state.Is(p.to.Name), Group: group, Mode: state.Is(mode),
	}})
	return nil
}

func (p *userPlan) spool() string {
	dir := p.d.login["MAIL_DIR"]
	if dir == "" {
		dir = "/var/mail"
	}
	return path.Join(dir, p.to.Name)
}

// change is what usermod does besides: it moves a home and gives its files to a new primary group.
func (p *userPlan) change(ctx context.Context) error {
	if p.to.Locked.IsKnown() && !p.to.Locked.Or(true) && p.to.Password.Or(p.from.Password.Or("x")) == "" && p.from.Locked.Or(false) {
		return errNoPassword
	}
	if g, ok := p.to.Group.Get(); ok && g != p.from.Group.Or(g) {
		if err := p.groupsExist(ctx, g); err != nil {
			return err
		}
		if err := p.regroup(ctx, g); err != nil {
			return err
		}
	}
	if err := p.supplementary(ctx); err != nil {
		return err
	}
	if home, ok := p.to.Home.Get(); ok && p.to.MoveHome && home != p.from.Home.Or(home) {
		return p.moveHome(ctx, p.from.Home.Or(""), home)
	}
	return nil
}

// remove is what userdel takes away with the account.
func (p *userPlan) remove(ctx context.Context) (err error) {
	if p.d, err = readAccountDefaults(ctx, p.r); err != nil {
		return err
	}
	p.removeOwnGroup()
	err = p.rewrite(ctx, func(_, text string) (string, bool) { return dropSubRanges(text, p.to.Name), true })
	if err != nil || !p.to.Remove {
		return err
	}
	return p.removeHome(ctx)
}

// removeOwnGroup: userdel removes the group of the user's name if it is the
// user's primary group, lists nobody else and is no other user's primary group.
func (p *userPlan) removeOwnGroup() {
	name := p.to.Name
	if !p.d.yes("USERGROUPS_ENAB") {
		return
	}
	for _, g := range p.d.groups {
		if g.Name != name || p.from.Group.Or("") != name && p.from.Group.Or("") != strconv.FormatInt(g.GID, 10) {
			continue
		}
		others := slices.ContainsFunc(g.Members, func(m string) bool { return m != name }) ||
			!p.to.Force && slices.ContainsFunc(p.d.users, func(u state.Account) bool { return u.Name != name && u.GID == g.GID })
		if !others {
			p.add(state.Change{
				From: state.Group{Name: name, Present: state.Is(true), GID: state.Is(g.GID), Members: state.Is(without(g.Members, []string{name}))},
				To:   state.Group{Name: name, Present: state.Is(false)},
			})
		}
	}
}

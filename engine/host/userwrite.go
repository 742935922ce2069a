package host

import (
	"context"
	"errors"
	"os"
	"strconv"
	"strings"
	"time"

	"rp/engine/state"
)

func writeUsers(ctx context.Context, l *Linux, cs []state.Change) error {
	for _, c := range cs {
		if err := l.writeUser(ctx, c); err != nil {
			return userError(c, err)
		}
	}
	return nil
}

func (l *Linux) writeUser(ctx context.Context, c state.Change) error {
	from, to := c.From.(state.User), c.To.(state.User)
	busybox := l.busyboxAccounts()
	switch {
	case !to.Present.Or(true):
		return l.userdel(ctx, to, busybox)
	case from.Present.Or(false):
		return l.usermod(ctx, from, to, busybox)
	}
	if err := l.useradd(ctx, c, to, busybox); err != nil {
		return err
	}
	return l.setPassword(ctx, state.User{Password: state.Is(""), Locked: state.Is(true)}, to)
}

// useradd is told all that the plan showed, so that it has nothing left to choose.
func (l *Linux) useradd(ctx context.Context, c state.Change, u state.User, busybox bool) (err error) {
	if own, ok := ownGroupOf(c, u); ok {
		if err := l.groupadd(ctx, own); err != nil {
			return err
		}
		defer func() {
			if err != nil { // leave no group of nobody's behind
				err = errors.Join(err, l.groupdel(ctx, own))
			}
		}()
	}
	if busybox {
		return l.adduser(ctx, u)
	}
	argv := []string{"useradd"}
	flag := func(on bool, words ...string) {
		if on {
			argv = append(argv, words...)
		}
	}
	flag(u.System, "-r")
	flag(u.NonUnique, "-o")
	flag(u.UID.IsKnown(), "-u", strconv.FormatInt(u.UID.Or(0), 10))
	flag(u.Group.IsKnown(), "-g", u.Group.Or(""))
	flag(len(u.Groups.Or(nil)) > 0, "-G", strings.Join(u.Groups.Or(nil), ","))
	flag(u.Home.IsKnown(), "-d", u.Home.Or(""))
	flag(u.Shell.IsKnown(), "-s", u.Shell.Or(""))
	flag(u.Comment.IsKnown(), "-c", u.Comment.Or(""))
	flag(u.Expires.IsKnown(), "-e", dateOf(u.Expires.Or(-1)))
	argv = append(argv, homeFlags(c, u)...)
	return l.account(ctx, append(argv, u.Name), nil)
}

// ownGroupOf is the group that the change makes for the user. useradd -U would
// make it too, but cannot be told its number.
func ownGroupOf(c state.Change, u state.User) (state.Group, bool) {
	for _, w := range c.With {
		if g, ok := w.To.(state.Group); ok && g.Present.Or(false) && g.Name == u.Group.Or("") {
			return g, true
		}
	}
	return state.Group{}, false
}

// homeFlags: the home is made if the change says so. An undo gets an empty
// one: the files that were there are put back by their own changes.
func homeFlags(c state.Change, u state.User) []string {
	home, known := u.Home.Get()
	made := !known && u.CreateHome
	for _, w := range c.With {
		if f, ok := w.To.(state.File); ok && f.Path == home && f.Type.Or("") == state.Directory {
			made = true
		}
	}
	switch {
	case !made:
		return []string{"-M"}
	case !u.CreateHome:
		return []string{"-m", "-k", os.DevNull}
	case u.Skeleton != "":
		return []string{"-m", "-k", u.Skeleton}
	}
	return []string{"-m"}
}

// dateOf is days since 1970 as useradd and usermod take them; "" for never.
func dateOf(days int64) string {
	if days < 0 {
		return ""
	}
	return time.Unix(days*86400, 0).UTC().Format(time.DateOnly)
}

// usermod changes what differs.
func (l *Linux) usermod(ctx context.Context, from, to state.User, busybox bool) error {
	var argv []string
	text := func(flag string, from, to state.Value[string]) {
		if v, ok := to.Get(); ok && (!from.IsKnown() || from.Or("") != v) {
			argv = append(argv, flag, v)
		}
	}
	text("-u", state.Map(from.UID, decimal), state.Map(to.UID, decimal))
	if to.NonUnique && len(argv) > 0 {
		argv = append(argv, "-o")
	}
	text("-g", from.Group, to.Group)
	text("-G", state.Map(from.Groups, commas), state.Map(to.Groups, commas))
	text("-s", from.Shell, to.Shell)
	text("-c", from.Comment, to.Comment)
	text("-e", state.Map(from.Expires, dateOf), state.Map(to.Expires, dateOf))
	n := len(argv)
	text("-d", from.Home, to.Home)
	if to.MoveHome && len(argv) > n {
		argv = append(argv, "-m")
	}
	if len(argv) > 0 {
		if busybox {
			return l.busyboxUsermod(ctx, from, to)
		}
		if err := l.account(ctx, append(append([]string{"usermod"}, argv...), to.Name), nil); err != nil {
			return err
		}
	}
	return l.setPassword(ctx, from, to)
}

func decimal(n int64) string { return strconv.FormatInt(n, 10) }

func commas(ss []string) string { return strings.Join(ss, ",") }

// setPassword writes the password field. A hash goes by stdin, never as an
// argument; a lock mark alone by usermod, which leaves the day of the last change alone.
func (l *Linux) setPassword(ctx context.Context, from, to state.User) error {
	if !to.Password.IsKnown() && !to.Locked.IsKnown() {
		return nil
	}
	wasHash, wasLocked := from.Password.Or(""), from.Locked.Or(false)
	hash, locked := to.Password.Or(wasHash), to.Locked.Or(wasLocked)
	if strings.ContainsAny(hash, ":\n") {
		return errors.New("the password hash holds a colon or a newline; a hash as crypt(5) has them is needed, such as $6$…")
	}
	switch {
	case hash == wasHash && locked == wasLocked && from.Password.IsKnown():
		return nil
	case hash == "" && !locked && !to.Password.IsKnown():
		return errNoPassword
	case hash == wasHash && locked && !l.busyboxAccounts():
		return l.account(ctx, []string{"usermod", "-L", to.Name}, nil)
	case hash == wasHash && hash != "" && !locked && !l.busyboxAccounts():
		return l.account(ctx, []string{"usermod", "-U", to.Name}, nil)
	}
	return l.account(ctx, []string{"chpasswd", "-e"}, []byte(to.Name+":"+passwordField(hash, locked)+"\n"))
}

// userdel status 12 says that the home could not be removed, which older ones
// also say of a home that was not there.
const userdelNoHome = 12

func (l *Linux) userdel(ctx context.Context, u state.User, busybox bool) error {
	argv := []string{"userdel"}
	if busybox {
		argv = []string{"deluser"}
		if u.Remove {
			argv = append(argv, "--remove-home")
		}
		return l.account(ctx, append(argv, u.Name), nil)
	}
	if u.Remove {
		argv = append(argv, "-r")
	}
	if u.Force {
		argv = append(argv, "-f")
	}
	r, err := l.must(ctx, call{argv: append(argv, u.Name), timeout: accountTimeout})
	if err != nil && r.rc == userdelNoHome && strings.Contains(string(r.stderr), "not found") && !strings.Contains(string(r.stderr), "not removing") {
		return nil
	}
	return err
}

// adduser makes the account with busybox's tools.
func (l *Linux) adduser(ctx context.Context, u state.User) error {
	argv := []string{"adduser", "-D"}
	if u.System {
		argv = append(argv, "-S")
	}
	if uid, ok := u.UID.Get(); ok {
		argv = append(argv, "-u", decimal(uid))
	}
	for _, f := range []struct {
		flag string
		v    state.Value[string]
	}{{"-G", u.Group}, {"-h", u.Home}, {"-s", u.Shell}, {"-g", u.Comment}} {
		if v, ok := f.v.Get(); ok && v != "" {
			argv = append(argv, f.flag, v)
		}
	}
	if !u.CreateHome {
		argv = append(argv, "-H")
	}
	if u.Skeleton != "" {
		argv = append(argv, "-k", u.Skeleton)
	}
	if err := l.account(ctx, append(argv, u.Name), nil); err != nil {
		return err
	}
	for _, g := range u.Groups.Or(nil) {
		if err := l.account(ctx, []string{"addgroup", u.Name, g}, nil); err != nil {
			return err
		}
	}
	return nil
}

// busyboxUsermod changes the supplementary groups, which is all that busybox has tools for.
func (l *Linux) busyboxUsermod(ctx context.Context, from, to state.User) error {
	only := state.User{Name: to.Name, Groups: to.Groups, Password: to.Password, Locked: to.Locked}
	if rest := (state.Change{From: from, To: to}).Diff(); len(rest) > len((state.Change{From: from, To: only}).Diff()) {
		return errors.New("this host has no usermod: install the package shadow first")
	}
	want := to.Groups.Or(nil)
	for _, g := range without(from.Groups.Or(nil), want) {
		if err := l.account(ctx, []string{"delgroup", to.Name, g}, nil); err != nil {
			return err
		}
	}
	for _, g := range without(want, from.Groups.Or(nil)) {
		if err := l.account(ctx, []string{"addgroup", to.Name, g}, nil); err != nil {
			return err
		}
	}
	return l.setPassword(ctx, from, to)
}

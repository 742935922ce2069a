package host

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"rp/engine/state"
)

func init() {
	register("unit", kind{read: readUnits, plan: planUnit, write: writeUnits, imagine: imagineUnit})
	registerEvent("UnitAction", event{do: doUnitAction})
	registerEvent("DaemonReload", event{do: doDaemonReload})
}

// The service managers.
const (
	systemd = "systemd"
	openrc  = "openrc"
	sysv    = "sysv"
)

// unitTimeout bounds starting and stopping: systemd itself gives a unit 90 s for
// each by default (DefaultTimeoutStartSec), and some units more.
const unitTimeout = 10 * time.Minute

// services is a service manager of one scope.
type services interface {
	read(ctx context.Context, us []state.Unit) ([]state.Unit, error)
	write(ctx context.Context, from, to state.Unit) error
	act(ctx context.Context, name, action string) error
	reload(ctx context.Context, reexec bool) error
}

func (l *Linux) services(ctx context.Context, manager, scope, user string) (services, error) {
	if manager == "" {
		manager = l.serviceManager()
	}
	if scope == state.UserScope {
		if manager != systemd {
			return nil, fmt.Errorf("only systemd has services of a user's own, and this host has %s", orNone(manager))
		}
		return l.userSystemd(ctx, user)
	}
	switch manager {
	case systemd:
		return &systemctl{l: l}, nil
	case openrc:
		return &rc{l: l}, nil
	case sysv:
		return &initScripts{l: l, dir: l.path("/etc/init.d")}, nil
	}
	return nil, errors.New("this host has no service manager that rp knows (systemd, OpenRC, SysV)")
}

func orNone(s string) string {
	if s == "" {
		return "none"
	}
	return s
}

func readUnits(ctx context.Context, l *Linux, ss []state.State) ([]state.State, error) {
	type owner struct{ manager, scope, user string }
	at := map[owner][]int{}
	var owners []owner
	for i, s := range ss {
		u := s.(state.Unit)
		o := owner{u.Manager, u.Scope, u.User}
		if _, ok := at[o]; !ok {
			owners = append(owners, o)
		}
		at[o] = append(at[o], i)
	}
	out := make([]state.State, len(ss))
	for _, o := range owners {
		var us []state.Unit
		for _, i := range at[o] {
			us = append(us, ss[i].(state.Unit))
		}
		sv, err := l.services(ctx, o.manager, o.scope, o.user)
		var got []state.Unit
		if err == nil {
			got, err = sv.read(ctx, us)
		}
		if err != nil {
			return nil, fmt.Errorf("cannot read %s: %w", us[0].Key(), err)
		}
		for j, i := range at[o] {
			out[i] = got[j]
		}
	}
	return out, nil
}

// noUnit is u for a unit that is not there.
func noUnit(u state.Unit) state.Unit {
	no := state.Is(false)
	u.Present, u.Enabled, u.Active, u.Masked = no, no, no, no
	return u
}

func planUnit(ctx context.Context, r Reader, c state.Change) (state.Change, error) {
	from, to := c.From.(state.Unit), c.To.(state.Unit)
	if !from.Present.Or(true) && (to.Active.IsSet() || to.Enabled.Or(false)) {
		return c, fmt.Errorf("cannot bring %s to its state: the host has no unit or init script of that name", to.Key())
	}
	if !to.Enabled.IsKnown() || to.Enabled.Or(false) == from.Enabled.Or(!to.Enabled.Or(false)) {
		return c, nil
	}
	with, err := installLinks(ctx, r, to)
	if err != nil {
		return c, err
	}
	links, err := sysvSync(ctx, r, to)
	c.With = append(append(c.With, with...), links...)
	return c, err
}

func writeUnits(ctx context.Context, l *Linux, cs []state.Change) error {
	for _, c := range cs {
		from, to := c.From.(state.Unit), c.To.(state.Unit)
		sv, err := l.services(ctx, to.Manager, to.Scope, to.User)
		if err == nil {
			err = sv.write(ctx, from, to)
		}
		if err != nil {
			return fmt.Errorf("cannot bring %s to its state: %w", to.Key(), err)
		}
	}
	return nil
}

func doUnitAction(ctx context.Context, l *Linux, e state.Event) (state.Outcome, error) {
	a := e.(state.UnitAction)
	if a.Action != state.Restart && a.Action != state.Reload {
		return state.Outcome{}, fmt.Errorf("cannot %s %s: there is no such action", a.Action, a.Unit.Key())
	}
	sv, err := l.services(ctx, a.Unit.Manager, a.Unit.Scope, a.Unit.User)
	if err == nil {
		err = sv.act(ctx, a.Unit.Name, a.Action)
	}
	if err != nil {
		return state.Outcome{}, fmt.Errorf("cannot %s %s: %w", a.Action, a.Unit.Key(), err)
	}
	return state.Outcome{}, nil
}

func doDaemonReload(ctx context.Context, l *Linux, e state.Event) (state.Outcome, error) {
	d := e.(state.DaemonReload)
	sv, err := l.services(ctx, "", d.Scope, d.User)
	if err == nil {
		err = sv.reload(ctx, d.Reexec)
	}
	if err != nil {
		return state.Outcome{}, fmt.Errorf("cannot have the service manager read its unit files again: %w", err)
	}
	return state.Outcome{}, nil
}

// unitSuffixes are systemd's unit types (systemd.unit(5)).
var unitSuffixes = []string{".service", ".socket", ".device", ".mount", ".automount", ".swap", ".target", ".path", ".timer", ".slice", ".scope"}

// unitName is name with the suffix that systemctl(1) would add.
func unitName(name string) string {
	if slices.ContainsFunc(unitSuffixes, func(s string) bool { return strings.HasSuffix(name, s) }) {
		return name
	}
	return name + ".service"
}

// imagineUnit sees units whose files were predicted: made (then it is there, and
// neither enabled nor active unless that was wanted), removed, or perhaps one of these.
func imagineUnit(ctx context.Context, v *View, asked, base state.State) (state.State, error) {
	u := base.(state.Unit)
	if u.Scope == state.UserScope && v.userPredicted(u.User) {
		u = noUnit(u)
	}
	files, err := unitFiles(ctx, v, u, false)
	if err != nil {
		return nil, err
	}
	found, unsure, predicted := false, "", false
	for _, f := range files {
		if _, ok := v.mem.get(f.Key()); ok {
			predicted = true
		}
		typ, known := f.Type.Get()
		switch {
		case !known:
			unsure, predicted = f.Type.After(), true
		case typ == state.Regular || typ == state.Link:
			found = true
		}
	}
	switch {
	case !predicted:
		return u, nil
	case found && !u.Present.Or(true):
		u.Present = state.Is(true)
		return u, nil
	case found:
		return u, nil
	case unsure != "":
		return state.Obscure(u, unsure), nil
	}
	return noUnit(u), nil
}

// userPredicted reports whether the dry run makes the user, so that nothing of what the machine says of it counts.
func (v *View) userPredicted(name string) bool {
	e, ok := v.mem.get(state.Key{Kind: "user", Name: name})
	return ok && e.fresh
}

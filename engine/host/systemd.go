package host

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"rp/engine/state"
)

// systemctl is systemd's manager of the system, or of one user.
type systemctl struct {
	l *Linux
	// user is whose manager it is; nil for the system's.
	user *state.Account
	as   *cred // nil: this process's own user
	// offline: the user's manager does not run; unit files can be read and enabled all the same.
	offline bool
}

func (s *systemctl) call(timeout time.Duration, args ...string) call {
	argv := []string{"systemctl"}
	var env []string
	if s.user != nil {
		argv = append(argv, "--user")
		dir := runtimeDir(s.user.UID)
		env = []string{"XDG_RUNTIME_DIR=" + dir, "DBUS_SESSION_BUS_ADDRESS=unix:path=" + dir + "/bus"}
		if s.offline {
			env = append(env, "SYSTEMD_OFFLINE=1")
		}
	}
	argv = append(argv, "--no-pager", "--no-ask-password", "--quiet")
	return call{argv: append(argv, args...), env: env, asUser: s.as, timeout: timeout}
}

// userSystemd is the service manager of the user named name.
func (l *Linux) userSystemd(ctx context.Context, name string) (services, error) {
	a, err := l.loadAccounts()
	if err != nil {
		return nil, err
	}
	u, err := l.findUser(ctx, a, name)
	if err != nil {
		return nil, err
	}
	if u == nil {
		return noServices{fmt.Errorf("there is no user %q", name)}, nil
	}
	s := &systemctl{l: l, user: u, offline: !l.userManagerRuns(u.UID)}
	switch int64(os.Geteuid()) {
	case u.UID:
	case 0:
		s.as = &cred{uid: uint32(u.UID), gid: uint32(u.GID), groups: initGroups(a, u), name: u.Name, home: u.Home}
	default:
		return nil, fmt.Errorf("only root and %s themselves can reach the services of user %q", name, name)
	}
	return s, nil
}

// initGroups are the groups that initgroups(3) gives to u.
func initGroups(a *accounts, u *state.Account) []uint32 {
	ids := []uint32{uint32(u.GID)}
	for _, g := range a.groups {
		for _, m := range g.Members {
			if m == u.Name && g.GID != u.GID {
				ids = append(ids, uint32(g.GID))
			}
		}
	}
	return ids
}

// noServices is the manager of a user who does not exist: it has no unit.
type noServices struct{ why error }

func (n noServices) read(_ context.Context, us []state.Unit) ([]state.Unit, error) {
	out := make([]state.Unit, len(us))
	for i, u := range us {
		out[i] = noUnit(u)
	}
	return out, nil
}
func (n noServices) write(context.Context, state.Unit, state.Unit) error { return n.why }
func (n noServices) act(context.Context, string, string) error           { return n.why }
func (n noServices) reload(context.Context, bool) error                  { return n.why }

var shownProperties = []string{
	"Id", "LoadState", "ActiveState", "SubState", "UnitFileState", "FragmentPath", "SourcePath", "Type", "Result",
	"RemainAfterExit", "ConditionResult", "InactiveEnterTimestampMonotonic", "WantedBy", "RequiredBy", "UpheldBy", "TriggeredBy",
}

func (s *systemctl) read(ctx context.Context, us []state.Unit) ([]state.Unit, error) {
	if s.offline {
		return s.readOffline(ctx, us)
	}
	args := []string{"show", "--property=" + strings.Join(shownProperties, ","), "--"}
	for _, u := range us {
		args = append(args, unitName(u.Name))
	}
	r, err := s.l.must(ctx, s.call(time.Minute, args...))
	if err != nil {
		return nil, err
	}
	shown := parseShow(string(r.stdout))
	if len(shown) != len(us) {
		return nil, fmt.Errorf("systemctl show described %d of %d units", len(shown), len(us))
	}
	out := make([]state.Unit, len(us))
	for i, u := range us {
		out[i] = describeUnit(u, shown[i], s.l.sysvLinks)
	}
	return out, nil
}

// parseShow reads the properties that systemctl show prints, NAME=value a line, units apart by empty lines.
func parseShow(text string) []map[string]string {
	var out []map[string]string
	for block := range strings.SplitSeq(strings.TrimSpace(text), "\n\n") {
		m := map[string]string{}
		for line := range strings.Lines(block) {
			if k, v, ok := strings.Cut(strings.TrimSuffix(line, "\n"), "="); ok {
				m[k] = v
			}
		}
		if len(m) > 0 {
			out = append(out, m)
		}
	}
	return out
}

// describeUnit makes u's fields of systemd's properties. sysvEnabled tells
// whether the init script that a unit was generated from is linked into a runlevel.
func describeUnit(u state.Unit, p map[string]string, sysvEnabled func(name string) bool) state.Unit {
	asked := u
	u.Present = state.Is(p["LoadState"] != "not-found" && p["LoadState"] != "")
	u.Masked = state.Is(p["LoadState"] == "masked" || strings.HasPrefix(p["UnitFileState"], "masked"))
	u.Active = state.Is(isActive(p) || asked.Active.Or(false) && ranAndEnded(p))
	u.Enabled = state.Is(isEnabled(p, sysvEnabled))
	return u
}

func isActive(p map[string]string) bool {
	switch p["ActiveState"] {
	case "active", "reloading", "refreshing":
		return true
	case "activating": // a service that systemd starts again and again is not active
		return p["SubState"] != "auto-restart" && p["SubState"] != "auto-restart-queued"
	}
	return false
}

// ranAndEnded: a oneshot service without RemainAfterExit that has run with
// success is as started as it can be.
func ranAndEnded(p map[string]string) bool {
	ran := p["InactiveEnterTimestampMonotonic"]
	return p["Type"] == "oneshot" && p["RemainAfterExit"] == "no" && p["Result"] == "success" &&
		p["ActiveState"] == "inactive" && p["ConditionResult"] == "yes" && ran != "" && ran != "0"
}

// isEnabled follows the exit status of systemctl is-enabled (its manual's table),
// except for what is static: that cannot be enabled, and counts as enabled where something starts it.
func isEnabled(p map[string]string, sysvEnabled func(string) bool) bool {
	switch p["UnitFileState"] {
	case "enabled", "enabled-runtime", "alias", "indirect":
		return true
	case "generated":
		script := filepath.Base(p["SourcePath"])
		return strings.Contains(p["SourcePath"], "init.d/") && sysvEnabled(script)
	case "static":
		return startedByOthers(p)
	}
	return false
}

func startedByOthers(p map[string]string) bool {
	return p["WantedBy"] != "" || p["RequiredBy"] != "" || p["UpheldBy"] != "" || p["TriggeredBy"] != ""
}

func (s *systemctl) write(ctx context.Context, from, to state.Unit) error {
	name := unitName(to.Name)
	if masked, ok := to.Masked.Get(); ok && !masked && from.Masked.Or(true) {
		if err := s.install(ctx, "unmask", name); err != nil {
			return err
		}
	}
	if on, ok := to.Enabled.Get(); ok && from.Enabled.Or(!on) != on {
		if err := s.enable(ctx, name, on); err != nil {
			return err
		}
	}
	if on, ok := to.Active.Get(); ok && from.Active.Or(!on) != on {
		verb := "stop"
		if on {
			verb = "start"
		}
		if err := s.job(ctx, verb, name); err != nil {
			return err
		}
	}
	if masked, ok := to.Masked.Get(); ok && masked && !from.Masked.Or(false) {
		return s.install(ctx, "mask", name)
	}
	return nil
}

func (s *systemctl) install(ctx context.Context, verb, name string) error {
	_, err := s.l.must(ctx, s.call(2*time.Minute, verb, name))
	return err
}

func (s *systemctl) enable(ctx context.Context, name string, on bool) error {
	if !s.offline {
		r, err := s.l.must(ctx, s.call(time.Minute, "show", "--property="+strings.Join(shownProperties, ","), "--", name))
		if err != nil {
			return err
		}
		if ps := parseShow(string(r.stdout)); len(ps) == 1 && ps[0]["UnitFileState"] == "static" {
			if on {
				return errors.New("it cannot be enabled: its unit file has no [Install] section, and no other unit starts it")
			}
			return errors.New("it cannot be disabled: its unit file has no [Install] section, and another unit starts it; mask it to keep it from starting")
		}
	}
	verb := "disable"
	if on {
		verb = "enable"
	}
	return s.install(ctx, verb, name)
}

// job starts, stops, restarts or reloads; a failure comes with what the unit last logged.
func (s *systemctl) job(ctx context.Context, verb, name string) error {
	if s.offline {
		return fmt.Errorf("the service manager of user %q does not run: the user has neither a session nor linger (loginctl enable-linger %s)", s.user.Name, s.user.Name)
	}
	r, err := s.l.must(ctx, s.call(unitTimeout, verb, name))
	if err != nil {
		if r.rc == 5 { // systemctl(1): the unit is not loaded
			return err
		}
		return s.withLog(ctx, name, err)
	}
	if verb == "stop" || verb == "reload" {
		return nil
	}
	shown, err := s.l.must(ctx, s.call(time.Minute, "show", "--property="+strings.Join(shownProperties, ","), "--", name))
	if err != nil {
		return err
	}
	for _, p := range parseShow(string(shown.stdout)) {
		if p["ConditionResult"] == "no" && p["ActiveState"] == "inactive" {
			return errors.New("systemd did not start it, as a condition in its unit file does not hold (systemctl status shows which)")
		}
		if p["ActiveState"] == "failed" {
			return s.withLog(ctx, name, errors.New("it failed as soon as it had started"))
		}
	}
	return nil
}

// logLines is how many of a unit's last lines an error shows.
const logLines = "10"

func (s *systemctl) withLog(ctx context.Context, name string, why error) error {
	argv := []string{"journalctl", "--no-pager", "--quiet", "-o", "cat", "-n", logLines}
	if s.user != nil {
		argv = append(argv, "_UID="+decimal(s.user.UID), "--user-unit="+name)
	} else {
		argv = append(argv, "--unit="+name)
	}
	r, err := s.l.run(context.WithoutCancel(ctx), call{argv: argv, timeout: 20 * time.Second})
	said := strings.TrimSpace(string(r.stdout))
	if err != nil || said == "" {
		return why
	}
	return fmt.Errorf("%w; it last logged:\n%s", why, said)
}

func (s *systemctl) act(ctx context.Context, name, action string) error {
	return s.job(ctx, action, unitName(name))
}

func (s *systemctl) reload(ctx context.Context, reexec bool) error {
	if s.offline {
		return nil // a manager that does not run reads its files when it starts
	}
	verb := "daemon-reload"
	if reexec {
		verb = "daemon-reexec"
	}
	_, err := s.l.must(ctx, s.call(2*time.Minute, verb))
	return err
}

package host

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"time"

	"rp/engine/state"
)

func init() {
	register("linger", kind{read: readLinger, plan: planLinger, write: writeLinger})
}

const (
	lingerDir = "/var/lib/systemd/linger"
	// lingerWait is how long a user's service manager may take to start.
	lingerWait = 30 * time.Second
	lingerPoll = 50 * time.Millisecond
)

func readLinger(ctx context.Context, l *Linux, ss []state.State) ([]state.State, error) {
	a, err := l.loadAccounts()
	if err != nil {
		return nil, err
	}
	out := make([]state.State, len(ss))
	for i, s := range ss {
		q := s.(state.Linger)
		_, err := os.Stat(l.path(filepath.Join(lingerDir, q.User)))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("cannot read whether %q lingers: %w", q.User, err)
		}
		q.Enabled, q.Running = state.Is(err == nil), state.Is(false)
		u, err := l.findUser(ctx, a, q.User)
		if err != nil {
			return nil, err
		}
		if u != nil {
			if q.Running, err = l.managerRuns(ctx, u.UID); err != nil {
				return nil, err
			}
		}
		out[i] = q
	}
	return out, nil
}

// managerRuns is whether uid's service manager runs. Into another user's runtime
// directory only root can look; anybody else asks systemd.
func (l *Linux) managerRuns(ctx context.Context, uid int64) (state.Value[bool], error) {
	if me := os.Geteuid(); me == 0 || int64(me) == uid || !l.hasTool("systemctl") {
		return state.Is(l.userManagerRuns(uid)), nil
	}
	r, err := l.run(ctx, call{argv: []string{"systemctl", "is-active", "--quiet", fmt.Sprintf("user@%d.service", uid)}, timeout: time.Minute})
	if err != nil {
		return state.Value[bool]{}, fmt.Errorf("cannot tell whether the service manager of uid %d runs: %w", uid, err)
	}
	return state.Is(r.rc == 0), nil
}

// userManagerRuns reports whether uid's service manager answers: on the user's
// bus, or on its own socket where there is no bus (dbus-user-session is not installed).
func (l *Linux) userManagerRuns(uid int64) bool {
	dir := l.path(runtimeDir(uid))
	if !answers(filepath.Join(dir, "systemd/private")) {
		return false
	}
	_, err := os.Stat(filepath.Join(dir, "bus"))
	return err != nil || answers(filepath.Join(dir, "bus"))
}

// runtimeDir is XDG_RUNTIME_DIR as pam_systemd(8) sets it.
func runtimeDir(uid int64) string { return fmt.Sprintf("/run/user/%d", uid) }

func answers(socket string) bool {
	c, err := net.DialTimeout("unix", socket, 5*time.Second)
	if err != nil {
		return false
	}
	_ = c.Close()
	return true
}

// planLinger adds the file in which logind keeps that a user lingers.
func planLinger(ctx context.Context, r Reader, c state.Change) (state.Change, error) {
	from, to := c.From.(state.Linger), c.To.(state.Linger)
	on, ok := to.Enabled.Get()
	if !ok || !from.Enabled.IsKnown() || from.Enabled.Or(on) == on {
		return c, nil
	}
	if on && !to.Running.IsSet() {
		to.Running = state.Is(true) // logind starts the manager at once
		c.To = to
	}
	path := filepath.Join(lingerDir, to.User)
	got, err := r.Read(ctx, state.File{Path: lingerDir}, state.File{Path: path})
	if err != nil {
		return c, err
	}
	root := state.Is("root")
	dir, file := got[0].(state.File), got[1].(state.File)
	if !on {
		c.With = append(c.With, state.Change{From: file, To: state.File{Path: path, Type: state.Is(state.Absent)}})
		return c, nil
	}
	if dir.Type.Or("") == state.Absent {
		c.With = append(c.With, makeFile(lingerDir, state.Directory, state.File{Owner: root, Group: root, Mode: state.Is(state.Mode(0o755))}))
	}
	c.With = append(c.With, makeFile(path, state.Regular, state.File{
		Content: state.Is(state.Text("")), Owner: root, Group: root, Mode: state.Is(state.Mode(0o644)),
	}))
	return c, nil
}

func writeLinger(ctx context.Context, l *Linux, cs []state.Change) error {
	for _, c := range cs {
		if err := l.setLinger(ctx, c.From.(state.Linger), c.To.(state.Linger)); err != nil {
			return fmt.Errorf("cannot set the lingering of user %q: %w", c.To.(state.Linger).User, err)
		}
	}
	return nil
}

func (l *Linux) setLinger(ctx context.Context, from, to state.Linger) error {
	a, err := l.loadAccounts()
	if err != nil {
		return err
	}
	u, err := l.findUser(ctx, a, to.User)
	if err != nil {
		return err
	}
	if u == nil {
		return fmt.Errorf("there is no user %q", to.User)
	}
	if on, ok := to.Enabled.Get(); ok && from.Enabled.Or(!on) != on {
		verb := "disable-linger"
		if on {
			verb = "enable-linger"
		}
		if _, err := l.must(ctx, call{argv: []string{"loginctl", verb, to.User}, timeout: time.Minute}); err != nil {
			return err
		}
	}
	running, ok := to.Running.Get()
	switch {
	case !ok || from.Running.Or(!running) == running:
		return nil
	case running:
		return l.startUserManager(ctx, u.UID)
	}
	unit := fmt.Sprintf("user@%d.service", u.UID)
	_, err = l.must(ctx, call{argv: []string{"systemctl", "stop", unit}, timeout: 2 * time.Minute})
	return err
}

// startUserManager starts uid's service manager and waits until it answers:
// enable-linger only asks logind for it and does not wait.
func (l *Linux) startUserManager(ctx context.Context, uid int64) error {
	unit := fmt.Sprintf("user@%d.service", uid)
	if os.Geteuid() == 0 {
		if _, err := l.must(ctx, call{argv: []string{"systemctl", "start", unit}, timeout: 2 * time.Minute}); err != nil {
			return err
		}
	}
	ctx, cancel := context.WithTimeout(ctx, lingerWait)
	defer cancel()
	for !l.userManagerRuns(uid) {
		select {
		case <-ctx.Done():
			return fmt.Errorf("the service manager %s did not answer in %s within %s; systemctl status %s says why", unit, runtimeDir(uid), lingerWait, unit)
		case <-time.After(lingerPoll):
		}
	}
	return nil
}

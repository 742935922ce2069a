package host

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"rp/engine/state"
)

// initScripts is System V init: scripts in /etc/init.d (LSB core, chapter 20),
// linked into runlevels by update-rc.d(8) or chkconfig(8).
type initScripts struct {
	l   *Linux
	dir string // of the scripts
}

func (s *initScripts) script(name string) string { return filepath.Join(s.dir, name) }

// sysvLinks reports whether the init script name starts in a runlevel 2 to 5.
func (l *Linux) sysvLinks(name string) bool {
	for _, pattern := range []string{"/etc/rc[2345].d/S[0-9][0-9]" + name, "/etc/rc.d/rc[2345].d/S[0-9][0-9]" + name} {
		if found, err := filepath.Glob(l.path(pattern)); err == nil && len(found) > 0 {
			return true
		}
	}
	return false
}

func (s *initScripts) read(ctx context.Context, us []state.Unit) ([]state.Unit, error) {
	out := make([]state.Unit, len(us))
	for i, u := range us {
		out[i] = noUnit(u)
		if _, err := os.Stat(s.script(u.Name)); err != nil {
			continue
		}
		out[i].Present, out[i].Enabled = state.Is(true), state.Is(s.l.sysvLinks(u.Name))
		// LSB: status is 0 for a service that runs, 1 to 3 for one that does not
		r, err := s.l.run(ctx, call{argv: []string{s.script(u.Name), "status"}, timeout: time.Minute})
		switch {
		case err != nil:
			return nil, err
		case r.rc > 3:
			out[i].Active = state.Value[bool]{} // the script has no status action
		default:
			out[i].Active = state.Is(r.rc == 0)
		}
	}
	return out, nil
}

func (s *initScripts) write(ctx context.Context, from, to state.Unit) error {
	if to.Masked.Or(false) {
		return errors.New("the System V init has no masking")
	}
	if on, ok := to.Enabled.Get(); ok && from.Enabled.Or(!on) != on {
		if err := s.enable(ctx, to.Name, on); err != nil {
			return err
		}
	}
	if on, ok := to.Active.Get(); ok && from.Active.Or(!on) != on {
		verb := "stop"
		if on {
			verb = "start"
		}
		return s.act(ctx, to.Name, verb)
	}
	return nil
}

func (s *initScripts) enable(ctx context.Context, name string, on bool) error {
	verb := map[bool]string{true: "enable", false: "disable"}[on]
	word := map[bool]string{true: "on", false: "off"}[on]
	var calls [][]string
	switch {
	case s.l.hasTool("update-rc.d"):
		if on { // makes the links where the script has none yet; enable alone would fail then
			calls = append(calls, []string{"update-rc.d", name, "defaults"})
		}
		calls = append(calls, []string{"update-rc.d", name, verb})
	case s.l.hasTool("chkconfig"):
		if on {
			calls = append(calls, []string{"chkconfig", "--add", name})
		}
		calls = append(calls, []string{"chkconfig", name, word})
	default:
		return errors.New("this host has neither update-rc.d nor chkconfig")
	}
	for _, argv := range calls {
		if _, err := s.l.must(ctx, call{argv: argv, timeout: time.Minute}); err != nil {
			return err
		}
	}
	return nil
}

func (l *Linux) hasTool(name string) bool {
	_, err := l.tool(name)
	return err == nil
}

func (s *initScripts) act(ctx context.Context, name, action string) error {
	script := s.script(name)
	if !executable(script) {
		return fmt.Errorf("there is no init script %s", script)
	}
	_, err := s.l.must(ctx, call{argv: []string{script, action}, timeout: unitTimeout})
	return err
}

func (s *initScripts) reload(context.Context, bool) error { return nil } // scripts are read each time

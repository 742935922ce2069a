package host

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"time"

	"rp/engine/state"
)

// rc is OpenRC: rc-service(8) and rc-update(8).
type rc struct{ l *Linux }

// runlevel is the one that services are added to.
const runlevel = "default"

func (s *rc) read(ctx context.Context, us []state.Unit) ([]state.Unit, error) {
	out := make([]state.Unit, len(us))
	for i, u := range us {
		out[i] = noUnit(u)
		if _, err := os.Stat(s.l.path(filepath.Join("/etc/init.d", u.Name))); err != nil {
			continue
		}
		links, err := filepath.Glob(s.l.path("/etc/runlevels/*/" + u.Name))
		if err != nil {
			return nil, err
		}
		out[i].Present, out[i].Enabled = state.Is(true), state.Is(len(links) > 0)
		// status: 0 started, 3 stopped, 4 starting, 8 stopping, 16 inactive, 32 crashed
		r, err := s.l.run(ctx, call{argv: []string{"rc-service", u.Name, "status"}, timeout: time.Minute})
		if err != nil {
			return nil, err
		}
		out[i].Active = state.Is(r.rc == 0)
	}
	return out, nil
}

func (s *rc) write(ctx context.Context, from, to state.Unit) error {
	if to.Masked.Or(false) {
		return errors.New("OpenRC has no masking")
	}
	if on, ok := to.Enabled.Get(); ok && from.Enabled.Or(!on) != on {
		argv := []string{"rc-update", "--all", "del", to.Name}
		if on {
			argv = []string{"rc-update", "add", to.Name, runlevel}
		}
		if _, err := s.l.must(ctx, call{argv: argv, timeout: time.Minute}); err != nil {
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

func (s *rc) act(ctx context.Context, name, action string) error {
	_, err := s.l.must(ctx, call{argv: []string{"rc-service", name, action}, timeout: unitTimeout})
	return err
}

func (s *rc) reload(context.Context, bool) error { return nil } // scripts are read each time

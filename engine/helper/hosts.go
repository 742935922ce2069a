package helper

import (
	"context"
	"os"

	"rp/engine/host"
	"rp/engine/journal"
	"rp/engine/state"
	"rp/engine/wire"
)

// hostFor gives the host that t is to be run on: the real one, journalled and
// under the lock, or a view of what was predicted so far.
func (s *server) hostFor(ctx context.Context, t wire.Task) (h host.Host, predicts bool, err error) {
	if !s.hello.Predict && !t.Predict || t.Real {
		h, err := s.realHost(ctx, t.As)
		return h, false, err
	}
	base, err := s.baseFor(ctx, t.As)
	if err != nil {
		return nil, true, err
	}
	view := s.memory.View(base, t.Name, t.May)
	if t.Predict { // check_mode: true: what it predicts never comes, and is forgotten after it
		view = host.NewMemory().View(view, t.Name, t.May)
	}
	return view, true, nil
}

// realHost is the host as as sees and changes it.
func (s *server) realHost(ctx context.Context, as wire.Become) (host.Host, error) {
	if s.isSelf(as) {
		return &locked{Host: journal.Wrap(s.local(), s.journal, ""), s: s}, nil
	}
	p, err := s.peer(ctx, as)
	if err != nil {
		return nil, err
	}
	if os.Geteuid() == 0 { // root keeps the journal for all, so that nothing of rp lies in a home
		return &locked{Host: journal.Wrap(p, s.journal, as.User), s: s}, nil
	}
	return &locked{Host: p, s: s}, nil // the child keeps its own
}

// baseFor is what a prediction for as is laid over. A user who is only
// predicted cannot be become yet; the machine is then seen as the login user sees it.
func (s *server) baseFor(ctx context.Context, as wire.Become) (host.Reader, error) {
	if s.isSelf(as) {
		return s.local(), nil
	}
	p, err := s.peer(ctx, as)
	if err == nil {
		return p, nil
	}
	u, rerr := s.memory.View(s.local(), "", false).Read(ctx, state.User{Name: as.User})
	if rerr != nil {
		return nil, err
	}
	if predicted, known := state.Present(u[0]); known && !predicted {
		return nil, err
	}
	return standIn{Reader: s.local(), user: u[0].(state.User)}, nil //nolint:forcetypeassert // a User was asked for
}

// standIn reads as the login user and says it is another, who does not exist yet.
type standIn struct {
	host.Reader
	user state.User
}

func (r standIn) Read(ctx context.Context, ss ...state.State) ([]state.State, error) {
	out, err := r.Reader.Read(ctx, ss...)
	if err != nil {
		return nil, err
	}
	for i, s := range out {
		if sys, ok := s.(state.System); ok {
			sys.User = state.Is(r.user.Name)
			sys.UID, sys.Home, sys.Group = r.user.UID, r.user.Home, r.user.Group
			if !sys.UID.IsSet() {
				sys.UID = state.Unknown[int64]("")
			}
			for _, f := range []*state.Value[string]{&sys.Home, &sys.Group} {
				if !f.IsSet() {
					*f = state.Unknown[string]("")
				}
			}
			out[i] = sys
		}
	}
	return out, nil
}

func (s *server) isSelf(as wire.Become) bool { return as.User == "" || as.User == userName() }

func (s *server) local() *host.Linux {
	return host.NewLinux(host.Options{Blobs: s.blobs, Scratch: s.scratch})
}

// locked takes the run's lock before it changes anything, and gets rp's own
// processes out of the way of a user's removal.
type locked struct {
	host.Host
	s *server
}

func (l *locked) Write(ctx context.Context, cs ...state.Change) error {
	if err := l.s.lock.take(); err != nil {
		return err
	}
	for _, c := range cs {
		if u, ok := c.To.(state.User); ok {
			l.s.dismiss(u.Name)
		}
	}
	return l.Host.Write(ctx, cs...)
}

func (l *locked) Do(ctx context.Context, e state.Event) (state.Outcome, error) {
	if err := l.s.lock.take(); err != nil {
		return state.Outcome{}, err
	}
	return l.Host.Do(ctx, e)
}

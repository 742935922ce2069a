package remote

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// maxJumps bounds the length of a way: beyond it, the settings go in a circle.
const maxJumps = 8

// failureHolds is how long a jump host that could not be had is not tried again.
const failureHolds = 30 * time.Second

// jump is a host that others are reached through: one connection, shared by
// all of them and kept until the run ends, or until it breaks.
type jump struct {
	name  string
	ready chan struct{} // closed when link or err is set
	link  *link
	err   error
	slots chan struct{} // dials through it at the same time
}

// jumpFor gives the open jump host that s is reached through; nil for none.
func (d *Dialer) jumpFor(ctx context.Context, s *settings) (*jump, error) {
	hop, err := d.hop(ctx, s)
	if err != nil {
		return nil, unreachable(s.name, StageJump, err, "")
	}
	if hop == nil {
		return nil, nil
	}
	// Before anything waits for anything: a circle would wait for itself.
	next := hop
	for n := 0; next != nil; n++ {
		if n >= maxJumps {
			err := fmt.Errorf("more than %d jump hosts, the last %q", maxJumps, next.name)
			return nil, unreachable(s.name, StageJump, err, "does ProxyJump go in a circle?")
		}
		if next, err = d.hop(ctx, next); err != nil {
			return nil, unreachable(s.name, StageJump, err, "")
		}
	}
	j := d.shared(hop)
	select {
	case <-j.ready:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if j.err != nil {
		return nil, viaJump(s, j)
	}
	return j, nil
}

// viaJump is what a broken jump host means for a host behind it.
func viaJump(s *settings, j *jump) error {
	err, hint := j.err, ""
	var u *ErrUnreachable
	if errors.As(err, &u) {
		err, hint = u.Err, u.Hint
	}
	return &ErrUnreachable{Target: s.name, Stage: StageJump, Err: fmt.Errorf("jump host %q: %w", j.name, err), Hint: hint}
}

// hop gives the settings of the last jump host before s; nil for none.
func (d *Dialer) hop(ctx context.Context, s *settings) (*settings, error) {
	if len(s.jumps) == 0 {
		return nil, nil
	}
	last := len(s.jumps) - 1
	t, err := parseJump(s.jumps[last])
	if err != nil {
		return nil, err
	}
	if last > 0 {
		t.Jumps = s.jumps[:last]
	}
	hop, err := d.settings(ctx, t)
	if err != nil {
		return nil, fmt.Errorf("jump host %q: %w", s.jumps[last], err)
	}
	// A `Host *` block with ProxyJump holds for the jump host itself, too.
	if hop.address() == s.address() && hop.user == s.user {
		return nil, nil
	}
	return hop, nil
}

// parseJump reads [user@]host[:port] or ssh://[user@]host[:port].
func parseJump(text string) (Target, error) {
	rest := strings.TrimSuffix(strings.TrimPrefix(strings.TrimSpace(text), "ssh://"), "/")
	t := Target{Name: rest}
	if i := strings.LastIndex(rest, "@"); i >= 0 {
		t.User, rest = rest[:i], rest[i+1:]
	}
	host, port := rest, ""
	if end := strings.LastIndex(rest, "]"); strings.HasPrefix(rest, "[") && end > 0 {
		host, port = rest[1:end], strings.TrimPrefix(rest[end+1:], ":")
	} else if strings.Count(rest, ":") == 1 {
		host, port, _ = strings.Cut(rest, ":")
	}
	t.Address = host
	if port != "" {
		n, err := strconv.Atoi(port)
		if err != nil || n < 1 || n > 65535 {
			return t, fmt.Errorf("jump host %q has no valid port", text)
		}
		t.Port = n
	}
	if host == "" {
		return t, fmt.Errorf("jump host %q has no name", text)
	}
	return t, nil
}

// key tells jump hosts apart: same login, same place, same way to it.
func (s *settings) key() string {
	return strings.Join([]string{s.user, s.address(), strings.Join(s.jumps, ","), s.proxyCommand}, "\x00")
}

// shared gives the jump host of those settings, being opened or open.
func (d *Dialer) shared(hop *settings) *jump {
	key := hop.key()
	d.mu.Lock()
	defer d.mu.Unlock()
	if j, ok := d.jumps[key]; ok {
		return j
	}
	j := &jump{name: hop.name, ready: make(chan struct{}), slots: make(chan struct{}, d.opt.MaxPerJump)}
	d.jumps[key] = j
	go func() {
		// The run's context, not a host's: another host may wait for it, too.
		j.link, j.err = d.open(d.ctx, hop, nil)
		close(j.ready)
		if j.err == nil {
			<-j.link.dead
		} else {
			select { // so that a thousand hosts do not each wait for it
			case <-time.After(failureHolds):
			case <-d.ctx.Done():
			}
		}
		d.mu.Lock()
		if d.jumps[key] == j {
			delete(d.jumps, key)
		}
		d.mu.Unlock()
	}()
	return j
}

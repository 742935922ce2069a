package remote

import (
	"errors"
	"fmt"
	"strings"
)

// Stage is how far the way to a host was gone.
type Stage string

// The stages, in their order.
const (
	StageSettings  Stage = "settings"  // what to do is not clear: bad arguments
	StageJump      Stage = "jump"      // a host on the way
	StageResolve   Stage = "resolve"   // the name has no address
	StageConnect   Stage = "connect"   // no TCP connection, or no ProxyCommand
	StageHandshake Stage = "handshake" // no SSH at the other end
	StageHostKey   Stage = "hostkey"   // not the host that it should be
	StageAuth      Stage = "auth"      // login refused
	StagePlace     Stage = "place"     // logged in, but rp's process cannot start
)

// ErrUnreachable says why a host cannot be worked on.
type ErrUnreachable struct {
	Target string // the inventory's name
	Stage  Stage
	Err    error
	Hint   string // what to do about it; may be ""
}

// Error is one line: the host, what failed, and the hint.
func (e *ErrUnreachable) Error() string {
	s := fmt.Sprintf("cannot reach %q: %s", e.Target, oneLine(e.Err.Error()))
	if e.Hint != "" {
		s += " (" + e.Hint + ")"
	}
	return s
}

func (e *ErrUnreachable) Unwrap() error { return e.Err }

// unreachable makes an ErrUnreachable, or keeps the one that err is already.
func unreachable(target string, stage Stage, err error, hint string) error {
	var u *ErrUnreachable
	if errors.As(err, &u) && u.Target == target {
		return u
	}
	return &ErrUnreachable{Target: target, Stage: stage, Err: err, Hint: hint}
}

// oneLine keeps a server's text from breaking the line or driving the terminal.
func oneLine(s string) string {
	s = strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\r' || r == '\t':
			return ' '
		case r < ' ' || r == 0x7f || (r >= 0x80 && r < 0xa0):
			return -1
		}
		return r
	}, s)
	return strings.Join(strings.Fields(s), " ")
}

// shorten keeps at most n bytes of s, and says where it cut.
func shorten(s string, n int) string {
	if len(s) <= n {
		return s
	}
	return strings.ToValidUTF8(s[:n], "") + " …"
}

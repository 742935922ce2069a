package remote

import (
	"fmt"
	"time"
)

// keepAlive asks the server for a sign of life now and then, and ends the
// connection when several in a row go unanswered: a host that lost its power
// sends nothing, and would be waited for forever.
func (d *Dialer) keepAlive(l *link, s *settings) {
	tick := time.NewTicker(s.alive)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-l.dead:
			return
		}
		answered := make(chan struct{})
		go func() {
			_, _, _ = l.client.SendRequest("keepalive@openssh.com", true, nil) // even a refusal is a sign
			close(answered)
		}()
		limit := s.alive * time.Duration(max(s.aliveCount, 1))
		select {
		case <-answered:
		case <-l.dead:
			return
		case <-time.After(limit):
			l.mu.Lock()
			l.cause = fmt.Errorf("connection to %s lost: no answer for %s", s.address(), limit)
			l.mu.Unlock()
			l.close()
			return
		}
	}
}

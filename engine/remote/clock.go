package remote

import (
	"sync"
	"time"
)

// clock is a deadline that stands still while a person is asked something.
type clock struct {
	mu      sync.Mutex
	left    time.Duration
	since   time.Time
	timer   *time.Timer
	expired bool
	expire  func()
}

// startClock calls expire once, when limit has passed.
func startClock(limit time.Duration, expire func()) *clock {
	c := &clock{left: limit, since: time.Now(), expire: expire}
	c.timer = time.AfterFunc(limit, c.fire)
	return c
}

func (c *clock) fire() {
	c.mu.Lock()
	c.expired = true
	c.mu.Unlock()
	c.expire()
}

// pause stops the clock until the function that it gives is called.
func (c *clock) pause() (resume func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.timer.Stop() {
		return func() {}
	}
	c.left -= time.Since(c.since)
	return func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.since = time.Now()
		c.timer.Reset(max(c.left, time.Millisecond))
	}
}

// stop ends the clock; it reports whether the time had passed.
func (c *clock) stop() (expired bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.timer.Stop()
	return c.expired
}

package remote

import (
	"testing"
	"time"
)

func TestClockStandsStill(t *testing.T) {
	fired := make(chan time.Time, 1)
	start := time.Now()
	c := startClock(200*time.Millisecond, func() { fired <- time.Now() })
	outer := c.pause()
	inner := c.pause() // a question while a key is being opened
	time.Sleep(400 * time.Millisecond)
	inner()
	time.Sleep(100 * time.Millisecond)
	select {
	case <-fired:
		t.Fatal("it went on while it was paused")
	default:
	}
	outer()
	if took := (<-fired).Sub(start); took < 600*time.Millisecond {
		t.Errorf("fired after %s", took)
	}
	if !c.stop() {
		t.Error("it does not know that the time was up")
	}
	c = startClock(time.Hour, func() { t.Error("fired") })
	c.pause()()
	if c.stop() {
		t.Error("an hour has passed")
	}
}

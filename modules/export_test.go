package modules

import (
	"context"
	"testing"
	"time"
)

// SetClock makes the modules' clock begin at start for the length of a test; sleeping moves it on at once.
func SetClock(t *testing.T, start time.Time) {
	t.Helper()
	oldNow, oldSleep := now, sleep
	at := start
	now = func() time.Time { return at }
	sleep = func(ctx context.Context, d time.Duration) error {
		at = at.Add(d)
		return ctx.Err()
	}
	t.Cleanup(func() { now, sleep = oldNow, oldSleep })
}

// What the tests of package modules_test look at.
var (
	NewMode      = newMode
	SplitWords   = splitWords
	ShellQuote   = shellQuote
	Compile      = compile
	ExpandGroups = expandGroups
	GlobRegex    = globRegex
	FindSum      = findSum
	SplitPackage = splitPackage
	SetSection   = setSection
	SetBlock     = setBlock
	ParseSub     = parseSubLines
	FormatSub    = formatSubLines
	SetVar       = setVar
)

// Owner is whose line it is.
func (l subLine) Owner() string { return l.owner }

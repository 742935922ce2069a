// Package report turns the events of a run into what a person or a program
// reads: a live view on a terminal, plain lines elsewhere, JSON lines.
//
// The engine gives every [Event] to one [Sink], in the order of the tasks. The
// sinks give whole lines to their writers, which hide secrets in them (vars.Masker).
//
// What goes where stands at the top of text.go. The package imports wire, state,
// value and diag; it knows neither hosts nor playbooks.
package report

import (
	"sync"
	"time"

	"rp/engine/diag"
	"rp/engine/wire"
)

// Type is what an event is about.
type Type string

// The types of events, in the order in which a run gives them.
const (
	RunStart  Type = "run_start"
	PlayStart Type = "play_start"
	// TaskStart is given once a task, before its first result.
	TaskStart Type = "task_start"
	// HostStart says that a host begins to work on a task, before it is known how that
	// ends and out of the order of the other events; only the live view shows it.
	HostStart Type = "host_start"
	// ItemResult is how one item of a loop ended; a Result follows when all have.
	ItemResult Type = "item"
	Result     Type = "result"
	// NoHosts: the play's pattern matches nothing. NoMoreHosts: all have failed.
	NoHosts     Type = "no_hosts"
	NoMoreHosts Type = "no_more_hosts"
	Retry       Type = "retry"
	Warning     Type = "warning"
	Recap       Type = "recap"
)

// Status is how a task or item ended on a host.
type Status string

// The statuses, in Ansible's words, and what only a dry run has: May.
const (
	OK          Status = "ok"
	Changed     Status = "changed"
	Skipped     Status = "skipped"
	Failed      Status = "failed"
	Ignored     Status = "ignored" // failed, and ignore_errors was set
	Rescued     Status = "rescued" // failed, and a rescue took over
	Unreachable Status = "unreachable"
	// May: it may run, or may change something; a dry run cannot tell.
	May Status = "may"
)

// Event is one thing that happened.
type Event struct {
	Type Type
	At   time.Time
	Run  string
	// Play and Task are names as shown. Role precedes a task's name.
	Play    string
	Task    string
	Role    string
	Module  string
	Pos     diag.Pos
	Handler bool
	Host    string
	// Delegate is the host that the task really ran on, when it is another.
	Delegate string
	// Item is the loop item's label.
	Item string
	// HasItem tells an empty label from none.
	HasItem bool
	Status  Status
	Msg     string
	// After is the task that an unknown outcome waits for.
	After string
	// Result holds the result's fields as the playbook sees them (a *value.Dict, or nil), already without
	// what no_log hides.
	Result any
	// Print is what debug shows (a value), set by actions that speak to the user.
	Print   any
	Changes []wire.Change
	// Real: done really although the run is a dry run (check_mode: false).
	Real     bool
	NoLog    bool
	Warnings []string
	Took     time.Duration
	Attempt  int // of Retry
	Left     int // retries left
	Hosts    []string
	Stats    map[string]*Stats
	// Profile is filled in with the Recap when it was asked for.
	Profile *Profile
}

// Stats counts how a host's tasks ended, as Ansible's recap does.
type Stats struct {
	OK          int `json:"ok"`
	Changed     int `json:"changed"`
	Unreachable int `json:"unreachable"`
	Failed      int `json:"failed"`
	Skipped     int `json:"skipped"`
	Rescued     int `json:"rescued"`
	Ignored     int `json:"ignored"`
	May         int `json:"may,omitempty"`
}

// Profile is what a run cost.
type Profile struct {
	Hosts map[string]HostProfile
	Tasks []TaskProfile
	Wall  time.Duration
}

// HostProfile is what a host cost. RoundTrips counts how often the controller
// had to wait for an answer before it could go on.
type HostProfile struct {
	RoundTrips     int
	Sent, Received int64 // bytes
	Connect        time.Duration
	HelperPushed   bool
}

// TaskProfile is what a task cost on its slowest host.
type TaskProfile struct {
	Task string
	Pos  diag.Pos
	Took time.Duration
}

// Sink takes events. Emit is called by one goroutine at a time; see [Locked].
type Sink interface{ Emit(Event) }

// Locked makes s safe for concurrent use.
func Locked(s Sink) Sink { return &locked{s: s} }

type locked struct {
	mu sync.Mutex
	s  Sink
}

func (l *locked) Emit(e Event) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.s.Emit(e)
}

package laws

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
)

// Event is one line of `rp run --output json`, as far as the laws need it.
type Event struct {
	Event  string
	Run    string
	Host   string
	Task   string
	Item   string
	Status string // of a change: predicted, may, done, failed; of a result: ok, changed, may, skipped, failed …
	Kind   string
	Name   string
	// With names the change that this one came along with.
	With string
	// IsEvent: something done, not a state.
	IsEvent bool `json:"is_event"`
	// Real: done really, although the run was a dry run.
	Real  bool
	Loop  bool
	Msg   string
	Diffs []FieldChange
	Stats map[string]Stats
	// Profile is there when --profile was given.
	Profile *struct {
		Hosts map[string]struct{ RoundTrips int }
	}
}

// FieldChange is one field of a change.
type FieldChange struct {
	Field, From, To string
	// Unknown: To was not known; Maybe: From was not, so it may be no change.
	Unknown, Maybe, Secret bool
}

// Stats are a host's counts in the recap.
type Stats struct {
	OK, Changed, Unreachable, Failed, Skipped, Rescued, Ignored, May int
}

// ParseEvents reads the lines of a run's output.
func ParseEvents(out []byte) ([]Event, error) {
	var es []Event
	s := bufio.NewScanner(bytes.NewReader(out))
	s.Buffer(nil, 64<<20)
	for n := 1; s.Scan(); n++ {
		if len(bytes.TrimSpace(s.Bytes())) == 0 {
			continue
		}
		var e Event
		if err := json.Unmarshal(s.Bytes(), &e); err != nil {
			return nil, fmt.Errorf("cannot read line %d of the output (%.200s): %w", n, s.Text(), err)
		}
		es = append(es, e)
	}
	return es, s.Err()
}

// Run is the run's identifier; "" if no event has one.
func Run(es []Event) string {
	if i := slices.IndexFunc(es, func(e Event) bool { return e.Run != "" }); i >= 0 {
		return es[i].Run
	}
	return ""
}

// Recap is the last recap's counts by host; nil if there is none.
func Recap(es []Event) map[string]Stats {
	for _, e := range slices.Backward(es) {
		if e.Stats != nil {
			return e.Stats
		}
	}
	return nil
}

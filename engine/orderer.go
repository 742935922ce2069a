package engine

import (
	"slices"
	"sync"

	"rp/engine/report"
)

// orderer gives events to the sink in the order of the tasks: those of a task
// are held back until every host has finished the tasks before it.
type orderer struct {
	sink report.Sink

	mu      sync.Mutex
	low     place
	free    bool
	waiting []placed
	begun   map[string]bool
}

type placed struct {
	at    place
	start report.Event
	event report.Event
}

func newOrderer(sink report.Sink, free bool) *orderer {
	return &orderer{sink: sink, free: free, begun: map[string]bool{}}
}

// emit gives e, an event of the task at p whose header is start.
func (o *orderer) emit(p place, start, e report.Event) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if !o.free && o.low != nil && p.compare(o.low) > 0 {
		o.waiting = append(o.waiting, placed{slices.Clone(p), start, e})
		return
	}
	o.give(placed{p, start, e})
}

// begin gives the header start of the task at p, if nobody did before.
func (o *orderer) begin(p place, start report.Event) { o.emit(p, start, report.Event{}) }

func (o *orderer) give(x placed) {
	if key := x.at.key(); !o.begun[key] && x.start.Type != "" {
		o.begun[key] = true
		o.sink.Emit(x.start)
	}
	if x.event.Type != "" {
		o.sink.Emit(x.event)
	}
}

// advance gives what was held back, now that all hosts have come as far as low; nil: all there is.
func (o *orderer) advance(low place) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.low = low
	slices.SortStableFunc(o.waiting, func(a, b placed) int { return a.at.compare(b.at) })
	n := 0
	for n < len(o.waiting) && (low == nil || o.waiting[n].at.compare(low) <= 0) {
		o.give(o.waiting[n])
		n++
	}
	o.waiting = slices.Delete(o.waiting, 0, n)
}

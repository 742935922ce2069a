package engine

import (
	"context"
	"errors"
	"slices"
	"sync"

	"rp/engine/report"
)

// place is where a host is in a play: the indexes of the nodes that it is in,
// outermost first. Places are compared in order, and a host's only ever grow.
type place []int

func (p place) compare(q place) int { return slices.Compare(p, q) }

// errAborted ends a host's play because others failed (any_errors_fatal, max_fail_percentage).
var errAborted = errors.New("the play was ended because other hosts failed")

// batch is the hosts that go through a play together. It keeps them in step
// where that matters: a host's frontier is the first task that it has no final
// verdict of, and who wants to write at a place waits until all others' frontiers are there.
type batch struct {
	free bool // strategy free: nobody waits
	// maxFail is the share of hosts, in percent, that may fail before all stop; negative: any number.
	maxFail float64
	total   int

	mu      sync.Mutex
	changed chan struct{} // closed and renewed at every change
	front   map[string]place
	order   []string // hosts still at work, in the batch's order
	failed  int
	aborted bool
	over    bool // meta: end_play, end_batch
	// fatalAt is where an any_errors_fatal task failed.
	stopAt place
	once   map[string]*onceResult
	out    *orderer
}

func newBatch(hosts []string, free bool, maxFail float64, out *orderer) *batch {
	b := &batch{
		free: free, maxFail: maxFail, total: len(hosts), changed: make(chan struct{}),
		front: map[string]place{}, order: slices.Clone(hosts), once: map[string]*onceResult{}, out: out,
	}
	for _, h := range hosts {
		b.front[h] = place{}
	}
	return b
}

// stir wakes all who wait. The caller holds b.mu.
func (b *batch) stir() {
	close(b.changed)
	b.changed = make(chan struct{})
	b.out.advance(b.lowest())
}

// lowest is the frontier of the host that is furthest behind; nil when none is at work.
func (b *batch) lowest() place {
	if b.free {
		return nil
	}
	var low place
	first := true
	for _, h := range b.order {
		if p := b.front[h]; first || p.compare(low) < 0 {
			low, first = p, false
		}
	}
	if first {
		return nil
	}
	return low
}

// reach notes that host has its final verdict on everything before p.
func (b *batch) reach(host string, p place) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if cur, ok := b.front[host]; ok && cur.compare(p) < 0 {
		b.front[host] = p
		b.stir()
	}
}

// leave takes host out: it has finished, failed or ended.
func (b *batch) leave(host string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.front, host)
	b.order = slices.DeleteFunc(b.order, func(h string) bool { return h == host })
	b.stir()
}

// fail counts a failed or unreachable host. fatal stops all hosts.
func (b *batch) fail(at place, fatal bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.failed++
	if fatal || b.maxFail >= 0 && float64(b.failed)*100 > b.maxFail*float64(b.total) {
		if !b.aborted || at.compare(b.stopAt) < 0 {
			b.stopAt = slices.Clone(at)
		}
		b.aborted = true
	}
	b.stir()
}

// stopped reports whether the batch was stopped at a place before p.
func (b *batch) stopped(p place) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.aborted && b.stopAt.compare(p) < 0
}

// wait returns when all other hosts have come as far as p, or the batch was stopped before p.
func (b *batch) wait(ctx context.Context, host string, p place) error {
	for {
		b.mu.Lock()
		ready := true
		for _, h := range b.order {
			if h != host && b.front[h].compare(p) < 0 {
				ready = false
				break
			}
		}
		stopped := b.aborted && b.stopAt.compare(p) < 0
		changed := b.changed
		b.mu.Unlock()
		switch {
		case stopped:
			return errAborted
		case ready || b.free:
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// onceResult is what a run_once task gave the first host.
type onceResult struct {
	leader string
	done   chan struct{}
	done1  sync.Once
	end    taskEnd
}

// lead says who runs the run_once task at p: the first host that is at work.
// For the others, result gives what it got.
func (b *batch) lead(host string, p place) (leads bool, r *onceResult) {
	b.mu.Lock()
	defer b.mu.Unlock()
	key := p.key()
	r, ok := b.once[key]
	if !ok {
		leader := host
		if len(b.order) > 0 && !b.free {
			leader = b.order[0]
		}
		r = &onceResult{leader: leader, done: make(chan struct{})}
		b.once[key] = r
	}
	return r.leader == host, r
}

func (r *onceResult) set(e taskEnd) {
	r.done1.Do(func() {
		r.end = e
		close(r.done)
	})
}

func (p place) key() string {
	b := make([]byte, 0, len(p)*4)
	for _, n := range p {
		b = append(b, byte(n>>24), byte(n>>16), byte(n>>8), byte(n))
	}
	return string(b)
}

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

func (o *orderer) give(x placed) {
	if key := x.at.key(); !o.begun[key] && x.start.Type != "" {
		o.begun[key] = true
		o.sink.Emit(x.start)
	}
	o.sink.Emit(x.event)
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

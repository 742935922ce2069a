package engine

import (
	"context"
	"errors"
	"slices"
	"sync"

	"rp/engine/vars"
	"rp/inventory"
)

// place is where a host is in a play: the indexes of the nodes that it is in,
// outermost first. Places are compared in order, and a host's only ever grow.
type place []int

func (p place) compare(q place) int { return slices.Compare(p, q) }

// errAborted takes a host to a halt of its batch: others failed (any_errors_fatal,
// max_fail_percentage), or the play is over for all.
var errAborted = errors.New("the play was halted for all hosts")

// batch is the hosts that go through a play together. It keeps them in step
// where that matters: a host's frontier is the first task that it has no final
// verdict of; who wants to write at a place, or to give his verdict there, waits
// until all others' frontiers are there.
type batch struct {
	free bool // strategy free: nobody waits
	// maxFail is the share of hosts, in percent, that may fail before all stop; negative: any number.
	maxFail float64
	total   int
	// learn makes what a host has learnt known to the others.
	learn func(h *inventory.Host, s *vars.State)

	mu      sync.Mutex
	changed chan struct{} // closed and renewed when low moves or a halt is called
	front   map[string]place
	order   []string // hosts still at work, in the batch's order
	low     place    // the lowest frontier; nil when nobody is at work
	failed  int
	halt    halt
	once    map[string]*onceResult
	news    []news
	gifts   map[string][]gift
	out     *orderer
}

// halt is what all hosts of a batch come to before they go on after a place.
type halt struct {
	// n counts them: a host takes each once.
	n  int64
	at place
	// ended: the play is over (meta: end_play, end_batch); otherwise the hosts have
	// failed with the one that failed at the place.
	ended bool
}

// news is what a host has learnt with its task at a place.
type news struct {
	at    place
	host  *inventory.Host
	state *vars.State
}

func newBatch(hosts []string, free bool, maxFail float64, out *orderer) *batch {
	b := &batch{
		free: free, maxFail: maxFail, total: len(hosts), changed: make(chan struct{}), low: place{},
		front: map[string]place{}, order: slices.Clone(hosts), once: map[string]*onceResult{}, out: out,
		learn: func(*inventory.Host, *vars.State) {}, gifts: map[string][]gift{},
	}
	for _, h := range hosts {
		b.front[h] = place{}
	}
	return b
}

// stir looks who may go on now. The caller holds b.mu.
func (b *batch) stir() {
	low := b.lowest()
	if low != nil && b.low != nil && low.compare(b.low) == 0 {
		return
	}
	b.low = low
	b.tell()
	b.wake()
	b.out.advance(low)
}

// wake lets all who wait look again. The caller holds b.mu.
func (b *batch) wake() {
	close(b.changed)
	b.changed = make(chan struct{})
}

// tell makes known what was learnt before the lowest frontier. The caller holds b.mu.
func (b *batch) tell() {
	b.news = slices.DeleteFunc(b.news, func(n news) bool {
		if b.free || b.low == nil || n.at.compare(b.low) < 0 {
			b.learn(n.host, n.state)
			return true
		}
		return false
	})
}

// publish makes known what h has learnt with its task at p, as soon as no host is before it.
func (b *batch) publish(p place, h *inventory.Host, s *vars.State) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.news = append(b.news, news{p, h, s})
	if b.free || b.total == 1 {
		b.tell()
	}
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
		b.front[host] = slices.Clone(p)
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

// fail counts a failed or unreachable host, and halts all where too many have
// failed. It gives the number of halts.
func (b *batch) fail(at place) int64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.failed++
	if b.maxFail >= 0 && float64(b.failed)*100 > b.maxFail*float64(b.total) {
		b.call(halt{at: at})
	}
	return b.halt.n
}

// stop halts all hosts after at. It gives the number of halts.
func (b *batch) stop(at place, ended bool) int64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.call(halt{at: at, ended: ended})
	return b.halt.n
}

// call makes h the halt. Several hosts that fail at one place make one halt. The caller holds b.mu.
func (b *batch) call(h halt) {
	if b.halt.n > 0 && h.ended == b.halt.ended && h.at.compare(b.halt.at) == 0 {
		return
	}
	h.n, h.at = b.halt.n+1, slices.Clone(h.at)
	b.halt = h
	b.wake()
}

// halted gives the halt that a host which has taken seen of them has to take before it goes on to p.
func (b *batch) halted(p place, seen int64) (halt, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.halt, b.halts(p, seen)
}

func (b *batch) halts(p place, seen int64) bool { return b.halt.n > seen && b.halt.at.compare(p) < 0 }

// wait returns when all hosts have come as far as p, or with errAborted at a halt before
// p. idle is called once when it has to wait.
func (b *batch) wait(ctx context.Context, p place, seen int64, idle func()) error {
	for {
		b.mu.Lock()
		ready := b.free || b.low == nil || b.low.compare(p) >= 0
		halts := b.halts(p, seen)
		changed := b.changed
		b.mu.Unlock()
		switch {
		case halts:
			return errAborted
		case ready:
			return nil
		}
		if idle != nil {
			idle()
			idle = nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// give leaves facts for another host, if it is of the batch.
func (b *batch) give(host string, g gift) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if _, ok := b.front[host]; ok {
		b.gifts[host] = append(b.gifts[host], g)
	}
}

// given takes what others have left for host.
func (b *batch) given(host string) []gift {
	b.mu.Lock()
	defer b.mu.Unlock()
	g := b.gifts[host]
	delete(b.gifts, host)
	return g
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
		// who is past p has taken another path and does not come by
		if i := slices.IndexFunc(b.order, func(h string) bool { return b.front[h].compare(p) == 0 }); i >= 0 && !b.free {
			leader = b.order[i]
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

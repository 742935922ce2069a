// Package engine runs playbooks on an inventory.
//
// The way of a run: [Run] takes the plays one after the other; a play's hosts
// go through it in batches (serial); in a batch each host has a worker. A
// worker's walk goes from task to task (cursor), evaluates what it needs on the
// controller (engine/jinja over engine/vars) and sends the task to the host's
// helper without waiting for the answer; its committer takes the answers in
// order and gives each task its verdict; what the batch's policy, a rescue
// section or a handler makes of it is decided there (pipeline, verdict). Hosts
// meet only in batch, which keeps them in step where Ansible's linear strategy
// would. What runs on a host is package apply, behind package wire.
//
// The engine knows no module by name: it is handed a table of them.
package engine

import (
	"context"
	"errors"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/hashicorp/go-multierror"
	"golang.org/x/sync/errgroup"

	"rp/engine/diag"
	"rp/engine/jinja"
	"rp/engine/module"
	"rp/engine/play"
	"rp/engine/report"
	"rp/engine/value"
	"rp/engine/vars"
	"rp/engine/wire"
	"rp/inventory"
)

// Config is all that a run is given. Fields without a word may be left empty.
type Config struct {
	ID        string // names the run in journals and locks
	Playbook  *play.Playbook
	Inventory *inventory.Inventory
	Loader    *play.Loader // for what is included while a play runs
	ExtraVars *value.Dict
	Env       *jinja.Env
	// Find gives the modules by any of their names.
	Find func(name string) (*module.Spec, bool)
	// Connect starts a helper on a host, or on the controller for a local connection, and
	// writes hello to it.
	Connect func(ctx context.Context, h *inventory.Host, c inventory.Connection, hello []byte) (Link, error)
	Sink    report.Sink
	// Files are the controller's files: the machine's, or the bundled playbook's.
	Files play.Source
	// Mask makes a secret unspeakable in everything that is reported.
	Mask func(secret string)
	// Prompt asks the person at the terminal; nil: there is none.
	Prompt func(ctx context.Context, text string, echo bool, seconds int) (string, bool, error)

	Check, Diff bool
	Forks       int // hosts that are worked on at once; 0: 50
	Tags        play.Selection
	// Limit keeps a play's hosts to those of --limit; nil: all.
	Limit     *inventory.Limit
	LimitText string
	StartAt   string // the name of the task to begin with
	Become    BecomeFlags
	Verbosity int
	WaitLock  int // seconds to wait for another run's lock
	User      string
	Force     bool // --force-handlers
}

// BecomeFlags are -b, --become-user, --become-method and -K.
type BecomeFlags struct {
	On           bool
	User, Method string
	Password     string
}

// Summary is how a run ended.
type Summary struct {
	Stats map[string]*report.Stats
	// Err gathers what went wrong outside of tasks: hosts that could not be reached, plays that could not begin.
	Err         error
	Interrupted bool
	Profile     report.Profile
	// As are the users that tasks ran as on each host, without their passwords: whose
	// journals hold the run.
	As map[string][]wire.Become
}

// The exit codes of rp, as Ansible's.
const (
	ExitOK          = 0
	ExitUsage       = 1
	ExitFailed      = 2
	ExitUnreachable = 4
	ExitInterrupted = 130
)

// Code is the exit code for s.
func (s Summary) Code() int {
	if s.Interrupted {
		return ExitInterrupted
	}
	code := ExitOK
	for _, st := range s.Stats {
		if st.Unreachable > 0 {
			return ExitUnreachable
		}
		if st.Failed > 0 {
			code = ExitFailed
		}
	}
	if code == ExitOK && s.Err != nil {
		return ExitUsage
	}
	return code
}

// errInterrupted ends a run at the user's wish.
var errInterrupted = errors.New("interrupted")

// run is a run under way.
type run struct {
	Config
	files files
	blobs *blobs
	forks chan struct{}
	// hard ends when even what is under way is to be left.
	hard context.Context
	// soft ends when nothing new is to be begun.
	soft    context.Context
	endSoft context.CancelCauseFunc

	mu          sync.Mutex
	stats       map[string]*report.Stats
	failed      map[string]bool // hosts that are out for the rest of the run
	unreachable map[string]bool
	sessions    map[string]*opening
	errs        *multierror.Error
	// first is the task to begin with (--start-at-task), skipPlays the number of plays before its own.
	first     *play.Task
	skipPlays int
	store     *vars.Store
	usedAs    map[string][]wire.Become
	reads     sync.Map // *play.Task → bool
	begun     time.Time
	// local is held by who writes on the controller for a host.
	local sync.Mutex
}

// opening is a session that is being opened, once for all who need it.
type opening struct {
	done chan struct{}
	s    *session
	err  error
}

// Run runs all plays. ctx ends everything at once; stop, when it is closed, ends
// the run after the changes under way.
func Run(ctx context.Context, c Config, stop <-chan struct{}) Summary {
	if c.Forks <= 0 {
		c.Forks = 50
	}
	if c.Files == nil {
		c.Files = play.OS()
	}
	if c.Mask == nil {
		c.Mask = func(string) {}
	}
	c.Sink = report.Locked(c.Sink) // warnings and beginnings come from all hosts at once
	r := &run{
		Config: c, files: files{c.Files}, blobs: newBlobs(), forks: make(chan struct{}, c.Forks), hard: ctx, stats: map[string]*report.Stats{},
		usedAs: map[string][]wire.Become{}, failed: map[string]bool{}, unreachable: map[string]bool{}, sessions: map[string]*opening{},
		begun: time.Now(),
	}
	r.soft, r.endSoft = context.WithCancelCause(ctx)
	defer r.endSoft(nil)
	r.store = vars.New(c.Inventory, vars.Run{
		CheckMode: c.Check, DiffMode: c.Diff, Forks: c.Forks, Verbosity: c.Verbosity,
		RunTags: c.Tags.Only, SkipTags: c.Tags.Skip, Limit: c.LimitText,
	}, c.ExtraVars)
	finished := make(chan struct{})
	defer close(finished)
	go func() {
		select {
		case <-stop:
			r.endSoft(errInterrupted)
			r.wakeAll()
		case <-finished:
		}
	}()
	if err := r.startAt(ctx); err != nil {
		return Summary{Err: err}
	}
	r.Sink.Emit(report.Event{Type: report.RunStart, At: time.Now(), Run: r.ID})
	for _, p := range c.Playbook.Plays[r.skipPlays:] {
		if r.stopping() || ctx.Err() != nil {
			break
		}
		err := r.play(ctx, p)
		r.first = nil // --start-at-task is for the play that has it
		if err != nil && !errors.Is(err, errInterrupted) && !errors.Is(err, errNoHostsLeft) {
			r.note(err)
		}
		if err != nil {
			break
		}
	}
	s := Summary{Stats: r.stats, Err: r.errs.ErrorOrNil(), Interrupted: r.stopping() || ctx.Err() != nil}
	s.Profile, s.As = r.profile(), r.usedAs
	r.closeAll()
	r.Sink.Emit(report.Event{Type: report.Recap, At: time.Now(), Run: r.ID, Stats: r.stats, Profile: &s.Profile, Took: time.Since(r.begun)})
	return s
}

func (r *run) stopping() bool { return r.soft.Err() != nil }

func (r *run) note(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.errs = multierror.Append(r.errs, err)
}

func (r *run) markFailed(host string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.failed[host] = true
}

func (r *run) markUnreachable(host string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.unreachable[host], r.failed[host] = true, true
}

func (r *run) isOut(host string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.failed[host]
}

// uses notes that something ran on host as b.
func (r *run) uses(host string, b wire.Become) {
	b.Password = ""
	r.mu.Lock()
	defer r.mu.Unlock()
	if !slices.Contains(r.usedAs[host], b) {
		r.usedAs[host] = append(r.usedAs[host], b)
	}
}

// removed are the names of the hosts that have failed or could not be reached.
func (r *run) removed() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Collect(maps.Keys(r.failed))
}

func (r *run) statsOf(host string) *report.Stats {
	r.mu.Lock()
	defer r.mu.Unlock()
	s, ok := r.stats[host]
	if !ok {
		s = &report.Stats{}
		r.stats[host] = s
	}
	return s
}

// batch runs a play on some of its hosts.
func (r *run) batch(ctx context.Context, ps *playState, hosts []*inventory.Host) error {
	names := make([]string, len(hosts))
	for i, h := range hosts {
		names[i] = h.Name
	}
	b := newBatch(names, ps.free, ps.maxFail, newOrderer(r.Sink, ps.free))
	b.learn = r.store.Restore
	ps.names, ps.contexts = r.playNames(ps, hosts), contexts{}
	learnt := make([]*vars.State, len(hosts))
	var group errgroup.Group
	for i, h := range hosts {
		learnt[i] = r.store.State(h)
		w := &worker{
			r: r, b: b, host: h, play: ps.play, stats: r.statsOf(h.Name), pipe: newPipeline(), slot: &slot{forks: r.forks},
			cur: newCursor(ps.sections), facts: learnt[i], handlers: ps.play.Handlers, title: ps.title, ps: ps,
		}
		group.Go(func() error {
			if err := w.slot.acquire(ctx); err != nil {
				b.leave(h.Name)
				return err
			}
			defer w.slot.release()
			defer func() {
				w.takeGifts()
				learnt[i] = w.facts
			}()
			return w.run(ctx)
		})
	}
	err := group.Wait()
	for i, h := range hosts {
		r.store.Restore(h, learnt[i])
	}
	b.out.advance(nil)
	return err
}

// slot is a host's place among the forks.
type slot struct {
	forks chan struct{}
	mu    sync.Mutex
	held  bool
}

// acquire waits for a place.
func (s *slot) acquire(ctx context.Context) error {
	s.mu.Lock()
	if s.held {
		s.mu.Unlock()
		return nil
	}
	s.mu.Unlock()
	select {
	case s.forks <- struct{}{}:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.held { // the walk and the committer both waited
		<-s.forks
	}
	s.held = true
	return nil
}

func (s *slot) release() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.held {
		s.held = false
		<-s.forks
	}
}

// sessionFor is the conversation with a host, opened when it is first needed.
func (r *run) sessionFor(ctx context.Context, h *inventory.Host, settings func() (inventory.Connection, error)) (*session, error) {
	r.mu.Lock()
	o, ok := r.sessions[h.Name]
	if ok && o.over() { // it is tried anew, for a task that may be done all the same (ignore_unreachable)
		ok = false
	}
	if !ok {
		o = &opening{done: make(chan struct{})}
		r.sessions[h.Name] = o
	}
	r.mu.Unlock()
	if !ok {
		go func() {
			defer close(o.done)
			o.s, o.err = r.open(h, settings)
		}()
	}
	select {
	case <-o.done:
		return o.s, o.err
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	case <-r.soft.Done():
		return nil, errInterrupted
	}
}

// over reports whether o has failed or was lost since.
func (o *opening) over() bool {
	select {
	case <-o.done:
		return o.err != nil || o.s.isLost()
	default:
		return false
	}
}

func (r *run) open(h *inventory.Host, settings func() (inventory.Connection, error)) (*session, error) {
	c, err := settings()
	if err != nil {
		return nil, err
	}
	begun := time.Now()
	hello, err := wire.Frame(wire.THello, wire.Hello{
		Version: wire.Version, Run: r.ID, Host: h.Name, User: r.User, Predict: r.Check, Wait: r.WaitLock,
	})
	if err != nil {
		return nil, err
	}
	link, err := r.Connect(r.hard, h, c, hello)
	if err != nil {
		return nil, err
	}
	s, err := openSession(h.Name, link, r.blobs)
	if err != nil {
		link.Close()
		return nil, err
	}
	s.took = time.Since(begun)
	r.uses(h.Name, wire.Become{User: s.ready.User}) // whose journal undo has to look into, whoever it logs in as
	return s, nil
}

func (r *run) closeAll() {
	r.mu.Lock()
	defer r.mu.Unlock()
	var wg sync.WaitGroup
	for _, o := range r.sessions {
		select {
		case <-o.done:
		default:
			continue
		}
		if o.s != nil {
			wg.Go(o.s.close)
		}
	}
	wg.Wait()
}

func (r *run) profile() report.Profile {
	r.mu.Lock()
	defer r.mu.Unlock()
	p := report.Profile{Hosts: map[string]report.HostProfile{}, Wall: time.Since(r.begun)}
	for name, o := range r.sessions {
		select {
		case <-o.done:
			if o.s != nil {
				p.Hosts[name] = o.s.profile()
			}
		default:
		}
	}
	return p
}

// wakeAll tells the helpers to begin nothing more.
func (r *run) wakeAll() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, o := range r.sessions {
		select {
		case <-o.done:
			if o.s != nil {
				o.s.dropAll()
			}
		default:
		}
	}
}

func (r *run) loadVars(path string) (*value.Dict, diag.List) { return r.Loader.LoadVars(path) }

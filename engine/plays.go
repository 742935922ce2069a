package engine

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"rp/engine/diag"
	"rp/engine/jinja"
	"rp/engine/play"
	"rp/engine/report"
	"rp/engine/value"
	"rp/engine/vars"
	"rp/inventory"
)

// playState is a play under way.
type playState struct {
	play      *play.Play
	title     string
	free      bool
	maxFail   float64
	sections  [][]play.Node
	hosts     []*inventory.Host // all of the play
	over      atomic.Bool       // meta: end_play
	filesVars *value.Dict
	names     *vars.Play // of the batch at work
	contexts  contexts
}

// play runs one play on its hosts, batch by batch.
func (r *run) play(ctx context.Context, p *play.Play) error {
	ps, err := r.preparePlay(ctx, p)
	if err != nil {
		return err
	}
	r.Sink.Emit(report.Event{Type: report.PlayStart, At: time.Now(), Run: r.ID, Play: ps.title, Pos: p.Pos, Hosts: hostNamesOf(ps.hosts)})
	if len(ps.hosts) == 0 {
		r.Sink.Emit(report.Event{Type: report.NoHosts, Run: r.ID, Play: ps.title, Pos: p.HostsPos})
		return nil
	}
	batches, err := r.batches(ctx, ps)
	if err != nil {
		return err
	}
	failed := false
	for _, hosts := range batches {
		if hosts = r.still(hosts); len(hosts) == 0 {
			continue
		}
		if err := r.batch(ctx, ps, hosts); err != nil {
			return err
		}
		left := r.still(hosts)
		if len(left) == 0 || ps.over.Load() {
			failed = len(left) == 0 // as in Ansible: a batch that failed as a whole ends the run
			break
		}
	}
	if failed || len(r.still(ps.hosts)) == 0 {
		r.Sink.Emit(report.Event{Type: report.NoMoreHosts, Run: r.ID, Play: ps.title})
		return errNoHostsLeft
	}
	return nil
}

// errNoHostsLeft ends a run whose hosts have all failed. The recap says it all.
var errNoHostsLeft = errors.New("no hosts left")

func hostNamesOf(hosts []*inventory.Host) []string {
	names := make([]string, len(hosts))
	for i, h := range hosts {
		names[i] = h.Name
	}
	return names
}

// still are those of hosts that have not failed.
func (r *run) still(hosts []*inventory.Host) []*inventory.Host {
	var left []*inventory.Host
	for _, h := range hosts {
		if !r.isOut(h.Name) {
			left = append(left, h)
		}
	}
	return left
}

func (r *run) preparePlay(ctx context.Context, p *play.Play) (*playState, error) {
	sc := r.global(p)
	ps := &playState{play: p, title: r.title(ctx, p.Name, sc), maxFail: -1}
	patterns, err := r.patterns(ctx, p, sc)
	if err != nil {
		return nil, atPlace(p.HostsPos, err)
	}
	if ps.title == "" {
		ps.title = strings.Join(patterns, ",")
	}
	hosts, ds := r.Inventory.Select(patterns, r.Limit)
	r.warnings(ds)
	if ds.Failed() {
		return nil, ds.Err()
	}
	if ps.hosts, err = r.ordered(ctx, p, hosts, sc); err != nil {
		return nil, err
	}
	ps.hosts = r.still(ps.hosts)
	if err := r.policy(ctx, ps, sc); err != nil {
		return nil, err
	}
	r.warnings(r.Inventory.AddPlaybookDir(p.Dir))
	if err := r.playVars(ctx, ps); err != nil {
		return nil, err
	}
	gather, err := r.gatherTask(ctx, p, sc)
	if err != nil {
		return nil, err
	}
	ps.sections = [][]play.Node{gather}
	s := p.Sections()
	// roles and tasks share their flush: handlers run after both
	ps.sections = append(ps.sections, s[0], append(append([]play.Node{}, s[1]...), s[2]...), s[3])
	return ps, nil
}

func atPlace(pos diag.Pos, err error) error {
	return diag.List{{Pos: pos, Message: err.Error()}}
}

func (r *run) warnings(ds diag.List) {
	for _, d := range ds {
		if d.Severity == diag.Warning {
			r.Sink.Emit(report.Event{Type: report.Warning, Run: r.ID, Pos: d.Pos, Msg: d.Message})
		}
	}
}

// patterns are the play's host patterns, rendered.
func (r *run) patterns(ctx context.Context, p *play.Play, sc scope) ([]string, error) {
	v, err := jinja.Render(ctx, r.Env, sc, p.Hosts)
	if err != nil {
		return nil, fmt.Errorf("hosts: %w", err)
	}
	items := []any{v}
	if l, ok := v.(*value.List); ok {
		items = l.Items
	}
	var out []string
	for _, e := range items {
		if inner, ok := e.(*value.List); ok {
			for _, x := range inner.Items {
				out = append(out, r.text(x))
			}
			continue
		}
		out = append(out, r.text(e))
	}
	return out, nil
}

func (r *run) ordered(ctx context.Context, p *play.Play, hosts []*inventory.Host, sc scope) ([]*inventory.Host, error) {
	if p.Order == nil {
		return hosts, nil
	}
	v, err := jinja.Render(ctx, r.Env, sc, p.Order)
	if err != nil {
		return nil, fmt.Errorf("order: %w", err)
	}
	return inventory.Order(hosts, r.text(v))
}

// policy reads strategy and max_fail_percentage.
func (r *run) policy(ctx context.Context, ps *playState, sc scope) error {
	if ps.play.Strategy != nil {
		v, err := jinja.Render(ctx, r.Env, sc, ps.play.Strategy)
		if err != nil {
			return fmt.Errorf("strategy: %w", err)
		}
		switch s := r.text(v); strings.TrimPrefix(s, "ansible.builtin.") {
		case "linear":
		case "free":
			ps.free = true
		default:
			return atPlace(ps.play.Pos, fmt.Errorf("strategy %q is not supported yet (linear and free are)", s))
		}
	}
	if ps.play.MaxFailPercentage == nil {
		return nil
	}
	n, err := r.numberOf(ctx, ps.play.MaxFailPercentage, sc)
	if err != nil {
		return fmt.Errorf("max_fail_percentage: %w", err)
	}
	ps.maxFail = n
	return nil
}

// batches cuts a play's hosts by serial: numbers and percentages, the last one repeated.
func (r *run) batches(ctx context.Context, ps *playState) ([][]*inventory.Host, error) {
	if len(ps.play.Serial) == 0 {
		return [][]*inventory.Host{ps.hosts}, nil
	}
	sc := r.global(ps.play)
	var sizes []int
	for _, s := range ps.play.Serial {
		v, err := jinja.Render(ctx, r.Env, sc, s)
		if err != nil {
			return nil, fmt.Errorf("serial: %w", err)
		}
		items := []any{v}
		if l, ok := v.(*value.List); ok {
			items = l.Items
		}
		for _, e := range items {
			n, err := batchSize(r.text(e), len(ps.hosts))
			if err != nil {
				return nil, atPlace(ps.play.Pos, err)
			}
			sizes = append(sizes, n)
		}
	}
	var out [][]*inventory.Host
	rest := ps.hosts
	for i := 0; len(rest) > 0; i++ {
		n := sizes[min(i, len(sizes)-1)]
		if n <= 0 || n > len(rest) {
			n = len(rest)
		}
		out, rest = append(out, rest[:n]), rest[n:]
	}
	return out, nil
}

func batchSize(s string, hosts int) (int, error) {
	if p, ok := strings.CutSuffix(strings.TrimSpace(s), "%"); ok {
		f, err := strconv.ParseFloat(p, 64)
		if err != nil {
			return 0, fmt.Errorf("serial: %q is no percentage", s)
		}
		return max(1, int(math.Floor(f/100*float64(hosts)))), nil
	}
	n, err := strconv.Atoi(strings.TrimSpace(s))
	if err != nil {
		return 0, fmt.Errorf("serial: %q is neither a number nor a percentage", s)
	}
	return n, nil
}

// gatherAction is the name by which the task that gathers facts goes.
const gatherAction = "gather_facts"

// gatherTask is the task that gathers facts at a play's start, unless gather_facts says no.
func (r *run) gatherTask(ctx context.Context, p *play.Play, sc scope) ([]play.Node, error) {
	gather := true
	if p.GatherFacts != nil {
		var err error
		if gather, err = r.boolOf(ctx, p.GatherFacts, sc); err != nil {
			return nil, fmt.Errorf("gather_facts: %w", err)
		}
	}
	spec, ok := r.Find("setup")
	if !gather || !ok {
		return nil, nil
	}
	t := &play.Task{Module: spec.Name, Action: gatherAction, Args: value.NewDict(), Play: p}
	t.Name, t.Pos = "Gathering Facts", p.Pos
	t.Tags = []string{"always"}
	return []play.Node{t}, nil
}

// force reports whether a failed host's handlers are to run.
func (r *run) force(w *worker) bool {
	if r.Force {
		return true
	}
	on, err := r.boolOf(w.ctx, w.play.ForceHandlers, r.global(w.play))
	return err == nil && on
}

// hostNames are the names of the hosts of inv that pattern matches.
func hostNames(inv *inventory.Inventory, pattern string) ([]any, error) {
	if inv == nil {
		return nil, errors.New("there is no inventory")
	}
	hosts, ds := inv.Match(pattern)
	if ds.Failed() {
		return nil, ds.Err()
	}
	out := make([]any, len(hosts))
	for i, h := range hosts {
		out[i] = h.Name
	}
	return out, nil
}

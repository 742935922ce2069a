package host

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"rp/engine/state"
)

func init() {
	register("transaction", kind{read: readSimulations, imagine: imagineSimulation})
}

// simulation asks what bringing a package to its wanted state does besides. It
// is read by plans only and never leaves this process.
type simulation struct {
	Want  state.Package
	Steps state.Value[[]step]
	// Refused is why the package manager would not do it; "" where it would.
	Refused state.Value[string]
	// Lead: this package is the first of those wanted together, and what they bring along is told with it.
	Lead state.Value[bool]
	// Older: the version that would be installed is older than the one that is there.
	Older state.Value[bool]
}

// Key implements [state.State].
func (s simulation) Key() state.Key { return state.Key{Kind: "transaction", Name: s.Want.Name} }

func readSimulations(ctx context.Context, l *Linux, ss []state.State) ([]state.State, error) {
	out := make([]state.State, len(ss))
	for i, s := range ss {
		q := s.(simulation)
		m, err := l.packages(q.Want.Manager)
		if err != nil {
			return nil, err
		}
		all := l.together(q.Want)
		steps, err := l.simulateOnce(ctx, m, all)
		var no refusal
		switch {
		case errors.As(err, &no):
			q.Steps, q.Refused, q.Lead, q.Older = state.Is([]step(nil)), state.Is(no.said), state.Is(false), state.Is(false)
		case errors.Is(err, errUnsure):
			out[i] = state.Obscure(q, "")
			continue
		case err != nil:
			return nil, err
		default:
			q.Steps, q.Refused, q.Lead = state.Is(steps), state.Is(""), state.Is(all[0].Name == q.Want.Name)
			q.Older = state.Is(slices.ContainsFunc(steps, func(st step) bool {
				return sameName(st.Name, q.Want.Name) && st.From != "" && st.To != "" && m.compare(st.To, st.From) < 0
			}))
		}
		out[i] = q
	}
	return out, nil
}

// lastSimulation keeps the last answer: the packages of a task are planned one by one.
type lastSimulation struct {
	key   string
	steps []step
	err   error
}

func (l *Linux) simulateOnce(ctx context.Context, m packages, all []state.Package) ([]step, error) {
	at, err := m.updated()
	if err != nil {
		return nil, err
	}
	key := fmt.Sprintf("%d %T %+v", at, m, all)
	if v, ok := simulations.Load(l); ok && v.(lastSimulation).key == key {
		return v.(lastSimulation).steps, v.(lastSimulation).err
	}
	steps, err := m.simulate(ctx, newTransaction(all))
	if ctx.Err() == nil {
		simulations.Store(l, lastSimulation{key, steps, err})
	}
	return steps, err
}

// sameName compares package names without architectures (libc6:i386).
func sameName(a, b string) bool {
	a, _, _ = strings.Cut(a, ":")
	b, _, _ = strings.Cut(b, ":")
	return a == b
}

func planPackage(ctx context.Context, r Reader, c state.Change) (state.Change, error) {
	from, to := c.From.(state.Package), c.To.(state.Package)
	if !from.Present.IsKnown() || to.Present.IsUnknown() {
		return c, nil
	}
	got, err := r.Read(ctx, simulation{Want: to})
	if err != nil {
		return c, fmt.Errorf("cannot tell what package %q would bring along: %w", to.Name, err)
	}
	s, ok := got[0].(simulation)
	if !ok {
		return c, fmt.Errorf("cannot tell what package %q would bring along: got a %T", to.Name, got[0])
	}
	verb := "install"
	if !to.Present.Or(true) {
		verb = "remove"
	}
	if no := s.Refused.Or(""); no != "" {
		return c, fmt.Errorf("cannot %s package %q: %s", verb, to.Name, no)
	}
	if s.Older.Or(false) && !to.AllowDowngrade {
		return c, fmt.Errorf("cannot install version %s of package %q: the newer %s is installed (allow_downgrade permits it)", to.Version, to.Name, from.Version)
	}
	return foldSteps(c, s), nil
}

// foldSteps takes the version of the package itself from the simulation, and what it brings along.
func foldSteps(c state.Change, s simulation) state.Change {
	from, to := c.From.(state.Package), c.To.(state.Package)
	steps, known := s.Steps.Get()
	if !known {
		if to.Present.Or(true) && !to.Version.IsKnown() && (!from.Present.Or(false) || to.Latest) {
			to.Version = state.Unknown[state.Version](s.Steps.After())
			c.To = to
		}
		return c
	}
	own := false
	for _, st := range steps {
		switch {
		case sameName(st.Name, to.Name):
			own = true
			if st.To != "" {
				to.Version = state.Is(state.Version(st.To))
			}
		case s.Lead.Or(false):
			c.With = append(c.With, st.change(to.Manager))
		}
	}
	if !own && to.Latest && from.Present.Or(false) {
		to.Version = from.Version
	}
	c.To = to
	return c
}

func (st step) change(manager string) state.Change {
	from := state.Package{Name: st.Name, Manager: manager, Present: state.Is(st.From != "")}
	to := state.Package{Name: st.Name, Manager: manager, Present: state.Is(st.To != "")}
	if st.From != "" {
		from.Version = state.Is(state.Version(st.From))
	}
	if st.To != "" {
		to.Version = state.Is(state.Version(st.To))
	}
	from.Purge = st.Clean
	return state.Change{From: from, To: to}
}

// indexPaths are where package managers have their sources; where a file below
// them is predicted, what they offer is not known yet.
var indexPaths = []string{"/etc/apt", "/etc/yum.repos.d", "/etc/yum.conf", "/etc/dnf", "/etc/zypp", "/etc/pacman.conf", "/etc/pacman.d", "/etc/apk"}

// imagineSimulation is what the real machine says, unless an earlier task may change what its index offers.
func imagineSimulation(_ context.Context, v *View, _, base state.State) (state.State, error) {
	s := base.(simulation)
	if d, ok := v.mem.deed("Refresh"); ok {
		return state.Obscure(s, d.task), nil
	}
	for _, e := range v.mem.all("file") {
		for _, p := range indexPaths {
			if name := e.s.Key().Name; name == p || strings.HasPrefix(name, p+"/") {
				return state.Obscure(s, e.task), nil
			}
		}
	}
	steps, known := s.Steps.Get()
	if !known {
		return s, nil
	}
	predicted := map[string]entry{}
	for _, e := range v.mem.all("package") {
		predicted[e.s.Key().Name] = e
		if state.AnyUnknown(e.s) { // what that one brings along may be among the steps
			return state.Obscure(s, e.task), nil
		}
	}
	s.Steps = state.Is(slices.DeleteFunc(slices.Clone(steps), func(st step) bool {
		e, ok := predicted[st.Name]
		return ok && e.s.(state.Package).Present.Or(false) == (st.To != "") && !sameName(st.Name, s.Want.Name)
	}))
	return s, nil
}

// imaginePackage: a package that is not there may come along with one that was
// predicted without knowing what it brings.
func imaginePackage(_ context.Context, v *View, asked, base state.State) (state.State, error) {
	p := base.(state.Package)
	if p.Present.Or(true) {
		return p, nil
	}
	for _, e := range v.mem.all("package") {
		q := e.s.(state.Package)
		if q.Name != p.Name && q.Present.Or(true) && (q.Version.IsUnknown() || !q.Version.IsSet()) {
			return state.Obscure(asked, e.task), nil
		}
	}
	return p, nil
}

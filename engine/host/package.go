package host

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"rp/engine/state"
)

func init() {
	register("package", kind{read: readPackages, plan: planPackage, write: writePackages, imagine: imaginePackage})
	register("index", kind{read: readIndexes})
	registerEvent("Refresh", event{do: doRefresh})
}

const (
	// packageTimeout bounds one transaction: large ones on slow lines take long.
	packageTimeout = 2 * time.Hour
	// refreshTimeout bounds fetching an index.
	refreshTimeout = 20 * time.Minute
	// simulateTimeout bounds asking what a transaction would do.
	simulateTimeout = 5 * time.Minute
	packagePoll     = 2 * time.Second
)

// packages is one package manager.
type packages interface {
	// read says of each which of it is installed.
	read(ctx context.Context, ps []state.Package) ([]state.Package, error)
	// simulate says what t would do, without changing anything on the disk, or why it would fail (refusal).
	simulate(ctx context.Context, t transaction) (steps []step, err error)
	write(ctx context.Context, t transaction) error
	refresh(ctx context.Context, wait time.Duration) error
	// updated is when the index was last fetched, in seconds since 1970; 0 for never.
	updated() (int64, error)
	// compare orders two versions.
	compare(a, b string) int
}

// transaction is what is wanted of the package manager at once.
type transaction struct {
	install, remove                                 []state.Package
	purge, autoRemove, noRecommends, allowDowngrade bool
	lockTimeout                                     time.Duration
}

func newTransaction(ps []state.Package) transaction {
	var t transaction
	for _, p := range ps {
		if p.Present.Or(true) {
			t.install = append(t.install, p)
		} else {
			t.remove = append(t.remove, p)
		}
		t.purge = t.purge || p.Purge
		t.autoRemove = t.autoRemove || p.AutoRemove
		t.noRecommends = t.noRecommends || p.NoRecommends
		t.allowDowngrade = t.allowDowngrade || p.AllowDowngrade
		t.lockTimeout = max(t.lockTimeout, time.Duration(p.LockTimeout)*time.Second)
	}
	return t
}

// step is one package that a transaction installs, changes or removes.
type step struct {
	Name string
	// From and To are versions; "" for not installed.
	From, To string
	// Clean: nothing of the package was there before, not even its configuration.
	Clean bool
}

// refusal is a package manager's reason not to do a transaction, as it said it.
type refusal struct{ said string }

func (r refusal) Error() string { return r.said }

// errUnsure: what a transaction would do cannot be told without changing something.
var errUnsure = errors.New("the package manager cannot tell in advance")

func (l *Linux) packages(manager string) (packages, error) {
	if manager == "" {
		manager = l.packageManager()
	}
	switch manager {
	case "apt":
		return &apt{l: l}, nil
	case "dnf", "dnf5", "yum":
		return &dnf{l: l, tool: l.dnfTool(manager)}, nil
	case "zypper":
		return &zypper{l: l}, nil
	case "pacman":
		return &pacman{l: l}, nil
	case "apk":
		return &apk{l: l}, nil
	case "":
		return nil, errors.New("this host has no package manager that rp knows (apt, dnf, yum, zypper, pacman, apk)")
	}
	return nil, fmt.Errorf("there is no package manager %q", manager)
}

// byManager does fn for the states of each manager that they name.
func byManager(ss []state.State, fn func(manager string, ps []state.Package, at []int) error) error {
	at := map[string][]int{}
	var managers []string
	for i, s := range ss {
		m := s.(state.Package).Manager
		if _, ok := at[m]; !ok {
			managers = append(managers, m)
		}
		at[m] = append(at[m], i)
	}
	for _, m := range managers {
		var ps []state.Package
		for _, i := range at[m] {
			ps = append(ps, ss[i].(state.Package))
		}
		if err := fn(m, ps, at[m]); err != nil {
			return err
		}
	}
	return nil
}

func readPackages(ctx context.Context, l *Linux, ss []state.State) ([]state.State, error) {
	out := make([]state.State, len(ss))
	err := byManager(ss, func(manager string, ps []state.Package, at []int) error {
		m, err := l.packages(manager)
		if err != nil {
			return fmt.Errorf("cannot read the package %q: %w", ps[0].Name, err)
		}
		got, err := m.read(ctx, ps)
		if err != nil {
			return fmt.Errorf("cannot read the package %q: %w", ps[0].Name, err)
		}
		for j, i := range at {
			out[i] = got[j]
		}
		l.noteWanted(manager, ps, got)
		return nil
	})
	return out, err
}

// wantedTogether is what was last asked for of a manager and is not so: the
// packages of one task are read together, then planned one by one, then written
// together, so that what one of them brings along is told by simulating all.
var wantedTogether sync.Map // wantedKey → []state.Package

// simulations keeps the last simulation of each host.
var simulations sync.Map // *Linux → lastSimulation

type wantedKey struct {
	l       *Linux
	manager string
}

func (l *Linux) noteWanted(manager string, asked, have []state.Package) {
	var want []state.Package
	for i, p := range asked {
		if (p.Present.IsSet() || p.Version.IsSet()) && (state.Change{From: have[i], To: p}).Needed() {
			want = append(want, p)
		}
	}
	if len(want) > 0 {
		wantedTogether.Store(wantedKey{l, manager}, want)
	}
}

// together are the packages that p is wanted with, p's own want taken from p.
func (l *Linux) together(p state.Package) []state.Package {
	v, _ := wantedTogether.Load(wantedKey{l, p.Manager})
	ps, _ := v.([]state.Package)
	at := slices.IndexFunc(ps, func(w state.Package) bool { return w.Name == p.Name })
	if at < 0 {
		return []state.Package{p}
	}
	ps = slices.Clone(ps)
	ps[at] = p
	return ps
}

func writePackages(ctx context.Context, l *Linux, cs []state.Change) error {
	tos := make([]state.State, len(cs))
	for i, c := range cs {
		tos[i] = c.To
	}
	// a transaction that has begun is brought to its end: a package manager cut off in the middle leaves a broken host
	ctx = context.WithoutCancel(ctx)
	return byManager(tos, func(manager string, ps []state.Package, at []int) error {
		m, err := l.packages(manager)
		if err != nil {
			return err
		}
		for _, i := range at { // what an undo removes goes with what came along with it
			ps = append(ps, broughtAlong(cs[i])...)
		}
		t := newTransaction(ps)
		if err := m.write(ctx, t); err != nil {
			return fmt.Errorf("cannot %s: %w", t.words(), err)
		}
		return nil
	})
}

// broughtAlong are the removals beside the removal c.
func broughtAlong(c state.Change) []state.Package {
	var ps []state.Package
	if c.To.(state.Package).Present.Or(true) {
		return nil
	}
	for _, w := range c.With {
		if p, ok := w.To.(state.Package); ok && !p.Present.Or(true) {
			ps = append(ps, p)
		}
	}
	return ps
}

// words says what t is to do: "install nginx, curl and remove apache2".
func (t transaction) words() string {
	var parts []string
	add := func(verb string, ps []state.Package) {
		if len(ps) == 0 {
			return
		}
		var names []string
		for _, p := range ps {
			names = append(names, p.Name)
		}
		parts = append(parts, verb+" "+strings.Join(names, ", "))
	}
	add("install", t.install)
	add("remove", t.remove)
	return strings.Join(parts, " and ")
}

func readIndexes(_ context.Context, l *Linux, ss []state.State) ([]state.State, error) {
	out := make([]state.State, len(ss))
	for i, s := range ss {
		q := s.(state.PackageIndex)
		m, err := l.packages(q.Manager)
		if err != nil {
			return nil, fmt.Errorf("cannot tell how old the package index is: %w", err)
		}
		at, err := m.updated()
		if err != nil {
			return nil, fmt.Errorf("cannot tell how old the package index is: %w", err)
		}
		q.Updated = state.Is(at)
		out[i] = q
	}
	return out, nil
}

func doRefresh(ctx context.Context, l *Linux, e state.Event) (state.Outcome, error) {
	r := e.(state.Refresh)
	m, err := l.packages(r.Manager)
	if err == nil {
		err = m.refresh(ctx, time.Duration(r.LockTimeout)*time.Second)
	}
	if err != nil {
		return state.Outcome{}, fmt.Errorf("cannot refresh the package index: %w", err)
	}
	at, err := m.updated()
	if err != nil {
		return state.Outcome{}, fmt.Errorf("cannot tell how old the package index is: %w", err)
	}
	return state.Outcome{Fields: map[string]any{"cache_updated": true, "cache_update_time": at}}, nil
}

// waitForLock runs try again while another process holds the manager's lock, for up to wait.
func waitForLock(ctx context.Context, wait time.Duration, try func() (locked bool, err error)) error {
	end := time.Now().Add(wait)
	for {
		locked, err := try()
		if !locked || !time.Now().Before(end) {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(packagePoll):
		}
	}
}

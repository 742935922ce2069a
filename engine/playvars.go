package engine

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"

	"rp/engine/jinja"
	"rp/engine/play"
	"rp/engine/value"
	"rp/engine/vars"
	"rp/inventory"
)

// setFacts sets variables on the worker's host at the level of what brought
// them: facts, include_vars, set_fact, or cacheable (set_fact, and facts besides).
func (w *worker) setFacts(d *value.Dict, level string) { w.facts = takeFacts(w.facts, d, level) }

// gift is facts that one host leaves for another (delegate_facts), and their level.
type gift struct {
	facts *value.Dict
	level string
}

// giveFacts sets variables on another host.
func (w *worker) giveFacts(h *inventory.Host, g gift) {
	w.b.give(h.Name, g)
	w.r.store.Update(h, func(s *vars.State) *vars.State { return takeFacts(s, g.facts, g.level) })
}

// takeGifts takes what other hosts have left for this one.
func (w *worker) takeGifts() {
	for _, g := range w.b.given(w.host.Name) {
		w.setFacts(g.facts, g.level)
	}
}

func takeFacts(s *vars.State, d *value.Dict, level string) *vars.State {
	switch level {
	case "facts":
		return s.WithFacts(d)
	case "include_vars":
		return s.WithIncluded(d)
	case "cacheable":
		return s.WithSet(d, true)
	}
	return s.WithSet(d, false)
}

// playVars reads the play's vars_files and gathers what its roles show to all its tasks.
func (r *run) playVars(ctx context.Context, ps *playState) error {
	ps.filesVars = value.NewDict()
	sc := r.global(ps.play)
	for _, f := range ps.play.VarsFiles {
		d := f.Loaded
		if d == nil {
			var err error
			if d, err = r.varsFile(ctx, ps.play, f, sc); err != nil {
				return atPlace(f.Pos, err)
			}
		}
		merge(ps.filesVars, d)
	}
	return nil
}

func merge(into, from *value.Dict) {
	if from == nil {
		return
	}
	for k, v := range from.All() {
		into.Set(k, v)
	}
}

// varsFile reads the first of an entry's files that is there.
func (r *run) varsFile(ctx context.Context, p *play.Play, f play.VarsFile, sc scope) (*value.Dict, error) {
	var looked []string
	for _, path := range f.Paths {
		v, err := jinja.Render(ctx, r.Env, sc, path)
		if err != nil {
			return nil, fmt.Errorf("vars_files: %w", err)
		}
		name := r.text(v)
		dirs := []string{""}
		if !filepath.IsAbs(name) {
			dirs = p.SearchPath("vars")
		}
		for _, dir := range dirs {
			full := filepath.Join(dir, name)
			if _, err := r.Files.Stat(full); err != nil {
				looked = append(looked, full)
				continue
			}
			d, ds := r.Loader.LoadVars(full)
			r.warnings(ds)
			return d, ds.Err()
		}
	}
	return nil, fmt.Errorf("cannot find a file of vars_files; looked at %s", strings.Join(looked, ", "))
}

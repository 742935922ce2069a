package engine

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"

	"rp/engine/jinja"
	"rp/engine/play"
	"rp/engine/value"
)

// known is what the run has learned of a host.
func (r *run) known(host string) hostVars {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.learned[host]
}

func (r *run) keep(host string, v hostVars) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.learned[host] = v
}

// setFacts sets variables on the worker's host, or with delegate_facts on the
// host that the task was delegated to.
func (w *worker) setFacts(j *job, d *value.Dict, level string) {
	w.facts = w.facts.take(d, level)
	w.r.keep(w.host.Name, w.facts)
}

// takeFacts takes what a run_once task on another host brought.
func (w *worker) takeFacts(d *value.Dict, level string) {
	w.facts = w.facts.take(d, level)
	w.r.keep(w.host.Name, w.facts)
}

// playVars reads the play's vars_files and gathers what its roles show to all its tasks.
func (r *run) playVars(ctx context.Context, ps *playState) error {
	ps.filesVars, ps.roleVars, ps.roleDefaults = value.NewDict(), value.NewDict(), value.NewDict()
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
	for _, role := range ps.play.Roles {
		merge(ps.roleVars, role.ExportedVars())
		merge(ps.roleDefaults, role.AllDefaults())
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

package engine

import (
	"context"
	"fmt"
	"path"
	"strings"

	"rp/engine/diag"
	"rp/engine/play"
)

// startAt finds the task that --start-at-task names, as itself, as "role : task" or by
// a pattern, among those that are known before the run: not in what is included while
// it runs, nor in rescue sections. Plays before its own are left out; in its own, facts are
// gathered, and each host begins with it.
func (r *run) startAt(ctx context.Context) error {
	if r.StartAt == "" {
		return nil
	}
	var names []string
	for i, p := range r.Playbook.Plays {
		sc := r.global(p)
		for _, section := range p.Sections() {
			for t := range reachable(section) {
				name := r.title(ctx, t.Name, sc)
				if name == "" {
					name = t.Action
				}
				if r.startsWith(name) || t.Role != nil && r.startsWith(t.Role.Name+" : "+name) {
					r.first, r.skipPlays = t, i
					return nil
				}
				names = append(names, name)
			}
		}
	}
	err := fmt.Errorf("no task is called %q (--start-at-task)", r.StartAt)
	if near := diag.Suggest(r.StartAt, names); near != "" {
		err = fmt.Errorf("%w; did you mean %q?", err, near)
	}
	return err
}

func (r *run) startsWith(name string) bool {
	if name == r.StartAt {
		return true
	}
	flat := strings.NewReplacer("/", "\x00") // in a name a slash is nothing special
	ok, err := path.Match(flat.Replace(r.StartAt), flat.Replace(name))
	return err == nil && ok
}

// reachable goes through the tasks that are met when none fails.
func reachable(nodes []play.Node) func(yield func(*play.Task) bool) {
	return func(yield func(*play.Task) bool) { reach(nodes, yield) }
}

func reach(nodes []play.Node, yield func(*play.Task) bool) bool {
	for _, n := range nodes {
		switch n := n.(type) {
		case *play.Task:
			if !yield(n) {
				return false
			}
		case *play.Block:
			if !reach(n.Body, yield) || !reach(n.Always, yield) {
				return false
			}
		}
	}
	return true
}

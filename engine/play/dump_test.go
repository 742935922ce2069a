package play_test

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"rp/engine/play"
	"rp/engine/value"
)

// dump writes the tree as the golden files hold it: a line a node, what is
// inherited as it arrives at the task.
func dump(w io.Writer, pb *play.Playbook) {
	for _, p := range pb.Plays {
		fmt.Fprintf(w, "play %s hosts=%s at %s%s\n", show(p.Name), show(p.Hosts), p.Pos, level(&p.Level))
		fields := []any{"gather_facts", p.GatherFacts, "strategy", p.Strategy, "order", p.Order, "max_fail_percentage", p.MaxFailPercentage, "force_handlers", p.ForceHandlers}
		for i := 0; i < len(fields); i += 2 {
			if fields[i+1] != nil && fields[i+1] != "linear" {
				fmt.Fprintf(w, "  %s=%s\n", fields[i], show(fields[i+1]))
			}
		}
		if p.Serial != nil {
			fmt.Fprintf(w, "  serial=%s\n", list(p.Serial))
		}
		for _, f := range p.VarsFiles {
			fmt.Fprintf(w, "  vars_file %s → %s %s\n", list(f.Paths), f.File, show(f.Loaded))
		}
		for _, r := range p.Roles {
			fmt.Fprintf(w, "  role %s in %s defaults=%s vars=%s\n", r.Name, r.Path, show(r.AllDefaults()), show(r.AllVars()))
		}
		for i, section := range p.Sections() {
			if len(section) > 0 {
				fmt.Fprintf(w, "  %s:\n", []string{"pre_tasks", "roles", "tasks", "post_tasks"}[i])
				nodes(w, section, 2)
			}
		}
		if len(p.Handlers) > 0 {
			fmt.Fprintln(w, "  handlers:")
			for _, h := range p.Handlers {
				nodes(w, []play.Node{h}, 2)
			}
		}
	}
}

func nodes(w io.Writer, ns []play.Node, depth int) {
	in := strings.Repeat("  ", depth)
	for _, n := range ns {
		switch n := n.(type) {
		case *play.Block:
			fmt.Fprintf(w, "%s%s %s at %s%s", in, n.Kind, show(n.Name), n.Pos, level(&n.Level))
			if n.Role != nil && n.Kind >= play.RoleEntry {
				fmt.Fprintf(w, " role=%s", n.Role.Name)
			}
			fmt.Fprintln(w)
			nodes(w, n.Body, depth+1)
			for _, part := range []struct {
				name  string
				nodes []play.Node
			}{{"rescue", n.Rescue}, {"always", n.Always}} {
				if len(part.nodes) > 0 {
					fmt.Fprintf(w, "%s%s:\n", in, part.name)
					nodes(w, part.nodes, depth+1)
				}
			}
		case *play.Task:
			fmt.Fprintf(w, "%stask %s: %s %s at %s%s%s\n", in, show(n.Name), n.Module, show(n.Args), n.Pos, level(&n.Level), extras(n))
		}
	}
}

func level(l *play.Level) string {
	var b strings.Builder
	var names []string
	for k := range l.Settings {
		names = append(names, k)
	}
	slices.Sort(names)
	for _, k := range names {
		fmt.Fprintf(&b, " %s=%s", k, show(l.Settings[k].Value))
	}
	if l.Vars != nil {
		fmt.Fprintf(&b, " vars=%s", show(l.Vars))
	}
	return b.String()
}

func extras(t *play.Task) string {
	var b strings.Builder
	add := func(name, text string) {
		if text != "" && text != "[]" && text != "null" {
			fmt.Fprintf(&b, " %s=%s", name, text)
		}
	}
	add("when", conds(t.AllWhen()))
	add("tags", strings.Join(t.AllTags(), ","))
	add("environment", list(t.AllEnvironment()))
	add("notify", list(t.AllNotify()))
	if l := t.Loop; l != nil {
		add(l.Kind, show(l.Expr))
		if l.Control.LoopVar != "item" {
			add("loop_var", l.Control.LoopVar)
		}
		add("index_var", l.Control.IndexVar)
		add("label", show(l.Control.Label))
		add("pause", show(l.Control.Pause))
		add("extended", show(l.Control.Extended))
	}
	add("register", t.Register)
	add("until", conds(t.Until))
	add("retries", show(t.Retries))
	add("delay", show(t.Delay))
	if t.ChangedWhen != nil {
		add("changed_when", conds(t.ChangedWhen))
	}
	if t.FailedWhen != nil {
		add("failed_when", conds(t.FailedWhen))
	}
	add("listen", list(t.Listen))
	if inc := t.Include; inc != nil {
		add("file", show(inc.File))
		add("role", show(inc.Role))
		add("public", show(inc.Public))
		if inc.Apply != nil {
			add("apply", strings.TrimSpace(level(inc.Apply)+" tags="+strings.Join(inc.Apply.Tags, ",")))
		}
	}
	return b.String()
}

func conds(cs []play.Cond) string {
	var all []any
	for _, c := range cs {
		all = append(all, c.Source)
	}
	return list(all)
}

func list(vs []any) string { return show(value.NewList(vs...)) }

func show(v any) string {
	switch v := v.(type) {
	case *value.Dict:
		if v == nil {
			return "null"
		}
		var parts []string
		for k, e := range v.All() {
			parts = append(parts, fmt.Sprintf("%v: %s", k, show(e)))
		}
		return "{" + strings.Join(parts, ", ") + "}"
	case *value.List:
		var parts []string
		for _, e := range v.Items {
			parts = append(parts, show(e))
		}
		return "[" + strings.Join(parts, ", ") + "]"
	case value.Template:
		return fmt.Sprintf("<%s at %d:%d>", v.Source, v.Pos.Line, v.Pos.Col)
	case string:
		return fmt.Sprintf("%q", v)
	case nil:
		return "null"
	}
	return fmt.Sprint(v)
}

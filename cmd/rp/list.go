package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	"rp/engine/jinja"
	"rp/engine/play"
	"rp/engine/value"
)

// list is --list-hosts, --list-tasks and --list-tags.
func (s *setup) list(w io.Writer, pb *play.Playbook) error {
	sel := play.Select(splitTags(s.f.tags), splitTags(s.f.skipTags))
	for i, p := range pb.Plays {
		fmt.Fprintf(w, "\n  play #%d (%s): %s\tTAGS: [%s]\n", i+1, shown(p.Hosts), shown(p.Name), strings.Join(p.Tags, ", "))
		if s.f.listHosts {
			pattern := s.pattern(p)
			hosts, ds := s.inv.Select([]string{pattern}, s.limit)
			if err := s.printDiagnostics(ds); err != nil {
				return err
			}
			fmt.Fprintf(w, "    pattern: %s\n    hosts (%d):\n", pattern, len(hosts))
			for _, h := range hosts {
				fmt.Fprintln(w, "      "+h.Name)
			}
		}
		if s.f.listTasks {
			fmt.Fprintln(w, "    tasks:")
		}
		var tags []string
		for _, section := range p.Sections() {
			eachTask(section, func(t *play.Task) {
				all := t.AllTags()
				if !sel.Takes(all) {
					return
				}
				tags = append(tags, all...)
				if s.f.listTasks {
					fmt.Fprintf(w, "      %s\tTAGS: [%s]\n", taskTitle(t), strings.Join(all, ", "))
				}
			})
		}
		if s.f.listTags {
			slices.Sort(tags)
			fmt.Fprintf(w, "      TASK TAGS: [%s]\n", strings.Join(slices.Compact(tags), ", "))
		}
	}
	return nil
}

// pattern is a play's host pattern with the extra variables and the play's own put in, as far as these go.
func (s *setup) pattern(p *play.Play) string {
	v, err := jinja.Render(context.Background(), s.env, s.known([]*value.Dict{p.Vars}), p.Hosts)
	if err != nil {
		return shown(p.Hosts)
	}
	return shown(v)
}

func eachTask(nodes []play.Node, f func(*play.Task)) {
	for _, n := range nodes {
		switch n := n.(type) {
		case *play.Task:
			f(n)
		case *play.Block:
			eachTask(n.Body, f)
			eachTask(n.Rescue, f)
			eachTask(n.Always, f)
		}
	}
}

func taskTitle(t *play.Task) string {
	name := shown(t.Name)
	if name == "" {
		name = t.Action
	}
	if t.Role != nil {
		return t.Role.Name + " : " + name
	}
	return name
}

// shown is a value as it was written.
func shown(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		return v
	case value.Template:
		return v.Source
	case *value.List:
		parts := make([]string, len(v.Items))
		for i, e := range v.Items {
			parts[i] = shown(e)
		}
		return strings.Join(parts, ",")
	}
	return jinja.Str(v)
}

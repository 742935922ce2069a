package laws

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// may is the status of a change or result that a dry run cannot be sure of.
const may = "may"

type changeID struct{ host, task, item, kind, name string }

func (id changeID) String() string {
	item := ""
	if id.item != "" {
		item = " (" + id.item + ")"
	}
	return strings.TrimSpace(fmt.Sprintf("%s, %q%s: %s %s", id.host, id.task, item, id.kind, id.name))
}

// Promises holds the second law: it compares the events of a dry run with those of the run, and says each way in
// which the run did something else. Every change that is made was announced; every change that was promised (not
// only as "may") is made; every field that was known is as it was said; and so are the tasks' results.
func Promises(predicted, made []Event) []string {
	var broken []string
	say := func(format string, a ...any) { broken = append(broken, fmt.Sprintf(format, a...)) }
	before, after := changes(predicted), changes(made)
	// what came along with another change is looked up last: a package may come along and be asked for, too
	slices.SortStableFunc(after.order, func(a, b *change) int { return cmp.Compare(min(len(a.With), 1), min(len(b.With), 1)) })
	for _, c := range after.order {
		p, announced := before.take(c.id)
		switch {
		case announced:
			compareFields(c.id, p.Diffs, c.Diffs, p.Status == may, say)
		case !before.mayRun[taskOf(c.id)] && !before.opaque(c):
			say("%s: made, and not announced%s", c.id, describe(c.Diffs))
		}
	}
	for _, p := range before.left() {
		if p.Status != may && !maybe(p.Diffs) {
			say("%s: announced, and not made%s", p.id, describe(p.Diffs))
		}
	}
	return append(broken, compareResults(predicted, made)...)
}

// backupName is the end of a backup's name, which holds a process id and the second that it was made in.
var backupName = regexp.MustCompile(`\.\d+\.\d{4}-\d{2}-\d{2}@\d{2}:\d{2}:\d{2}~$`)

type change struct {
	Event
	id changeID
}

type changeSet struct {
	order []*change
	byID  map[changeID][]*change
	// mayRun has the tasks of which nothing is known but that they may run.
	mayRun map[changeID]bool
}

// taskOf is the task, or the item of its loop, that a change belongs to.
func taskOf(id changeID) changeID { return changeID{host: id.host, task: id.task, item: id.item} }

func changes(es []Event) *changeSet {
	s := &changeSet{byID: map[changeID][]*change{}, mayRun: map[changeID]bool{}}
	for _, e := range es {
		id := changeID{e.Host, e.Task, e.Item, e.Kind, backupName.ReplaceAllString(e.Name, ".PID.TIME~")}
		switch {
		case e.Event == "change" && !e.Real:
			c := &change{e, id}
			s.order = append(s.order, c)
			s.byID[id] = append(s.byID[id], c)
		case (e.Event == "result" || e.Event == "item") && e.Status == may:
			s.mayRun[taskOf(id)] = true
			s.mayRun[changeID{host: e.Host, task: e.Task}] = true
		}
	}
	return s
}

// opaque reports whether a change came along with a package of which it was not known yet which version it is, or
// whether it is there: then the index was still to be fetched, and what else the package brings could not be known.
func (s *changeSet) opaque(c *change) bool {
	return c.Kind == "package" && c.With != "" && slices.ContainsFunc(s.order, func(p *change) bool {
		return p.Kind == "package" && taskOf(p.id) == taskOf(c.id) && (p.Status == may ||
			slices.ContainsFunc(p.Diffs, func(d FieldChange) bool { return d.Field == "version" && d.Unknown }))
	})
}

// take finds the first change of that name that no other one was compared with.
func (s *changeSet) take(id changeID) (*change, bool) {
	cs := s.byID[id]
	if len(cs) == 0 {
		return nil, false
	}
	s.byID[id] = cs[1:]
	return cs[0], true
}

func (s *changeSet) left() []*change {
	var out []*change
	for _, c := range s.order {
		if slices.Contains(s.byID[c.id], c) {
			out = append(out, c)
		}
	}
	return out
}

// compareFields: known fields are promises; of a change that only may be made, so are those that it then has.
func compareFields(id changeID, predicted, made []FieldChange, mayChange bool, say func(string, ...any)) {
	for _, m := range made {
		i := slices.IndexFunc(predicted, func(p FieldChange) bool { return p.Field == m.Field })
		switch {
		case i < 0 && !mayChange:
			say("%s: %s became %q, which was not announced", id, m.Field, m.To)
		case i >= 0 && !predicted[i].Unknown && predicted[i].To != m.To:
			say("%s: %s became %q, and %q was announced", id, m.Field, m.To, predicted[i].To)
		}
	}
	for _, p := range predicted {
		if !mayChange && !p.Maybe && !p.Unknown && !slices.ContainsFunc(made, func(m FieldChange) bool { return m.Field == p.Field }) {
			say("%s: %s was to become %q, and did not change", id, p.Field, p.To)
		}
	}
}

func maybe(ds []FieldChange) bool {
	return len(ds) > 0 && !slices.ContainsFunc(ds, func(d FieldChange) bool { return !d.Maybe })
}

func describe(ds []FieldChange) string {
	var s []string
	for _, d := range ds {
		s = append(s, fmt.Sprintf("%s: %q → %q", d.Field, d.From, d.To))
	}
	if s == nil {
		return ""
	}
	return " (" + strings.Join(s, ", ") + ")"
}

// compareResults holds every task's result to what was foretold; "may" is kept by any.
func compareResults(predicted, made []Event) []string {
	foretold := map[changeID][]string{}
	for _, e := range predicted {
		if e.Event == "result" || e.Event == "item" {
			id := changeID{host: e.Host, task: e.Task, item: e.Item}
			foretold[id] = append(foretold[id], e.Status)
		}
	}
	var broken []string
	for _, e := range made {
		if e.Event != "result" && e.Event != "item" {
			continue
		}
		id := changeID{host: e.Host, task: e.Task, item: e.Item}
		if len(foretold[id]) == 0 {
			// an item of a loop over what was unknown, or a task of an include that was; covered by a "may" there
			continue
		}
		was := foretold[id][0]
		foretold[id] = foretold[id][1:]
		if was != may && was != e.Status {
			broken = append(broken, fmt.Sprintf("%s: ended as %s, and %s was announced", id, e.Status, was))
		}
	}
	return broken
}

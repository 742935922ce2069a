package engine

import (
	"strings"

	"rp/engine/module"
	"rp/engine/report"
	"rp/engine/value"
	"rp/engine/wire"
)

// itemEnd is how one item of a task (or the task itself, without a loop) ended
// before failed_when and changed_when are asked.
type itemEnd struct {
	fields      *value.Dict
	changed     bool
	failed      bool
	skipped     bool
	unreachable bool
	dropped     bool
	aborted     bool
	// unknown: a dry run cannot tell what the task gives; after names whom it waits for.
	unknown bool
	after   string
	// may: it may run or not.
	may      bool
	msg      string
	warnings []string
	changes  []wire.Change
	shown    any
	// facts and factLevel are variables that an action sets.
	facts     *value.Dict
	factLevel string
	// meta: it steers the run and is not counted.
	meta bool
	// rawFailed: the host said failed, and failed_when said otherwise: it dropped what came after.
	rawFailed  bool
	failedWhen bool
	attempts   int
}

// fromReply is what a helper answered.
func fromReply(r reply, may bool) itemEnd {
	switch {
	case r.err == errDropped: //nolint:errorlint // a sentinel of our own, never wrapped
		return itemEnd{dropped: true}
	case r.err != nil:
		return itemEnd{unreachable: true, failed: true, msg: r.err.Error(), changes: r.changes}
	}
	m := r.result
	e := itemEnd{
		changed: m.Changed, failed: m.Failed, skipped: m.Skipped, unknown: m.Unknown, after: m.After,
		may: may || m.May, msg: m.Msg, warnings: m.Warn, changes: r.changes,
	}
	if v, err := value.Decode(m.Fields); err == nil {
		e.fields, _ = v.(*value.Dict)
	}
	if e.fields == nil {
		e.fields = value.NewDict()
	}
	return e
}

// fromAction is what an action of the controller gave.
func fromAction(out module.Outcome, err error) itemEnd {
	e := itemEnd{changed: out.Changed, failed: out.Failed, skipped: out.Skipped, unknown: out.Unknown, shown: out.Print, facts: out.Facts, factLevel: out.FactLevel, meta: out.Meta != ""}
	e.fields, _ = value.FromGo(map[string]any(out.Result)).(*value.Dict)
	if e.fields == nil {
		e.fields = value.NewDict()
	}
	if v, ok := e.fields.Get("msg"); ok {
		e.msg, _ = v.(string)
	}
	if err != nil {
		e.failed, e.msg = true, strings.TrimSpace(err.Error())
	}
	return e
}

func failedItem(err error) itemEnd {
	return itemEnd{failed: true, msg: err.Error(), fields: value.NewDict()}
}

func skippedItem(cond string) itemEnd {
	f := value.DictOf("changed", false, "skipped", true, "skip_reason", "Conditional result was False")
	if cond != "" {
		f.Set("false_condition", cond)
	}
	return itemEnd{skipped: true, fields: f}
}

// registered is what the playbook sees of e.
func (e *itemEnd) registered() any {
	if e.unknown || e.may && !e.skipped {
		return unknownResult{e}
	}
	d := value.NewDict()
	if e.fields != nil {
		d = e.fields.Clone()
	}
	d.Set("changed", e.changed)
	if e.failedWhen {
		d.Set("failed_when_result", e.failed)
	}
	if e.attempts > 0 {
		d.Set("attempts", int64(e.attempts))
	}
	if !e.skipped {
		d.Set("failed", e.failed)
	}
	if e.unreachable {
		d.Set("unreachable", true)
	}
	if _, has := d.Get("msg"); !has && (e.msg != "" || e.failed) {
		d.Set("msg", e.msg)
	}
	if len(e.warnings) > 0 {
		d.Set("warnings", value.Strings(e.warnings...))
	}
	return d
}

// unknownResult is the result of a task that a dry run cannot foresee: what is
// the same however it ends is known, everything else is unknown.
type unknownResult struct{ e *itemEnd }

// Get implements [value.Object].
func (u unknownResult) Get(key any) (any, bool) {
	name, _ := key.(string)
	known := !u.e.may
	switch {
	case name == "changed" && known && u.e.changed:
		return true, true
	case name == "failed" && known:
		return u.e.failed, true
	case name == "skipped" && known:
		return false, false
	case name == "unreachable":
		return false, false
	}
	if known && u.e.fields != nil {
		if v, ok := u.e.fields.Get(key); ok {
			return v, true
		}
	}
	return value.Unknown{After: u.e.after}, true
}

// Keys implements [value.Object].
func (u unknownResult) Keys() []any { return []any{"changed", "failed"} }

// status is e's word in the report.
func (e *itemEnd) status() report.Status {
	switch {
	case e.unreachable:
		return report.Unreachable
	case e.failed:
		return report.Failed
	case e.skipped:
		return report.Skipped
	case e.may || e.unknown && !e.changed:
		return report.May
	case e.changed:
		return report.Changed
	}
	return report.OK
}

// loopResult is a loop's result, from those of its items.
func loopResult(items []itemEnd, labels []any, loopVar string) itemEnd {
	all := itemEnd{fields: value.NewDict(), skipped: true}
	list := value.NewList()
	for i := range items {
		e := &items[i]
		all.changed = all.changed || e.changed
		all.failed = all.failed || e.failed
		all.unreachable = all.unreachable || e.unreachable
		all.unknown = all.unknown || e.unknown || e.may
		all.skipped = all.skipped && e.skipped
		all.dropped = all.dropped || e.dropped
		all.aborted = all.aborted || e.aborted
		if all.after == "" {
			all.after = e.after
		}
		r := e.registered()
		if d, ok := r.(*value.Dict); ok {
			d.Set(loopVar, labels[i])
			d.Set("ansible_loop_var", loopVar)
		}
		list.Append(r)
	}
	switch {
	case all.failed:
		all.msg = "One or more items failed"
	case len(items) == 0:
		all.fields.Set("skipped_reason", "No items in the list")
	case all.skipped:
		all.msg = "All items skipped"
	default:
		all.msg = "All items completed"
	}
	all.fields.Set("results", list)
	if all.msg != "" {
		all.fields.Set("msg", all.msg)
	}
	if all.skipped {
		all.fields.Set("skipped", true)
	}
	return all
}

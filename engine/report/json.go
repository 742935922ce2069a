package report

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"rp/engine/state"
	"rp/engine/value"
	"rp/engine/wire"
)

// JSON writes one object a line for each event, and one for each change. Its keys
// are an interface: others parse them.
type JSON struct{ Out io.Writer }

// Emit implements [Sink].
func (j *JSON) Emit(e Event) {
	if e.Type == HostStart {
		return
	}
	for _, c := range e.Changes {
		j.change(e, c, nil)
	}
	m := map[string]any{"event": e.Type, "run": e.Run}
	set := func(k string, v any, ok bool) {
		if ok {
			m[k] = v
		}
	}
	set("time", e.At, !e.At.IsZero())
	set("play", e.Play, e.Play != "")
	set("task", e.Task, e.Task != "")
	set("role", e.Role, e.Role != "")
	set("module", e.Module, e.Module != "")
	set("pos", e.Pos.String(), !e.Pos.IsZero())
	set("handler", true, e.Handler)
	set("host", e.Host, e.Host != "")
	set("delegate", e.Delegate, e.Delegate != "")
	set("item", e.Item, e.Type == ItemResult)
	set("loop", true, e.Type == Result && e.HasItem)
	set("status", e.Status, e.Status != "")
	set("msg", e.Msg, e.Msg != "")
	set("after", e.After, e.After != "")
	set("warnings", e.Warnings, len(e.Warnings) > 0)
	set("seconds", e.Took.Seconds(), e.Took > 0)
	set("hosts", e.Hosts, len(e.Hosts) > 0)
	set("stats", e.Stats, e.Stats != nil)
	set("no_log", true, e.NoLog)
	set("real", true, e.Real)
	set("retries_left", e.Left, e.Type == Retry)
	if e.Result != nil && !e.NoLog {
		m["result"] = plain(e.Result)
	}
	if e.Print != nil && !e.NoLog {
		m["print"] = plain(e.Print)
	}
	if e.Profile != nil {
		m["profile"] = e.Profile
	}
	j.line(m)
}

// change writes one change of a task, and what the same tool did besides under "with".
func (j *JSON) change(e Event, c wire.Change, with *wire.Change) {
	m := map[string]any{
		"event": "change", "run": e.Run, "host": e.Host, "task": e.Task, "kind": c.Kind, "name": c.Name, "status": c.Status,
	}
	if with != nil {
		m["with"] = with.Kind + " " + with.Name
	}
	if e.Item != "" {
		m["item"] = e.Item
	}
	if c.Event {
		m["is_event"] = true
	}
	var diffs []map[string]any
	for _, d := range c.Deltas {
		diffs = append(diffs, deltaJSON(d))
	}
	if diffs != nil {
		m["diffs"] = diffs
	}
	if c.Before != nil && c.After != nil {
		m["diff"] = UnifiedDiff(c.Name, *c.Before, *c.After)
	}
	j.line(m)
	for i := range c.With {
		j.change(e, c.With[i], &c)
	}
}

func deltaJSON(d state.Delta) map[string]any {
	m := map[string]any{"field": strings.ToLower(d.Field), "from": d.From, "to": d.To}
	if d.Secret {
		m["from"], m["to"], m["secret"] = "(secret)", "(secret)", true
	}
	if d.Unknown {
		m["unknown"] = true
	}
	if d.Maybe {
		m["maybe"] = true
	}
	return m
}

func (j *JSON) line(m map[string]any) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(m); err != nil {
		fmt.Fprintf(j.Out, "{\"event\":\"error\",\"msg\":%q}\n", err)
		return
	}
	_, _ = j.Out.Write(b.Bytes()) // a closed pipe ends the program by itself
}

// plain is a value as JSON takes it; what is unknown is {"unknown": after}, what is secret is hidden.
func plain(v any) any {
	switch v := v.(type) {
	case *value.List:
		out := make([]any, len(v.Items))
		for i, e := range v.Items {
			out[i] = plain(e)
		}
		return out
	case value.Tuple:
		return plain(value.NewList(v...))
	case *value.Dict:
		out := map[string]any{}
		for k, e := range v.All() {
			out[fmt.Sprint(k)] = plain(e)
		}
		return out
	case value.Object:
		out := map[string]any{}
		for _, k := range v.Keys() {
			if e, ok := v.Get(k); ok {
				out[fmt.Sprint(k)] = plain(e)
			}
		}
		return out
	case value.Unknown:
		return map[string]any{"unknown": v.After}
	case value.Secret:
		return v.String()
	case value.Template:
		return v.Source
	case value.Undefined, *value.Pending:
		return nil
	}
	return v
}

// Show is a value as text for a person: strings as they are, all else as indented JSON.
func Show(v any) string {
	if s, ok := v.(string); ok {
		return s
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(plain(v)); err != nil {
		return fmt.Sprint(v)
	}
	return strings.TrimRight(b.String(), "\n")
}

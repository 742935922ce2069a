// The rules of output:
//
//   - stdout has results and the recap: what a run is run for.
//   - stderr has warnings, what is wrong with rp's own input, prompts, and what rp
//     says of itself. A warning that belongs to a result follows it.
//   - Colour: on a terminal, unless NO_COLOR is set or TERM is dumb; --color decides otherwise.
//   - A live view: only where stdout is a terminal and text is asked for. What it shows
//     besides goes away again; the lines that stay are the same as without it.
//   - Control characters of hosts' output are shown (^[), never sent to a terminal.
//   - A secret is masked in every stream.

package report

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"rp/engine/value"
)

// Text writes events as lines, in the shape that Ansible's users know: a header
// a task, a line a host, the changes below it, a recap.
type Text struct {
	// Out takes results, Err warnings.
	Out, Err io.Writer
	Colour   bool
	// Diff shows every change's diff; without it only what changed is told, not how.
	Diff bool
	// Check: this is a dry run, and the words say so.
	Check bool
	// Verbosity: from 1 on results are shown too.
	Verbosity int
	// Profile adds what the run cost.
	Profile bool
	// Width of the headers' rules; 0 for 79.
	Width int
}

// Emit implements [Sink].
func (t *Text) Emit(e Event) {
	switch e.Type {
	case PlayStart:
		t.header("PLAY", e.Play, "")
	case TaskStart:
		word := "TASK"
		if e.Handler {
			word = "RUNNING HANDLER"
		}
		place := ""
		if t.Verbosity > 1 {
			place = e.Pos.String()
		}
		t.header(word, taskName(e), place)
	case ItemResult, Result:
		t.result(e)
	case Retry:
		t.line("31", "FAILED - RETRYING: [%s]: %s (%d retries left).", e.Host, taskName(e), e.Left)
	case NoHosts:
		t.line("36", "skipping: no hosts matched")
	case NoMoreHosts:
		fmt.Fprintln(t.Out, "\nNO MORE HOSTS LEFT")
	case Warning:
		t.warn(e)
	case Recap:
		t.recap(e)
	}
}

func taskName(e Event) string {
	if e.Role != "" {
		return e.Role + " : " + e.Task
	}
	return e.Task
}

func (t *Text) header(word, name, place string) {
	width := t.Width
	if width == 0 {
		width = 79
	}
	head := word + " "
	if name != "" {
		head += "[" + visible(name) + "] "
	}
	fmt.Fprintf(t.Out, "\n%s%s\n", head, strings.Repeat("*", max(3, width-columns(head))))
	if place != "" {
		fmt.Fprintf(t.Out, "task: %s\n", place)
	}
}

func (t *Text) paint(colour, s string) string {
	if !t.Colour || colour == "" {
		return s
	}
	return "\x1b[" + colour + "m" + s + "\x1b[0m"
}

func (t *Text) line(colour, format string, args ...any) {
	fmt.Fprintln(t.Out, t.paint(colour, fmt.Sprintf(format, args...)))
}

func (t *Text) warn(e Event) {
	at := e.Pos.String()
	if at != "" {
		at += ": "
	}
	fmt.Fprintln(t.Err, t.paint("35", "warning: "+at+visible(e.Msg)))
}

// words and colours of the statuses, for a run and for a dry run.
var words = map[Status]struct{ run, check, colour string }{
	OK:          {"ok", "ok", "32"},
	Changed:     {"changed", "will change", "33"},
	Skipped:     {"skipping", "skipping", "36"},
	Failed:      {"failed", "will fail", "31"},
	Ignored:     {"failed", "will fail", "36"},
	Rescued:     {"failed", "will fail", "31"},
	Unreachable: {"unreachable", "unreachable", "31"},
	May:         {"may change", "may change", "34"},
}

func (t *Text) result(e Event) {
	if e.Type == Result && e.HasItem && e.Status != Failed && e.Status != Ignored && e.Status != Unreachable && len(e.Changes) == 0 {
		return // the items were told one by one
	}
	w := words[e.Status]
	word := w.run
	if t.Check && !e.Real {
		word = w.check
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s: [%s", word, e.Host)
	if e.Delegate != "" {
		fmt.Fprintf(&b, " -> %s", e.Delegate)
	}
	b.WriteString("]")
	if e.Type == ItemResult {
		fmt.Fprintf(&b, " => (item=%s)", visible(e.Item))
	}
	if e.Real && t.Check && e.Status == Changed {
		b.WriteString(" (done: check_mode is false)")
	}
	b.WriteString(t.detail(e))
	t.line(w.colour, "%s", b.String())
	if e.Print != nil && !e.NoLog {
		t.print(e.Print)
	} else if t.Verbosity > 0 && !e.NoLog {
		t.print(e.Result)
	}
	for _, c := range e.Changes {
		t.change(c, "  ")
	}
	for _, warning := range e.Warnings {
		fmt.Fprintln(t.Err, t.paint("35", "warning: "+e.Host+": "+visible(warning)))
	}
	if e.Status == Ignored && e.Type == Result {
		t.line("36", "...ignoring")
	}
}

// detail is what follows a result's head: why it failed, what it waits for.
func (t *Text) detail(e Event) string {
	switch e.Status {
	case Failed, Ignored, Rescued, Unreachable:
		if e.NoLog {
			return ": (the output is hidden: no_log)"
		}
		at := ""
		if !e.Pos.IsZero() && e.Status != Ignored {
			at = "\n  at " + e.Pos.String()
		}
		return ": " + indent(visible(failure(e)), "  ") + at
	case May:
		if e.After != "" {
			return fmt.Sprintf(" (known after %q)", e.After)
		}
	case Changed:
		if e.After != "" && t.Check {
			return fmt.Sprintf(" (in part known after %q)", e.After)
		}
	}
	return ""
}

// failure is why a task failed: the message, and what a command said.
func failure(e Event) string {
	msg := strings.TrimSpace(e.Msg)
	if msg == "" {
		msg = "failed"
	}
	d, ok := e.Result.(*value.Dict)
	if !ok {
		return msg
	}
	for _, k := range []string{"stdout", "stderr"} {
		v, _ := d.Get(k)
		if s, ok := v.(string); ok && strings.TrimSpace(s) != "" && !strings.Contains(msg, strings.TrimSpace(s)) {
			msg += "\n" + k + ": " + strings.TrimSpace(s)
		}
	}
	return msg
}

func indent(s, by string) string { return strings.ReplaceAll(s, "\n", "\n"+by) }

func (t *Text) print(v any) {
	if v == nil {
		return
	}
	fmt.Fprintln(t.Out, "  "+indent(visible(Show(v)), "  "))
}

func (t *Text) recap(e Event) {
	t.header("PLAY RECAP", "", "")
	names := slices.Sorted(maps.Keys(e.Stats))
	width := 0
	for _, n := range names {
		width = max(width, len(n))
	}
	for _, n := range names {
		t.recapLine(n, width, e.Stats[n])
	}
	if t.Profile && e.Profile != nil {
		t.profile(e)
	}
}

func (t *Text) recapLine(name string, width int, s *Stats) {
	colour := "32"
	switch {
	case s.Failed > 0 || s.Unreachable > 0:
		colour = "31"
	case s.Changed > 0 || s.May > 0:
		colour = "33"
	}
	changed := "changed"
	if t.Check {
		changed = "will-change"
	}
	may := ""
	if t.Check {
		may = fmt.Sprintf("may-change=%-4d ", s.May)
	}
	fmt.Fprintf(t.Out, "%s : ok=%-4d %s=%-4d %sunreachable=%-4d failed=%-4d skipped=%-4d rescued=%-4d ignored=%d\n",
		t.paint(colour, fmt.Sprintf("%-*s", width, name)), s.OK, changed, s.Changed, may, s.Unreachable, s.Failed, s.Skipped, s.Rescued, s.Ignored)
}

func (t *Text) profile(e Event) {
	fmt.Fprintf(t.Out, "\nrun %s took %s\n", e.Run, e.Took.Round(time.Millisecond))
	for _, n := range slices.Sorted(maps.Keys(e.Profile.Hosts)) {
		h := e.Profile.Hosts[n]
		pushed := ""
		if h.HelperPushed {
			pushed = ", helper sent"
		}
		fmt.Fprintf(t.Out, "%s: %d round trips, %d bytes sent, %d received, connected in %s%s\n",
			n, h.RoundTrips, h.Sent, h.Received, h.Connect.Round(time.Millisecond), pushed)
	}
}

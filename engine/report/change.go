package report

import (
	"fmt"
	"strings"

	"github.com/pmezard/go-difflib/difflib"

	"rp/engine/state"
	"rp/engine/wire"
)

// change writes one change: what it is about, and with Diff set how.
func (t *Text) change(c wire.Change, by string) {
	mark := map[string]string{wire.Predicted: "+", wire.Done: "+", wire.MayChange: "?", wire.Failed: "!"}[c.Status]
	if c.Event {
		fmt.Fprintf(t.Out, "%s%s %s\n", by, mark, visible(oneLine(strings.TrimSpace(c.Kind+" "+c.Name))))
		return
	}
	if !t.Diff {
		return
	}
	fmt.Fprintf(t.Out, "%s%s %s %s\n", by, mark, c.Kind, visible(c.Name))
	for _, d := range c.Deltas {
		t.delta(c, d, by+"    ")
	}
	if c.Before != nil && c.After != nil {
		t.unified(c, by+"    ")
	}
	for _, w := range c.With {
		t.change(w, by+"    ")
	}
}

func oneLine(s string) string {
	if i := strings.IndexByte(s, '\n'); i >= 0 {
		return s[:i] + " …"
	}
	return s
}

func (t *Text) delta(c wire.Change, d state.Delta, by string) {
	if d.Field == "Content" && c.Before != nil {
		return // the unified diff says it
	}
	from, to := d.From, d.To
	if d.Secret {
		from, to = "(secret)", "(another secret)"
	}
	if from == "-" || from == "" {
		from = "none"
	}
	maybe := ""
	if d.Maybe {
		maybe = " (perhaps)"
	}
	fmt.Fprintf(t.Out, "%s%s: %s → %s%s\n", by, strings.ToLower(d.Field), visible(from), visible(to), maybe)
}

// unified writes a file's diff. The library compares as Python's difflib does.
func (t *Text) unified(c wire.Change, by string) {
	for _, line := range strings.SplitAfter(UnifiedDiff(c.Name, *c.Before, *c.After), "\n") {
		if line == "" {
			continue
		}
		colour := ""
		switch line[0] {
		case '+':
			colour = "32"
		case '-':
			colour = "31"
		case '@':
			colour = "36"
		}
		fmt.Fprintln(t.Out, by+t.paint(colour, visible(strings.TrimRight(line, "\n"))))
	}
}

// UnifiedDiff is the difference of two texts in unified form, with three lines around.
func UnifiedDiff(name, before, after string) string {
	d := difflib.UnifiedDiff{
		A: lines(before), B: lines(after), FromFile: name + " (before)", ToFile: name + " (after)", Context: 3,
	}
	s, err := difflib.GetUnifiedDiffString(d)
	if err != nil { // writing to memory does not fail
		return err.Error()
	}
	return s
}

// lines are s's lines with their ends; a last line without one is marked, as diff(1) does.
func lines(s string) []string {
	if s == "" {
		return nil
	}
	ls := strings.SplitAfter(s, "\n")
	if last := len(ls) - 1; ls[last] == "" {
		ls = ls[:last]
	} else {
		ls[last] += "\n\\ No newline at end of file\n"
	}
	return ls
}

// Package diag holds what can be wrong with a playbook, an inventory or a
// variable file, and where.
//
// Parsers and checkers add to a [List]; the command line prints all of it at
// once ([List.Print]): severity, file:line:col, the line itself with a caret
// under the column, and a hint. Nothing in this package reads a host.
// It imports the standard library only.
package diag

import (
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
)

// Pos is a place in a file. Line and Col count from 1; zero means not known.
type Pos struct {
	File string
	Line int
	Col  int
}

// IsZero reports whether p names no place at all.
func (p Pos) IsZero() bool { return p == Pos{} }

// String is p as editors take it: file:line:col, leaving out what is not known.
func (p Pos) String() string {
	switch {
	case p.IsZero():
		return ""
	case p.Line == 0:
		return p.File
	case p.Col == 0:
		return fmt.Sprintf("%s:%d", p.File, p.Line)
	}
	return fmt.Sprintf("%s:%d:%d", p.File, p.Line, p.Col)
}

// Severity says whether a diagnostic keeps a run from starting.
type Severity uint8

// An Error keeps a run from starting, a Warning does not.
const (
	Error Severity = iota
	Warning
)

func (s Severity) String() string {
	if s == Warning {
		return "warning"
	}
	return "error"
}

// Diagnostic is one mistake at one place.
type Diagnostic struct {
	Severity Severity
	Pos      Pos
	// Message says what is wrong: lower case, no full stop, %q around a user's text.
	Message string
	// Hint says what to do about it, or is empty.
	Hint string
}

// Error is d in one line.
func (d Diagnostic) Error() string {
	if at := d.Pos.String(); at != "" {
		return at + ": " + d.Message
	}
	return d.Message
}

// List gathers diagnostics. The zero List is empty and ready for use.
type List []Diagnostic

// Errorf adds an error at p.
func (l *List) Errorf(p Pos, format string, args ...any) *Diagnostic {
	return l.add(Error, p, format, args...)
}

// Warnf adds a warning at p.
func (l *List) Warnf(p Pos, format string, args ...any) *Diagnostic {
	return l.add(Warning, p, format, args...)
}

func (l *List) add(s Severity, p Pos, format string, args ...any) *Diagnostic {
	*l = append(*l, Diagnostic{Severity: s, Pos: p, Message: fmt.Sprintf(format, args...)})
	return &(*l)[len(*l)-1]
}

// Hintf gives d a hint: l.Errorf(…).Hintf("did you mean %q?", name).
func (d *Diagnostic) Hintf(format string, args ...any) { d.Hint = fmt.Sprintf(format, args...) }

// Failed reports whether l holds an error.
func (l List) Failed() bool {
	return slices.ContainsFunc(l, func(d Diagnostic) bool { return d.Severity == Error })
}

// Err is l as an error if it holds an error, nil otherwise.
func (l List) Err() error {
	if !l.Failed() {
		return nil
	}
	return l
}

// Error is the whole list, a line each.
func (l List) Error() string {
	lines := make([]string, len(l))
	for i, d := range l {
		lines[i] = d.Error()
	}
	return strings.Join(lines, "\n")
}

// Sort orders l by file and place, and drops exact repetitions.
func (l *List) Sort() {
	slices.SortStableFunc(*l, func(a, b Diagnostic) int {
		if c := strings.Compare(a.Pos.File, b.Pos.File); c != 0 {
			return c
		}
		if a.Pos.Line != b.Pos.Line {
			return a.Pos.Line - b.Pos.Line
		}
		return a.Pos.Col - b.Pos.Col
	})
	*l = slices.Compact(*l)
}

// Print writes l in order, each with its source line and a caret. read fetches
// a file's text and is os.ReadFile when nil; colour turns on ANSI colours.
func (l List) Print(w io.Writer, colour bool, read func(string) ([]byte, error)) {
	if read == nil {
		read = os.ReadFile
	}
	files := map[string][]string{}
	for _, d := range l {
		mark, end := "", ""
		if colour {
			mark, end = "\x1b[31m", "\x1b[0m"
			if d.Severity == Warning {
				mark = "\x1b[35m"
			}
		}
		if at := d.Pos.String(); at != "" {
			fmt.Fprintf(w, "%s: ", at)
		}
		fmt.Fprintf(w, "%s%s%s: %s\n", mark, d.Severity, end, d.Message)
		printLine(w, d.Pos, sourceLine(files, d.Pos, read))
		if d.Hint != "" {
			fmt.Fprintf(w, "  hint: %s\n", d.Hint)
		}
	}
}

func sourceLine(files map[string][]string, p Pos, read func(string) ([]byte, error)) string {
	if p.File == "" || p.Line == 0 {
		return ""
	}
	lines, ok := files[p.File]
	if !ok {
		text, err := read(p.File)
		if err == nil {
			lines = strings.Split(string(text), "\n")
		}
		files[p.File] = lines
	}
	if p.Line > len(lines) {
		return ""
	}
	return strings.TrimRight(lines[p.Line-1], "\r")
}

func printLine(w io.Writer, p Pos, line string) {
	if strings.TrimSpace(line) == "" {
		return
	}
	fmt.Fprintf(w, "%5d | %s\n", p.Line, strings.ReplaceAll(line, "\t", " "))
	if p.Col > 0 && p.Col <= len(line)+1 {
		fmt.Fprintf(w, "      | %s^\n", strings.Repeat(" ", len([]rune(line[:p.Col-1]))))
	}
}

// Suggest is the candidate nearest to name by edit distance, or "" where none
// is near enough to be what was meant.
func Suggest(name string, candidates []string) string {
	best, limit := "", max(1, len(name)/3)+1
	for _, c := range candidates {
		if n := distance(strings.ToLower(name), strings.ToLower(c), limit); n < limit {
			best, limit = c, n
		}
	}
	return best
}

// distance is the Levenshtein distance with transpositions of a and b, or
// limit where it is not below limit.
func distance(a, b string, limit int) int {
	if len(a)-len(b) >= limit || len(b)-len(a) >= limit {
		return limit
	}
	prev2, prev, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range prev {
		prev[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(prev[j]+1, row[j-1]+1, prev[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], prev2[j-2]+1)
			}
		}
		prev2, prev, row = prev, row, prev2
	}
	return min(prev[len(b)], limit)
}

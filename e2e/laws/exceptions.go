package laws

import (
	"fmt"
	"os"
	"path"
	"slices"
	"strings"
)

// Exception excuses differences: those of the paths that Glob matches, under
// the laws (of "1" to "4") that Laws has, in the fields named; none named: in all. After is a kind of change that
// the run must have had; "" is any run.
type Exception struct {
	Laws   string
	Glob   string
	Fields []string
	After  string
	Reason string
}

// Exceptions is the whole list.
type Exceptions []Exception

// ReadExceptions reads lines of
//
//	LAWS GLOB [FIELD,FIELD] [after:KIND] -- REASON
//
// Blank lines and those that begin with # are passed over. In a glob, * is any part of a name and ** any path
// or none; a reason must be given.
func ReadExceptions(file string) (Exceptions, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("cannot read the exceptions: %w", err)
	}
	var es Exceptions
	for i, l := range strings.Split(string(data), "\n") {
		l = strings.TrimSpace(l)
		if l == "" || strings.HasPrefix(l, "#") {
			continue
		}
		e, err := parseException(l)
		if err != nil {
			return nil, fmt.Errorf("%s:%d: %w", file, i+1, err)
		}
		es = append(es, e)
	}
	return es, nil
}

func parseException(l string) (Exception, error) {
	left, reason, ok := strings.Cut(l, " -- ")
	words := strings.Fields(left)
	if !ok || strings.TrimSpace(reason) == "" {
		return Exception{}, fmt.Errorf("%q has no reason", l)
	}
	e := Exception{Reason: strings.TrimSpace(reason)}
	if n := len(words); n > 2 && strings.HasPrefix(words[n-1], "after:") {
		e.After, words = strings.TrimPrefix(words[n-1], "after:"), words[:n-1]
	}
	if len(words) < 2 || len(words) > 3 || strings.Trim(words[0], "1234") != "" {
		return Exception{}, fmt.Errorf("%q is not LAWS GLOB [FIELDS] [after:KIND] -- REASON", l)
	}
	e.Laws, e.Glob = words[0], words[1]
	if len(words) == 3 {
		e.Fields = strings.Split(words[2], ",")
	}
	for part := range strings.SplitSeq(e.Glob, "/") {
		if _, err := path.Match(part, ""); err != nil {
			return Exception{}, fmt.Errorf("%q: %w", e.Glob, err)
		}
	}
	return e, nil
}

// Filter leaves the differences that no exception of the law covers, after the run whose events are given. With
// law "" the laws do not matter, and without a run neither do the kinds of its changes.
func (es Exceptions) Filter(law string, run []Event, ds []Difference) []Difference {
	kinds := map[string]bool{"": true}
	for _, e := range run {
		if e.Event == "change" {
			kinds[e.Kind] = true
		}
	}
	return slices.DeleteFunc(slices.Clone(ds), func(d Difference) bool {
		return slices.ContainsFunc(es, func(e Exception) bool { return (kinds[e.After] || run == nil) && e.covers(law, d) })
	})
}

func (e Exception) covers(law string, d Difference) bool {
	return (law == "" || strings.Contains(e.Laws, law)) &&
		(len(e.Fields) == 0 || slices.Contains(e.Fields, d.Field)) &&
		match(strings.Split(e.Glob, "/"), strings.Split(d.Path, "/"))
}

// match compares part by part; "**" takes any number of parts.
func match(glob, parts []string) bool {
	for len(glob) > 0 {
		if glob[0] == "**" {
			for i := 0; i <= len(parts); i++ {
				if match(glob[1:], parts[i:]) {
					return true
				}
			}
			return false
		}
		if len(parts) == 0 {
			return false
		}
		if ok, err := path.Match(glob[0], parts[0]); err != nil || !ok {
			return false
		}
		glob, parts = glob[1:], parts[1:]
	}
	return len(parts) == 0
}

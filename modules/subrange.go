package modules

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"rp/engine/state"
)

// subLine is one line of subuid(5): owner:start:count. One that is not of that
// form is kept as text.
type subLine struct {
	text  string
	owner string // a name or a number
	state.SubRange
	ok bool
}

// subOwner is whose lines are meant: a line may have the name or the uid.
type subOwner struct {
	name string
	uid  int64 // -1 where there is no such account
}

func (o subOwner) has(l subLine) bool {
	return l.ok && (l.owner == o.name || o.uid >= 0 && l.owner == strconv.FormatInt(o.uid, 10))
}

func parseSubLines(body string) []subLine {
	var out []subLine
	for _, text := range splitLines(body) {
		l := subLine{text: text}
		parts := strings.Split(strings.TrimSpace(text), ":")
		if len(parts) == 3 && parts[0] != "" {
			start, err1 := strconv.ParseInt(parts[1], 10, 64)
			count, err2 := strconv.ParseInt(parts[2], 10, 64)
			l.ok = err1 == nil && err2 == nil && start >= 0 && count > 0 && start < 1<<32 && count <= 1<<32
			l.owner, l.SubRange = parts[0], state.SubRange{Start: start, Count: count}
		}
		out = append(out, l)
	}
	return out
}

func overlap(a, b state.SubRange) bool {
	return a.Start < b.Start+b.Count && b.Start < a.Start+a.Count
}

// overlapping says whose range or account r overlaps, "" for nobody's. own's lines do not count.
func overlapping(own subOwner, r state.SubRange, lines []subLine, acc state.Accounts, groups bool) string {
	for _, l := range lines {
		if l.ok && !own.has(l) && overlap(r, l.SubRange) {
			return fmt.Sprintf("the range %d-%d of %s", l.Start, l.Start+l.Count-1, l.owner)
		}
	}
	for _, id := range realIDs(acc, groups) {
		if overlap(r, id.SubRange) {
			return fmt.Sprintf("the number %d of %s", id.Start, id.owner)
		}
	}
	return ""
}

// realIDs are the numbers of accounts or groups, as ranges of one.
func realIDs(acc state.Accounts, groups bool) []subLine {
	var ids []subLine
	if groups {
		for _, g := range acc.Groups.Or(nil) {
			ids = append(ids, subLine{owner: "group " + g.Name, SubRange: state.SubRange{Start: g.GID, Count: 1}})
		}
		return ids
	}
	for _, u := range acc.Users.Or(nil) {
		ids = append(ids, subLine{owner: "user " + u.Name, SubRange: state.SubRange{Start: u.UID, Count: 1}})
	}
	return ids
}

// freeStart is the lowest number from which count ids are free in all of todo,
// or the start that the user has in the other file, where that is free.
func freeStart(own subOwner, todo, all []*subidFile, acc state.Accounts, defs map[string]string, count int64) (int64, error) {
	free := func(start int64) bool {
		return !slices.ContainsFunc(todo, func(f *subidFile) bool {
			r := state.SubRange{Start: start, Count: count}
			return overlapping(own, r, f.lines, acc, f.groups) != "" || ownOverlap(own, r, f.lines)
		})
	}
	for _, f := range all {
		for _, r := range f.ranges.Or(nil) {
			if !f.needed && r.Count >= count && free(r.Start) {
				return r.Start, nil
			}
		}
	}
	low := max(defsInt(defs, "SUB_UID_MIN", 100000), defsInt(defs, "SUB_GID_MIN", 100000))
	high := min(defsInt(defs, "SUB_UID_MAX", 600100000), defsInt(defs, "SUB_GID_MAX", 600100000))
	starts := []int64{low}
	for _, f := range todo {
		for _, l := range append(slices.Clone(f.lines), realIDs(acc, f.groups)...) {
			if end := l.Start + l.Count; end > low {
				starts = append(starts, end)
			}
		}
	}
	slices.Sort(starts)
	for _, s := range starts {
		if s+count-1 <= high && free(s) {
			return s, nil
		}
	}
	return 0, fmt.Errorf("cannot give %q %d subordinate ids: no range of that size is free between %d and %d", own.name, count, low, high)
}

func ownOverlap(own subOwner, r state.SubRange, lines []subLine) bool {
	return slices.ContainsFunc(lines, func(l subLine) bool { return own.has(l) && overlap(r, l.SubRange) })
}

// withRange adds r to lines in place of own's lines that it overlaps.
func withRange(own subOwner, lines []subLine, r state.SubRange) []subLine {
	add := subLine{text: fmt.Sprintf("%s:%d:%d", own.name, r.Start, r.Count), owner: own.name, SubRange: r, ok: true}
	var out []subLine
	placed := false
	for _, l := range lines {
		if !own.has(l) || !overlap(l.SubRange, r) {
			out = append(out, l)
			continue
		}
		if !placed {
			out, placed = append(out, add), true
		}
	}
	if !placed {
		out = append(out, add)
	}
	return out
}

func withoutOwner(own subOwner, lines []subLine) []subLine {
	return slices.DeleteFunc(slices.Clone(lines), own.has)
}

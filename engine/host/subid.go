package host

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"rp/engine/state"
)

func init() {
	register("subids", kind{read: readSubIDs, imagine: imagineSubIDs})
}

const (
	subUIDFile = "/etc/subuid"
	subGIDFile = "/etc/subgid"
)

func subIDFile(groups bool) string {
	if groups {
		return subGIDFile
	}
	return subUIDFile
}

// readSubIDs asks getsubids(1) where nsswitch.conf(5) names a source of its own
// for subid, and reads the file otherwise, which is all that getsubids does then.
func readSubIDs(ctx context.Context, l *Linux, ss []state.State) ([]state.State, error) {
	a, err := l.loadAccounts()
	if err != nil {
		return nil, err
	}
	texts := map[string]string{}
	out := make([]state.State, len(ss))
	for i, s := range ss {
		q := s.(state.SubIDs)
		if l.o.Root == "" && l.hasNameServices("subid") {
			rs, err := l.getsubids(ctx, q)
			if !errors.Is(err, errNoTool) {
				if err != nil {
					return nil, err
				}
				q.Ranges = state.Is(rs)
				out[i] = q
				continue
			}
		}
		path := subIDFile(q.Groups)
		if _, ok := texts[path]; !ok {
			if texts[path], err = l.accountFile(path); err != nil {
				return nil, err
			}
		}
		q.Ranges = state.Is(rangesOf(texts[path], q.User, a.user(q.User)))
		out[i] = q
	}
	return out, nil
}

// getsubids runs getsubids(1): "0: bob 100000 65536"; status 1 with no ranges.
func (l *Linux) getsubids(ctx context.Context, q state.SubIDs) ([]state.SubRange, error) {
	argv := []string{"getsubids"}
	if q.Groups {
		argv = append(argv, "-g")
	}
	r, err := l.run(ctx, call{argv: append(argv, q.User), timeout: nssTimeout})
	if err != nil {
		return nil, fmt.Errorf("cannot ask for the subordinate ids of %q: %w", q.User, err)
	}
	return parseGetsubids(string(r.stdout)), nil
}

func parseGetsubids(text string) []state.SubRange {
	rs := []state.SubRange{}
	for line := range strings.Lines(text) {
		f := strings.Fields(line)
		if len(f) < 4 || !strings.HasSuffix(f[0], ":") {
			continue
		}
		if r, ok := subRange(f[2], f[3]); ok {
			rs = append(rs, r)
		}
	}
	return rs
}

func subRange(start, count string) (state.SubRange, bool) {
	s, err1 := strconv.ParseInt(start, 10, 64)
	c, err2 := strconv.ParseInt(count, 10, 64)
	return state.SubRange{Start: s, Count: c}, err1 == nil && err2 == nil && s >= 0 && c >= 0
}

// rangesOf are a user's ranges in the text of subuid(5), by name or by number.
func rangesOf(text, name string, a *state.Account) []state.SubRange {
	rs := []state.SubRange{}
	for _, l := range parseSubIDs(text) {
		if l.ok && (l.owner == name || a != nil && l.owner == strconv.FormatInt(a.UID, 10)) {
			rs = append(rs, l.SubRange)
		}
	}
	return rs
}

// subLine is a line of subuid(5): owner:start:count. What is no such line is kept as it is.
type subLine struct {
	text  string
	owner string
	state.SubRange
	ok bool
}

func parseSubIDs(text string) []subLine {
	var ls []subLine
	for line := range strings.Lines(text) {
		l := subLine{text: strings.TrimSuffix(line, "\n")}
		if f := strings.Split(l.text, ":"); len(f) == 3 && f[0] != "" {
			l.owner = f[0]
			l.SubRange, l.ok = subRange(strings.TrimSpace(f[1]), strings.TrimSpace(f[2]))
		}
		ls = append(ls, l)
	}
	return ls
}

func formatSubIDs(ls []subLine) string {
	var b strings.Builder
	for _, l := range ls {
		b.WriteString(l.text + "\n")
	}
	return b.String()
}

// addSubRange is what useradd makes of the text of subuid(5) when it gives
// name a range: it sorts the lines by start and appends one for the first hole of
// count ids in lo..hi. ok is false where there is none.
func addSubRange(text, name string, lo, hi, count int64) (string, bool) {
	ls := parseSubIDs(text)
	ls = sortSubLines(ls)
	low := lo
	for _, l := range ls {
		if !l.ok {
			continue
		}
		if high := min(l.Start, hi+1); high > low && high-low >= count {
			break
		}
		low = max(low, l.Start+l.Count)
		if low > hi {
			return "", false
		}
	}
	if hi-low+1 < count {
		return "", false
	}
	ls = append(ls, subLine{text: fmt.Sprintf("%s:%d:%d", name, low, count)})
	return formatSubIDs(ls), true
}

// sortSubLines sorts as shadow does: by start, count and owner; what is no
// range goes last. shadow's comparison calls such a line greater than every other
// one, itself included, so under the C library's merge sort they change places.
func sortSubLines(ls []subLine) []subLine {
	if len(ls) < 2 {
		return ls
	}
	half := len(ls) / 2
	a, b := sortSubLines(slices.Clone(ls[:half])), sortSubLines(slices.Clone(ls[half:]))
	out := make([]subLine, 0, len(ls))
	for len(a) > 0 && len(b) > 0 {
		if compareSubLines(a[0], b[0]) <= 0 {
			out, a = append(out, a[0]), a[1:]
		} else {
			out, b = append(out, b[0]), b[1:]
		}
	}
	return append(append(out, a...), b...)
}

func compareSubLines(a, b subLine) int {
	switch {
	case !a.ok:
		return 1
	case !b.ok:
		return -1
	}
	return cmp.Or(cmp.Compare(a.Start, b.Start), cmp.Compare(a.Count, b.Count), cmp.Compare(a.owner, b.owner))
}

// dropSubRanges is the text without name's lines, as userdel leaves it.
func dropSubRanges(text, name string) string {
	ls := slices.DeleteFunc(parseSubIDs(text), func(l subLine) bool { return l.ok && l.owner == name })
	return formatSubIDs(ls)
}

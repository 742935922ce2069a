package inventory

import (
	"fmt"
	"math/rand/v2"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"rp/engine/diag"
)

// subscript is the place or places at the end of a pattern: web[0], web[-1], web[0:2], web[1:], web[:2].
var subscript = regexp.MustCompile(`^(.+)\[(?:(-?\d+)|(\d*)([:-])(\d*))\]$`)

// Match gives the hosts that pattern names, in Ansible's order: the hosts of
// its plain parts as they come, of which only those in every &part and in no
// !part stay. Parts are separated by commas, or else by colons. A part is the
// name of a host or group, a glob, a ~regex, each with a [place] or [from:to]
// behind it if wanted (both ends included). What names nothing is a warning;
// what cannot be read is an error. The diagnostics have no place: the caller knows it.
func (inv *Inventory) Match(pattern string) ([]*Host, diag.List) {
	return inv.Select([]string{pattern}, nil)
}

// Select gives the hosts that any of patterns names (each may be a whole
// pattern with &parts and !parts, which then count for all), less those that limit does not name.
func (inv *Inventory) Select(patterns []string, limit *Limit) ([]*Host, diag.List) {
	var ds diag.List
	hosts := inv.evaluate(patterns, &ds)
	if limit != nil && !limit.all {
		hosts = keep(hosts, inv.evaluate(limit.patterns, &ds), true)
	}
	if ds.Failed() {
		return nil, ds
	}
	return hosts, ds
}

// Limit is what --limit allows. It is evaluated anew by each Select, so that hosts added during the run count.
type Limit struct {
	patterns []string
	all      bool
}

// ParseLimit reads the argument of --limit: a pattern in which @FILE stands for
// the patterns in FILE, one a line. The empty text allows all hosts, an empty
// file and a limit with a mistake none.
func ParseLimit(spec string) (*Limit, diag.List) {
	var ds diag.List
	l := &Limit{}
	parts := splitPattern(spec, &ds)
	l.all = len(parts) == 0 && !ds.Failed()
	for _, part := range parts {
		file, ok := strings.CutPrefix(part, "@")
		if !ok {
			l.patterns = append(l.patterns, part)
			continue
		}
		data, err := os.ReadFile(file)
		if err != nil {
			ds.Errorf(diag.Pos{File: file}, "cannot read the limit file: %v", plain(err))
			continue
		}
		for line := range strings.Lines(string(data)) {
			if line = strings.TrimSpace(line); line != "" && line[0] != '#' {
				l.patterns = append(l.patterns, line)
			}
		}
	}
	return l, ds
}

// splitPattern splits a pattern into its parts: at commas if it has any, else
// at colons and blanks outside brackets. An address with colons stays whole.
func splitPattern(pattern string, ds *diag.List) []string {
	parts := []string{pattern}
	switch {
	case strings.Contains(pattern, ","):
		parts = strings.Split(pattern, ",")
	case !wholeAddress(pattern):
		parts = splitColons(pattern, ds)
	}
	var out []string
	for _, p := range parts {
		if p = strings.TrimSpace(p); p != "" {
			out = append(out, p)
		}
	}
	return out
}

// wholeAddress reports whether pattern is one address or host, with a port perhaps.
func wholeAddress(pattern string) bool {
	_, port := splitPort(pattern)
	return port >= 0 || isAddress(pattern)
}

func splitColons(pattern string, ds *diag.List) []string {
	var parts []string
	start, depth := 0, 0
	for i, r := range pattern {
		switch {
		case r == '[':
			depth++
		case r == ']' && depth > 0:
			depth--
		case depth == 0 && (r == ':' || r == ' ' || r == '\t' || r == '\n'):
			parts = append(parts, pattern[start:i])
			start = i + 1
		}
	}
	if depth > 0 {
		ds.Errorf(diag.Pos{}, "the host pattern %q has a [ without a ]", pattern)
		return nil
	}
	return append(parts, pattern[start:])
}

// evaluate gives the hosts of patterns: first the plain parts, then the & parts, then the ! parts.
func (inv *Inventory) evaluate(patterns []string, ds *diag.List) []*Host {
	var union, inter, minus []string
	for _, pattern := range patterns {
		parts := splitPattern(pattern, ds)
		if len(parts) == 0 && !ds.Failed() {
			ds.Errorf(diag.Pos{}, "the host pattern %q names nothing", pattern).Hintf("%q names all hosts", All)
		}
		for _, p := range parts {
			switch p[0] {
			case '&':
				inter = append(inter, p[1:])
			case '!':
				minus = append(minus, p[1:])
			default:
				union = append(union, p)
			}
		}
	}
	if len(union) == 0 && len(inter)+len(minus) > 0 {
		union = []string{All}
	}
	var hosts []*Host
	seen := map[*Host]bool{}
	for _, p := range union {
		hosts = appendNew(hosts, seen, inv.part(p, ds))
	}
	for _, p := range inter {
		hosts = keep(hosts, inv.part(p, ds), true)
	}
	for _, p := range minus {
		hosts = keep(hosts, inv.part(p, ds), false)
	}
	return hosts
}

func appendNew(hosts []*Host, seen map[*Host]bool, more []*Host) []*Host {
	for _, h := range more {
		if !seen[h] {
			seen[h] = true
			hosts = append(hosts, h)
		}
	}
	return hosts
}

// keep leaves of hosts those that are in set, or those that are not.
func keep(hosts, set []*Host, in bool) []*Host {
	has := make(map[*Host]bool, len(set))
	for _, h := range set {
		has[h] = true
	}
	return slices.DeleteFunc(hosts, func(h *Host) bool { return has[h] != in })
}

// part gives the hosts of one part without its & or !.
func (inv *Inventory) part(p string, ds *diag.List) []*Host {
	if p == "" {
		ds.Errorf(diag.Pos{}, "a host pattern has an & or ! with no name behind it")
		return nil
	}
	inv.mu.RLock()
	h := inv.hosts[p]
	inv.mu.RUnlock()
	if h != nil {
		return []*Host{h}
	}
	m := subscript.FindStringSubmatch(p)
	if m == nil || p[0] == '~' || m[2]+m[3]+m[5] == "" || m[4] == "-" && (m[3] == "" || m[5] == "") {
		return inv.named(p, ds)
	}
	if m[4] == "-" {
		ds.Warnf(diag.Pos{}, "%q: a range of places is written [%s:%s], not with a -", p, m[3], m[5])
	}
	hosts := inv.named(m[1], ds)
	picked, ok := places(hosts, m)
	if !ok && len(hosts) > 0 {
		ds.Warnf(diag.Pos{}, "no hosts at the places of %q: %q has %d", p, m[1], len(hosts))
	}
	return picked
}

// places takes the places that the subscript m names out of hosts.
func places(hosts []*Host, m []string) ([]*Host, bool) {
	if m[2] != "" {
		i, err := strconv.Atoi(m[2])
		if i < 0 {
			i += len(hosts)
		}
		if err != nil || i < 0 || i >= len(hosts) {
			return nil, false
		}
		return hosts[i : i+1], true
	}
	from, to := 0, len(hosts)-1
	if n, err := strconv.Atoi(m[3]); err == nil {
		from = n
	} else if m[3] != "" {
		return nil, false
	}
	if n, err := strconv.Atoi(m[5]); err == nil {
		to = min(n, to)
	}
	if from > to {
		return nil, false
	}
	return hosts[from : to+1], true
}

// named gives the hosts of the groups, and of the hosts, whose names match p.
func (inv *Inventory) named(p string, ds *diag.List) []*Host {
	match, failed, err := matcher(p)
	if err != nil {
		ds.Errorf(diag.Pos{}, "cannot read the host pattern %q: %v", p, err)
		return nil
	}
	hosts, groups := inv.matching(p, match)
	if err := failed(); err != nil {
		ds.Errorf(diag.Pos{}, "cannot match the host pattern %q: %v", p, err)
		return nil
	}
	if len(hosts) == 0 && slices.Contains(localNames, p) {
		return []*Host{inv.Host(p)}
	}
	if len(hosts) == 0 && groups == 0 && p != All {
		d := ds.Warnf(diag.Pos{}, "no host or group matches %q", p)
		if near := diag.Suggest(p, inv.names()); near != "" {
			d.Hintf("did you mean %q?", near)
		}
	}
	return hosts
}

func (inv *Inventory) matching(p string, match func(string) bool) (hosts []*Host, groups int) {
	inv.mu.RLock()
	defer inv.mu.RUnlock()
	seen := map[*Host]bool{}
	if g := inv.groups[p]; g != nil && !isGlob(p) {
		return g.all(), 1
	}
	for _, g := range inv.grouping {
		if match(g.Name) {
			groups++
			hosts = appendNew(hosts, seen, g.all())
		}
	}
	if groups == 0 || isGlob(p) {
		for _, h := range inv.order {
			if match(h.Name) {
				hosts = appendNew(hosts, seen, []*Host{h})
			}
		}
	}
	return hosts, groups
}

// isGlob reports whether p may match both groups and hosts.
func isGlob(p string) bool { return p[0] == '~' || strings.ContainsAny(p, ".?*[") }

func (inv *Inventory) names() []string {
	inv.mu.RLock()
	defer inv.mu.RUnlock()
	out := make([]string, 0, len(inv.grouping)+len(inv.order))
	for _, g := range inv.grouping {
		out = append(out, g.Name)
	}
	for _, h := range inv.order {
		out = append(out, h.Name)
	}
	return out
}

// Order puts hosts into the order that a play's "order" asks for: "inventory"
// or empty (as they are), "reverse_inventory", "sorted", "reverse_sorted" or "shuffle".
func Order(hosts []*Host, order string) ([]*Host, error) {
	out := slices.Clone(hosts)
	byName := func(a, b *Host) int { return strings.Compare(a.Name, b.Name) }
	switch order {
	case "", "inventory":
	case "reverse_inventory":
		slices.Reverse(out)
	case "sorted":
		slices.SortStableFunc(out, byName)
	case "reverse_sorted":
		slices.SortStableFunc(out, byName)
		slices.Reverse(out)
	case "shuffle":
		rand.Shuffle(len(out), func(i, j int) { out[i], out[j] = out[j], out[i] })
	default:
		return nil, fmt.Errorf("cannot order hosts by %q: it is none of inventory, reverse_inventory, sorted, reverse_sorted, shuffle", order)
	}
	return out, nil
}

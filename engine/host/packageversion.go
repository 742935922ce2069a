package host

import (
	"strings"

	"rp/engine/state"
)

// compareDebian orders versions as deb-version(7) says: epoch, upstream
// version, revision, with ~ before everything, letters before the rest.
func compareDebian(a, b string) int {
	ea, a := splitEpoch(a)
	eb, b := splitEpoch(b)
	if c := compareDigits(ea, eb); c != 0 {
		return c
	}
	ua, ra := splitRevision(a)
	ub, rb := splitRevision(b)
	if c := compareDebianPart(ua, ub); c != 0 {
		return c
	}
	return compareDebianPart(ra, rb)
}

func splitEpoch(v string) (epoch, rest string) {
	if e, r, ok := strings.Cut(v, ":"); ok {
		return e, r
	}
	return "0", v
}

func splitRevision(v string) (upstream, revision string) {
	if i := strings.LastIndex(v, "-"); i >= 0 {
		return v[:i], v[i+1:]
	}
	return v, ""
}

func digit(c byte) bool { return c >= '0' && c <= '9' }

func letter(c byte) bool { return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' }

// debianOrder is the weight of the first character of s in a part that is no number.
func debianOrder(s string) int {
	switch {
	case s == "" || digit(s[0]):
		return 0
	case s[0] == '~':
		return -1
	case letter(s[0]):
		return int(s[0])
	}
	return int(s[0]) + 256
}

func compareDebianPart(a, b string) int {
	for a != "" || b != "" {
		for a != "" && !digit(a[0]) || b != "" && !digit(b[0]) {
			oa, ob := debianOrder(a), debianOrder(b)
			if oa != ob {
				return sign(oa - ob)
			}
			a, b = tail(a), tail(b)
		}
		var na, nb string
		na, a = takeDigits(a)
		nb, b = takeDigits(b)
		if c := compareDigits(na, nb); c != 0 {
			return c
		}
	}
	return 0
}

func tail(s string) string {
	if s == "" {
		return ""
	}
	return s[1:]
}

func takeDigits(s string) (digits, rest string) {
	i := 0
	for i < len(s) && digit(s[i]) {
		i++
	}
	return s[:i], s[i:]
}

// compareDigits orders decimal numbers of any length.
func compareDigits(a, b string) int {
	a, b = strings.TrimLeft(a, "0"), strings.TrimLeft(b, "0")
	if len(a) != len(b) {
		return sign(len(a) - len(b))
	}
	return strings.Compare(a, b)
}

func sign(n int) int {
	switch {
	case n < 0:
		return -1
	case n > 0:
		return 1
	}
	return 0
}

// compareRPM orders epoch:version-release as rpm does (rpm-version(7)):
// runs of digits and of letters, ~ before everything, ^ after the same without it.
func compareRPM(a, b string) int {
	ea, a := splitEpoch(a)
	eb, b := splitEpoch(b)
	if c := compareDigits(ea, eb); c != 0 {
		return c
	}
	va, ra := splitRevision(a)
	vb, rb := splitRevision(b)
	if c := compareRPMPart(va, vb); c != 0 || ra == "" || rb == "" {
		return c
	}
	return compareRPMPart(ra, rb)
}

func compareRPMPart(a, b string) int {
	for {
		a, b = trimSeparators(a), trimSeparators(b)
		switch at, bt := strings.HasPrefix(a, "~"), strings.HasPrefix(b, "~"); {
		case at && bt:
			a, b = a[1:], b[1:]
			continue
		case at:
			return -1
		case bt:
			return 1
		}
		switch ac, bc := strings.HasPrefix(a, "^"), strings.HasPrefix(b, "^"); {
		case ac && bc:
			a, b = a[1:], b[1:]
			continue
		case ac:
			return caret(b, 1)
		case bc:
			return caret(a, -1)
		}
		if a == "" || b == "" {
			return sign(len(a) - len(b))
		}
		if digit(a[0]) != digit(b[0]) { // a number is newer than letters
			if digit(a[0]) {
				return 1
			}
			return -1
		}
		var sa, sb string
		compare := compareDigits
		if digit(a[0]) {
			sa, a = takeDigits(a)
			sb, b = takeDigits(b)
		} else {
			sa, a = takeLetters(a)
			sb, b = takeLetters(b)
			compare = strings.Compare
		}
		if c := compare(sa, sb); c != 0 {
			return c
		}
	}
}

// caret is the order of a version that goes on with ^ against one that goes on
// with other: newer where that has ended, older otherwise; side turns it round.
func caret(other string, side int) int {
	if other == "" {
		return side
	}
	return -side
}

func trimSeparators(s string) string {
	return strings.TrimLeftFunc(s, func(r rune) bool {
		return r > 127 || !digit(byte(r)) && !letter(byte(r)) && r != '~' && r != '^'
	})
}

func takeLetters(s string) (letters, rest string) {
	i := 0
	for i < len(s) && letter(s[i]) {
		i++
	}
	return s[:i], s[i:]
}

// showVersion is an installed version in the form in which want is compared with
// it: without its epoch where want has none, and as the relation (">=1.2") itself
// where that holds.
func showVersion(have string, want state.Value[state.Version], compare func(a, b string) int) state.Value[state.Version] {
	w, ok := want.Get()
	if !ok {
		return state.Is(state.Version(have))
	}
	short := have
	if _, rest, cut := strings.Cut(have, ":"); cut && !strings.Contains(string(w), ":") {
		short = rest
	}
	if op, v := splitRelation(string(w)); relationHolds(op, compare(short, v)) {
		return want
	}
	return state.Is(state.Version(short))
}

func splitRelation(v string) (op, version string) {
	i := len(v) - len(strings.TrimLeft(v, "<>=!"))
	return v[:i], strings.TrimSpace(v[i:])
}

// relationHolds reports whether a relation holds that takes an order of versions; "=" is compared by text.
func relationHolds(op string, c int) bool {
	switch op {
	case ">=":
		return c >= 0
	case "<=":
		return c <= 0
	case ">", ">>":
		return c > 0
	case "<", "<<":
		return c < 0
	case "!=":
		return c != 0
	}
	return false
}

// exactVersion is what a package manager is to be told of a wanted version, and
// whether there is anything to tell: a relation other than "=" is left to what it offers.
func exactVersion(p state.Package) (string, bool) {
	v, ok := p.Version.Get()
	op, s := splitRelation(string(v))
	return s, ok && s != "" && (op == "" || op == "=")
}

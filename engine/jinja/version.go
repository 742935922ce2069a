package jinja

import (
	"regexp"
	"strconv"
	"strings"

	"github.com/Masterminds/semver/v3"
)

// The tests of versions.
func init() {
	addTest(define("version", "version operator='eq' strict=none version_type=none", 0, testVersion), "version_compare")
}

// versionOps are the operators and the signs of comparison for which they hold.
var versionOps = map[string][]int{
	"==": {0}, "=": {0}, "eq": {0},
	"<": {-1}, "lt": {-1}, "<=": {-1, 0}, "le": {-1, 0},
	">": {1}, "gt": {1}, ">=": {0, 1}, "ge": {0, 1},
	"!=": {-1, 1}, "<>": {-1, 1}, "ne": {-1, 1},
}

func testVersion(c *call) (any, error) {
	a, b := c.text(c.self), c.anyText(0)
	signs, ok := versionOps[c.anyText(1)]
	switch {
	case a == "" || c.self == nil:
		return nil, typef("Input version value cannot be empty")
	case b == "" || c.args[0] == nil:
		return nil, typef("Version parameter to compare against cannot be empty")
	case c.args[2] != nil && c.args[3] != nil:
		return nil, typef("Cannot specify both 'strict' and 'version_type'")
	case !ok:
		return nil, typef("Invalid operator type (%s). Must be one of '==', '=', 'eq', '<', 'lt', '<=', 'le', '>', 'gt', '>=', 'ge', '!=', '<>', 'ne'", c.anyText(1))
	}
	kind := "loose"
	if c.bool(2) {
		kind = "strict"
	}
	if c.args[3] != nil {
		kind = c.str(3)
	}
	compare, ok := versionKinds[kind]
	if !ok {
		return nil, typef("Invalid version type (%s). Must be one of 'loose', 'strict', 'semver', 'semantic', 'pep440'", kind)
	}
	n, err := compare(a, b)
	if err != nil {
		return nil, typef("Version comparison failed: %s", err.Error())
	}
	for _, s := range signs {
		if s == n {
			return true, nil
		}
	}
	return false, nil
}

var versionKinds = map[string]func(a, b string) (int, error){
	"loose": compareLoose, "strict": compareStrict, "semver": compareSemver, "semantic": compareSemver, "pep440": comparePEP440,
}

var looseParts = regexp.MustCompile(`\d+|[a-z]+|\.|[^\da-z.]+`)

// looseKey divides a version into numbers and words, as Python's LooseVersion.
func looseKey(s string) ([]any, error) {
	var out []any
	for _, p := range looseParts.FindAllString(s, -1) {
		if p == "." {
			continue
		}
		if n, ok := parseInt(p, 10); ok && p[0] >= '0' && p[0] <= '9' {
			out = append(out, n)
			continue
		}
		out = append(out, p)
	}
	return out, nil
}

func compareLoose(a, b string) (int, error) {
	x, err := looseKey(a)
	if err != nil {
		return 0, err
	}
	y, err := looseKey(b)
	if err != nil {
		return 0, err
	}
	n, err := compareItems("<", x, y)
	return min(max(n, -1), 1), err
}

var strictForm = regexp.MustCompile(`^(\d+)\.(\d+)(?:\.(\d+))?(?:([ab])(\d+))?$`)

// compareStrict is Python's StrictVersion: 1.2[.3][a4].
func compareStrict(a, b string) (int, error) {
	var keys [2][]any
	for i, s := range []string{a, b} {
		m := strictForm.FindStringSubmatch(s)
		if m == nil {
			return 0, typef("invalid version number '%s'", s)
		}
		for _, p := range m[1:4] {
			n, _ := strconv.ParseInt(p, 10, 64)
			keys[i] = append(keys[i], n)
		}
		stage := m[4]
		if stage == "" {
			stage = "z" // a release comes behind its previews
		}
		n, _ := strconv.ParseInt(m[5], 10, 64)
		keys[i] = append(keys[i], stage, n)
	}
	n, err := compareItems("<", keys[0], keys[1])
	return min(max(n, -1), 1), err
}

func compareSemver(a, b string) (int, error) {
	x, err := semver.StrictNewVersion(a)
	if err != nil {
		return 0, typef("invalid semantic version '%s'", a)
	}
	y, err := semver.StrictNewVersion(b)
	if err != nil {
		return 0, typef("invalid semantic version '%s'", b)
	}
	return x.Compare(y), nil
}

var pepForm = regexp.MustCompile(`(?i)^\s*v?(?:(\d+)!)?(\d+(?:\.\d+)*)(?:[-_.]?(alpha|a|beta|b|preview|pre|c|rc)[-_.]?(\d*))?((?:-(\d+))|(?:[-_.]?(post|rev|r)[-_.]?(\d*)))?([-_.]?dev[-_.]?(\d*))?(?:\+([a-z0-9]+(?:[-_.][a-z0-9]+)*))?\s*$`)

// comparePEP440 orders versions of Python packages (PEP 440).
func comparePEP440(a, b string) (int, error) {
	x, err := pepKey(a)
	if err != nil {
		return 0, err
	}
	y, err := pepKey(b)
	if err != nil {
		return 0, err
	}
	n, err := compareItems("<", x, y)
	return min(max(n, -1), 1), err
}

// pepKey is a version's epoch, release, stage, post, dev and local parts, so
// that lists of them are in order.
func pepKey(s string) ([]any, error) {
	m := pepForm.FindStringSubmatch(s)
	if m == nil {
		return nil, typef("Invalid version: '%s'", s)
	}
	number := func(s string) int64 {
		n, _ := strconv.ParseInt(s, 10, 64)
		return n
	}
	var release []any
	for p := range strings.SplitSeq(m[2], ".") {
		release = append(release, number(p))
	}
	for len(release) > 0 && release[len(release)-1] == int64(0) {
		release = release[:len(release)-1]
	}
	const before, after = int64(-1), int64(1) << 40
	stage := list([]any{after, int64(0)})
	if m[3] != "" {
		order := map[byte]int64{'a': 0, 'b': 1}
		rank, ok := order[strings.ToLower(m[3])[0]]
		if !ok {
			rank = 2 // c, rc, pre and preview are one stage
		}
		stage = list([]any{rank, number(m[4])})
	} else if m[5] == "" && m[9] != "" {
		stage = list([]any{before, int64(0)}) // 1.0.dev1 comes before 1.0a1
	}
	post, dev := before, after
	if m[5] != "" {
		post = number(m[6] + m[8])
	}
	if m[9] != "" {
		dev = number(m[10])
	}
	var local []any
	if m[11] != "" {
		for _, p := range regexp.MustCompile(`[-_.]`).Split(strings.ToLower(m[11]), -1) {
			if n, err := strconv.ParseInt(p, 10, 64); err == nil {
				local = append(local, list([]any{n, ""}))
				continue
			}
			local = append(local, list([]any{before, p}))
		}
	}
	return []any{number(m[1]), list(release), stage, post, dev, list(local)}, nil
}

package jinja

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/dlclark/regexp2"
)

// A pattern is one of Python's regular expressions. Most run on regexp, whose
// time is linear in the text; what that package cannot do, or does otherwise
// than Python, runs on regexp2 with a time limit.
type pattern struct {
	fast   *regexp.Regexp // nil where regexp does not know the syntax
	slow   func() (*regexp2.Regexp, error)
	groups int
	names  map[string]int
	dollar bool // $ may match before a newline at the end
	wide   bool // \w, \d, \s or \b: not the same for text beyond ASCII
	empty  bool // matches the empty text, which regexp does not look for behind a match
}

// matchTimeout bounds one match of regexp2.
const matchTimeout = 5 * time.Second

type patternKey struct {
	text       string
	icase, mul bool
}

// patterns keeps what was compiled, and starts anew when it is full.
var patterns = struct {
	sync.RWMutex
	m map[patternKey]*pattern
}{m: map[patternKey]*pattern{}}

const maxPatterns = 5_000

// compile is the pattern that text is with Python's IGNORECASE and MULTILINE.
func compile(text string, ignoreCase, multiline bool) (*pattern, error) {
	key := patternKey{text, ignoreCase, multiline}
	patterns.RLock()
	p := patterns.m[key]
	patterns.RUnlock()
	if p != nil {
		return p, nil
	}
	p, err := compilePattern(key)
	if err != nil {
		return nil, fmt.Errorf("invalid regular expression %q: %w", text, err)
	}
	patterns.Lock()
	defer patterns.Unlock()
	if len(patterns.m) >= maxPatterns {
		patterns.m = map[patternKey]*pattern{}
	}
	patterns.m[key] = p
	return p, nil
}

func compilePattern(key patternKey) (*pattern, error) {
	t := translate(key.text)
	p := &pattern{groups: t.groups, names: t.names, dollar: t.dollar && !key.mul, wide: t.wide || key.icase}
	flags := ""
	if key.icase {
		flags += "i"
	}
	if key.mul {
		flags += "m"
	}
	if flags != "" {
		flags = "(?" + flags + ")"
	}
	if !t.backtracks {
		p.fast, _ = regexp.Compile(flags + t.fast.String())
	}
	p.slow = sync.OnceValues(func() (*regexp2.Regexp, error) {
		re, err := regexp2.Compile(flags+t.slow.String(), regexp2.None)
		if err == nil {
			re.MatchTimeout = matchTimeout
		}
		return re, err
	})
	if p.fast == nil {
		_, err := p.slow()
		return p, err
	}
	if p.fast.NumSubexp() != p.groups {
		p.groups = p.fast.NumSubexp()
	}
	p.empty = p.fast.MatchString("")
	return p, nil
}

// translation is a pattern of Python's in the words of both libraries.
type translation struct {
	fast, slow strings.Builder
	groups     int
	names      map[string]int
	dollar     bool
	wide       bool
	backtracks bool // regexp cannot do it, or would read it otherwise
}

func (t *translation) both(s string) {
	t.fast.WriteString(s)
	t.slow.WriteString(s)
}

var (
	namedGroup  = regexp.MustCompile(`^\(\?P<([^>]+)>`)
	namedBack   = regexp.MustCompile(`^\(\?P=([^)]+)\)`)
	pythonFlags = regexp.MustCompile(`^\(\?([aiLmsux]+)\)`)
	openRepeat  = regexp.MustCompile(`^\{,(\d+)\}`)
)

func translate(s string) *translation {
	t := &translation{names: map[string]int{}}
	class := false
	for i := 0; i < len(s); i++ {
		rest := s[i:]
		switch {
		case s[i] == '\\' && i+1 < len(s):
			t.escape(s[i+1], class)
			i++
		case class:
			if s[i] == '[' {
				t.both(`\[`)
				continue
			}
			class = s[i] != ']'
			t.both(s[i : i+1])
		case s[i] == '[':
			class = true
			n := 1
			for _, first := range []string{"^", "]"} {
				if strings.HasPrefix(rest[n:], first) {
					n++
				}
			}
			t.both(strings.ReplaceAll(rest[:n], "]", `\]`))
			i += n - 1
		case s[i] == '(':
			i += t.group(rest) - 1
		case s[i] == '$':
			t.dollar = true
			t.both("$")
		case s[i] == '{':
			if m := openRepeat.FindStringSubmatch(rest); m != nil {
				t.both("{0," + m[1] + "}")
				i += len(m[0]) - 1
				continue
			}
			t.both("{")
		default:
			t.both(s[i : i+1])
		}
	}
	return t
}

func (t *translation) escape(c byte, class bool) {
	switch c {
	case 'Z':
		t.both(`\z`)
	case 'w', 'W', 'd', 'D', 's', 'S', 'b', 'B':
		t.wide = t.wide || !class || c != 'b'
		if class && c == 'b' {
			t.both(`\x08`)
			return
		}
		t.both(`\` + string(c))
	case '<', '>', '/', '"', '\'', '#', '%', '&', ',', ':', ';', '=', '@', '_', '`', '~', '!':
		t.both(regexp.QuoteMeta(string(c)))
	default:
		if c >= '1' && c <= '9' && !class {
			t.backtracks = true
		}
		t.both(`\` + string(c))
	}
}

// group translates what an opening bracket starts and gives its length.
func (t *translation) group(rest string) int {
	if m := namedGroup.FindStringSubmatch(rest); m != nil {
		t.groups++
		t.names[m[1]] = t.groups
		t.both("(")
		return len(m[0])
	}
	if m := namedBack.FindStringSubmatch(rest); m != nil {
		t.backtracks = true
		t.slow.WriteString(`(?:\` + strconv.Itoa(t.names[m[1]]) + `)`)
		return len(m[0])
	}
	if m := pythonFlags.FindStringSubmatch(rest); m != nil {
		if flags := strings.Trim(strings.NewReplacer("a", "", "u", "", "L", "").Replace(m[1]), " "); flags != "" {
			t.both("(?" + flags + ")")
		}
		return len(m[0])
	}
	if !strings.HasPrefix(rest, "(?") {
		t.groups++
	}
	t.both("(")
	return 1
}

// match is where a match and its groups are, in bytes; -1 where a group took no part.
type match []int

func (m match) group(s string, i int) (string, bool) {
	if i < 0 || 2*i+1 >= len(m) || m[2*i] < 0 {
		return "", false
	}
	return s[m[2*i]:m[2*i+1]], true
}

// goesFast reports whether regexp finds in s what Python would; all says that
// every match is asked for.
func (p *pattern) goesFast(s string, all bool) bool {
	if p.fast == nil || all && p.empty {
		return false
	}
	return (!p.wide || isASCII(s)) && (!p.dollar || !strings.HasSuffix(s, "\n"))
}

// find gives the first n matches in s, all where n is negative.
func (p *pattern) find(s string, n int) ([]match, error) {
	if p.goesFast(s, n != 1) {
		if n == 1 {
			if m := p.fast.FindStringSubmatchIndex(s); m != nil {
				return []match{m}, nil
			}
			return nil, nil
		}
		all := p.fast.FindAllStringSubmatchIndex(s, n)
		out := make([]match, len(all))
		for i, m := range all {
			out[i] = m
		}
		return out, nil
	}
	return p.findSlow(s, n)
}

func (p *pattern) findSlow(s string, n int) ([]match, error) {
	re, err := p.slow()
	if err != nil {
		return nil, fmt.Errorf("invalid regular expression: %w", err)
	}
	offsets := runeOffsets(s)
	var out []match
	m, err := re.FindStringMatch(s)
	for ; m != nil && err == nil && (n < 0 || len(out) < n); m, err = re.FindNextMatch(m) {
		found := make(match, 0, 2*(p.groups+1))
		for _, g := range m.Groups() {
			if len(g.Captures) == 0 {
				found = append(found, -1, -1)
				continue
			}
			found = append(found, offsets[g.Index], offsets[g.Index+g.Length])
		}
		out = append(out, found)
	}
	if err != nil {
		return nil, fmt.Errorf("the regular expression took too long: %w", err)
	}
	return out, nil
}

// runeOffsets is where each character of s starts, and where s ends.
func runeOffsets(s string) []int {
	out := make([]int, 0, len(s)+1)
	for i := range s {
		out = append(out, i)
	}
	return append(out, len(s))
}

// matchAt reports whether p matches s from its start.
func (p *pattern) matchAt(s string, whole bool) (bool, error) {
	all, err := p.find(s, 1)
	if err != nil || len(all) == 0 {
		return false, err
	}
	if all[0][0] == 0 && (!whole || all[0][1] == len(s)) {
		return true, nil
	}
	return false, nil
}

// index is the number of the group called name, which may be a number.
func (p *pattern) index(name string) (int, error) {
	if i, ok := p.names[name]; ok {
		return i, nil
	}
	i, err := strconv.Atoi(name)
	if err != nil || i < 0 || i > p.groups {
		return 0, typef("unknown group name %s", pyQuote(name))
	}
	return i, nil
}

// replacement is a template of re.sub: text and groups.
type replacement []struct {
	text  string
	group int // -1 for text
}

// template reads \1, \g<name> and the escapes of a replacement.
func (p *pattern) template(s string) (replacement, error) {
	var out replacement
	var b strings.Builder
	flush := func(group int) {
		if b.Len() > 0 {
			out = append(out, struct {
				text  string
				group int
			}{b.String(), -1})
			b.Reset()
		}
		if group >= 0 {
			out = append(out, struct {
				text  string
				group int
			}{"", group})
		}
	}
	for i := 0; i < len(s); i++ {
		if s[i] != '\\' {
			b.WriteByte(s[i])
			continue
		}
		if i+1 == len(s) {
			return nil, typef("bad escape (end of pattern)")
		}
		i++
		switch c := s[i]; {
		case c == 'g' && i+1 < len(s) && s[i+1] == '<':
			end := strings.IndexByte(s[i:], '>')
			if end < 0 {
				return nil, typef("missing >, unterminated name")
			}
			g, err := p.index(s[i+2 : i+end])
			if err != nil {
				return nil, err
			}
			flush(g)
			i += end
		case c >= '1' && c <= '9':
			n := int(c - '0')
			if i+1 < len(s) && s[i+1] >= '0' && s[i+1] <= '9' && n*10+int(s[i+1]-'0') <= p.groups {
				i++
				n = n*10 + int(s[i]-'0')
			}
			if n > p.groups {
				return nil, typef("invalid group reference %d", n)
			}
			flush(n)
		case c == '0':
			b.WriteByte(0)
		case c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z':
			text, ok := simpleEscapes[c]
			if !ok {
				return nil, typef("bad escape \\%c", c)
			}
			b.WriteString(text)
		case c == '\\':
			b.WriteByte('\\')
		default:
			b.WriteString(`\` + string(c))
		}
	}
	flush(-1)
	return out, nil
}

// replace is s with the first count matches replaced, all where count is 0; n is how many were.
func (p *pattern) replace(s, by string, count int, fits func(int) error) (out string, n int, err error) {
	if count == 0 {
		count = -1
	}
	all, err := p.find(s, count)
	if err != nil || len(all) == 0 {
		return s, 0, err
	}
	t, err := p.template(by)
	if err != nil {
		return "", 0, err
	}
	var b strings.Builder
	at := 0
	for _, m := range all {
		b.WriteString(s[at:m[0]])
		for _, part := range t {
			if part.group < 0 {
				b.WriteString(part.text)
				continue
			}
			text, _ := m.group(s, part.group)
			b.WriteString(text)
		}
		at = m[1]
		if err := fits(b.Len()); err != nil {
			return "", 0, err
		}
	}
	b.WriteString(s[at:])
	return b.String(), len(all), nil
}

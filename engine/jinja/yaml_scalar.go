package jinja

import (
	"regexp"
	"strings"
)

// The plain scalars that YAML 1.1 reads as something else than text, by what
// they may start with (https://yaml.org/type/, with PyYAML's deviations).
var yamlImplicit = []struct {
	first string
	form  *regexp.Regexp
}{
	{"yYnNtTfFoO", regexp.MustCompile(`^(?:yes|Yes|YES|no|No|NO|true|True|TRUE|false|False|FALSE|on|On|ON|off|Off|OFF)$`)},
	{"-+0123456789.", regexp.MustCompile(`^(?:[-+]?[0-9][0-9_]*\.[0-9_]*(?:[eE][-+][0-9]+)?|\.[0-9][0-9_]*(?:[eE][-+][0-9]+)?|[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+\.[0-9_]*|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))$`)},
	{"-+0123456789", regexp.MustCompile(`^(?:[-+]?0b[0-1_]+|[-+]?0[0-7_]+|[-+]?(?:0|[1-9][0-9_]*)|[-+]?0x[0-9a-fA-F_]+|[-+]?[1-9][0-9_]*(?::[0-5]?[0-9])+)$`)},
	{"<", regexp.MustCompile(`^<<$`)},
	{"~nN", regexp.MustCompile(`^(?:~|null|Null|NULL)$`)},
	{"0123456789", regexp.MustCompile(`^(?:[0-9]{4}-[0-9]{2}-[0-9]{2}|[0-9]{4}-[0-9][0-9]?-[0-9][0-9]?(?:[Tt]|[ \t]+)[0-9][0-9]?:[0-9]{2}:[0-9]{2}(?:\.[0-9]*)?(?:[ \t]*(?:Z|[-+][0-9][0-9]?(?::[0-9]{2})?))?)$`)},
	{"=", regexp.MustCompile(`^=$`)},
}

// yamlIsText reports whether s, written plain, is read back as text.
func yamlIsText(s string) bool {
	if s == "" {
		return false
	}
	for _, r := range yamlImplicit {
		if strings.IndexByte(r.first, s[0]) >= 0 && r.form.MatchString(s) {
			return false
		}
	}
	return true
}

// yamlAnalysis says in which styles a text can be written.
type yamlAnalysis struct {
	empty, multiline              bool
	flowPlain, blockPlain, single bool
}

const yamlBreaks = "\n\u0085\u2028\u2029"

func yamlSpace(r rune) bool { return strings.ContainsRune("\x00 \t\r"+yamlBreaks, r) }

func analyze(text string, unicode bool) yamlAnalysis {
	if text == "" {
		return yamlAnalysis{empty: true, blockPlain: true, single: true}
	}
	r := []rune(text)
	var block, flow, breaks, special, breakSpace, spaceBreak bool
	if strings.HasPrefix(text, "---") || strings.HasPrefix(text, "...") {
		block, flow = true, true
	}
	before := true
	for i, ch := range r {
		after := i+1 >= len(r) || yamlSpace(r[i+1])
		b, f := indicators(ch, i == 0, before, after)
		block, flow = block || b, flow || f
		isBreak := strings.ContainsRune(yamlBreaks, ch)
		breaks = breaks || isBreak
		special = special || yamlSpecial(ch, unicode)
		if i > 0 {
			breakSpace = breakSpace || ch == ' ' && strings.ContainsRune(yamlBreaks, r[i-1])
			spaceBreak = spaceBreak || isBreak && r[i-1] == ' '
		}
		before = yamlSpace(ch)
	}
	edge := func(ch rune) bool { return ch == ' ' || strings.ContainsRune(yamlBreaks, ch) }
	plain := !edge(r[0]) && !edge(r[len(r)-1]) && !breakSpace && !spaceBreak && !special && !breaks
	return yamlAnalysis{
		multiline: breaks,
		flowPlain: plain && !flow, blockPlain: plain && !block,
		single: !breakSpace && !spaceBreak && !special,
	}
}

// indicators reports whether ch may not stand in a plain scalar of block or flow style.
func indicators(ch rune, first, before, after bool) (block, flow bool) {
	if first {
		switch {
		case strings.ContainsRune("#,[]{}&*!|>'\"%@`", ch):
			return true, true
		case ch == '?' || ch == ':':
			return after, true
		case ch == '-' && after:
			return true, true
		}
		return false, false
	}
	switch {
	case strings.ContainsRune(",?[]{}", ch):
		return false, true
	case ch == ':':
		return after, true
	case ch == '#' && before:
		return true, true
	}
	return false, false
}

func yamlSpecial(ch rune, unicode bool) bool {
	if ch == '\n' || ch >= 0x20 && ch <= 0x7e {
		return false
	}
	if (ch >= 0xa0 && ch <= 0xd7ff || ch >= 0xe000 && ch <= 0xfffd) && ch != 0xfeff {
		return !unicode
	}
	return true
}

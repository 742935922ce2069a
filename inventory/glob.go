package inventory

import (
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/dlclark/regexp2"
)

// regexTimeout bounds one match of a user's ~regex.
const regexTimeout = time.Second

// matcher makes the test that p puts names to. failed tells, after use, what kept a regex from an answer.
func matcher(p string) (match func(string) bool, failed func() error, err error) {
	failed = func() error { return nil }
	if text, ok := strings.CutPrefix(p, "~"); ok {
		return regexMatcher(text)
	}
	if !strings.ContainsAny(p, "?*[") {
		return func(name string) bool { return name == p }, failed, nil
	}
	re, err := regexp.Compile(globRegexp(p))
	if err != nil {
		return nil, nil, err
	}
	return re.MatchString, failed, nil
}

// regexMatcher matches the start of a name, as Python's re.match does. After a
// time-out it matches nothing more, so that one bad regex costs one time-out.
func regexMatcher(text string) (match func(string) bool, failed func() error, err error) {
	re, err := regexp2.Compile(`\A(?:`+text+`)`, regexp2.None)
	if err != nil {
		return nil, nil, err
	}
	re.MatchTimeout = regexTimeout
	var broken error
	return func(name string) bool {
		if broken != nil {
			return false
		}
		ok, err := re.MatchString(name)
		broken = err
		return err == nil && ok
	}, func() error { return broken }, nil
}

// globRegexp is the shell glob p as a regular expression: *, ?, [seq] and [!seq]. A [ without a ] is itself.
func globRegexp(p string) string {
	var b strings.Builder
	b.WriteString(`(?s)^`)
	for i := 0; i < len(p); {
		switch c := p[i]; c {
		case '*':
			b.WriteString(".*")
		case '?':
			b.WriteString(".")
		case '[':
			if class, n := globClass(p[i:]); n > 0 {
				b.WriteString(class)
				i += n
				continue
			}
			b.WriteString(`\[`)
		default:
			// Byte by byte would cut a letter of several bytes in pieces.
			end := i + 1
			for end < len(p) && strings.IndexByte("*?[", p[end]) < 0 {
				end++
			}
			b.WriteString(regexp.QuoteMeta(p[i:end]))
			i = end
			continue
		}
		i++
	}
	b.WriteString(`$`)
	return b.String()
}

// globClass is the [seq] that s starts with as a regular expression's class, and its length.
func globClass(s string) (string, int) {
	from := 1
	if from < len(s) && s[from] == '!' {
		from++
	}
	// A ] right at the start stands for itself.
	end := strings.IndexByte(s[min(from+1, len(s)):], ']')
	if end < 0 {
		return "", 0
	}
	end += from + 1
	var class strings.Builder
	for _, r := range s[from:end] {
		if strings.ContainsRune(`\[]^&~|`, r) {
			class.WriteByte('\\')
		}
		class.WriteRune(r)
	}
	not := ""
	if from == 2 {
		not = "^"
	}
	return fmt.Sprintf("[%s%s]", not, class.String()), end + 1
}

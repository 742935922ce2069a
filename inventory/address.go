package inventory

import (
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"unicode"
)

// maxExpansion bounds how many hosts one pattern with ranges may name.
const maxExpansion = 200_000

const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"

// splitPort takes the port off host:22, [2001:db8::1]:22 or web[1:3]:22. port
// is -1 where there is none. What is not an address with a port is a name as it stands.
func splitPort(s string) (host string, port int64) {
	end := len(s)
	for end > 0 && s[end-1] >= '0' && s[end-1] <= '9' {
		end--
	}
	if end == len(s) || end < 2 || s[end-1] != ':' {
		return s, -1
	}
	n, err := strconv.ParseInt(s[end:], 10, 32)
	if err != nil {
		return s, -1
	}
	host = s[:end-1]
	if host[0] == '[' && host[len(host)-1] == ']' {
		if in := host[1 : len(host)-1]; isAddress(in) {
			return in, n
		}
	}
	if !isAddress(host) || strings.Contains(withoutRanges(host), ":") {
		return s, -1
	}
	return host, n
}

// isAddress reports whether s is an address or a host's name, ranges allowed.
func isAddress(s string) bool {
	plain := withoutRanges(s)
	if _, err := netip.ParseAddr(plain); err == nil {
		return true
	}
	if plain == "" {
		return false
	}
	for label := range strings.SplitSeq(strings.TrimSuffix(plain, "."), ".") {
		if label == "" || label[0] == '-' || label[len(label)-1] == '-' {
			return false
		}
		for _, r := range label {
			if r != '-' && r != '_' && !unicode.IsLetter(r) && !unicode.IsDigit(r) {
				return false
			}
		}
	}
	return true
}

// withoutRanges puts a 0 for every [range] of s.
func withoutRanges(s string) string {
	for {
		open := strings.IndexByte(s, '[')
		if open < 0 {
			return s
		}
		n := strings.IndexByte(s[open:], ']')
		if n < 0 {
			return s
		}
		s = s[:open] + "0" + s[open+n+1:]
	}
}

// expand writes out the ranges of s: web[01:03], db-[a:f], rack[1:9:2]n[0:3].
func expand(s string) ([]string, error) {
	names := []string{""}
	for rest := s; ; {
		open := strings.IndexByte(rest, '[')
		if open < 0 {
			return appendAll(names, []string{rest})
		}
		n := strings.IndexByte(rest[open:], ']')
		if n < 0 {
			return nil, errors.New("a range has no closing ]")
		}
		parts, err := expandRange(rest[open+1 : open+n])
		if err != nil {
			return nil, err
		}
		if names, err = appendAll(names, []string{rest[:open]}); err != nil {
			return nil, err
		}
		if names, err = appendAll(names, parts); err != nil {
			return nil, err
		}
		rest = rest[open+n+1:]
	}
}

func appendAll(heads, tails []string) ([]string, error) {
	if len(heads)*len(tails) > maxExpansion {
		return nil, fmt.Errorf("the ranges name more than %d hosts", maxExpansion)
	}
	out := make([]string, 0, len(heads)*len(tails))
	for _, h := range heads {
		for _, t := range tails {
			out = append(out, h+t)
		}
	}
	return out, nil
}

// expandRange writes out begin:end or begin:end:step, the end included.
func expandRange(r string) ([]string, error) {
	bounds := strings.Split(r, ":")
	if len(bounds) < 2 || len(bounds) > 3 {
		return nil, fmt.Errorf("the range [%s] must be begin:end or begin:end:step", r)
	}
	begin, end, step := bounds[0], bounds[1], 1
	if begin == "" {
		begin = "0"
	}
	if end == "" {
		return nil, fmt.Errorf("the range [%s] has no end", r)
	}
	if len(bounds) == 3 {
		n, err := strconv.Atoi(bounds[2])
		if err != nil || n < 1 {
			return nil, fmt.Errorf("the step of the range [%s] must be a number from 1", r)
		}
		step = n
	}
	if len(begin) == 1 && len(end) == 1 && strings.Contains(letters, begin) && strings.Contains(letters, end) {
		return letterRange(r, begin, end, step)
	}
	return numberRange(r, begin, end, step)
}

func letterRange(r, begin, end string, step int) ([]string, error) {
	from, to := strings.Index(letters, begin), strings.Index(letters, end)
	if from > to {
		return nil, fmt.Errorf("the range [%s] must not end before it begins", r)
	}
	var out []string
	for i := from; i <= to; i += step {
		out = append(out, letters[i:i+1])
	}
	return out, nil
}

func numberRange(r, begin, end string, step int) ([]string, error) {
	from, err1 := strconv.ParseUint(begin, 10, 32)
	to, err2 := strconv.ParseUint(end, 10, 32)
	if err1 != nil || err2 != nil {
		return nil, fmt.Errorf("the range [%s] must be of two numbers or two letters", r)
	}
	width := 0
	if begin[0] == '0' && len(begin) > 1 {
		width = len(begin)
		if len(end) != width {
			return nil, fmt.Errorf("the ends of the range [%s] must have as many digits as each other", r)
		}
	}
	if to >= from && (to-from)/uint64(step) >= maxExpansion {
		return nil, fmt.Errorf("the range [%s] names more than %d hosts", r, maxExpansion)
	}
	out := []string{}
	for i := from; i <= to; i += uint64(step) {
		out = append(out, fmt.Sprintf("%0*d", width, i))
	}
	return out, nil
}

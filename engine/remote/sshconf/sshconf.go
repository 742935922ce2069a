// Package sshconf answers what ssh_config(5) says about one host.
//
// [Load] reads the user's and the system's files with what they include; a
// [Config] then gives the [Values] for any number of hosts without starting a
// process, by ssh's own rule: the first value wins, in the order command line
// ([ParseArgs]), user's file, system's file. What only ssh itself can tell
// (Match exec, canonical host names) is asked of `ssh -G`, where there is an
// ssh ([Resolver]). A file that is wrong is never a reason to fail: OpenSSH
// would say so, here the line is skipped and reported as a warning.
//
// It imports the standard library only.
package sshconf

import (
	"slices"
	"strings"
)

// Values are the settings of one host: keyword in lower case to the values
// given for it, as written (quotes removed where there was one argument).
// Only IdentityFile, CertificateFile and SendEnv have more than one.
type Values map[string][]string

// Get is the first value of a keyword (in lower case), "" where there is none.
func (v Values) Get(keyword string) string {
	if vs := v[keyword]; len(vs) > 0 {
		return vs[0]
	}
	return ""
}

// Words is the first value of a keyword split at blanks, quotes honoured.
func (v Values) Words(keyword string) []string { return fields(v.Get(keyword)) }

// accumulates are the keywords of which every occurrence counts.
var accumulates = []string{"identityfile", "certificatefile", "sendenv"}

// add puts a value in, unless an earlier one has won already.
func (v Values) add(keyword, value string) {
	if slices.Contains(accumulates, keyword) {
		if !slices.Contains(v[keyword], value) {
			v[keyword] = append(v[keyword], value)
		}
		return
	}
	if _, given := v[keyword]; !given {
		v[keyword] = []string{value}
	}
}

// aliases are the keywords that have an older name (ssh_config(5)).
var aliases = map[string]string{
	"pubkeyacceptedkeytypes":            "pubkeyacceptedalgorithms",
	"challengeresponseauthentication":   "kbdinteractiveauthentication",
	"keyboardinteractiveauthentication": "kbdinteractiveauthentication",
	"dsaauthentication":                 "pubkeyauthentication",
	"identityfile2":                     "identityfile",
	"protocolkeepalives":                "serveraliveinterval",
}

// canonical is the name a keyword is kept under.
func canonical(keyword string) string {
	k := strings.ToLower(keyword)
	if a, ok := aliases[k]; ok {
		return a
	}
	return k
}

// fields splits at blanks; double quotes keep blanks together.
func fields(s string) []string {
	var out []string
	var b strings.Builder
	quoted, started := false, false
	for _, r := range s {
		switch {
		case r == '"':
			quoted, started = !quoted, true
		case (r == ' ' || r == '\t') && !quoted:
			if started {
				out = append(out, b.String())
				b.Reset()
				started = false
			}
		default:
			b.WriteRune(r)
			started = true
		}
	}
	if started {
		out = append(out, b.String())
	}
	return out
}

// matchPattern reports whether s is as pattern says: `*` is any text, `?` one byte.
func matchPattern(pattern, s string) bool {
	for pattern != "" {
		switch pattern[0] {
		case '*':
			pattern = strings.TrimLeft(pattern, "*")
			if pattern == "" {
				return true
			}
			for i := range len(s) + 1 {
				if matchPattern(pattern, s[i:]) {
					return true
				}
			}
			return false
		case '?':
			if s == "" {
				return false
			}
		default:
			if s == "" || s[0] != pattern[0] {
				return false
			}
		}
		pattern, s = pattern[1:], s[1:]
	}
	return s == ""
}

// MatchList reports whether s is matched by one of patterns and by none that
// begins with `!`, as in Host and Match lines and in known_hosts.
func MatchList(patterns []string, s string) bool {
	found := false
	for _, p := range patterns {
		if neg, ok := strings.CutPrefix(p, "!"); ok {
			if matchPattern(neg, s) {
				return false
			}
		} else if matchPattern(p, s) {
			found = true
		}
	}
	return found
}

package sshconf

import "strings"

// Query says for whom the configuration is asked.
type Query struct {
	Host      string // as the user names it
	User      string // the login user where already chosen, else ""
	LocalUser string // who runs this
}

// Lookup fills v (which may hold what the command line gave, and wins) with
// what the files say about a host.
func (c *Config) Lookup(q Query, v Values) Values {
	if v == nil {
		v = Values{}
	}
	host := q.Host
	// `Match final` holds in a second pass only, when all else is settled; then
	// Host lines are held against the name that HostName has made.
	for _, final := range []bool{false, true} {
		s := scan{q: q, v: v, host: host, final: final}
		for _, f := range c.files {
			s.file(f, true)
		}
		if !s.sawFinal {
			break
		}
		host = s.hostName()
	}
	return v
}

// scan is one pass over the files for one host.
type scan struct {
	q        Query
	v        Values
	host     string // what Host lines are held against
	final    bool
	sawFinal bool
}

// file applies a file's settings; a block inside an included file counts only
// where the Include itself does.
func (s *scan) file(f *file, outer bool) {
	active := outer
	for _, n := range f.nodes {
		switch n.keyword {
		case "host":
			active = outer && MatchList(n.args, s.host)
		case "match":
			active = s.match(n.args) && outer
		case "include":
			for _, inc := range n.included {
				s.file(inc, active)
			}
		default:
			if active {
				s.v.add(n.keyword, n.value)
			}
		}
	}
}

// match decides a Match line. A criterion that cannot be decided here does
// not hold, negated or not.
func (s *scan) match(args []string) bool {
	result := true
	for _, c := range criteria(args) {
		var holds bool
		switch c.name {
		case "all":
			holds = true
		case "final":
			s.sawFinal = true
			holds = s.final
		case "host":
			holds = MatchList(strings.Split(strings.ToLower(c.arg), ","), strings.ToLower(s.hostName()))
		case "originalhost":
			holds = MatchList(strings.Split(strings.ToLower(c.arg), ","), strings.ToLower(s.q.Host))
		case "user":
			holds = MatchList(strings.Split(c.arg, ","), s.user())
		case "localuser":
			holds = MatchList(strings.Split(c.arg, ","), s.q.LocalUser)
		default:
			return false
		}
		if holds == c.negate {
			result = false
		}
	}
	return result
}

// hostName is the name as a HostName seen so far has made it.
func (s *scan) hostName() string {
	if h := s.v.Get("hostname"); h != "" {
		return strings.ReplaceAll(h, "%h", s.q.Host)
	}
	return s.q.Host
}

func (s *scan) user() string {
	switch {
	case s.q.User != "":
		return s.q.User
	case s.v.Get("user") != "":
		return s.v.Get("user")
	}
	return s.q.LocalUser
}

package modules

import (
	"context"
	"fmt"
	"path"
	"regexp"
	"strconv"
	"strings"

	"rp/engine/module"
	"rp/engine/state"
)

var findSpec = module.Spec{
	Name: "find", Builtin: true, Kind: module.Probe, Local: true,
	Short: "Files that meet conditions",
	Doc:   `Looks through directories and gives the files that meet all conditions.`,
	Args: []module.Arg{
		{Name: "paths", Aliases: []string{"name", "path"}, Type: module.List, Elem: module.Path, Required: true, Doc: "Where to look."},
		{Name: "patterns", Aliases: []string{"pattern"}, Type: module.List, Elem: module.String, Doc: "Names: shell patterns, or expressions with use_regex. Any one is enough."},
		{Name: "excludes", Aliases: []string{"exclude"}, Type: module.List, Elem: module.String, Doc: "Names that are left out."},
		{Name: "use_regex", Type: module.Bool, Default: false, Doc: "Patterns are regular expressions for the whole name."},
		{Name: "contains", Doc: "Expression that must match at the start of a line of the file (in it, with read_whole_file)."},
		{Name: "read_whole_file", Type: module.Bool, Default: false, Doc: "Match contains against the whole text."},
		{Name: "file_type", Default: "file", Choices: []string{"any", "directory", "file", "link"}, Doc: "What to look for."},
		{Name: "recurse", Type: module.Bool, Default: false, Doc: "Go into directories."},
		{Name: "depth", Type: module.Int, Doc: "How deep, with recurse."},
		{Name: "hidden", Type: module.Bool, Default: false, Doc: "Names that begin with a dot too."},
		{Name: "follow", Type: module.Bool, Default: false, Doc: "Go through links to directories."},
		{Name: "age", Doc: "At least so old: 30, 5m, 2h, 4d, 1w; with - at most."},
		{Name: "age_stamp", Default: "mtime", Choices: []string{"atime", "ctime", "mtime"}, Doc: "Which time age means."},
		{Name: "size", Doc: "At least so large: 100, 10k, 5m, 1g, 1t; with - at most."},
		{Name: "mode", Type: module.Mode, Doc: "Its mode."},
		{Name: "exact_mode", Type: module.Bool, Default: true, Doc: "false: at least the bits of mode."},
		{Name: "get_checksum", Type: module.Bool, Default: false, Doc: "Give each file's checksum."},
		{Name: "checksum_algorithm", Aliases: []string{"checksum", "checksum_algo"}, Default: "sha1", Choices: sums, Doc: "Which."},
		{Name: "limit", Type: module.Int, Doc: "At most so many."},
		{Name: "encoding", NotYet: true, Doc: "Encoding for contains."},
	},
	Examples: `- name: Old logs
  find:
    paths: /var/log
    patterns: "*.gz"
    recurse: true
    age: 30d
  register: old
`,
	Returns: []module.Return{
		{Name: "files", Type: "list", Doc: "what was found, each as stat gives it, with path"},
		{Name: "matched", Type: "int", Doc: "how many"},
		{Name: "examined", Type: "int", Doc: "how many were looked at"},
		{Name: "skipped_paths", Type: "dict", Doc: "paths that could not be looked through, and why"},
	},
	Run: runFind,
}

func runFind(ctx context.Context, p module.Params, t module.Target) (module.Result, error) {
	m, err := newFinder(ctx, p, t)
	if err != nil {
		return nil, err
	}
	files, skipped, examined := []any{}, map[string]any{}, 0
	for _, root := range p.Strings("paths") {
		dir, err := realPath(ctx, t, root, false)
		if err != nil {
			return nil, err
		}
		if kind := known(dir.Type, root); kind != state.Directory {
			skipped[root] = fmt.Sprintf("'%s' is not a directory", root)
			continue
		}
		depth := 1
		if p.Bool("recurse") {
			depth = int(p.Int("depth"))
		}
		below, err := readOne(ctx, t, state.Walk{Path: root, Depth: depth, Follow: p.Bool("follow")})
		if err != nil {
			return nil, err
		}
		for _, e := range known(below.Entries, root) {
			examined++
			ok, err := m.meets(ctx, t, root, e)
			if err != nil {
				return nil, err
			}
			if !ok || p.Has("limit") && int64(len(files)) >= p.Int("limit") {
				continue
			}
			f, err := m.entry(ctx, t, e.Path)
			if err != nil {
				return nil, err
			}
			files = append(files, f)
		}
	}
	return module.Result{
		"files": files, "matched": len(files), "examined": examined, "skipped_paths": skipped, "changed": false,
		"msg": map[bool]string{true: "All paths examined", false: "Not all paths examined, check warnings for details"}[len(skipped) == 0],
	}, nil
}

// finder holds the conditions of a find.
type finder struct {
	p                  module.Params
	patterns, excludes []*regexp.Regexp
	contains           *regexp.Regexp
	age, size, now     int64
	mode               state.Mode
}

func newFinder(ctx context.Context, p module.Params, t module.Target) (*finder, error) {
	m := &finder{p: p}
	var err error
	if m.patterns, err = namePatterns(p.Strings("patterns"), p.Bool("use_regex")); err != nil {
		return nil, err
	}
	if m.excludes, err = namePatterns(p.Strings("excludes"), p.Bool("use_regex")); err != nil {
		return nil, err
	}
	if c := p.String("contains"); c != "" {
		if p.Bool("read_whole_file") {
			m.contains, err = compile(c)
		} else {
			m.contains, err = compile("(?m)^(?:" + c + ")")
		}
		if err != nil {
			return nil, err
		}
	}
	if m.age, err = withUnit(p.String("age"), map[string]int64{"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}); err != nil {
		return nil, fmt.Errorf("cannot use age: %w", err)
	}
	if m.size, err = withUnit(p.String("size"), map[string]int64{"b": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30, "t": 1 << 40}); err != nil {
		return nil, fmt.Errorf("cannot use size: %w", err)
	}
	if p.Has("mode") {
		if m.mode, err = newMode(p.String("mode"), 0, false, 0); err != nil {
			return nil, err
		}
	}
	if m.age != 0 {
		sys, err := readOne(ctx, t, state.System{})
		if err != nil {
			return nil, err
		}
		m.now = known(sys.Now, "time")
	}
	return m, nil
}

func withUnit(text string, units map[string]int64) (int64, error) {
	if text == "" {
		return 0, nil
	}
	text = strings.ToLower(text)
	factor := int64(1)
	if f, ok := units[text[len(text)-1:]]; ok {
		factor, text = f, text[:len(text)-1]
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return 0, fmt.Errorf("%q is no number with a unit", text)
	}
	return n * factor, nil
}

func namePatterns(texts []string, isRegex bool) ([]*regexp.Regexp, error) {
	var out []*regexp.Regexp
	for _, x := range texts {
		if !isRegex {
			x = globRegex(x)
		}
		re, err := compile("^(?:" + x + ")")
		if isRegex && err == nil {
			re, err = compile("^(?:" + x + `)\z`)
		}
		if err != nil {
			return nil, err
		}
		out = append(out, re)
	}
	return out, nil
}

// globRegex is a shell pattern as a regular expression for a whole name, as Python's fnmatch reads it.
func globRegex(glob string) string {
	var b strings.Builder
	for i := 0; i < len(glob); i++ {
		switch c := glob[i]; c {
		case '*':
			b.WriteString("(?s:.*)")
		case '?':
			b.WriteString("(?s:.)")
		case '[':
			end := strings.IndexByte(glob[min(i+2, len(glob)):], ']')
			if end < 0 {
				b.WriteString(`\[`)
				continue
			}
			end += i + 2
			set := strings.ReplaceAll(glob[i+1:end], `\`, `\\`)
			if strings.HasPrefix(set, "!") {
				set = "^" + set[1:]
			}
			b.WriteString("[" + set + "]")
			i = end
		default:
			b.WriteString(regexp.QuoteMeta(string(c)))
		}
	}
	return b.String() + `\z`
}

func (m *finder) meets(ctx context.Context, t module.Target, root string, e state.Entry) (bool, error) {
	name := path.Base(e.Path)
	rel := strings.TrimPrefix(e.Path, strings.TrimSuffix(root, "/")+"/")
	if !m.p.Bool("hidden") && (strings.HasPrefix(rel, ".") || strings.Contains(rel, "/.")) {
		return false, nil
	}
	want := map[string]string{"file": state.Regular, "directory": state.Directory, "link": state.Link}[m.p.String("file_type")]
	if want != "" && e.Type != want || !anyName(m.patterns, name, true) || anyName(m.excludes, name, false) {
		return false, nil
	}
	stamp := map[string]int64{"mtime": e.MTime, "atime": e.ATime, "ctime": e.CTime}[m.p.String("age_stamp")]
	if m.age != 0 && !limitHolds(m.age, (m.now-stamp)/1e9) || m.size != 0 && !limitHolds(m.size, e.Size) {
		return false, nil
	}
	if m.p.Has("mode") && (m.p.Bool("exact_mode") && e.Mode != m.mode || e.Mode&m.mode != m.mode) {
		return false, nil
	}
	if m.contains == nil {
		return true, nil
	}
	if e.Type != state.Regular {
		return false, nil
	}
	f, err := readOne(ctx, t, state.File{Path: e.Path, Content: state.Ask[state.Content]()})
	if err != nil {
		return false, err
	}
	c := known(f.Content, e.Path)
	if !c.AtHand() {
		t.Warn("%s is too large to be searched for %q (%d bytes)", e.Path, m.p.String("contains"), c.Size)
		return false, nil
	}
	return m.contains.Match(c.Data), nil
}

// limitHolds: a positive limit is the least, a negative one the most.
func limitHolds(limit, n int64) bool {
	if limit >= 0 {
		return n >= limit
	}
	return n <= -limit
}

func anyName(res []*regexp.Regexp, name string, none bool) bool {
	for _, re := range res {
		if re.MatchString(name) {
			return true
		}
	}
	return none && len(res) == 0
}

func (m *finder) entry(ctx context.Context, t module.Target, p string) (map[string]any, error) {
	ask := state.Stat{Path: p}
	if m.p.Bool("get_checksum") {
		ask.Checksum = m.p.String("checksum_algorithm")
	}
	st, err := readOne(ctx, t, ask)
	if err != nil {
		return nil, err
	}
	out := map[string]any{"path": p}
	for k, v := range known(st.Info, p) {
		if k != "exists" {
			out[k] = v
		}
	}
	return out, nil
}

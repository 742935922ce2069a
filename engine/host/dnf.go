package host

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"rp/engine/state"
)

// dnf is the package manager of Fedora and Enterprise Linux in its three forms:
// yum 3, dnf 4, dnf 5.
type dnf struct {
	l    *Linux
	tool string
}

// dnfTool is the program for the manager of that name.
func (l *Linux) dnfTool(manager string) string {
	names := []string{"dnf", "dnf5", "yum"}
	if manager == "yum" || manager == "dnf5" {
		names = []string{manager, "dnf"}
	}
	for _, n := range names {
		if l.hasTool(n) {
			return n
		}
	}
	return manager
}

func (d *dnf) read(ctx context.Context, ps []state.Package) ([]state.Package, error) {
	return rpmRead(ctx, d.l, ps)
}

func (d *dnf) compare(a, b string) int { return compareRPM(a, b) }

// rpmNames are packages as rpm's managers take them: NAME or NAME-VERSION.
func rpmNames(ps []state.Package) []string {
	var ns []string
	for _, p := range ps {
		name := p.Name
		if v, ok := exactVersion(p); ok {
			name += "-" + v
		}
		ns = append(ns, name)
	}
	return ns
}

func (d *dnf) options(t transaction) []string {
	o := []string{"-y", "--setopt=exit_on_lock=True"}
	if t.noRecommends && d.tool != "yum" {
		o = append(o, "--setopt=install_weak_deps=False")
	}
	return append(o, fmt.Sprintf("--setopt=clean_requirements_on_remove=%t", t.autoRemove))
}

func (d *dnf) write(ctx context.Context, t transaction) error {
	for _, part := range []struct {
		verb  string
		names []string
	}{{"remove", rpmNames(t.remove)}, {"install", rpmNames(t.install)}} {
		if len(part.names) == 0 {
			continue
		}
		argv := append(append(append([]string{d.tool}, d.options(t)...), part.verb), part.names...)
		if err := d.locked(ctx, t.lockTimeout, argv, packageTimeout); err != nil {
			return err
		}
	}
	return d.upgrade(ctx, t)
}

// upgrade brings those that are wanted latest, in a version that could not be told, to it:
// install leaves alone what is there in some version.
func (d *dnf) upgrade(ctx context.Context, t transaction) error {
	names := untoldLatest(t)
	verb := "upgrade"
	if d.tool == "yum" {
		verb = "update"
	}
	if len(names) == 0 {
		return nil
	}
	return d.locked(ctx, t.lockTimeout, append(append(append([]string{d.tool}, d.options(t)...), verb), names...), packageTimeout)
}

// locked runs the tool, again and again for up to wait while another one holds its lock.
func (d *dnf) locked(ctx context.Context, wait time.Duration, argv []string, timeout time.Duration) error {
	return waitForLock(ctx, wait, func() (bool, error) {
		r, err := d.l.run(ctx, call{argv: argv, timeout: timeout})
		if err != nil || r.rc == 0 {
			return false, err
		}
		said := string(r.stdout) + string(r.stderr)
		return r.rc == 200 || strings.Contains(said, "Another app is currently holding") || strings.Contains(said, "Failed to obtain"),
			errors.New(dnfReason(argv[0], said, r.rc))
	})
}

// dnfReason is what of the tool's output says why it failed.
func dnfReason(tool, said string, rc int) string {
	var lines []string
	inError := false
	for l := range strings.Lines(said) {
		l = strings.TrimRight(l, "\n")
		t := strings.TrimSpace(l)
		switch {
		case strings.HasPrefix(l, "Error"), strings.HasPrefix(l, "No match for argument"), strings.HasPrefix(l, "No package"),
			strings.HasPrefix(l, "Failed to"), strings.HasPrefix(l, "Problem"), strings.Contains(l, "No space left"), strings.HasPrefix(l, "Existing lock"):
			inError = strings.HasPrefix(l, "Error") || strings.HasPrefix(l, "Problem")
		case inError && (strings.HasPrefix(l, " ") || strings.HasPrefix(l, "-")):
		default:
			inError = false
			continue
		}
		if t != "" && !slices.Contains(lines, t) && !strings.HasPrefix(t, "(try to add") {
			lines = append(lines, t)
		}
	}
	if len(lines) == 0 {
		return fmt.Sprintf("%s ended with status %d: %s", tool, rc, lastLines(said, 5))
	}
	return strings.Join(lines, "\n")
}

// freshEnough is how old metadata may be for a simulation over them to be a
// promise: repositories let them expire after 6 hours at the least (Fedora's updates).
const freshEnough = time.Hour

// simulate asks for the transaction's table and declines it: from what is cached,
// with log and history in a place of rp's own, so that asking leaves no trace but
// the time of the cache's directory and what rpm's database itself writes to be read.
func (d *dnf) simulate(ctx context.Context, t transaction) ([]step, error) {
	at, err := d.updated()
	if err != nil {
		return nil, err
	}
	if d.l.o.Scratch == "" || len(t.install) > 0 && time.Since(time.Unix(at, 0)) > freshEnough || len(t.install) > 0 && len(t.remove) > 0 {
		return nil, errUnsure
	}
	verb, names := "install", rpmNames(t.install)
	if len(t.install) == 0 {
		verb, names = "remove", rpmNames(t.remove)
	}
	steps, err := d.assume(ctx, t, verb, names)
	if err != nil {
		return nil, err
	}
	if latest := untoldLatest(t); len(latest) > 0 { // install leaves alone what is there in some version
		more, err := d.assume(ctx, t, "upgrade", latest)
		var no refusal
		if err != nil && !errors.As(err, &no) { // it refuses to upgrade what is not installed
			return nil, err
		}
		for _, st := range more {
			if !slices.ContainsFunc(steps, func(s step) bool { return s.Name == st.Name }) {
				steps = append(steps, st)
			}
		}
	}
	return d.fromVersions(ctx, steps)
}

// untoldLatest are the packages that are wanted latest without a version.
func untoldLatest(t transaction) []string {
	var names []string
	for _, p := range t.install {
		if _, told := exactVersion(p); p.Latest && !told {
			names = append(names, p.Name)
		}
	}
	return names
}

// assume asks for what verb would do, and declines it.
func (d *dnf) assume(ctx context.Context, t transaction, verb string, names []string) ([]step, error) {
	argv := []string{
		d.tool, "-C", "--assumeno", "--setopt=logdir=" + d.l.o.Scratch, "--setopt=logfile=/dev/null", "--setopt=persistdir=" + d.l.o.Scratch,
		fmt.Sprintf("--setopt=clean_requirements_on_remove=%t", t.autoRemove), "--setopt=exit_on_lock=True",
	}
	if t.noRecommends && d.tool != "yum" {
		argv = append(argv, "--setopt=install_weak_deps=False")
	}
	if d.tool == "yum" && verb == "upgrade" {
		verb = "update"
	}
	r, err := d.l.run(ctx, call{argv: append(append(argv, verb), names...), timeout: simulateTimeout, env: []string{"COLUMNS=500"}})
	if err != nil {
		return nil, err
	}
	said := string(r.stdout) + string(r.stderr)
	switch steps := parseDnfTable(string(r.stdout)); {
	case len(steps) > 0:
		return steps, nil
	case strings.Contains(said, "Nothing to do"):
		return nil, nil
	}
	for _, no := range []string{"Unable to find a match", "No match for argument", "nothing provides", "No packages marked"} {
		if strings.Contains(said, no) {
			return nil, refusal{dnfReason(d.tool, said, r.rc)}
		}
	}
	return nil, errUnsure
}

// fromVersions fills in what is installed now.
func (d *dnf) fromVersions(ctx context.Context, steps []step) ([]step, error) {
	if len(steps) == 0 {
		return nil, nil
	}
	ps := make([]state.Package, len(steps))
	for i, st := range steps {
		ps[i] = state.Package{Name: st.Name, Version: state.Ask[state.Version]()}
	}
	have, err := rpmRead(ctx, d.l, ps)
	if err != nil {
		return nil, err
	}
	for i, h := range have {
		steps[i].From, steps[i].Clean = string(h.Version.Or("")), !h.Present.Or(false)
	}
	return steps, nil
}

// parseDnfTable reads the transaction table of yum 3, dnf 4 and dnf 5: below
// headings such as "Installing dependencies:" a line a package with its name,
// architecture, version and repository. yum and dnf 4 break the line after a long name.
func parseDnfTable(text string) []step {
	var steps []step
	adds, in := false, false
	name := ""
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\n")
		f := strings.Fields(line)
		head := strings.ToLower(strings.TrimSpace(line))
		switch {
		case strings.HasPrefix(head, "transaction summary"), strings.HasPrefix(head, "skipping"):
			in = false
		case strings.HasSuffix(head, ":") && !strings.HasPrefix(line, " "):
			adds = strings.HasPrefix(head, "install") || strings.HasPrefix(head, "upgrad") || strings.HasPrefix(head, "updat") || strings.HasPrefix(head, "downgrad")
			in = adds || strings.HasPrefix(head, "remov")
			name = ""
		case !in || !strings.HasPrefix(line, " ") || len(f) == 0 || f[0] == "replacing":
		case len(f) == 1:
			name = f[0]
		case len(f) >= 3:
			if name != "" {
				f = append([]string{name}, f...)
				name = ""
			}
			if len(f) < 4 {
				continue
			}
			st := step{Name: f[0], From: f[2]}
			if adds {
				st.From, st.To = "", strings.TrimPrefix(f[2], "0:")
			}
			steps = append(steps, st)
		}
	}
	return steps
}

func (d *dnf) refresh(ctx context.Context, wait time.Duration) error {
	argv := []string{d.tool, "-y", "--setopt=exit_on_lock=True", "--setopt=skip_if_unavailable=False"}
	if d.tool != "yum" {
		argv = append(argv, "--refresh")
	}
	return d.locked(ctx, wait, append(argv, "makecache"), refreshTimeout)
}

func (d *dnf) updated() (int64, error) {
	var files []string
	for _, pattern := range []string{
		"/var/cache/dnf/*/repodata/repomd.xml", "/var/cache/libdnf5/*/repodata/repomd.xml",
		"/var/cache/dnf/*.solv", "/var/cache/yum/*/repomd.xml", "/var/cache/yum/*/*/repomd.xml", "/var/cache/yum/*/*/*/repomd.xml",
	} {
		found, err := filepath.Glob(d.l.path(pattern))
		if err != nil {
			return 0, err
		}
		for _, f := range found {
			files = append(files, strings.TrimPrefix(f, d.l.o.Root))
		}
	}
	return newestTime(d.l, files...)
}

package host

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"rp/engine/state"
)

// apt is Debian's package manager: dpkg's status file is read, apt-get does all else.
type apt struct{ l *Linux }

const (
	dpkgStatus = "/var/lib/dpkg/status"
	aptLists   = "/var/lib/apt/lists"
	aptStamp   = "/var/lib/apt/periodic/update-success-stamp"
)

// dpkgPackage is what dpkg knows of one package on one architecture.
type dpkgPackage struct {
	name, arch, version string
	// state is the third word of Status: installed, config-files, half-configured …
	state    string
	provides []string
}

func (d dpkgPackage) installed() bool {
	return d.state == "installed" || d.state == "triggers-awaited" || d.state == "triggers-pending"
}

// parseDpkgStatus reads /var/lib/dpkg/status (deb-control(5), dpkg(1) PACKAGE STATES).
func parseDpkgStatus(text string) []dpkgPackage {
	var ps []dpkgPackage
	for block := range strings.SplitSeq(text, "\n\n") {
		var p dpkgPackage
		for line := range strings.Lines(block) {
			if line[0] == ' ' || line[0] == '\t' {
				continue
			}
			k, v, ok := strings.Cut(strings.TrimSuffix(line, "\n"), ":")
			if !ok {
				continue
			}
			v = strings.TrimSpace(v)
			switch k {
			case "Package":
				p.name = v
			case "Architecture":
				p.arch = v
			case "Version":
				p.version = v
			case "Status":
				if f := strings.Fields(v); len(f) == 3 {
					p.state = f[2]
				}
			case "Provides":
				p.provides = providedNames(v)
			}
		}
		if p.name != "" {
			ps = append(ps, p)
		}
	}
	return ps
}

func providedNames(v string) []string {
	var ns []string
	for part := range strings.SplitSeq(v, ",") {
		if f := strings.Fields(part); len(f) > 0 {
			ns = append(ns, f[0])
		}
	}
	return ns
}

func (a *apt) status() ([]dpkgPackage, error) {
	text, err := readBounded(a.l.path(dpkgStatus), 256<<20)
	if err != nil {
		return nil, fmt.Errorf("cannot read what dpkg has installed: %w", err)
	}
	return parseDpkgStatus(string(text)), nil
}

func (a *apt) read(ctx context.Context, ps []state.Package) ([]state.Package, error) {
	db, err := a.status()
	if err != nil {
		return nil, err
	}
	out := make([]state.Package, len(ps))
	for i, p := range ps {
		if strings.ContainsAny(p.Name, "/") {
			return nil, fmt.Errorf("%q is no package name: installing from a file or URL is not supported yet", p.Name)
		}
		if out[i], err = a.describe(ctx, db, p); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func (a *apt) describe(ctx context.Context, db []dpkgPackage, p state.Package) (state.Package, error) {
	asked := p
	name, arch, _ := strings.Cut(p.Name, ":")
	p.Present, p.Version = state.Is(false), state.Value[state.Version]{}
	clean, provided := true, false
	for _, d := range db {
		switch {
		case d.name == name && (arch == "" || arch == d.arch || arch == "any" || arch == "native"):
			clean = clean && (d.state == "not-installed" || d.state == "")
			if d.installed() && (!p.Present.Or(false) || arch != "") {
				p.Present, p.Version = state.Is(true), showVersion(d.version, asked.Version, compareDebian)
			}
		case d.installed() && arch == "" && slices.Contains(d.provides, name):
			provided = true
		}
	}
	switch {
	case p.Present.Or(false):
		return p, nil
	case provided && !asked.Version.IsSet():
		real, err := a.isReal(ctx, name)
		if err != nil {
			return p, err
		}
		p.Present = state.Is(!real)
	}
	if !p.Present.Or(false) {
		p.Purge = clean // what undoes an installation leaves no configuration that was not there
	}
	return p, nil
}

// inMemory keeps apt from writing its caches and its planner's log while it only looks.
var inMemory = []string{"-o", "Dir::Cache::pkgcache=", "-o", "Dir::Cache::srcpkgcache=", "-o", "Dir::Log::Planner="}

// isReal reports whether the index has a package of that very name, so that one which only provides it does not do.
func (a *apt) isReal(ctx context.Context, name string) (bool, error) {
	argv := append(append([]string{"apt-cache"}, inMemory...), "policy", "--", name)
	r, err := a.l.must(ctx, call{argv: argv, timeout: simulateTimeout})
	if err != nil {
		return false, err
	}
	for line := range strings.Lines(string(r.stdout)) {
		if c, ok := strings.CutPrefix(strings.TrimSpace(line), "Candidate:"); ok {
			return strings.TrimSpace(c) != "(none)", nil
		}
	}
	return false, nil
}

func (a *apt) compare(x, y string) int { return compareDebian(x, y) }

// args are apt-get's arguments for t, simulated or real.
func (a *apt) args(t transaction, simulate bool) []string {
	argv := []string{"apt-get", "-q", "-y"}
	if simulate {
		argv = append(append(argv, "-s"), inMemory...)
	} else {
		argv = append(argv, "-o", "Dpkg::Options::=--force-confdef", "-o", "Dpkg::Options::=--force-confold",
			"-o", fmt.Sprintf("DPkg::Lock::Timeout=%d", int(t.lockTimeout.Seconds())))
	}
	for _, f := range []struct {
		on   bool
		flag string
	}{
		{t.noRecommends, "--no-install-recommends"},
		{t.autoRemove, "--auto-remove"},
		{t.purge, "--purge"},
		{t.allowDowngrade || simulate, "--allow-downgrades"}, // a simulation tells of one, and the plan refuses it
	} {
		if f.on {
			argv = append(argv, f.flag)
		}
	}
	verb := "install"
	if len(t.install) == 0 {
		verb = "remove"
	}
	argv = append(argv, verb, "--")
	for _, p := range t.install {
		if v, ok := exactVersion(p); ok {
			argv = append(argv, p.Name+"="+v)
			continue
		}
		argv = append(argv, p.Name)
	}
	for _, p := range t.remove {
		name := p.Name
		if verb == "install" {
			name += "-"
		}
		argv = append(argv, name)
	}
	return argv
}

var aptEnv = []string{"DEBIAN_FRONTEND=noninteractive", "APT_LISTCHANGES_FRONTEND=none", "DEBIAN_PRIORITY=critical"}

func (a *apt) simulate(ctx context.Context, t transaction) ([]step, error) {
	if len(t.install) > 0 && !a.hasLists() {
		return nil, errUnsure // the index was never fetched
	}
	r, err := a.l.run(ctx, call{argv: a.args(t, true), env: aptEnv, timeout: simulateTimeout})
	if err != nil {
		return nil, err
	}
	if r.rc != 0 {
		return nil, refusal{aptReason(string(r.stdout), string(r.stderr), r.rc)}
	}
	steps := parseSimulation(string(r.stdout))
	db, err := a.status()
	if err != nil {
		return nil, err
	}
	for i, st := range steps {
		name, _, _ := strings.Cut(st.Name, ":")
		steps[i].Clean = st.From == "" && !slices.ContainsFunc(db, func(d dpkgPackage) bool {
			return d.name == name && d.state != "not-installed" && d.state != ""
		})
	}
	return steps, nil
}

// parseSimulation reads what apt-get -s prints: "Inst name [old] (new source [arch])",
// "Remv name [old]", "Purg name [old]".
func parseSimulation(text string) []step {
	var steps []step
	for line := range strings.Lines(text) {
		f := strings.Fields(line)
		if len(f) < 2 {
			continue
		}
		st := step{Name: f[1]}
		rest := f[2:]
		if len(rest) > 0 && strings.HasPrefix(rest[0], "[") {
			st.From = strings.Trim(rest[0], "[]")
			rest = rest[1:]
		}
		switch f[0] {
		case "Inst":
			if len(rest) == 0 || !strings.HasPrefix(rest[0], "(") {
				continue
			}
			st.To = strings.Trim(rest[0], "()")
		case "Remv", "Purg":
			if st.From == "" { // only its configuration is purged
				continue
			}
		default:
			continue
		}
		if i := slices.IndexFunc(steps, func(s step) bool { return s.Name == st.Name }); i >= 0 {
			continue
		}
		steps = append(steps, st)
	}
	return steps
}

func (a *apt) write(ctx context.Context, t transaction) error {
	return waitForLock(ctx, t.lockTimeout, func() (bool, error) {
		r, err := a.l.run(ctx, call{argv: a.args(t, false), env: aptEnv, timeout: packageTimeout})
		if err != nil || r.rc == 0 {
			return false, err
		}
		why := aptReason(string(r.stdout), string(r.stderr), r.rc)
		return isLocked(why), errors.New(why)
	})
}

// isLocked: apt says so of its own locks; older ones do not wait for them by themselves.
func isLocked(said string) bool {
	return strings.Contains(said, "Could not get lock") || strings.Contains(said, "Unable to lock") ||
		strings.Contains(said, "Unable to acquire the dpkg frontend lock")
}

// aptReason is what of apt's output says why it failed: its errors, dpkg's, and the dependencies that are not met.
func aptReason(stdout, stderr string, rc int) string {
	var lines []string
	add := func(l string) {
		if l = strings.TrimSpace(l); l != "" && !slices.Contains(lines, l) {
			lines = append(lines, l)
		}
	}
	unmet := false
	for l := range strings.Lines(stdout) {
		switch {
		case strings.HasPrefix(l, "The following packages have unmet dependencies"):
			unmet = true
			add(l)
		case unmet && strings.HasPrefix(l, " "):
			add(strings.Join(strings.Fields(l), " "))
		case strings.HasPrefix(l, "dpkg: error"), strings.Contains(l, "No space left on device"), strings.HasPrefix(l, "Package ") && strings.Contains(l, "virtual package"):
			add(l)
			unmet = false
		default:
			unmet = false
		}
	}
	for l := range strings.Lines(stderr) {
		if strings.HasPrefix(l, "E: ") || strings.HasPrefix(l, "dpkg: error") || strings.Contains(l, "No space left on device") ||
			strings.HasPrefix(l, "W: Failed to fetch") || strings.HasPrefix(l, "W: GPG error") {
			add(l)
		}
	}
	if len(lines) == 0 {
		return fmt.Sprintf("apt-get ended with status %d: %s", rc, lastLines(stderr+stdout, 5))
	}
	return strings.Join(lines, "\n")
}

func lastLines(s string, n int) string {
	ls := strings.Split(strings.TrimSpace(s), "\n")
	return strings.Join(ls[max(0, len(ls)-n):], "\n")
}

func (a *apt) refresh(ctx context.Context, wait time.Duration) error {
	err := waitForLock(ctx, wait, func() (bool, error) {
		r, err := a.l.run(ctx, call{
			argv: []string{"apt-get", "-q", "-o", fmt.Sprintf("DPkg::Lock::Timeout=%d", int(wait.Seconds())), "update"},
			env:  aptEnv, timeout: refreshTimeout,
		})
		if err != nil {
			return false, err
		}
		if r.rc == 0 && !partialUpdate(string(r.stderr)) {
			return false, nil
		}
		why := aptReason("", string(r.stderr), r.rc)
		return isLocked(why), errors.New(why)
	})
	if err != nil {
		return err
	}
	now := time.Now() // apt leaves the time alone where nothing was new
	if err := os.Chtimes(a.l.path(aptLists), now, now); err != nil {
		return fmt.Errorf("cannot note when the index was fetched: %w", err)
	}
	return nil
}

// partialUpdate: apt-get update ends with status 0 where some index could not be fetched and old ones are used.
func partialUpdate(stderr string) bool {
	for l := range strings.Lines(stderr) {
		if strings.HasPrefix(l, "W: Failed to fetch") || strings.HasPrefix(l, "W: GPG error") || strings.HasPrefix(l, "W: Some index files failed") || strings.HasPrefix(l, "E: ") {
			return true
		}
	}
	return false
}

func (a *apt) hasLists() bool {
	found, err := filepath.Glob(a.l.path(aptLists) + "/*Release")
	return err == nil && len(found) > 0
}

func (a *apt) updated() (int64, error) {
	if !a.hasLists() {
		return 0, nil
	}
	return newestTime(a.l, aptStamp, aptLists)
}

// newestTime is the latest modification time of those of paths that are there, in seconds since 1970; 0 for none.
func newestTime(l *Linux, paths ...string) (int64, error) {
	var newest int64
	for _, p := range paths {
		st, err := os.Stat(l.path(p))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return 0, err
		}
		newest = max(newest, st.ModTime().Unix())
	}
	return newest, nil
}

package host

import (
	"context"
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"rp/engine/state"
)

// apk is Alpine's package manager. Its database is read, apk does all else.
type apk struct{ l *Linux }

const apkInstalled = "/lib/apk/db/installed"

type apkPackage struct {
	name, version string
	provides      []string
}

// parseApkInstalled reads apk's database: a paragraph a package, P: name, V: version, p: what it provides.
func parseApkInstalled(text string) []apkPackage {
	var ps []apkPackage
	for block := range strings.SplitSeq(text, "\n\n") {
		var p apkPackage
		for line := range strings.Lines(block) {
			k, v, ok := strings.Cut(strings.TrimSuffix(line, "\n"), ":")
			if !ok {
				continue
			}
			switch k {
			case "P":
				p.name = v
			case "V":
				p.version = v
			case "p":
				for f := range strings.FieldsSeq(v) {
					name, _, _ := strings.Cut(f, "=")
					p.provides = append(p.provides, name)
				}
			}
		}
		if p.name != "" {
			ps = append(ps, p)
		}
	}
	return ps
}

func (a *apk) installed() ([]apkPackage, error) {
	text, err := readBounded(a.l.path(apkInstalled), 256<<20)
	if err != nil {
		return nil, fmt.Errorf("cannot read what apk has installed: %w", err)
	}
	return parseApkInstalled(string(text)), nil
}

func (a *apk) read(_ context.Context, ps []state.Package) ([]state.Package, error) {
	db, err := a.installed()
	if err != nil {
		return nil, err
	}
	out := make([]state.Package, len(ps))
	for i, p := range ps {
		asked := p
		p.Present, p.Version = state.Is(false), state.Value[state.Version]{}
		for _, d := range db {
			if d.name == p.Name {
				p.Present, p.Version = state.Is(true), showVersion(d.version, asked.Version, compareRPM)
				break
			}
			if !asked.Version.IsSet() && slices.Contains(d.provides, p.Name) {
				p.Present = state.Is(true)
			}
		}
		p.Purge = !p.Present.Or(false)
		out[i] = p
	}
	return out, nil
}

// compare orders apk's versions; their common forms (digits, dots, -rN) order as rpm's do.
func (a *apk) compare(x, y string) int { return compareRPM(x, y) }

func apkNames(ps []state.Package) []string {
	var ns []string
	for _, p := range ps {
		name := p.Name
		if v, ok := exactVersion(p); ok {
			if prefix, pattern := strings.CutSuffix(v, "*"); pattern {
				name += "=~" + strings.TrimSuffix(prefix, ".") // apk's fuzzy match
			} else {
				name += "=" + v
			}
		}
		ns = append(ns, name)
	}
	return ns
}

func (a *apk) commands(t transaction) [][]string {
	var calls [][]string
	if len(t.remove) > 0 {
		argv := []string{"apk", "--no-progress", "del"}
		if t.purge {
			argv = append(argv, "--purge")
		}
		for _, p := range t.remove {
			argv = append(argv, p.Name)
		}
		calls = append(calls, argv)
	}
	if len(t.install) > 0 {
		argv := []string{"apk", "--no-progress", "add"}
		if slices.ContainsFunc(t.install, func(p state.Package) bool { return p.Latest }) {
			argv = append(argv, "--upgrade")
		}
		calls = append(calls, append(argv, apkNames(t.install)...))
	}
	return calls
}

var apkStep = regexp.MustCompile(`^\(\d+/\d+\) (Installing|Upgrading|Downgrading|Purging) (\S+) \((\S+)(?: -> (\S+))?\)`)

// parseApkSteps reads what apk --simulate prints: "(1/2) Installing name (version)".
func parseApkSteps(text string) []step {
	var steps []step
	for line := range strings.Lines(text) {
		m := apkStep.FindStringSubmatch(strings.TrimSpace(line))
		if m == nil {
			continue
		}
		st := step{Name: m[2]}
		switch m[1] {
		case "Installing":
			st.To, st.Clean = m[3], true
		case "Purging":
			st.From = m[3]
		default:
			st.From, st.To = m[3], m[4]
		}
		steps = append(steps, st)
	}
	return steps
}

func (a *apk) simulate(ctx context.Context, t transaction) ([]step, error) {
	var steps []step
	for _, argv := range a.commands(t) {
		argv = append(slices.Clone(argv), "--simulate", "--no-network")
		r, err := a.l.run(ctx, call{argv: argv, timeout: simulateTimeout})
		if err != nil {
			return nil, err
		}
		if r.rc != 0 { // without a cached index nothing can be found
			return nil, errUnsure
		}
		steps = append(steps, parseApkSteps(string(r.stdout))...)
	}
	return steps, nil
}

func (a *apk) write(ctx context.Context, t transaction) error {
	for _, argv := range a.commands(t) {
		if err := a.run(ctx, t.lockTimeout, argv, packageTimeout); err != nil {
			return err
		}
	}
	return nil
}

func (a *apk) run(ctx context.Context, wait time.Duration, argv []string, timeout time.Duration) error {
	argv = append(slices.Clone(argv), "--wait", fmt.Sprint(int(wait.Seconds())))
	r, err := a.l.run(ctx, call{argv: argv, timeout: timeout})
	if err != nil || r.rc == 0 {
		return err
	}
	return fmt.Errorf("apk ended with status %d: %s", r.rc, lastLines(string(r.stdout)+string(r.stderr), 10))
}

func (a *apk) refresh(ctx context.Context, wait time.Duration) error {
	return a.run(ctx, wait, []string{"apk", "--no-progress", "update"}, refreshTimeout)
}

func (a *apk) updated() (int64, error) {
	var files []string
	for _, pattern := range []string{"/var/cache/apk/APKINDEX*", "/etc/apk/cache/APKINDEX*"} {
		found, err := filepath.Glob(a.l.path(pattern))
		if err != nil {
			return 0, err
		}
		for _, f := range found {
			files = append(files, strings.TrimPrefix(f, a.l.o.Root))
		}
	}
	return newestTime(a.l, files...)
}

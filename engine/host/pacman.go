package host

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"rp/engine/state"
)

// pacman is Arch Linux's package manager.
type pacman struct{ l *Linux }

// parsePacmanQuery reads pacman -Q: "name version" a line.
func parsePacmanQuery(text string) map[string]string {
	m := map[string]string{}
	for line := range strings.Lines(text) {
		if f := strings.Fields(line); len(f) == 2 {
			m[f[0]] = f[1]
		}
	}
	return m
}

func (p *pacman) installed(ctx context.Context) (map[string]string, error) {
	r, err := p.l.must(ctx, call{argv: []string{"pacman", "-Q"}, timeout: time.Minute})
	return parsePacmanQuery(string(r.stdout)), err
}

func (p *pacman) read(ctx context.Context, ps []state.Package) ([]state.Package, error) {
	have, err := p.installed(ctx)
	if err != nil {
		return nil, err
	}
	out := make([]state.Package, len(ps))
	for i, q := range ps {
		asked := q
		q.Present, q.Version = state.Is(false), state.Value[state.Version]{}
		if v, ok := have[q.Name]; ok {
			q.Present, q.Version = state.Is(true), showVersion(v, asked.Version, compareRPM)
		} else if !asked.Version.IsSet() {
			// -T prints what of its arguments nothing installed provides
			r, err := p.l.run(ctx, call{argv: []string{"pacman", "-T", "--", q.Name}, timeout: time.Minute})
			if err != nil {
				return nil, err
			}
			q.Present = state.Is(r.rc == 0 && strings.TrimSpace(string(r.stdout)) == "")
		}
		q.Purge = !q.Present.Or(false)
		out[i] = q
	}
	return out, nil
}

// compare orders as vercmp(8) does, which is rpm's way.
func (p *pacman) compare(a, b string) int { return compareRPM(a, b) }

// pacmanNames are the names alone: pacman installs what the repositories have now, and verifying finds another version.
func pacmanNames(ps []state.Package) []string {
	ns := make([]string, len(ps))
	for i, q := range ps {
		ns[i] = q.Name
	}
	return ns
}

// simulate prints the targets of a transaction, which needs no lock and changes nothing.
func (p *pacman) simulate(ctx context.Context, t transaction) ([]step, error) {
	have, err := p.installed(ctx)
	if err != nil {
		return nil, err
	}
	var steps []step
	for _, part := range []struct {
		flags []string
		ps    []state.Package
		adds  bool
	}{{[]string{"-S", "--needed"}, t.install, true}, {p.removal(t), t.remove, false}} {
		if len(part.ps) == 0 {
			continue
		}
		names := pacmanNames(part.ps)
		argv := append(append([]string{"pacman"}, part.flags...), "--print", "--print-format", "%n %v", "--noconfirm", "--")
		r, err := p.l.run(ctx, call{argv: append(argv, names...), timeout: simulateTimeout})
		if err != nil {
			return nil, err
		}
		if r.rc != 0 {
			if said := strings.TrimSpace(string(r.stderr)); strings.Contains(said, "target not found") {
				return nil, refusal{said}
			}
			return nil, errUnsure
		}
		targets := parsePacmanQuery(string(r.stdout))
		for _, name := range slices.Sorted(maps.Keys(targets)) {
			v := targets[name]
			st := step{Name: name, From: have[name], Clean: have[name] == ""}
			if part.adds {
				st.To = v
			}
			steps = append(steps, st)
		}
	}
	return steps, nil
}

func (p *pacman) removal(t transaction) []string {
	flags := "-R"
	if t.autoRemove {
		flags += "s"
	}
	if t.purge {
		flags += "n"
	}
	return []string{flags}
}

func (p *pacman) write(ctx context.Context, t transaction) error {
	for _, part := range []struct {
		flags []string
		ps    []state.Package
	}{{p.removal(t), t.remove}, {[]string{"-S", "--needed"}, t.install}} {
		names := pacmanNames(part.ps)
		if len(names) == 0 {
			continue
		}
		argv := append(append(append([]string{"pacman"}, part.flags...), "--noconfirm", "--noprogressbar", "--"), names...)
		if err := p.locked(ctx, t.lockTimeout, argv, packageTimeout); err != nil {
			return err
		}
	}
	return nil
}

func (p *pacman) locked(ctx context.Context, wait time.Duration, argv []string, timeout time.Duration) error {
	return waitForLock(ctx, wait, func() (bool, error) {
		r, err := p.l.run(ctx, call{argv: argv, timeout: timeout})
		if err != nil || r.rc == 0 {
			return false, err
		}
		said := string(r.stderr)
		return strings.Contains(said, "unable to lock database"),
			fmt.Errorf("pacman ended with status %d: %s", r.rc, lastLines(said, 10))
	})
}

func (p *pacman) refresh(ctx context.Context, wait time.Duration) error {
	return p.locked(ctx, wait, []string{"pacman", "-Sy", "--noconfirm", "--noprogressbar"}, refreshTimeout)
}

func (p *pacman) updated() (int64, error) { return newestTime(p.l, "/var/lib/pacman/sync") }

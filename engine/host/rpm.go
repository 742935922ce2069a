package host

import (
	"context"
	"fmt"
	"strings"
	"time"

	"rp/engine/state"
)

// rpmRead asks rpm's database, for all managers that stand on it. A name that
// only another package provides counts as present, unless a version is asked for.
func rpmRead(ctx context.Context, l *Linux, ps []state.Package) ([]state.Package, error) {
	argv := []string{"rpm", "-q", "--qf", `%{NAME}\t%{EPOCH}\t%{VERSION}-%{RELEASE}\t%{ARCH}\n`, "--"}
	for _, p := range ps {
		if strings.HasPrefix(p.Name, "@") || strings.Contains(p.Name, "://") || strings.HasSuffix(p.Name, ".rpm") {
			return nil, fmt.Errorf("%q is no package name: groups, files and URLs are not supported yet", p.Name)
		}
		argv = append(argv, p.Name)
	}
	r, err := l.run(ctx, call{argv: argv, timeout: 2 * time.Minute})
	if err != nil {
		return nil, err
	}
	found, missing, err := parseRPM(string(r.stdout))
	if err != nil {
		return nil, fmt.Errorf("%w: %s", err, strings.TrimSpace(string(r.stderr)))
	}
	if len(found) == 0 && missing == 0 {
		return nil, fmt.Errorf("rpm gave no answer: %s", strings.TrimSpace(string(r.stderr)))
	}
	out := make([]state.Package, len(ps))
	for i, p := range ps {
		asked := p
		p.Present, p.Version = state.Is(false), state.Value[state.Version]{}
		v, ok := found[p.Name]
		if ok {
			p.Present, p.Version = state.Is(true), showVersion(v, asked.Version, compareRPM)
		} else if !asked.Version.IsSet() {
			r, err := l.run(ctx, call{argv: []string{"rpm", "-q", "--whatprovides", "--", p.Name}, timeout: time.Minute})
			if err != nil {
				return nil, err
			}
			p.Present = state.Is(r.rc == 0)
		}
		p.Purge = !p.Present.Or(false)
		out[i] = p
	}
	return out, nil
}

// parseRPM reads the answers to rpmRead's query: versions by name and by
// name.arch, the newest where several are installed, and how many names are not installed.
func parseRPM(text string) (found map[string]string, missing int, err error) {
	found = map[string]string{}
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		f := strings.Split(line, "\t")
		switch {
		case strings.HasSuffix(line, "is not installed") || strings.HasPrefix(line, "no package provides"):
			missing++
		case len(f) == 4:
			v := f[2]
			if f[1] != "(none)" && f[1] != "0" {
				v = f[1] + ":" + v
			}
			for _, name := range []string{f[0], f[0] + "." + f[3]} {
				if old, ok := found[name]; !ok || compareRPM(v, old) > 0 {
					found[name] = v
				}
			}
		case line != "":
			return nil, 0, fmt.Errorf("cannot understand rpm's answer %q", line)
		}
	}
	return found, missing, nil
}

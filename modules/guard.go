package modules

import (
	"context"
	"fmt"
	"path"
	"strings"

	"rp/engine/module"
	"rp/engine/state"
)

// guardHolds says why a command need not run; "" where it must.
func guardHolds(ctx context.Context, p module.Params, t module.Target) (string, error) {
	for _, g := range []struct {
		arg   string
		holds bool
		why   string
	}{{"creates", true, "exists"}, {"removes", false, "does not exist"}} {
		if !p.Has(g.arg) {
			continue
		}
		name := p.String(g.arg)
		pattern, err := inDir(ctx, t, p.String("chdir"), name)
		if err != nil {
			return "", err
		}
		there, err := anyMatch(ctx, t, pattern)
		if err != nil {
			return "", err
		}
		if there == g.holds {
			return fmt.Sprintf("'%s' %s", name, g.why), nil
		}
	}
	for _, g := range []struct {
		arg   string
		holds bool
		why   string
	}{{"unless", true, "succeeds"}, {"onlyif", false, "fails"}} {
		if !p.Has(g.arg) {
			continue
		}
		cmd := state.Command{Argv: []string{p.String(g.arg)}, Shell: true, Dir: p.String("chdir"), Secret: p.Secret(g.arg)}
		got, err := readOne(ctx, t, state.Guard{Command: cmd})
		if err != nil {
			return "", err
		}
		if (known(got.RC, g.arg) == 0) == g.holds {
			return fmt.Sprintf("%s: '%s' %s", g.arg, p.String(g.arg), g.why), nil
		}
	}
	return "", nil
}

// inDir is name from dir, or from the home directory, in which commands start.
func inDir(ctx context.Context, t module.Target, dir, name string) (string, error) {
	switch {
	case path.IsAbs(name):
		return name, nil
	case dir == "":
		return expandPath(ctx, "~/"+name, t)
	}
	return path.Join(dir, name), nil
}

// anyMatch reports whether there is a file whose path matches pattern (glob(7)).
func anyMatch(ctx context.Context, t module.Target, pattern string) (bool, error) {
	if !strings.ContainsAny(pattern, "*?[") {
		st, err := readOne(ctx, t, state.Stat{Path: pattern, Follow: true})
		if err != nil {
			return false, err
		}
		there, _ := known(st.Info, pattern)["exists"].(bool)
		return there, nil
	}
	if _, err := path.Match(pattern, ""); err != nil {
		return false, fmt.Errorf("cannot look for %q: %w", pattern, err)
	}
	parts := strings.Split(path.Clean(pattern), "/")
	fixed := 0
	for fixed < len(parts) && !strings.ContainsAny(parts[fixed], "*?[") {
		fixed++
	}
	root := strings.Join(parts[:fixed], "/")
	if root == "" {
		root = "/"
	}
	below, err := readOne(ctx, t, state.Walk{Path: root, Depth: len(parts) - fixed})
	if err != nil {
		return false, err
	}
	for _, e := range known(below.Entries, pattern) {
		if ok, _ := path.Match(path.Clean(pattern), e.Path); ok {
			return true, nil
		}
	}
	return false, nil
}

package modules

import (
	"context"
	"fmt"
	"path"
	"slices"
	"strings"

	"rp/engine/module"
	"rp/engine/state"
	"rp/engine/value"
)

// expandPaths makes s's arguments of type path arrive with ~, ~user, $HOME,
// $USER and $LOGNAME replaced as the host has them, and relative paths of some
// arguments (see fromHome) as they are meant. It costs a read only where
// an argument needs it.
func expandPaths(s *module.Spec) {
	run := s.Run
	s.Run = func(ctx context.Context, p module.Params, t module.Target) (module.Result, error) {
		p, err := expanded(ctx, s, p, t)
		if err != nil {
			return nil, err
		}
		return run(ctx, p, t)
	}
}

func expanded(ctx context.Context, s *module.Spec, p module.Params, t module.Target) (module.Params, error) {
	vals, secret := p.Values()
	var out map[string]any
	for _, a := range s.Args {
		v, given := vals[a.Name]
		if !given || a.Type != module.Path && (a.Type != module.List || a.Elem != module.Path) {
			continue
		}
		fromHome := fromHome[a.Name] && s.Name != "file" || a.Name == "path"
		if !needsExpanding(v, fromHome) {
			continue
		}
		if out == nil {
			out = make(map[string]any, len(vals))
			for k, w := range vals {
				out[k] = w
			}
		}
		w, err := expandValue(ctx, v, t, fromHome)
		if err != nil {
			return p, fmt.Errorf("cannot use argument %q: %w", a.Name, err)
		}
		out[a.Name] = w
	}
	if out == nil {
		return p, nil
	}
	return module.NewParams(p.Task, out, secret), nil
}

// fromHome are the arguments in which a relative path is meant from the home
// directory, where Ansible's modules run: not what a link holds, nor guards,
// which are looked for from chdir.
var fromHome = map[string]bool{"path": true, "dest": true, "src": true, "paths": true, "chdir": true}

func relative(p string) bool {
	return p != "" && !path.IsAbs(p) && !strings.HasPrefix(p, "~") && !strings.HasPrefix(p, "$") && !strings.Contains(p, "://")
}

func needsExpanding(v any, fromHome bool) bool {
	switch v := v.(type) {
	case string:
		return strings.HasPrefix(v, "~") || strings.Contains(v, "$") || fromHome && relative(v)
	case *value.List:
		return slices.ContainsFunc(v.Items, func(e any) bool { return needsExpanding(e, fromHome) })
	}
	return false
}

func expandValue(ctx context.Context, v any, t module.Target, fromHome bool) (any, error) {
	switch v := v.(type) {
	case string:
		if fromHome && relative(v) {
			v = "~/" + v
		}
		p, err := expandPath(ctx, v, t)
		if err == nil && strings.HasSuffix(v, "/") && !strings.HasSuffix(p, "/") {
			p += "/" // it says that a directory is meant
		}
		return p, err
	case *value.List:
		l := &value.List{}
		for _, e := range v.Items {
			x, err := expandValue(ctx, e, t, fromHome)
			if err != nil {
				return nil, err
			}
			l.Append(x)
		}
		return l, nil
	}
	return v, nil
}

// expandPath replaces ~ and ~user at p's start and the variables that name the
// user. Any other variable is refused: the value that it has in the helper is
// not what a playbook's author means.
func expandPath(ctx context.Context, p string, t module.Target) (string, error) {
	if !strings.HasPrefix(p, "~") && !strings.Contains(p, "$") {
		return p, nil
	}
	sys, err := readOne(ctx, t, state.System{})
	if err != nil {
		return "", err
	}
	if strings.HasPrefix(p, "~") {
		name, rest, _ := strings.Cut(p[1:], "/")
		home := sys.Home
		if name != "" {
			if home, err = homeOf(ctx, t, name); err != nil {
				return "", err
			}
		}
		p = path.Join(known(home, "home of "+name), rest)
	}
	var bad string
	p = expandVars(p, func(name string) string {
		switch name {
		case "HOME":
			return known(sys.Home, "HOME")
		case "USER", "LOGNAME":
			return known(sys.User, "USER")
		}
		bad = name
		return ""
	})
	if bad != "" {
		return "", fmt.Errorf("the path names the variable %q: only HOME, USER and LOGNAME are supported in paths", bad)
	}
	return p, nil
}

// homeOf is the home directory of an account of the host.
func homeOf(ctx context.Context, t module.Target, name string) (state.Value[string], error) {
	u, err := readOne(ctx, t, state.User{Name: name})
	if err != nil {
		return state.Value[string]{}, err
	}
	if there, is := u.Present.Get(); is && !there {
		return state.Value[string]{}, fmt.Errorf("there is no user %q", name)
	}
	return u.Home, nil
}

// expandVars replaces $NAME and ${NAME} by what get gives.
func expandVars(s string, get func(string) string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] != '$' {
			b.WriteByte(s[i])
			continue
		}
		name, end := varName(s[i+1:])
		if name == "" {
			b.WriteByte('$')
			continue
		}
		b.WriteString(get(name))
		i += end
	}
	return b.String()
}

// varName is the name at the start of s (after the $) and how many bytes it takes.
func varName(s string) (name string, length int) {
	if strings.HasPrefix(s, "{") {
		if end := strings.IndexByte(s, '}'); end > 1 {
			return s[1:end], end + 1
		}
		return "", 0
	}
	n := 0
	for n < len(s) && (s[n] == '_' || s[n] >= 'A' && s[n] <= 'Z' || s[n] >= 'a' && s[n] <= 'z' || n > 0 && s[n] >= '0' && s[n] <= '9') {
		n++
	}
	return s[:n], n
}

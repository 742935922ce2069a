package modules

import (
	"context"
	"fmt"
	"strings"

	"rp/engine/module"
	"rp/engine/state"
	"rp/engine/value"
)

// sysctlFile is the drop-in that settings go to by default; it sorts late, so that few files override it.
const sysctlFile = "/etc/sysctl.d/99-rp.conf"

var sysctlSpec = module.Spec{
	Name: "sysctl", Names: []string{"ansible.posix.sysctl"}, Kind: module.States, Local: true,
	Short: "Kernel parameters, live and in a file",
	Doc: `Sets kernel parameters in a file that is read at boot and, unless reload is false, in the running kernel.
Only the lines of the parameters named are touched. With state absent the lines are taken out and the live value stays.
Unlike Ansible's module, the file is a drop-in of its own by default, not /etc/sysctl.conf, and the live value is always compared.`,
	Args: []module.Arg{
		{Name: "name", Aliases: []string{"key"}, Doc: "Parameter: net.ipv4.ip_forward."},
		{Name: "value", Aliases: []string{"val"}, Doc: "Its value. Spaces and tabs between fields count as one space."},
		{Name: "values", Type: module.Dict, Doc: "Several parameters with their values, instead of name and value."},
		{Name: "state", Default: "present", Choices: []string{"present", "absent"}, Doc: "Whether the file is to set it."},
		{Name: "sysctl_file", Aliases: []string{"file"}, Type: module.Path, Default: sysctlFile, Doc: "The file."},
		{Name: "reload", Type: module.Bool, Default: true, Doc: "Set the live value too."},
		{Name: "sysctl_set", Type: module.Bool, Default: false, Doc: "Set the live value although reload is false."},
		{Name: "ignoreerrors", Type: module.Bool, Default: false, Doc: "Do without the live value where the kernel has no such parameter."},
	},
	Exclusive: [][]string{{"name", "values"}, {"value", "values"}}, OneOf: [][]string{{"name", "values"}},
	Examples: `- name: User namespaces for rootless containers
  sysctl:
    name: user.max_user_namespaces
    value: 28633

- name: Several at once
  sysctl:
    values:
      net.ipv4.ip_unprivileged_port_start: 0
      net.ipv4.ping_group_range: 0 2147483647
`,
	Returns: []module.Return{{Name: "values", Type: "dict", Doc: "live value of each parameter after the task"}, {Name: "sysctl_file", Type: "str", Doc: "the file"}},
	Run:     runSysctl,
}

func runSysctl(ctx context.Context, p module.Params, t module.Target) (module.Result, error) {
	settings, err := sysctlSettings(p)
	if err != nil {
		return nil, err
	}
	path, live := p.String("sysctl_file"), map[string]any{}
	r := module.Result{"sysctl_file": path, "values": live}
	present := p.String("state") == "present"
	var wants []state.State
	if present && (p.Bool("reload") || p.Bool("sysctl_set")) {
		if wants, err = sysctlLive(ctx, p, t, settings); err != nil {
			return nil, err
		}
	}
	if err := sysctlInFile(ctx, t, path, settings, present); err != nil {
		return nil, err
	}
	now, err := t.Want(ctx, wants...)
	for _, s := range now {
		if s, ok := s.(state.Sysctl); ok {
			live[s.Name] = result(s.Value)
		}
	}
	return r, err
}

// sysctlLive is what the running kernel is to have. A parameter that it does not know is refused before anything is written.
func sysctlLive(ctx context.Context, p module.Params, t module.Target, settings []setting) ([]state.State, error) {
	var asks, wants []state.State
	for _, s := range settings {
		asks = append(asks, state.Sysctl{Name: s.name})
	}
	got, err := t.Read(ctx, asks...)
	if err != nil {
		return nil, err
	}
	for i, s := range settings {
		have, _ := got[i].(state.Sysctl)
		if there, is := have.Present.Get(); is && !there {
			if !p.Bool("ignoreerrors") {
				return nil, fmt.Errorf("cannot set %q: the kernel has no such parameter", s.name)
			}
			t.Warn("the kernel has no parameter %q: only %s sets it", s.name, p.String("sysctl_file"))
			continue
		}
		wants = append(wants, state.Sysctl{Name: s.name, Value: s.value})
	}
	return wants, nil
}

type setting struct {
	name  string
	value state.Value[string]
}

func sysctlSettings(p module.Params) ([]setting, error) {
	if d := p.Dict("values"); d != nil {
		var ss []setting
		for k, v := range d.All() {
			s := setting{name: sysctlName(fmt.Sprint(k))}
			if u, unknown := v.(value.Unknown); unknown {
				s.value = state.Unknown[string](u.After)
			} else {
				s.value = state.Is(fields(plainText(v)))
			}
			ss = append(ss, s)
		}
		return ss, nil
	}
	if p.String("state") == "present" && !p.Has("value") {
		return nil, fmt.Errorf("cannot set %q: no value is given", p.String("name"))
	}
	return []setting{{sysctlName(p.String("name")), state.Map(p.StringValue("value"), fields)}}, nil
}

// plainText is a scalar as a file has it.
func plainText(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case value.Secret:
		return plainText(v.V)
	case bool:
		if v {
			return "1"
		}
		return "0"
	}
	return fmt.Sprint(v)
}

// fields is s in a parameter's canonical form: its fields with one space between.
func fields(s string) string { return strings.Join(strings.Fields(s), " ") }

// sysctlName is a parameter's name with dots; with a slash as its first
// separator, dots and slashes change places (sysctl(8)).
func sysctlName(s string) string {
	s = strings.TrimSpace(s)
	if i := strings.IndexAny(s, "./"); i < 0 || s[i] == '.' {
		return s
	}
	return strings.Map(func(r rune) rune {
		switch r {
		case '/':
			return '.'
		case '.':
			return '/'
		}
		return r
	}, s)
}

func sysctlInFile(ctx context.Context, t module.Target, path string, settings []setting, present bool) error {
	f, err := realPath(ctx, t, path, true)
	if err != nil {
		return err
	}
	body, err := text(f)
	if err != nil {
		return err
	}
	for _, s := range settings {
		if s.value.IsUnknown() && present {
			_, err := t.Want(ctx, state.File{Path: f.Path, Type: state.Is(state.Regular), Content: state.Unknown[state.Content](s.value.After())})
			return err
		}
		body = sysctlLine(body, s, present)
	}
	if f.Type.Or("") == state.Absent && body == "" {
		return nil
	}
	want := state.File{Path: f.Path, Type: state.Is(state.Regular), Content: state.Is(state.Text(body))}
	if f.Type.Or("") == state.Absent {
		if err := needParent(ctx, t, f.Path); err != nil {
			return err
		}
		want.Mode = state.Is(state.Mode(0o644))
	}
	_, err = t.Want(ctx, want)
	return err
}

// sysctlLine sets one parameter in a file's text: its last line is replaced, others of it taken
// out, and all else kept. A line that says the same in other words stays.
func sysctlLine(body string, s setting, present bool) string {
	lines := splitLines(body)
	last := -1
	for i, line := range lines {
		if name, _, ok := sysctlParse(line); ok && name == s.name {
			last = i
		}
	}
	var out []string
	for i, line := range lines {
		name, val, ok := sysctlParse(line)
		switch {
		case !ok || name != s.name:
			out = append(out, line)
		case present && i == last && val == s.value.Or(""):
			out = append(out, line)
		case present && i == last:
			out = append(out, s.name+" = "+s.value.Or(""))
		}
	}
	if present && last < 0 {
		out = append(out, s.name+" = "+s.value.Or(""))
	}
	return joinLines(out)
}

// sysctlParse takes a line of sysctl.conf(5) apart.
func sysctlParse(line string) (name, val string, ok bool) {
	line = strings.TrimSpace(line)
	if line == "" || line[0] == '#' || line[0] == ';' {
		return "", "", false
	}
	name, val, ok = strings.Cut(strings.TrimPrefix(line, "-"), "=")
	return sysctlName(name), fields(val), ok
}

// splitLines are the lines of a text, without their ends; none for an empty text.
func splitLines(body string) []string {
	if body == "" {
		return nil
	}
	return strings.Split(strings.TrimSuffix(body, "\n"), "\n")
}

// joinLines is a text of lines, each with its end.
func joinLines(lines []string) string {
	if len(lines) == 0 {
		return ""
	}
	return strings.Join(lines, "\n") + "\n"
}

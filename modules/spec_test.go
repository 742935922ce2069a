package modules_test

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"

	"rp/engine/module"
	"rp/engine/value"
	"rp/modules"
)

func TestEverySpecIsWhole(t *testing.T) {
	for _, s := range modules.All() {
		t.Run(s.Name, func(t *testing.T) {
			if s.Short == "" || s.Doc == "" || s.Examples == "" {
				t.Error("it has no short text, no text or no examples")
			}
			if (s.Run == nil) != (s.Kind == module.Action) || (s.Act == nil) == (s.Kind == module.Action) {
				t.Errorf("as %s it must have Act or Run, and not the other", s.Kind)
			}
			names := map[string]bool{}
			for _, a := range s.Args {
				if a.Doc == "" {
					t.Errorf("argument %s has no text", a.Name)
				}
				for _, n := range append([]string{a.Name}, a.Aliases...) {
					if names[n] {
						t.Errorf("two arguments are called %s", n)
					}
					names[n] = true
				}
				checkDefault(t, a)
			}
			if s.FreeForm != "" && !names[s.FreeForm] {
				t.Errorf("its text goes to %s, which is no argument", s.FreeForm)
			}
			for _, set := range slices.Concat(s.Exclusive, s.OneOf, s.Together) {
				for _, n := range set {
					if s.Arg(n) == nil || s.Arg(n).Name != n {
						t.Errorf("a rule names %s, which is no argument's first name", n)
					}
				}
			}
		})
	}
}

// checkDefault makes sure that a default has the argument's type and is one of its choices.
func checkDefault(t *testing.T, a module.Arg) {
	t.Helper()
	ok := true
	switch d := a.Default.(type) {
	case nil:
	case bool:
		ok = a.Type == module.Bool
	case int64:
		ok = a.Type == module.Int
	case string:
		ok = a.Type == module.String || a.Type == module.Path || a.Type == module.Mode
		if len(a.Choices) > 0 && !slices.Contains(a.Choices, d) {
			t.Errorf("argument %s: the default %q is none of its choices", a.Name, d)
		}
	case *value.List:
		ok = a.Type == module.List
	default:
		ok = false
	}
	if !ok {
		t.Errorf("argument %s: the default %v is not of type %s", a.Name, a.Default, a.Type)
	}
}

func TestExamplesBind(t *testing.T) {
	// what a task may have besides its module
	keywords := []string{"name", "register", "when", "args", "until", "retries", "delay", "changed_when", "loop", "become", "notify"}
	for _, s := range modules.All() {
		t.Run(s.Name, func(t *testing.T) {
			var tasks []yaml.Node
			if err := yaml.Unmarshal([]byte(s.Examples), &tasks); err != nil {
				t.Fatal(err)
			}
			used := false
			for _, task := range tasks {
				for i := 0; i+1 < len(task.Content); i += 2 {
					key, val := task.Content[i].Value, task.Content[i+1]
					if slices.Contains(keywords, key) {
						continue
					}
					spec, ok := modules.Find(key)
					if !ok {
						t.Fatalf("its example names %q, which is no module", key)
					}
					used = used || spec.Name == s.Name
					for _, p := range bindNode(t, spec, val, argsOf(&task)) {
						t.Errorf("example of %s: %s", key, p.Message)
					}
				}
			}
			if !used {
				t.Error("no example uses it")
			}
		})
	}
}

func argsOf(task *yaml.Node) map[string]any {
	for i := 0; i+1 < len(task.Content); i += 2 {
		if task.Content[i].Value == "args" {
			var m map[string]any
			_ = task.Content[i+1].Decode(&m)
			return m
		}
	}
	return nil
}

// bindNode checks arguments as they stand in a playbook: texts with {{ are templates.
func bindNode(t *testing.T, spec *module.Spec, n *yaml.Node, more map[string]any) []module.Problem {
	t.Helper()
	args := map[string]any{}
	if n.Kind == yaml.ScalarNode && n.Tag != "!!null" {
		if spec.FreeForm == "" {
			t.Errorf("%s takes no text", spec.Name)
		}
		args[spec.FreeForm] = n.Value
	} else if err := n.Decode(&args); err != nil {
		t.Fatal(err)
	}
	for k, v := range more {
		args[k] = v
	}
	d := value.NewDict()
	for k, v := range args {
		if s, ok := v.(string); ok && strings.Contains(s, "{{") {
			v = value.Template{Source: s}
		}
		d.Set(k, value.FromGo(v))
	}
	_, problems := spec.Bind("example", d, true)
	return problems
}

func TestFind(t *testing.T) {
	for _, c := range []struct {
		name, want string
	}{
		{"copy", "copy"},
		{"ansible.builtin.copy", "copy"},
		{"ansible.legacy.copy", "copy"},
		{"ansible.posix.sysctl", "sysctl"},
		{"sysctl", "sysctl"},
		{"ansible.builtin.sysctl", ""},
		{"ansible.builtin.subid", ""},
		{"subid", "subid"},
		{"ansible.builtin.systemd_service", "systemd_service"},
		{"community.docker.docker_container", ""},
		{"", ""},
		{"rp.content", "rp.content"},
	} {
		got := ""
		if s, ok := modules.Find(c.name); ok {
			got = s.Name
		}
		if got != c.want {
			t.Errorf("Find(%q) is %q, want %q", c.name, got, c.want)
		}
	}
	for _, s := range modules.All() {
		if strings.HasPrefix(s.Name, "rp.") {
			t.Errorf("All has the internal module %s", s.Name)
		}
	}
	if slices.Contains(modules.Names(), "rp.content") || !slices.Contains(modules.Names(), "ansible.posix.sysctl") {
		t.Error("Names has internal modules or lacks full names")
	}
}

func TestDocIsWhole(t *testing.T) {
	for _, s := range modules.All() {
		var b bytes.Buffer
		if err := modules.Text(&b, s, 80); err != nil {
			t.Fatal(err)
		}
		text := b.String()
		for _, a := range s.Args {
			if !strings.Contains(text, a.Name) {
				t.Errorf("%s: its text lacks the argument %s", s.Name, a.Name)
			}
		}
		body, _, _ := strings.Cut(text, "EXAMPLES")
		for l := range strings.Lines(body) {
			if n := len([]rune(strings.TrimRight(l, "\n"))); n > 80 && strings.HasPrefix(l, "      ") {
				t.Errorf("%s: a line of %d columns: %s", s.Name, n, l)
			}
		}
	}
}

func TestDocOfOne(t *testing.T) {
	s, _ := modules.Find("subid")
	var b bytes.Buffer
	if err := modules.Text(&b, s, 72); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"subid: Subordinate user and group ids\nkind: wants states\n",
		"  user (name): str, required\n      Whose ids.\n",
		"  count: int (default 65536)\n      How many.\n",
		"  kind: str (one of both, uid, gid; default both)\n",
		"EXAMPLES\n  - name: Ids for the containers of rootless\n    subid:\n      user: rootless\n",
		"RESULT\n  subuid (list): ",
	} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("it lacks %q:\n%s", want, b.String())
		}
	}
}

func TestMarkdown(t *testing.T) {
	var b bytes.Buffer
	if err := modules.Markdown(&b, modules.All()); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"| [copy](#copy) | A file or directory, copied to the host | action |\n",
		"\n## sysctl\n\nKernel parameters, live and in a file (wants states). Also: `ansible.posix.sysctl`.\n",
		"| **`path`**, `dest`, `name` | path | The file. |\n",
		"\nNot supported yet: `local`, `gid_min`, `gid_max`.\n",
		"```yaml\n- ping:\n```\n",
	} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("it lacks %q", want)
		}
	}
	if strings.Contains(b.String(), "rp.content") {
		t.Error("it has internal modules")
	}
}

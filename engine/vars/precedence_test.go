package vars

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"rp/engine/value"
	"rp/inventory"
)

// at are all levels at which the variable v can be set, lowest first: the order
// of "Understanding variable precedence" in Ansible's documentation. Each sets v to its own name.
var at = []struct {
	name  string
	file  string // in the inventory's or the playbook's directory
	text  string
	layer func(*Layers, *value.Dict)
	state func(*State, *value.Dict) *State
}{
	{name: "defaults of the play's roles", layer: func(l *Layers, d *value.Dict) { l.PlayRoleDefaults = append(l.PlayRoleDefaults, d) }},
	{name: "role defaults", layer: func(l *Layers, d *value.Dict) { l.RoleDefaults = append(l.RoleDefaults, d) }},
	{name: "group all in the inventory file", file: "inv/hosts", text: "[all:vars]\nv=%s\n"},
	{name: "group in the inventory file", file: "inv/hosts", text: "[web:vars]\nv=%s\n"},
	{name: "inventory group_vars/all", file: "inv/group_vars/all.yml", text: "v: %s\n"},
	{name: "playbook group_vars/all", file: "play/group_vars/all.yml", text: "v: %s\n"},
	{name: "inventory group_vars/web", file: "inv/group_vars/web.yml", text: "v: %s\n"},
	{name: "playbook group_vars/web", file: "play/group_vars/web.yml", text: "v: %s\n"},
	{name: "host in the inventory file", file: "inv/hosts", text: "[web]\nw1 v='%s'\n"},
	{name: "inventory host_vars", file: "inv/host_vars/w1.yml", text: "v: %s\n"},
	{name: "playbook host_vars", file: "play/host_vars/w1.yml", text: "v: %s\n"},
	{name: "facts", state: (*State).WithFacts},
	{name: "play vars", layer: func(l *Layers, d *value.Dict) { l.PlayVars = d }},
	{name: "vars_prompt", layer: func(l *Layers, d *value.Dict) { l.Prompts = d }},
	{name: "vars_files", layer: func(l *Layers, d *value.Dict) { l.VarsFiles = append(l.VarsFiles, d) }},
	{name: "vars of the play's roles", layer: func(l *Layers, d *value.Dict) { l.PlayRoleVars = append(l.PlayRoleVars, d) }},
	{name: "role vars", layer: func(l *Layers, d *value.Dict) { l.RoleVars = append(l.RoleVars, d) }},
	{name: "outer block vars", layer: func(l *Layers, d *value.Dict) { l.BlockVars = slices.Insert(l.BlockVars, 0, d) }},
	{name: "inner block vars", layer: func(l *Layers, d *value.Dict) { l.BlockVars = append(l.BlockVars, d) }},
	{name: "task vars", layer: func(l *Layers, d *value.Dict) { l.TaskVars = d }},
	{name: "include_vars", state: (*State).WithIncluded},
	{name: "set_fact and register", state: func(s *State, d *value.Dict) *State { return s.WithSet(d, false) }},
	{name: "role params", layer: func(l *Layers, d *value.Dict) { l.RoleParams = append(l.RoleParams, d) }},
	{name: "include params", layer: func(l *Layers, d *value.Dict) { l.IncludeParams = append(l.IncludeParams, d) }},
	{name: "extra vars"},
	{name: "loop variables"},
}

// TestPrecedence sets v at each pair of levels and at all levels up to each.
func TestPrecedence(t *testing.T) {
	var all []int
	for i := range at {
		all = append(all, i)
		if got := setAt(t, all...); got != at[i].name {
			t.Errorf("set at all levels up to %q, v is that of %q", at[i].name, got)
		}
		for j := range i {
			// The pairs of files only: the levels of one kind are in order if all together are.
			if at[i].file != "" && at[j].file != "" {
				if got := setAt(t, j, i); got != at[i].name {
					t.Errorf("set at %q and %q, v is that of %q", at[j].name, at[i].name, got)
				}
			}
		}
	}
}

func setAt(t *testing.T, levels ...int) string {
	t.Helper()
	dir := t.TempDir()
	files := map[string]string{"inv/hosts": "[web]\nw1\n[all]\n[web]\n"}
	l := Layers{Play: &Play{Dir: filepath.Join(dir, "play")}}
	var state *State
	var extra *value.Dict
	var loop map[string]any
	for _, i := range levels {
		d := value.DictOf("v", at[i].name)
		switch {
		case at[i].file != "":
			files[at[i].file] += strings.ReplaceAll(at[i].text, "%s", at[i].name)
		case at[i].layer != nil:
			at[i].layer(&l, d)
		case at[i].state != nil:
			state = at[i].state(state, d)
		case at[i].name == "extra vars":
			extra = d
		default:
			loop = map[string]any{"v": at[i].name}
		}
	}
	inv := loadFiles(t, dir, files)
	if ds := inv.AddPlaybookDir(l.Play.Dir); ds.Failed() {
		t.Fatal(ds)
	}
	st := New(inv, Run{}, extra)
	st.Restore(inv.Host("w1"), state)
	v, ok := st.Scope(inv.Host("w1"), Compile(l)).With(loop).Lookup("v")
	if !ok {
		t.Fatalf("v is not set, levels %v", levels)
	}
	return v.(string)
}

func loadFiles(t testing.TB, dir string, files map[string]string) *inventory.Inventory {
	t.Helper()
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	inv, ds := inventory.Load(context.Background(), []string{filepath.Join(dir, "inv/hosts")}, inventory.Options{})
	if ds.Failed() {
		t.Fatal(ds)
	}
	return inv
}

package play_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"rp/engine/play"
	"rp/engine/value"
)

const roles = `
-- site/play.yml --
- hosts: all
  roles:
    - role: app
      p: param
      vars: {g: given}
    - app
    - app
  tasks:
    - include_role:
        name: app
        public: yes
      vars: {q: 1}
    - copy: src=x dest=y
-- site/roles/app/meta/main.yml --
dependencies:
  - role: lib
    lp: "{{ p }}"
-- site/roles/app/tasks/main.yml --
- copy: src=a dest=b
- include_tasks: sub/deep.yml
-- site/roles/app/tasks/sub/deep.yml --
- copy: src=c dest=d
- import_role: {name: lib}
-- site/roles/app/handlers/main.yml --
- name: app handler
  debug:
-- site/roles/app/defaults/main.yml --
x: app default
only_app: 1
-- site/roles/app/vars/main.yml --
y: app var
-- site/roles/lib/tasks/main.yml --
- copy: src=l dest=m
-- site/roles/lib/tasks/other.yml --
- debug: {msg: other}
-- site/roles/lib/handlers/main.yml --
- name: lib handler
  debug:
-- site/roles/lib/defaults/main.yml --
x: lib default
only_lib: 1
-- site/roles/lib/vars/main.yml --
y: lib var
z: lib var
`

func loadSite(t *testing.T) (*play.Loader, *play.Play) {
	t.Helper()
	l, pb := loadAt(t, roles, "site/play.yml")
	return l, pb.Plays[0]
}

func TestRoleVariables(t *testing.T) {
	_, p := loadSite(t)
	app := p.Roles[0]
	lib := app.Dependencies[0]
	for _, c := range []struct {
		what string
		got  *value.Dict
		want string
	}{
		{"app defaults", app.AllDefaults(), `{x: "app default", only_lib: 1, only_app: 1}`},
		{"app vars", app.AllVars(), `{y: "app var", z: "lib var", p: "param", g: "given"}`},
		{"app exports", app.ExportedVars(), `{y: "app var", z: "lib var"}`},
		{"app params", app.AllParams(), `{p: "param"}`},
		{"lib defaults", lib.AllDefaults(), `{x: "lib default", only_app: 1, only_lib: 1}`},
		{"lib vars", lib.AllVars(), `{g: "given", y: "lib var", z: "lib var", p: "param", lp: <{{ p }} at 3:10>}`},
		{"plain app vars", p.Roles[1].AllVars(), `{y: "app var", z: "lib var"}`},
	} {
		if got := show(c.got); got != c.want {
			t.Errorf("%s: got %s, want %s", c.what, got, c.want)
		}
	}
}

func TestSameRoleIsKnownAgain(t *testing.T) {
	_, p := loadSite(t)
	if p.Roles[1].Key != p.Roles[2].Key {
		t.Error("the same use twice has two keys")
	}
	if p.Roles[0].Key == p.Roles[1].Key {
		t.Error("uses with other parameters have one key")
	}
	if p.Roles[0].AllowDuplicates {
		t.Error("a role may run twice though nobody says so")
	}
}

func TestSearchPath(t *testing.T) {
	_, p := loadSite(t)
	var got []string
	for task := range p.All() {
		if task.Module == "copy" {
			got = append(got, strings.Join(task.SearchPath("files"), " "))
		}
	}
	lib := "site/roles/lib/files site/roles/lib site/roles/app/files site/roles/app site/roles/lib/tasks/files site/roles/lib/tasks site/files site"
	app := "site/roles/app/files site/roles/app site/roles/app/tasks/files site/roles/app/tasks site/files site"
	for i, want := range []string{lib, app, lib, app, lib, app, "site/files site"} {
		if got[i] != want {
			t.Errorf("copy %d\n got %s\nwant %s", i, got[i], want)
		}
	}
}

func TestIncludeDuringTheRun(t *testing.T) {
	l, p := loadSite(t)
	var includes []*play.Task
	for task := range p.All() {
		if task.Include != nil {
			includes = append(includes, task)
		}
	}
	deep, ds := l.LoadTasks(includes[0], "sub/deep.yml", value.DictOf("item", int64(1)))
	if len(ds) > 0 {
		t.Fatal(ds)
	}
	if got := where(deep.Block); got != "site/roles/app/tasks/sub/deep.yml:1:3 site/roles/lib/tasks/main.yml:1:3" {
		t.Errorf("tasks are those at %s", got)
	}
	if len(deep.Roles) != 1 || deep.Roles[0].Name != "lib" || len(deep.Handlers) != 1 {
		t.Errorf("an imported role below an include brings roles %v and %d handlers", deep.Roles, len(deep.Handlers))
	}
	if v, _ := deep.Block.Vars.Get("item"); v != int64(1) {
		t.Errorf("the loop's item is %v", v)
	}

	include := includes[len(includes)-1]
	role, ds := l.LoadRole(include, "lib", play.RoleFrom{Tasks: "other"}, nil)
	if len(ds) > 0 {
		t.Fatal(ds)
	}
	if got := where(role.Block); got != "site/roles/lib/tasks/other.yml:1:3" {
		t.Errorf("tasks are those at %s", got)
	}
	if got := show(role.Role.AllVars()); got != `{y: "lib var", z: "lib var", q: 1}` {
		t.Errorf("variables are %s", got)
	}
	if len(role.Roles) != 1 || !role.Role.AllowDuplicates {
		t.Errorf("public gives %d roles, again %v", len(role.Roles), role.Role.AllowDuplicates)
	}

	for _, try := range []func() bool{
		func() bool { _, ds := l.LoadTasks(includes[0], "nothing.yml", nil); return ds.Failed() },
		func() bool { _, ds := l.LoadRole(include, "nothing", play.RoleFrom{}, nil); return ds.Failed() },
		func() bool {
			_, ds := l.LoadRole(include, "lib", play.RoleFrom{Vars: "nothing"}, nil)
			return ds.Failed()
		},
	} {
		if !try() {
			t.Error("what is not there is no error")
		}
	}
}

// where is the places of all tasks in b.
func where(b *play.Block) string {
	var all []string
	for t := range b.All() {
		all = append(all, t.Pos.String())
	}
	return strings.Join(all, " ")
}

func TestLoaderServesHostsAtOnce(t *testing.T) {
	l, p := loadSite(t)
	var wg sync.WaitGroup
	errs := make(chan error, 16)
	for task := range p.All() {
		if task.Include == nil || task.Include.File == nil {
			continue
		}
		for range 4 {
			wg.Go(func() {
				if _, ds := l.LoadTasks(task, "sub/deep.yml", nil); ds.Failed() {
					errs <- ds.Err()
				}
			})
		}
	}
	wg.Wait()
	close(errs)
	for err := range errs {
		t.Error(err)
	}
}

func TestVarsFile(t *testing.T) {
	l, _ := loadSite(t)
	d, ds := l.LoadVars("site/roles/app/vars/main.yml")
	if len(ds) > 0 || show(d) != `{y: "app var"}` {
		t.Errorf("got %s, %v", show(d), ds)
	}
	if _, ds := l.LoadVars("nowhere.yml"); !ds.Failed() {
		t.Error("a file that is not there is no error")
	}
}

// BenchmarkLoad loads 2,000 tasks in 100 roles.
func BenchmarkLoad(b *testing.B) {
	var a strings.Builder
	a.WriteString("-- play.yml --\n- hosts: all\n  roles:\n")
	for i := range 100 {
		fmt.Fprintf(&a, "    - r%d\n", i)
	}
	for i := range 100 {
		fmt.Fprintf(&a, "-- roles/r%d/tasks/main.yml --\n", i)
		for j := range 20 {
			fmt.Fprintf(&a, "- name: task %d of {{ role_name }}\n  copy:\n    src: f%d\n    dest: \"{{ base }}/f%d\"\n    mode: '0644'\n  when: x is defined and x > %d\n  tags: [a, b%d]\n", j, j, j, j, j)
		}
	}
	l := loader(filesOf(a.String()))
	b.ReportAllocs()
	for b.Loop() {
		fresh := play.Loader{Modules: l.Modules, Source: l.Source}
		pb, ds := fresh.Load("play.yml")
		if ds.Failed() || len(tasks(pb)) != 2000 {
			b.Fatal(ds)
		}
	}
}

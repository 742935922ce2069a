package vars

import (
	"fmt"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"rp/engine/value"
	"rp/inventory"
)

func store(t testing.TB, hosts string, run Run) (*Store, *inventory.Inventory) {
	t.Helper()
	inv := loadFiles(t, t.TempDir(), map[string]string{"inv/hosts": hosts})
	return New(inv, run, nil), inv
}

// plain is v as Go data, to compare and to print.
func plain(v any) any {
	switch v := v.(type) {
	case *value.List:
		out := []any{}
		for _, e := range v.Items {
			out = append(out, plain(e))
		}
		return out
	case *value.Dict:
		out := map[string]any{}
		for k, e := range v.All() {
			out[fmt.Sprint(k)] = plain(e)
		}
		return out
	}
	return v
}

func wantVar(t *testing.T, s *Scope, name string, want any) {
	t.Helper()
	got, ok := s.Lookup(name)
	if !ok {
		got = "(not set)"
	}
	if d := cmp.Diff(want, plain(got)); d != "" {
		t.Errorf("%s (-want +got):\n%s", name, d)
	}
}

func TestMagic(t *testing.T) {
	st, inv := store(t, "[web]\nw1.example.com\nw2\n[db]\nw1.example.com\n", Run{CheckMode: true, Forks: 5, Verbosity: 2, RunTags: []string{"all"}, Limit: "web"})
	removed := []string{}
	c := Compile(Layers{
		Play: &Play{Name: "site", Dir: "/srv/play", HostsAll: []string{"w1.example.com", "w2", "d"}, Batch: []string{"w1.example.com", "w2"}, Removed: func() []string { return removed }, Roles: []string{"nginx"}, DependentRoles: []string{"common", "nginx"}},
		Role: &Role{Name: "nginx", Path: "/srv/play/roles/nginx", Parents: []string{"site"}}, Environment: []any{value.DictOf("A", "1")},
	})
	s := st.Scope(inv.Host("w1.example.com"), c)
	dir := inv.Host("w2").Dir
	for name, want := range map[string]any{
		"inventory_hostname": "w1.example.com", "inventory_hostname_short": "w1", "group_names": []any{"db", "web"},
		"groups":        map[string]any{"all": []any{"w1.example.com", "w2"}, "ungrouped": []any{}, "web": []any{"w1.example.com", "w2"}, "db": []any{"w1.example.com"}},
		"inventory_dir": dir, "inventory_file": filepath.Join(dir, "hosts"), "ansible_inventory_sources": []any{filepath.Join(dir, "hosts")},
		"playbook_dir": "/srv/play", "ansible_play_name": "site", "ansible_play_hosts_all": []any{"w1.example.com", "w2", "d"},
		"ansible_play_hosts": []any{"w1.example.com", "w2", "d"}, "play_hosts": []any{"w1.example.com", "w2"}, "ansible_play_batch": []any{"w1.example.com", "w2"},
		"role_name": "nginx", "ansible_role_name": "nginx", "role_path": "/srv/play/roles/nginx", "ansible_parent_role_names": []any{"site"},
		"role_names": []any{"nginx"}, "ansible_play_role_names": []any{"nginx"}, "ansible_dependent_role_names": []any{"common", "nginx"}, "ansible_role_names": []any{"nginx", "common"},
		"ansible_version":    map[string]any{"full": "2.17.5", "string": "2.17.5", "major": int64(2), "minor": int64(17), "revision": int64(5)},
		"ansible_check_mode": true, "ansible_diff_mode": false, "ansible_forks": int64(5), "ansible_verbosity": int64(2),
		"ansible_run_tags": []any{"all"}, "ansible_skip_tags": []any{}, "ansible_limit": "web", "ansible_config_file": nil,
		"ansible_facts": map[string]any{}, "environment": []any{map[string]any{"A": "1"}}, "omit": value.Omit{}, "nowhere": "(not set)",
	} {
		wantVar(t, s, name, want)
	}
	removed = []string{"w2"}
	wantVar(t, s, "play_hosts", []any{"w1.example.com", "w2"}) // a scope does not change
	wantVar(t, st.Scope(inv.Host("w2"), c), "ansible_play_hosts", []any{"w1.example.com", "d"})

	bare := st.Scope(inv.Host("localhost"), nil)
	for _, name := range []string{"playbook_dir", "role_name", "play_hosts", "inventory_dir", "ansible_play_name", "environment"} {
		wantVar(t, bare, name, "(not set)")
	}
	wantVar(t, bare, "ansible_connection", "local")
}

func TestMagicCannotBeSet(t *testing.T) {
	st, inv := store(t, "w1\n", Run{})
	h := inv.Host("w1")
	st.Update(h, func(s *State) *State {
		return s.With("ansible_version", "1").WithFacts(value.DictOf("ansible_check_mode", true, "inventory_hostname", "fact"))
	})
	s := st.Scope(h, Compile(Layers{TaskVars: value.DictOf("groups", 1)}))
	wantVar(t, s, "ansible_check_mode", false)
	wantVar(t, st.Scope(h, Compile(Layers{TaskVars: value.DictOf("ansible_facts", "mine")})), "ansible_facts", "mine")
	if v, _ := s.Lookup("groups"); reflect.TypeOf(v) != reflect.TypeFor[*value.Dict]() {
		t.Errorf("groups is %v", v)
	}
	wantVar(t, s, "inventory_hostname", "fact") // as in Ansible, this one can be
	if !IsMagic("hostvars") || IsMagic("inventory_hostname") {
		t.Error("IsMagic is wrong")
	}
}

func TestNames(t *testing.T) {
	st, inv := store(t, "w1 a=1\n", Run{})
	st.Update(inv.Host("w1"), func(s *State) *State {
		return s.With("reg", 1).WithFacts(value.DictOf("ansible_os_family", "Debian", "ansible_become_user", "x")).WithIncluded(value.DictOf("inc", 1))
	})
	names := st.Scope(inv.Host("w1"), Compile(Layers{Play: &Play{Dir: "/p"}, TaskVars: value.DictOf("t", 1)})).With(map[string]any{"item": 1}).Names()
	for _, name := range []string{"a", "reg", "ansible_os_family", "inc", "t", "item", "hostvars", "omit", "group_names"} {
		if !slices.Contains(names, name) {
			t.Errorf("%s is not among the names", name)
		}
	}
	for _, name := range []string{"vars", "ansible_become_user", "role_name", "ansible_limit"} {
		if slices.Contains(names, name) {
			t.Errorf("%s is among the names", name)
		}
	}
	if !slices.IsSorted(names) {
		t.Errorf("not sorted: %v", names)
	}
}

func TestSnapshot(t *testing.T) {
	st, inv := store(t, "w1\n", Run{})
	h := inv.Host("w1")
	st.Update(h, func(s *State) *State { return s.With("a", 1) })
	snapshot := st.State(h)
	before := st.Scope(h, nil)
	for i := range 100 { // more than lie beside a table
		st.Update(h, func(s *State) *State { return s.With(fmt.Sprint("x", i%40), i).With("a", i) })
	}
	wantVar(t, st.Scope(h, nil), "a", 99)
	wantVar(t, st.Scope(h, nil), "x39", 79)
	wantVar(t, before, "a", 1)
	wantVar(t, before, "x39", "(not set)")
	st.Restore(h, snapshot)
	wantVar(t, st.Scope(h, nil), "a", 1)
	wantVar(t, st.Scope(h, nil), "x39", "(not set)")
	if v, ok := st.State(h).Set("a"); !ok || v != 1 {
		t.Errorf("Set(a) = %v, %v", v, ok)
	}
}

func get(t *testing.T, o any, key string) any {
	t.Helper()
	v, ok := o.(value.Object).Get(key)
	if !ok {
		t.Fatalf("no %s in %T", key, o)
	}
	return v
}

func TestHostvars(t *testing.T) {
	st, inv := store(t, "w1\nw2 port=1\nw3\n", Run{})
	c := Compile(Layers{Play: &Play{Dir: "/p"}, PlayVars: value.DictOf("inplay", 1), TaskVars: value.DictOf("port", 2)})
	st.Update(inv.Host("w2"), func(s *State) *State { return s.With("reg", "first") })
	s := st.Scope(inv.Host("w1"), c)
	if s.UsedOthers() {
		t.Error("nothing was used yet")
	}
	s.Names()
	hv := lookup(t, s, "hostvars")
	get(t, get(t, hv, "w1"), "inventory_hostname")
	if s.UsedOthers() {
		t.Error("hostvars of the host itself are not another's")
	}
	w2 := get(t, hv, "w2")
	if got := get(t, w2, "port"); got != int64(1) {
		t.Errorf("port of w2 is %v: task vars must not show", got)
	}
	if _, ok := w2.(value.Object).Get("inplay"); ok {
		t.Error("play vars show in hostvars")
	}
	if !s.UsedOthers() {
		t.Error("variables of another host were used")
	}
	st.Update(inv.Host("w2"), func(s *State) *State { return s.With("reg", "second") })
	if got := get(t, get(t, hv, "w2"), "reg"); got != "first" {
		t.Errorf("a scope has changed: reg is %v", got)
	}
	if got := get(t, get(t, lookup(t, st.Scope(inv.Host("w1"), c), "hostvars"), "w2"), "reg"); got != "second" {
		t.Errorf("a new scope has the old reg %v", got)
	}
	if got := fmt.Sprint(hv.(value.Object).Keys()); got != "[w1 w2 w3]" {
		t.Errorf("keys of hostvars are %s", got)
	}
	for _, key := range []any{"nobody", int64(1)} {
		if _, ok := hv.(value.Object).Get(key); ok {
			t.Errorf("hostvars has %v", key)
		}
	}
	scoped := w2.(interface{ Scope() Lookuper }).Scope()
	if v, _ := scoped.Lookup("inventory_hostname"); v != "w2" {
		t.Errorf("templates of w2 see %v", v)
	}
	if slices.Contains(scoped.Names(), "hostvars") {
		t.Error("hostvars is listed in hostvars")
	}
}

func TestVarsObject(t *testing.T) {
	st, inv := store(t, "w1 a=1\n", Run{})
	s := st.Scope(inv.Host("w1"), Compile(Layers{Play: &Play{}})).With(map[string]any{"item": "i"})
	o := lookup(t, s, "vars")
	if get(t, o, "a") != int64(1) || get(t, o, "item") != "i" {
		t.Error("vars is not all variables")
	}
	if _, ok := o.(value.Object).Get(int64(1)); ok {
		t.Error("a number is a name")
	}
	if !slices.Contains(o.(value.Object).Keys(), any("a")) || slices.Contains(o.(value.Object).Keys(), any("vars")) {
		t.Errorf("keys of vars: %v", o.(value.Object).Keys())
	}
}

func TestInventoryChangesAreSeen(t *testing.T) {
	st, inv := store(t, "w1\n", Run{})
	old := st.Scope(inv.Host("w1"), nil)
	inv.AddHost("w1", value.DictOf("added", int64(1)), []string{"fresh"})
	wantVar(t, old, "added", "(not set)")
	s := st.Scope(inv.Host("w1"), nil)
	wantVar(t, s, "added", int64(1))
	wantVar(t, s, "group_names", []any{"fresh"})
}

// Hosts run side by side, and look at each other; -race tells if they meet.
func TestConcurrentHosts(t *testing.T) {
	st, inv := store(t, "w[1:8] a=1\n", Run{})
	c := Compile(Layers{Play: &Play{Dir: "/p", Batch: []string{"w1"}}})
	var wg sync.WaitGroup
	for _, h := range inv.Hosts() {
		wg.Go(func() {
			for i := range 100 {
				snapshot := st.State(h)
				st.Update(h, func(s *State) *State { return s.With("n", i).WithFacts(value.DictOf("ansible_n", i)) })
				s := st.Scope(h, c)
				if n, _ := s.Lookup("n"); n != i {
					t.Errorf("n is %v, want %d", n, i)
				}
				s.Lookup("ansible_facts")
				s.Lookup("play_hosts")
				hv, _ := s.Lookup("hostvars")
				other, _ := hv.(value.Object).Get("w3")
				other.(value.Object).Get("ansible_n")
				s.Names()
				if i%3 == 0 {
					st.Restore(h, snapshot)
				}
			}
		})
	}
	wg.Wait()
}

func TestFrame(t *testing.T) {
	f, want := frame{}, map[string]any{}
	for i := range 500 {
		name := fmt.Sprint("v", i*7%60)
		f = f.with(entry{name, i})
		want[name] = i
		got := map[string]any{}
		f.each(func(name string, v any) { got[name] = v })
		if !reflect.DeepEqual(got, want) {
			t.Fatalf("after %d: %v, want %v", i, got, want)
		}
	}
	for name, v := range want {
		if got, ok := f.get(name); !ok || got != v {
			t.Errorf("%s is %v, want %v", name, got, v)
		}
	}
}

func BenchmarkLookup(b *testing.B) {
	st, inv := store(b, "w1 a=1\n", Run{})
	h := inv.Host("w1")
	for i := range 1000 {
		st.Update(h, func(s *State) *State { return s.With(fmt.Sprint("r", i), i) })
	}
	s := st.Scope(h, Compile(Layers{Play: &Play{}, PlayRoleDefaults: []*value.Dict{value.DictOf("d", 1)}}))
	for b.Loop() {
		for _, name := range []string{"r1", "a", "d", "missing"} {
			s.Lookup(name)
		}
	}
}

// BenchmarkRegister is a run of 1,000 tasks that register, each with a scope of its own.
func BenchmarkRegister(b *testing.B) {
	st, inv := store(b, "w1 a=1\n", Run{})
	h, c := inv.Host("w1"), Compile(Layers{Play: &Play{}})
	names := strings.Fields(strings.Repeat("x ", 1000))
	for i := range names {
		names[i] = fmt.Sprint("r", i)
	}
	for b.Loop() {
		st.Restore(h, nil)
		for _, name := range names {
			st.Update(h, func(s *State) *State { return s.With(name, 1) })
			st.Scope(h, c).Lookup("a")
		}
	}
}

package inventory

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"rp/engine/value"
)

func load(t testing.TB, text string) *Inventory {
	t.Helper()
	path := filepath.Join(t.TempDir(), "hosts")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	inv, ds := Load(context.Background(), []string{path}, Options{})
	if ds.Failed() {
		t.Fatal(ds)
	}
	return inv
}

func names(hosts []*Host) string {
	var out []string
	for _, h := range hosts {
		out = append(out, h.Name)
	}
	return strings.Join(out, " ")
}

func matched(t *testing.T, inv *Inventory, pattern string) string {
	t.Helper()
	hosts, ds := inv.Match(pattern)
	if ds.Failed() {
		t.Fatal(ds)
	}
	return names(hosts)
}

func TestAddHost(t *testing.T) {
	inv := load(t, "a\n[web]\nb x=1\n")
	dir := filepath.Dir(inv.Sources()[0])
	writeFile(t, filepath.Join(dir, "play/host_vars/new.yml"), "from: host_vars\n")
	writeFile(t, filepath.Join(dir, "play/group_vars/fresh.yml"), "[broken\n")
	if ds := inv.AddPlaybookDir(filepath.Join(dir, "play")); len(ds) != 0 {
		t.Fatalf("files of nobody were read: %v", ds)
	}
	before := inv.GroupsDict()
	old := inv.Host("b").Vars()

	h, changed, ds := inv.AddHost("new:2222", value.DictOf("v", int64(1)), []string{"fresh", "web"})
	if h.Name != "new" || !changed || len(ds) != 1 || !strings.Contains(ds[0].Pos.File, "fresh.yml") {
		t.Errorf("AddHost gives %v, %v, %v", h, changed, ds)
	}
	if got := matched(t, inv, "web:fresh"); got != "b new" {
		t.Errorf("web:fresh is %q", got)
	}
	vars := inv.HostVars(h, filepath.Join(dir, "play")).Merge()
	if got := pythonRepr(vars); got != "{'ansible_port': 2222, 'v': 1, 'from': 'host_vars'}" {
		t.Errorf("the new host has %s", got)
	}
	if _, changed, _ := inv.AddHost("new", value.DictOf("v", int64(1)), []string{"web"}); changed {
		t.Error("adding the same again is a change")
	}
	if _, changed, _ := inv.AddHost("b", value.DictOf("x", int64(2)), nil); !changed {
		t.Error("another value is no change")
	}
	if v, _ := old.Get("x"); v != int64(1) {
		t.Error("a mapping that was given out has changed")
	}
	if _, ok := before.Get("fresh"); ok {
		t.Error("groups that were given out have changed")
	}
}

func TestAddToGroup(t *testing.T) {
	inv := load(t, "a\nb\n")
	changed, ds := inv.AddToGroup("os_debian", []*Host{inv.Host("a")}, []string{"linux"})
	if !changed || len(ds) > 0 {
		t.Errorf("AddToGroup: %v, %v", changed, ds)
	}
	if got := matched(t, inv, "linux"); got != "a" {
		t.Errorf("linux is %q", got)
	}
	if got := strings.Join(inv.Host("a").GroupNames(), " "); got != "linux os_debian" {
		t.Errorf("the groups of a are %q: it must have left ungrouped", got)
	}
	if changed, _ := inv.AddToGroup("os_debian", []*Host{inv.Host("a")}, []string{"linux"}); changed {
		t.Error("the same again is a change")
	}
	if _, ds := inv.AddToGroup("linux", nil, []string{"os_debian"}); len(ds) != 1 {
		t.Errorf("a loop is taken: %v", ds)
	}
}

// Readers run while hosts are added; -race tells if they meet.
func TestConcurrentReaders(t *testing.T) {
	inv := load(t, "[web]\nw[1:20] x=1\n[web:vars]\ny=2\n")
	var wg sync.WaitGroup
	for i := range 4 {
		wg.Go(func() {
			for range 50 {
				for _, h := range inv.Hosts() {
					inv.HostVars(h, "").Merge()
					h.GroupNames()
				}
				inv.GroupsDict()
				inv.Match("web:&all:!w1")
				inv.Host("localhost")
			}
		})
		wg.Go(func() {
			for n := range 25 {
				inv.AddHost(fmt.Sprintf("n%d-%d", i, n), value.DictOf("a", int64(n)), []string{"web", "new"})
				inv.AddHost("w1", value.DictOf("x", int64(n)), nil)
			}
		})
	}
	wg.Wait()
	if got := len(inv.Group("new").Hosts()); got != 100 {
		t.Errorf("the group new has %d hosts, want 100", got)
	}
}

func TestLenient(t *testing.T) {
	dir := t.TempDir()
	writeFile(t, filepath.Join(dir, "hosts"), "a\n[web\n[x:y]\n")
	inv, ds := Load(context.Background(), []string{filepath.Join(dir, "hosts"), filepath.Join(dir, "none")}, Options{Lenient: true})
	if ds.Failed() || len(ds) != 3 {
		t.Errorf("want three warnings: %v", ds)
	}
	if got := names(inv.Hosts()); got != "a" {
		t.Errorf("hosts are %q", got)
	}
}

func TestScriptTimeout(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "slow")
	writeFile(t, path, "#!/bin/sh\nsleep 60 &\nsleep 60\n")
	start := time.Now()
	_, ds := Load(context.Background(), []string{path}, Options{ScriptTimeout: 100 * time.Millisecond})
	if !ds.Failed() || !strings.Contains(ds.Error(), "longer than 100ms") || time.Since(start) > 20*time.Second {
		t.Errorf("after %v: %v", time.Since(start), ds)
	}
}

func TestExecutableThatIsNoScript(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "hosts")
	writeFile(t, path, "web1\n")
	if err := os.Chmod(path, 0o755); err != nil { //nolint:gosec // that is what is tested
		t.Fatal(err)
	}
	inv, ds := Load(context.Background(), []string{path}, Options{})
	if ds.Failed() || names(inv.Hosts()) != "web1" {
		t.Errorf("an INI file with the x bit gives %v, %v", inv.Hosts(), ds)
	}
}

func TestOrder(t *testing.T) {
	inv := load(t, "b\nc\na\n")
	for order, want := range map[string]string{"": "b c a", "inventory": "b c a", "reverse_inventory": "a c b", "sorted": "a b c", "reverse_sorted": "c b a"} {
		got, err := Order(inv.Hosts(), order)
		if err != nil || names(got) != want {
			t.Errorf("order %q: %v, %v", order, got, err)
		}
	}
	got, err := Order(inv.Hosts(), "shuffle")
	if slices.SortFunc(got, func(a, b *Host) int { return strings.Compare(a.Name, b.Name) }); err != nil || names(got) != "a b c" {
		t.Errorf("shuffled: %v, %v", got, err)
	}
	if _, err := Order(nil, "random"); err == nil {
		t.Error("the order random is taken")
	}
}

func TestPositions(t *testing.T) {
	inv := load(t, "\n  web1 a=1  b=\"{{ x }}\"\n[g]\n[g:vars]\n c = '{{ y }}'\n")
	h := inv.Host("web1")
	b, _ := h.Vars().Get("b")
	c, _ := inv.Group("g").Vars().Get("c")
	for what, got := range map[string]string{
		"2:10": h.VarPos("a").String(),
		"2:16": b.(value.Template).Pos.String(),
		"5:7":  c.(value.Template).Pos.String(),
		"5:6":  inv.Group("g").VarPos("c").String(),
	} {
		if !strings.HasSuffix(got, "hosts:"+what) {
			t.Errorf("a place is %s, want %s", got, what)
		}
	}
	if h.File != inv.Sources()[0] || h.Dir != filepath.Dir(h.File) {
		t.Errorf("web1 is from %q in %q", h.File, h.Dir)
	}
}

func bigInventory(hosts, groups int) string {
	var b strings.Builder
	for g := range groups {
		fmt.Fprintf(&b, "[g%d]\n", g)
		for h := range hosts / groups {
			fmt.Fprintf(&b, "host%d.example.com ansible_host=10.0.0.1 port=%d name='x y' list=[1,2]\n", g*hosts/groups+h, h)
		}
		fmt.Fprintf(&b, "[g%d:vars]\na=%d\nb=\"{{ a }}\"\n[top%d:children]\ng%d\n", g, g, g%20, g)
	}
	return b.String()
}

// BenchmarkLoad loads 10,000 hosts in 500 groups; it must stay below a second.
func BenchmarkLoad(b *testing.B) {
	path := filepath.Join(b.TempDir(), "hosts")
	if err := os.WriteFile(path, []byte(bigInventory(10_000, 500)), 0o600); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		inv, _ := Load(context.Background(), []string{path}, Options{})
		if len(inv.Hosts()) != 10_000 {
			b.Fatal(len(inv.Hosts()))
		}
	}
}

func BenchmarkHostVars(b *testing.B) {
	inv := load(b, "[web]\nw[1:10000] x=1\n[a:children]\nweb\n[a:vars]\ny=2\n")
	hosts := inv.Hosts()
	for b.Loop() {
		for _, h := range hosts {
			inv.HostVars(h, "")
		}
	}
}

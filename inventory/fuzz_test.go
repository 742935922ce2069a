package inventory

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
)

// FuzzINI holds that no text makes the parser panic or hang, and that every
// host it gives is found again by its name and can be shown.
func FuzzINI(f *testing.F) {
	archives, _ := filepath.Glob("testdata/*.txtar")
	for _, path := range archives {
		a, err := txtar.ParseFile(path)
		if err != nil {
			f.Fatal(err)
		}
		for _, file := range a.Files {
			f.Add(file.Data)
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		inv := newInventory(Options{})
		l := loader{ctx: context.Background(), inv: inv}
		l.ini("hosts", data, source{})
		inv.reconcile()
		if len(inv.order) > 10_000 {
			return
		}
		for _, h := range inv.order {
			if inv.Host(h.Name) != h || len(h.Groups()) == 0 {
				t.Fatalf("the host %q is lost", h.Name)
			}
		}
		inv.ListJSON("")
	})
}

func FuzzYAML(f *testing.F) {
	a, err := txtar.ParseFile("testdata/yaml_mistakes.txtar")
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range a.Files {
		f.Add(file.Data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		inv := newInventory(Options{})
		l := loader{ctx: context.Background(), inv: inv}
		l.yaml("hosts.yml", data, source{}, false)
		inv.reconcile()
		if len(inv.order) <= 10_000 {
			inv.ListJSON("")
		}
	})
}

func FuzzPattern(f *testing.F) {
	for _, s := range []string{"web", "web:&db:!a", "~w.*b", "web[0:2]", "*[!a-c]?", "2001:db8::1", "a,b", "[", "&", "!x[-1]", "ü*"} {
		f.Add(s)
	}
	path := filepath.Join(f.TempDir(), "hosts")
	if err := os.WriteFile(path, []byte("a\nlocalhost\n2001:db8::1\n[web]\nw[1:9]\n[db]\nw1\nü1\n"), 0o600); err != nil {
		f.Fatal(err)
	}
	inv, _ := Load(context.Background(), []string{path}, Options{})
	f.Fuzz(func(t *testing.T, pattern string) {
		hosts, ds := inv.Match(pattern)
		if ds.Failed() && len(hosts) > 0 {
			t.Fatalf("a pattern with a mistake gives %v", hosts)
		}
		seen := map[*Host]bool{}
		for _, h := range hosts {
			if h == nil || seen[h] {
				t.Fatalf("%v: a host is nil or twice", hosts)
			}
			seen[h] = true
		}
	})
}

package record

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"rp/engine/wire"
)

var begun = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

func save(t *testing.T, dir string, rs ...Run) {
	t.Helper()
	for _, r := range rs {
		if err := Save(dir, r); err != nil {
			t.Fatal(err)
		}
	}
}

func TestSaveLoad(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a", "b")
	want := Run{
		ID: "20260102-030405-abc", Started: begun, Ended: begun.Add(time.Minute), Command: []string{"run", "site.yml"}, Dir: "/srv",
		Inventory: []string{"/srv/hosts", "web1,"}, User: "admin", Code: 2,
		Hosts: map[string]Host{"web1": {OK: 3, Changed: 1, As: []wire.Become{{User: "root", Method: "sudo"}}}},
	}
	save(t, dir, want)
	got, err := Load(dir, want.ID)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("loaded (-want +got):\n%s", d)
	}
	for _, path := range []string{dir, filepath.Join(dir, want.ID+".json")} {
		fi, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		if m := fi.Mode().Perm(); m&0o077 != 0 {
			t.Errorf("%s can be read by others: %v", path, m)
		}
	}
}

func TestLast(t *testing.T) {
	dir := t.TempDir()
	if _, err := Load(dir, "last"); err == nil || !strings.Contains(err.Error(), "no run is on record") {
		t.Errorf("with no record, last gives %v", err)
	}
	save(
		t, dir,
		Run{ID: "20260102-030405-zzz", Started: begun, Code: 2},
		Run{ID: "20260102-030405-aaa", Started: begun.Add(time.Millisecond), Hosts: map[string]Host{"a": {Changed: 1}}}, // of the same second
		Run{ID: "20260102-030405-non", Started: begun.Add(2 * time.Millisecond), Hosts: map[string]Host{"a": {OK: 3}}},
		Run{ID: "20260102-030406-check", Started: begun.Add(time.Second), Check: true},
		Run{ID: "20260102-030407-undo", Started: begun.Add(2 * time.Second), Undoes: "x"},
	)
	r, err := Load(dir, "last")
	if err != nil || r.ID != "20260102-030405-aaa" {
		t.Errorf("last is %q, %v", r.ID, err)
	}
	runs, err := All(dir)
	if err != nil {
		t.Fatal(err)
	}
	var ids []string
	for _, r := range runs {
		ids = append(ids, r.ID[16:])
	}
	if got := strings.Join(ids, " "); got != "zzz aaa non check undo" {
		t.Errorf("the runs are in the order %s", got)
	}
}

func TestLoadRefuses(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "broken.json"), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	for id, want := range map[string]string{
		"nosuch": `no run "nosuch" is on record`, "broken": `cannot read the record of run "broken"`, "../../etc/passwd": "is on record",
	} {
		if _, err := Load(dir, id); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Load(%q) = %v, want %q in it", id, err, want)
		}
	}
	if _, err := All(dir); err == nil {
		t.Error("a record that cannot be read was passed over")
	}
}

func TestKeepsSoMany(t *testing.T) {
	dir := t.TempDir()
	for i := range Keep + 2 {
		name := filepath.Join(dir, fmt.Sprintf("2025-%04d.json", i))
		if err := os.WriteFile(name, []byte("{}"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	save(t, dir, Run{ID: "2026-new", Started: begun})
	runs, err := All(dir)
	if err != nil || len(runs) != Keep {
		t.Fatalf("%d records are kept, %v; want %d", len(runs), err, Keep)
	}
	if _, err := Load(dir, "2025-0002"); err == nil {
		t.Error("the third of Keep+3 records was kept")
	}
	if _, err := Load(dir, "2025-0003"); err != nil {
		t.Errorf("the fourth of Keep+3 records is gone: %v", err)
	}
}

func TestDir(t *testing.T) {
	t.Setenv("HOME", "/home/u")
	for state, want := range map[string]string{"": "/home/u/.local/state/rp/runs", "relative": "/home/u/.local/state/rp/runs", "/s": "/s/rp/runs"} {
		t.Setenv("XDG_STATE_HOME", state)
		if got, err := Dir(); err != nil || got != want {
			t.Errorf("with XDG_STATE_HOME=%q records lie in %q, %v; want %q", state, got, err, want)
		}
	}
}

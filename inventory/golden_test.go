package inventory

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"
)

var update = flag.Bool("update", false, "write the golden files anew")

// TestGolden runs the commands at the head of each testdata/*.txtar over the
// files in it and compares what they print with its file "out". The commands:
//
//	-i SOURCE…         load these, relative to the archive
//	list | graph [--vars] [GROUP] | host NAME
//	match PATTERN      the hosts, and what is wrong with the pattern
//	limit LIMIT PATTERN
//	levels HOST [DIR]  the variables of each level; DIR is the playbook's
func TestGolden(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no goldens: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) { golden(t, file) })
	}
}

func golden(t *testing.T, file string) {
	a, err := txtar.ParseFile(file)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	want := ""
	for _, f := range a.Files {
		if f.Name == "out" {
			want = string(f.Data)
			continue
		}
		writeFile(t, filepath.Join(dir, f.Name), string(f.Data))
	}
	t.Chdir(dir)
	var out bytes.Buffer
	var inv *Inventory
	for line := range strings.Lines(string(a.Comment)) {
		if words := strings.Fields(line); len(words) > 0 && words[0] != "#" {
			fmt.Fprintf(&out, "$ %s\n", strings.TrimSpace(line))
			inv = command(t, &out, inv, words)
		}
	}
	got := strings.ReplaceAll(out.String(), dir, "DIR")
	if *update {
		updateGolden(t, file, a, got)
		return
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("differs (-want +got); -update takes it over:\n%s", d)
	}
}

func updateGolden(t *testing.T, file string, a *txtar.Archive, out string) {
	var files []txtar.File
	for _, f := range a.Files {
		if f.Name != "out" {
			files = append(files, f)
		}
	}
	a.Files = append(files, txtar.File{Name: "out", Data: []byte(out)})
	// The test has changed its directory: the golden is where it was started.
	if err := os.WriteFile(filepath.Join(packageDir, file), txtar.Format(a), 0o644); err != nil {
		t.Fatal(err)
	}
}

var packageDir, _ = os.Getwd()

func writeFile(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	mode := os.FileMode(0o644)
	if strings.HasPrefix(text, "#!") {
		mode = 0o755
	}
	if err := os.WriteFile(path, []byte(text), mode); err != nil {
		t.Fatal(err)
	}
}

func command(t *testing.T, out *bytes.Buffer, inv *Inventory, words []string) *Inventory {
	switch words[0] {
	case "-i":
		inv, ds := Load(context.Background(), words[1:], Options{})
		ds.Print(out, false, nil)
		return inv
	case "list":
		out.Write(inv.ListJSON(""))
	case "host":
		b, err := inv.HostJSON(words[1], "")
		show(out, b, err)
	case "graph":
		rest := words[1:]
		vars := len(rest) > 0 && rest[0] == "--vars"
		if vars {
			rest = rest[1:]
		}
		b, err := inv.Graph(append(rest, All)[0], vars, "")
		show(out, b, err)
	case "match":
		hosts, ds := inv.Match(strings.Join(words[1:], " "))
		ds.Print(out, false, nil)
		fmt.Fprintln(out, hosts)
	case "limit":
		l, ds := ParseLimit(words[1])
		hosts, more := inv.Select(words[2:], l)
		append(ds, more...).Print(out, false, nil)
		fmt.Fprintln(out, hosts)
	case "levels":
		levels(out, inv, words[1:])
	default:
		t.Fatalf("no such command: %q", words)
	}
	return inv
}

func show(out *bytes.Buffer, b []byte, err error) {
	out.Write(b)
	if err != nil {
		fmt.Fprintln(out, err)
	}
}

func levels(out *bytes.Buffer, inv *Inventory, words []string) {
	dir := ""
	if len(words) > 1 {
		dir = words[1]
		inv.AddPlaybookDir(dir).Print(out, false, nil)
	}
	for i, level := range inv.HostVars(inv.Host(words[0]), dir) {
		for _, d := range level {
			fmt.Fprintf(out, "%d %s\n", i, pythonRepr(d))
		}
	}
}

package play_test

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"rp/engine/diag"
	"rp/engine/play"
	"rp/engine/value"
)

var update = flag.Bool("update", false, "write the golden files anew")

// table is a small table of modules.
type table map[string][]string // own name → arguments

var modules = table{
	"command": {"cmd", "chdir", "creates"}, "shell": {"cmd", "chdir"}, "debug": {"msg", "var"}, "copy": {"src", "dest", "content", "mode"},
	"user": {"name", "state"}, "package": {"name", "state"}, "set_fact": nil, "include_vars": {"file", "name"}, "meta": {"free_form"},
	"sysctl": {"name", "value"}, "service": {"name", "state"},
}

func (m table) Find(name string) (play.Module, bool) {
	short := strings.TrimPrefix(strings.TrimPrefix(strings.TrimPrefix(name, "ansible.builtin."), "ansible.legacy."), "ansible.posix.")
	if _, ok := m[short]; !ok {
		return play.Module{}, false
	}
	mod := play.Module{Name: short}
	switch short {
	case "command", "shell":
		mod.FreeForm, mod.TextOptions = "cmd", []string{"chdir", "creates"}
	case "include_vars":
		mod.FreeForm = "file"
	case "meta":
		mod.FreeForm = "free_form"
	}
	return mod, true
}

func (m table) Names() []string {
	var names []string
	for n := range m {
		names = append(names, n)
	}
	slices.Sort(names)
	return names
}

func (m table) Check(name string, args *value.Dict, argPos func(string) diag.Pos, pos diag.Pos) diag.List {
	var ds diag.List
	known := m[name]
	for k := range args.All() {
		if known != nil && !slices.Contains(known, k.(string)) {
			ds.Errorf(argPos(k.(string)), "%s has no argument %q", name, k)
		}
	}
	return ds
}

var simple = regexp.MustCompile(`^\{\{ *(\w+) *\}\}|\{\{ *(\w+) *\}\}`)

// static knows names of variables only.
func static(t value.Template, vars []*value.Dict) (any, error) {
	var missing error
	var whole any
	out := simple.ReplaceAllStringFunc(t.Source, func(e string) string {
		name := strings.Trim(e, "{} ")
		for _, d := range slices.Backward(vars) {
			if v, ok := d.Get(name); ok {
				if inner, ok := v.(value.Template); ok {
					v, missing = static(inner, vars)
				}
				whole = v
				return fmt.Sprint(v)
			}
		}
		missing = fmt.Errorf("'%s' is undefined", name)
		return ""
	})
	if strings.Trim(t.Source, "{} ") == simple.FindString(t.Source) {
		return whole, missing
	}
	return out, missing
}

// badSyntax stands for the checkers of expressions: it dislikes "((".
func badSyntax(src string, pos diag.Pos) diag.List {
	var ds diag.List
	if strings.Contains(src, "((") {
		ds.Errorf(pos, "unbalanced parentheses in %q", src)
	}
	return ds
}

func loader(fsys fstest.MapFS) *play.Loader {
	return &play.Loader{RolesPath: []string{"shared"}, Modules: modules, Source: play.FS(fsys), Static: static, CheckExpr: badSyntax, CheckTemplate: badSyntax}
}

func files(a *txtar.Archive) fstest.MapFS {
	fsys := fstest.MapFS{}
	for _, f := range a.Files {
		if f.Name != "want" {
			fsys[f.Name] = &fstest.MapFile{Data: f.Data}
		}
	}
	return fsys
}

// Each archive is the files of a project; its playbooks are those in the root
// called play*.yml. "want" is the tree of what was loaded and what is wrong with it.
func TestGolden(t *testing.T) {
	archives, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(archives) == 0 {
		t.Fatalf("no golden files: %v", err)
	}
	for _, path := range archives {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txtar"), func(t *testing.T) {
			a, err := txtar.ParseFile(path)
			if err != nil {
				t.Fatal(err)
			}
			golden(t, path, a, loadAll(files(a)))
		})
	}
}

func loadAll(fsys fstest.MapFS) []byte {
	var out bytes.Buffer
	var names []string
	for name := range fsys {
		if ok, _ := filepath.Match("play*.yml", name); ok {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	for _, name := range names {
		l := loader(fsys)
		pb, ds := l.Load(name)
		if !ds.Failed() {
			dump(&out, pb)
		}
		ds.Print(&out, false, l.Source.ReadFile)
	}
	return out.Bytes()
}

func golden(t *testing.T, path string, a *txtar.Archive, got []byte) {
	t.Helper()
	for i := range a.Files {
		if a.Files[i].Name != "want" {
			continue
		}
		if *update {
			a.Files[i].Data = got
			if err := os.WriteFile(path, txtar.Format(a), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if d := cmp.Diff(string(a.Files[i].Data), string(got)); d != "" {
			t.Errorf("(-want +got):\n%s", d)
		}
		return
	}
	t.Fatalf("%s has no file want", path)
}

// load loads play.yml of the archive, which must have nothing wrong with it.
func load(t *testing.T, archive string) (*play.Loader, *play.Playbook) {
	t.Helper()
	return loadAt(t, archive, "play.yml")
}

func loadAt(t *testing.T, archive, path string) (*play.Loader, *play.Playbook) {
	t.Helper()
	l := loader(filesOf(archive))
	pb, ds := l.Load(path)
	if len(ds) > 0 {
		t.Fatalf("%v", ds)
	}
	return l, pb
}

func filesOf(archive string) fstest.MapFS { return files(txtar.Parse([]byte(archive))) }

// tasks are all tasks of the playbook in order.
func tasks(pb *play.Playbook) []*play.Task {
	var all []*play.Task
	for _, p := range pb.Plays {
		all = append(all, slices.Collect(p.All())...)
	}
	return all
}

func TestMissingPlaybookIsAnError(t *testing.T) {
	_, ds := loader(fstest.MapFS{}).Load("nowhere.yml")
	if got, want := ds.Error(), `nowhere.yml: cannot read "nowhere.yml": file does not exist`; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if !errors.As(ds.Err(), &diag.List{}) {
		t.Error("no error")
	}
}

func FuzzLoad(f *testing.F) {
	archives, _ := filepath.Glob("testdata/*.txtar")
	for _, path := range archives {
		a, err := txtar.ParseFile(path)
		if err != nil {
			f.Fatal(err)
		}
		for _, file := range a.Files {
			if file.Name != "want" {
				f.Add(file.Data)
			}
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		fsys := fstest.MapFS{"play.yml": {Data: data}, "roles/r/tasks/main.yml": {Data: data}, "more.yml": {Data: data}}
		l := loader(fsys)
		pb, ds := l.Load("play.yml")
		for _, d := range ds {
			if d.Pos.File == "" {
				t.Errorf("no place: %v", d)
			}
		}
		if !ds.Failed() {
			dump(&bytes.Buffer{}, pb)
		}
	})
}

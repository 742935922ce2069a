package inventory

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"rp/engine/diag"
	"rp/engine/value"
	"rp/engine/yaml"
)

// varExts are the endings of variable files, in the order in which they are looked for.
var varExts = []string{"", ".yml", ".yaml", ".json"}

// varDirs are the group_vars and host_vars beside inventories and playbooks, by directory.
type varDirs struct {
	mu   sync.RWMutex
	dirs map[string]*varDir
}

// varDir is what lies in one directory: the variables of each group and host that has files there.
type varDir struct {
	groups, hosts map[string]*value.Dict
	// unread are the files of hosts and groups that the inventory did not have.
	groupFiles, hostFiles map[string][]string
}

// load reads the files beside dir of all groups and hosts of inv. A directory is read once.
func (v *varDirs) load(inv *Inventory, dir string) diag.List {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.dirs[dir] != nil {
		return nil
	}
	if v.dirs == nil {
		v.dirs = map[string]*varDir{}
	}
	d := &varDir{groups: map[string]*value.Dict{}, hosts: map[string]*value.Dict{}}
	v.dirs[dir] = d
	var ds diag.List
	d.groupFiles = findVarFiles(filepath.Join(short(dir), "group_vars"), &ds)
	d.hostFiles = findVarFiles(filepath.Join(short(dir), "host_vars"), &ds)
	for name := range inv.groups {
		d.read(inv.o, d.groups, d.groupFiles, name, &ds)
	}
	for name := range d.hostFiles {
		if inv.hosts[name] != nil || slices.Contains(localNames, name) {
			d.read(inv.o, d.hosts, d.hostFiles, name, &ds)
		}
	}
	ds.Sort()
	return ds
}

// short is path as a user would name it: relative where it lies below the working directory.
func short(path string) string {
	wd, err := os.Getwd()
	if err != nil {
		return path
	}
	rel, err := filepath.Rel(wd, path)
	if err != nil || rel == ".." || strings.HasPrefix(rel, "../") {
		return path
	}
	return rel
}

// read reads the files of one group or host, once.
func (d *varDir) read(o Options, into map[string]*value.Dict, files map[string][]string, name string, ds *diag.List) {
	if _, done := into[name]; done {
		return
	}
	var all *value.Dict
	for _, path := range files[name] {
		vars, more := ReadVarFile(path, o)
		*ds = append(*ds, more...)
		if vars == nil {
			continue
		}
		if all == nil {
			all = value.NewDict()
		}
		for k, v := range vars.All() {
			all.Set(k, v)
		}
	}
	if all != nil {
		into[name] = all
	}
}

// findVarFiles gives the files of each name in dir. Of NAME, NAME.yml, NAME.yaml
// and NAME.json the first one counts; where NAME is a directory, all files below it do.
func findVarFiles(dir string, ds *diag.List) map[string][]string {
	entries, err := os.ReadDir(dir)
	if err != nil {
		if !errors.Is(err, fs.ErrNotExist) {
			ds.Errorf(diag.Pos{File: dir}, "cannot read this directory of variables: %v", plain(err))
		}
		return nil
	}
	names := map[string]bool{}
	for _, e := range entries {
		names[e.Name()] = true
	}
	found := map[string][]string{}
	for _, e := range entries {
		for i, ext := range varExts {
			name, ok := strings.CutSuffix(e.Name(), ext)
			if !ok || name == "" || (ext == "" && isVarExt(filepath.Ext(name)) && !isDir(filepath.Join(dir, name))) {
				continue
			}
			first := !slices.ContainsFunc(varExts[:i], func(x string) bool { return names[name+x] })
			if first {
				found[name] = filesOf(filepath.Join(dir, e.Name()), ext, ds)
			}
		}
	}
	return found
}

func isVarExt(ext string) bool { return ext != "" && slices.Contains(varExts, ext) }

func isDir(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

// filesOf is path itself, or the variable files below it if it is a directory.
func filesOf(path, ext string, ds *diag.List) []string {
	if !isDir(path) {
		return []string{path}
	}
	if ext != "" {
		return nil
	}
	entries, err := os.ReadDir(path)
	if err != nil {
		ds.Errorf(diag.Pos{File: path}, "cannot read this directory of variables: %v", plain(err))
		return nil
	}
	var out []string
	for _, e := range entries {
		name, full := e.Name(), filepath.Join(path, e.Name())
		switch {
		case strings.HasPrefix(name, ".") || strings.HasSuffix(name, "~"):
		case isDir(full):
			out = append(out, filesOf(full, "", ds)...)
		case slices.Contains(varExts, filepath.Ext(name)):
			out = append(out, full)
		}
	}
	return out
}

// ReadVarFile reads a file of variables, YAML or JSON, in place of which an
// empty one gives nil. Text with Jinja2 in it becomes a value.Template. What
// is not a mapping, and a key that is not text, is an error at its place.
func ReadVarFile(path string, o Options) (*value.Dict, diag.List) {
	var ds diag.List
	data, err := readBounded(path)
	if err == nil {
		data, err = decrypted(o, path, data)
	}
	if err != nil {
		ds.Errorf(diag.Pos{File: path}, "cannot read these variables: %v", plain(err))
		return nil, ds
	}
	return ParseVars(path, data, o)
}

// ParseVars is ReadVarFile for text that is at hand; name is what places are reported under.
func ParseVars(name string, data []byte, o Options) (*value.Dict, diag.List) {
	f, ds := yaml.Parse(name, data)
	if ds.Failed() || len(f.Docs) == 0 {
		return nil, ds
	}
	if len(f.Docs) > 1 {
		ds.Errorf(yaml.PosOf(name, f.Docs[1]), "a file of variables must be one YAML document")
	}
	v, more := yaml.Value(name, f.Docs[0], o.yaml())
	ds = append(ds, more...)
	dict, ok := dictOf(v)
	if !ok {
		ds.Errorf(yaml.PosOf(name, f.Docs[0]), "variables must be a mapping of names to values, not a %s", kindName(f.Docs[0]))
		return nil, ds
	}
	if dict == nil {
		return nil, ds
	}
	for _, p := range yaml.Pairs(f.Docs[0]) {
		if k, _ := yaml.Value(name, p.Key, yaml.Options{}); !isText(k) {
			ds.Errorf(yaml.PosOf(name, p.Key), "the name of a variable must be text, not %s", describe(k)).Hintf("put it in quotes: %q", p.Key.Value)
		}
	}
	return dict, ds
}

func isText(v any) bool {
	_, ok := v.(string)
	return ok
}

// at is what lies beside dir, with v.mu held for reading; nil, and nothing held, if dir was never read.
func (v *varDirs) at(dir string) *varDir {
	v.mu.RLock()
	d := v.dirs[dir]
	if d == nil {
		v.mu.RUnlock()
	}
	return d
}

// late reads the files of a host or groups that came while the run was under way.
func (v *varDirs) late(o Options, hosts, groups []string) diag.List {
	v.mu.Lock()
	defer v.mu.Unlock()
	var ds diag.List
	for _, d := range v.dirs {
		for _, name := range hosts {
			d.read(o, d.hosts, d.hostFiles, name, &ds)
		}
		for _, name := range groups {
			d.read(o, d.groups, d.groupFiles, name, &ds)
		}
	}
	ds.Sort()
	return ds
}

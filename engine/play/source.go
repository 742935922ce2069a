package play

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"rp/engine/diag"
	"rp/engine/value"
	"rp/engine/yaml"
)

// Source is where files are read from.
type Source interface {
	ReadFile(path string) ([]byte, error)
	ReadDir(path string) ([]fs.DirEntry, error)
	Stat(path string) (fs.FileInfo, error)
}

// OS is the machine's own files.
func OS() Source { return osFiles{} }

type osFiles struct{}

func (osFiles) ReadFile(path string) ([]byte, error)       { return os.ReadFile(path) }
func (osFiles) ReadDir(path string) ([]fs.DirEntry, error) { return os.ReadDir(path) }
func (osFiles) Stat(path string) (fs.FileInfo, error)      { return os.Stat(path) }

// FS is the files of fsys, such as an embedded one. A leading / of a path is dropped.
func FS(fsys fs.FS) Source { return inFS{fsys} }

type inFS struct{ fsys fs.FS }

func inside(path string) string {
	p := strings.TrimPrefix(filepath.ToSlash(filepath.Clean(path)), "/")
	if p == "" {
		return "."
	}
	return p
}

func (s inFS) ReadFile(path string) ([]byte, error) { return fs.ReadFile(s.fsys, inside(path)) }

func (s inFS) ReadDir(path string) ([]fs.DirEntry, error) { return fs.ReadDir(s.fsys, inside(path)) }
func (s inFS) Stat(path string) (fs.FileInfo, error)      { return fs.Stat(s.fsys, inside(path)) }

// document is one YAML file: its first document, or nil when it holds nothing.
type document struct {
	path  string
	root  *yaml.Node
	lines []string
	ds    diag.List
	err   error
}

// read parses the file at path once a Loader.
func (l *Loader) read(path string) *document {
	l.mu.Lock()
	defer l.mu.Unlock()
	if d := l.files[path]; d != nil {
		return d
	}
	d := &document{path: path}
	data, err := l.source().ReadFile(path)
	if err != nil {
		d.err = err
	} else {
		d.parse(data)
	}
	if l.files == nil {
		l.files = map[string]*document{}
	}
	l.files[path] = d
	return d
}

func (d *document) parse(data []byte) {
	d.lines = strings.Split(string(data), "\n")
	if strings.HasPrefix(d.lines[0], "$ANSIBLE_VAULT") {
		d.ds.Errorf(diag.Pos{File: d.path, Line: 1, Col: 1}, "files in the vault are not supported yet")
		return
	}
	f, ds := yaml.Parse(d.path, data)
	d.ds = ds
	if len(f.Docs) > 1 {
		d.ds.Errorf(yaml.PosOf(d.path, f.Docs[1]), "a file of plays, tasks or variables holds one YAML document, not %d", len(f.Docs))
	}
	if len(f.Docs) > 0 && !ds.Failed() {
		d.root = f.Docs[0]
	}
}

func (l *Loader) source() Source {
	if l.Source == nil {
		return osFiles{}
	}
	return l.Source
}

func (l *Loader) isDir(path string) bool {
	info, err := l.source().Stat(path)
	return err == nil && info.IsDir()
}

func (l *Loader) isFile(path string) bool {
	info, err := l.source().Stat(path)
	return err == nil && !info.IsDir()
}

// open is the document at path; what is wrong with it is reported, and pos is
// where the file was asked for. nil when there is nothing to go on with.
func (p *pass) open(path string, pos diag.Pos) *document {
	d := p.l.read(path)
	if d.err != nil {
		p.unreadable(path, pos, d.err)
		return nil
	}
	p.ds = append(p.ds, d.ds...)
	if d.ds.Failed() {
		return nil
	}
	return d
}

func (p *pass) unreadable(path string, pos diag.Pos, err error) {
	var pe *fs.PathError
	if errors.As(err, &pe) {
		err = pe.Err
	}
	p.ds.Errorf(pos, "cannot read %q: %v", path, err)
}

// varsFile reads a file of variables: a mapping, or nothing.
func (p *pass) varsFile(path string, pos diag.Pos) *value.Dict {
	doc := p.open(path, pos)
	if doc == nil || doc.root == nil {
		return value.NewDict()
	}
	s := scope{doc: doc}
	v := p.value(s, doc.root)
	if v == nil {
		return value.NewDict()
	}
	d, ok := v.(*value.Dict)
	if !ok {
		p.ds.Errorf(s.at(doc.root), "a file of variables holds a mapping, not a %s", describe(v))
		return value.NewDict()
	}
	p.checkNames(s, doc.root)
	return d
}

// extensions are what a role's main file may end in, in the order of the search.
var extensions = []string{".yml", ".yaml", ".json"}

// partFiles are the files of a role's part: dir/name as it is or with an
// extension; with dirs a directory of that name gives all files below it, sorted.
func (l *Loader) partFiles(dir, name string, dirs bool) []string {
	path := filepath.Join(dir, name)
	if l.isFile(path) {
		return []string{path}
	}
	if dirs && l.isDir(path) {
		return l.below(path)
	}
	for _, ext := range extensions {
		if l.isFile(path + ext) {
			return []string{path + ext}
		}
	}
	return nil
}

func (l *Loader) below(dir string) []string {
	entries, err := l.source().ReadDir(dir)
	if err != nil {
		return nil
	}
	var paths []string
	for _, e := range entries {
		name := e.Name()
		path := filepath.Join(dir, name)
		switch {
		case strings.HasPrefix(name, ".") || strings.HasSuffix(name, "~"):
		case l.isDir(path):
			paths = append(paths, l.below(path)...)
		case slices.Contains(extensions, filepath.Ext(name)):
			paths = append(paths, path)
		}
	}
	return paths
}

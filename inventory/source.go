package inventory

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"rp/engine/diag"
	"rp/engine/yaml"
)

// Options say how sources are read. The zero Options are Ansible's defaults.
type Options struct {
	// Vault opens a !vault value; nil makes such a value an error.
	Vault func(text string, pos diag.Pos) (any, error)
	// Decrypt opens a file that is encrypted as a whole; nil makes such a file an error.
	Decrypt func(name string, data []byte) ([]byte, error)
	// Lenient makes every mistake in a source a warning, as Ansible does unless told
	// otherwise: the run goes on with what could be read.
	Lenient bool
	// IgnoreExts are the endings of the files that a directory is read without; nil for Ansible's.
	IgnoreExts []string
	// ScriptTimeout is how long an inventory script may take a call; 0 for five minutes.
	ScriptTimeout time.Duration
}

// ignoredExts is what ansible-core 2.17 leaves out of a directory (INVENTORY_IGNORE_EXTS).
var ignoredExts = []string{".pyc", ".pyo", ".swp", ".bak", "~", ".rpm", ".md", ".txt", ".rst", ".orig", ".ini", ".cfg", ".retry"}

// maxFile bounds one inventory or variable file, in bytes.
const maxFile = 256 << 20

// source is where hosts come from: what inventory_file and inventory_dir say of them.
type source struct{ file, dir string }

// Load reads sources in order into one inventory: each is a file (INI, YAML or
// JSON, told by its ending and content), an executable that prints JSON, a
// directory of such, or a list "host1,host2,". Without sources there is only the
// implicit localhost. The inventory is never nil; with an error in the list it
// must not be used to run anything.
func Load(ctx context.Context, sources []string, o Options) (*Inventory, diag.List) {
	inv := newInventory(o)
	inv.sources, inv.dirs = slices.Clone(sources), sourceDirs(sources)
	var ds diag.List
	for _, s := range sources {
		l := loader{ctx: ctx, inv: inv}
		l.load(s)
		ds = append(ds, l.result()...)
	}
	inv.reconcile()
	inv.checkNames(&ds)
	var files diag.List
	for _, dir := range inv.dirs {
		files = append(files, inv.beside.load(inv, dir)...)
	}
	if o.Lenient {
		soften(files)
	}
	ds = append(ds, files...)
	ds.Sort()
	return inv, ds
}

type loader struct {
	ctx context.Context
	inv *Inventory
	ds  diag.List
}

func (l *loader) result() diag.List {
	if l.inv.o.Lenient {
		soften(l.ds)
	}
	return l.ds
}

func soften(ds diag.List) {
	for i := range ds {
		ds[i].Severity = diag.Warning
	}
}

func (l *loader) load(src string) {
	if strings.Contains(src, ",") {
		if _, err := os.Stat(src); err != nil {
			l.hostList(src)
			return
		}
	}
	info, err := os.Stat(src)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		l.ds.Errorf(diag.Pos{File: src}, "there is no such inventory").
			Hintf("to name hosts themselves, end the list with a comma: -i %s", shown(src))
	case err != nil:
		l.ds.Errorf(diag.Pos{File: src}, "cannot read this inventory: %v", plain(err))
	case info.IsDir():
		l.directory(src)
	default:
		l.file(src, info)
	}
}

func shown(src string) string { return fmt.Sprintf("'%s,'", filepath.Base(src)) }

// plain is err without the path that the diagnostic names already.
func plain(err error) error {
	var pe *fs.PathError
	if errors.As(err, &pe) {
		return pe.Err
	}
	return err
}

// hostList reads "host1,host2:2222,". Ranges are written out.
func (l *loader) hostList(src string) {
	from := source{file: src}
	for name := range strings.SplitSeq(src, ",") {
		if name = strings.TrimSpace(name); name == "" {
			continue
		}
		l.hosts(diag.Pos{}, name, from, l.inv.groups[Ungrouped])
	}
}

// hosts adds the hosts that pattern names to g and gives them.
func (l *loader) hosts(pos diag.Pos, pattern string, from source, g *Group) []*Host {
	base, port := splitPort(pattern)
	names, err := expand(base)
	if err != nil {
		l.ds.Errorf(pos, "cannot read the host %q: %v", pattern, err)
		return nil
	}
	out := make([]*Host, 0, len(names))
	for _, name := range names {
		known := l.inv.hosts[name] != nil
		h := l.inv.addHost(name, from)
		l.inv.put(g, h)
		if port >= 0 && !known {
			h.set("ansible_port", port, pos)
		} else if port >= 0 {
			l.repeatedPort(pos, h, port)
		}
		out = append(out, h)
	}
	if port > 65535 {
		l.ds.Errorf(pos, "the port %d of %q is above 65535", port, pattern)
	}
	return out
}

// repeatedPort warns of a port that does not count: only the first mention of a host may have one.
func (l *loader) repeatedPort(pos diag.Pos, h *Host, port int64) {
	if h.vars.dict != nil {
		if v, ok := h.vars.dict.Get("ansible_port"); ok && v == port {
			return
		}
	}
	l.ds.Warnf(pos, "the port %d is not used: %q was named before", port, h.Name).Hintf("write ansible_port=%d", port)
}

func (l *loader) directory(dir string) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		l.ds.Errorf(diag.Pos{File: dir}, "cannot read this inventory directory: %v", plain(err))
		return
	}
	for _, e := range entries {
		path := filepath.Join(dir, e.Name())
		if l.ignored(e.Name(), path) {
			continue
		}
		info, err := os.Stat(path)
		switch {
		case err != nil:
			l.ds.Errorf(diag.Pos{File: path}, "cannot read this inventory: %v", plain(err))
		case info.IsDir():
			l.directory(path)
		default:
			l.file(path, info)
		}
	}
}

func (l *loader) ignored(name, path string) bool {
	if name[0] == '.' || name == "group_vars" || name == "host_vars" || name == "vars_plugins" {
		return true
	}
	exts := l.inv.o.IgnoreExts
	if exts == nil {
		exts = ignoredExts
	}
	for _, ext := range exts {
		if !strings.HasSuffix(name, ext) {
			continue
		}
		if ext == ".ini" {
			l.ds.Warnf(diag.Pos{File: path}, "not read: in a directory, files ending in .ini are left out").
				Hintf("rename it to %q, or name the file itself with -i", strings.TrimSuffix(name, ext))
		}
		return true
	}
	return false
}

// file reads one file, trying what its mode, ending and content suggest.
func (l *loader) file(path string, info fs.FileInfo) {
	from := source{file: absolute(path), dir: filepath.Dir(absolute(path))}
	data, err := readBounded(path)
	if err != nil {
		l.ds.Errorf(diag.Pos{File: path}, "cannot read this inventory: %v", plain(err))
		return
	}
	shebang := bytes.HasPrefix(data, []byte("#!"))
	if info.Mode()&0o111 != 0 || shebang {
		err := l.script(path, from)
		if err == nil {
			return
		}
		if shebang || !errors.Is(err, syscall.ENOEXEC) {
			d := l.ds.Errorf(diag.Pos{File: path}, "cannot use this inventory script: %v", plain(err))
			if errors.Is(err, fs.ErrPermission) {
				d.Hintf("a file that starts with #! is run: make it executable, or take that line out")
			}
			return
		}
	}
	if data, err = decrypted(l.inv.o, path, data); err != nil {
		l.ds.Errorf(diag.Pos{File: path}, "cannot read this inventory: %v", err)
		return
	}
	l.text(path, data, from)
}

func (l *loader) text(path string, data []byte, from source) {
	ext := filepath.Ext(path)
	switch ext {
	case ".toml":
		l.ds.Errorf(diag.Pos{File: path}, "an inventory in TOML is not supported yet").Hintf("write it as YAML or INI")
		return
	case "", ".yml", ".yaml", ".json":
		if l.yaml(path, data, from, ext == "" && !looksLikeYAML(data)) {
			return
		}
	}
	l.ini(path, data, from)
}

// looksLikeYAML sees that a file without an ending means to be YAML, so that
// its mistakes are told as YAML's.
func looksLikeYAML(data []byte) bool {
	for line := range bytes.Lines(data) {
		line = bytes.TrimRight(line, " \t\r\n")
		if len(line) == 0 || line[0] == '#' {
			continue
		}
		return bytes.HasPrefix(line, []byte("---")) || line[0] == '{' || line[len(line)-1] == ':'
	}
	return false
}

func absolute(path string) string {
	abs, err := filepath.Abs(path)
	if err != nil {
		return path
	}
	return abs
}

func readBounded(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if info.Size() > maxFile {
		return nil, fmt.Errorf("it is larger than %d MiB", maxFile>>20)
	}
	return os.ReadFile(path)
}

// decrypted is data, opened if it is a vault.
func decrypted(o Options, name string, data []byte) ([]byte, error) {
	if !bytes.HasPrefix(data, []byte("$ANSIBLE_VAULT;")) {
		return data, nil
	}
	if o.Decrypt == nil {
		return nil, errors.New("it is encrypted, and vaults are not supported yet")
	}
	return o.Decrypt(name, data)
}

func (o Options) yaml() yaml.Options { return yaml.Options{Templates: true, Vault: o.Vault} }

// checkNames warns of names that mean two things.
func (inv *Inventory) checkNames(ds *diag.List) {
	for _, g := range inv.grouping {
		if inv.hosts[g.Name] != nil {
			ds.Warnf(diag.Pos{}, "%q is both a group and a host", g.Name).
				Hintf("a pattern with this name means the host; rename one of the two")
		}
	}
	first := ""
	for _, h := range inv.order {
		if !slices.Contains(localNames, h.Name) {
			continue
		}
		if first != "" {
			ds.Warnf(diag.Pos{}, "%q is a second name for the controller, after %q", h.Name, first)
			continue
		}
		first = h.Name
	}
}

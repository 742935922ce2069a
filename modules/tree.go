package modules

import (
	"context"
	"fmt"
	"path"
	"strings"

	"rp/engine/module"
	"rp/engine/state"
	"rp/engine/value"
)

// treeOnHost writes a directory that the controller sent.
var treeOnHost = module.Spec{
	Name: "rp.tree", Kind: module.States, Local: true, Short: "The part of copying a directory that runs on the host",
	Args: append([]module.Arg{
		{Name: "files", Type: module.List, Elem: module.Raw},
		{Name: "dest", Type: module.Path, Required: true},
		{Name: "source"},
		{Name: "backup", Type: module.Bool},
		{Name: "force", Type: module.Bool, Default: true},
		{Name: "validate"},
		{Name: "directory_mode", Type: module.Mode},
		{Name: "follow", Type: module.Bool},
	}, attrArgs()...),
	Run: func(ctx context.Context, p module.Params, t module.Target) (module.Result, error) {
		var files []treeFile
		for _, v := range p.List("files") {
			d, ok := v.(*value.Dict)
			if !ok {
				return nil, fmt.Errorf("cannot take a %T for a file", v)
			}
			f, err := treeFileOf(d)
			if err != nil {
				return nil, err
			}
			files = append(files, f)
		}
		return writeTree(ctx, p, t, p.String("dest"), files)
	},
}

// treeFile is one file of a tree that is to be written.
type treeFile struct {
	path    string // below the tree's root
	dir     bool
	mode    state.Mode // of the source
	content state.Value[state.Content]
	target  string // of a symbolic link; "" for none
}

func treeFileOf(d *value.Dict) (treeFile, error) {
	get := func(k string) any { v, _ := d.Get(k); return v }
	f := treeFile{}
	f.path, _ = get("path").(string)
	f.dir, _ = get("dir").(bool)
	text, _ := get("mode").(string)
	var err error
	if f.mode, err = newMode(text, 0, f.dir, 0); err != nil {
		return f, err
	}
	if !f.dir {
		f.content, err = contentArg(module.NewParams("", map[string]any{"content": get("content")}, nil), "content")
	}
	return f, err
}

// writeTree wants the files below dest, with copy's attributes.
func writeTree(ctx context.Context, p module.Params, t module.Target, dest string, files []treeFile) (module.Result, error) {
	dest = path.Clean(dest)
	a, err := readAttrs(ctx, p, t)
	if err != nil {
		return nil, err
	}
	dirs := attrs{owner: a.owner, group: a.group, mode: p.StringValue("directory_mode"), umask: a.umask}
	if _, err := t.Want(ctx, dirWants(ctx, t, dest, dirs)...); err != nil {
		return nil, err
	}
	preserve := a.mode.Or("") == "preserve"
	for _, f := range files {
		full := path.Join(dest, f.path)
		have, err := readOne(ctx, t, state.File{Path: full})
		if err != nil {
			return nil, err
		}
		if kind, is := have.Type.Get(); is && kind != state.Absent && !f.dir && !p.Bool("force") {
			continue
		}
		want := state.File{Path: full, Type: state.Is(state.Regular), Content: f.content, Backup: p.Bool("backup"), Validate: p.String("validate"), InPlace: p.Bool("unsafe_writes")}
		use := a
		switch {
		case f.dir:
			want = state.File{Path: full, Type: state.Is(state.Directory)}
			if use = dirs; preserve {
				use.mode = state.Is(f.mode.String())
			}
		case f.target != "":
			want = state.File{Path: full, Type: state.Is(state.Link), Target: state.Is(f.target)}
		case preserve:
			use.mode = state.Is(f.mode.String())
		}
		if want, err = use.onto(want, have); err != nil {
			return nil, err
		}
		if _, err := t.Want(ctx, want); err != nil {
			return nil, err
		}
	}
	r, err := describe(ctx, t, dest, false)
	if err != nil {
		return nil, err
	}
	put(r, "dest", dest+"/")
	if p.Has("source") {
		r["src"] = p.String("source")
	}
	return r, nil
}

// copyOnHost is copy with remote_src.
var copyOnHost = module.Spec{
	Name: "rp.copy", Kind: module.States, Local: true, Short: "copy with remote_src",
	Args: append([]module.Arg{
		{Name: "src", Type: module.Path, Required: true},
		{Name: "dest", Type: module.Path, Required: true},
		{Name: "basename"},
		{Name: "source"},
		{Name: "parents", Type: module.Bool},
		{Name: "backup", Type: module.Bool},
		{Name: "force", Type: module.Bool, Default: true},
		{Name: "validate"},
		{Name: "directory_mode", Type: module.Mode},
		{Name: "follow", Type: module.Bool},
		{Name: "checksum"},
	}, attrArgs()...),
	Run: func(ctx context.Context, p module.Params, t module.Target) (module.Result, error) {
		src := p.String("src")
		from, err := realPath(ctx, t, path.Clean(src), true)
		if err != nil {
			return nil, err
		}
		vals, secret := p.Values()
		with := func(k string, v any) {
			m := copyMap(vals)
			m[k] = v
			vals = m
			p = module.NewParams(p.Task, vals, secret)
		}
		with("source", src)
		switch kind := known(from.Type, src); kind {
		case state.Absent:
			return nil, fmt.Errorf("cannot copy %q: it is not there", src)
		case state.Directory:
			return copyTreeOnHost(ctx, p, t, from.Path, src)
		case state.Regular:
		default:
			return nil, fmt.Errorf("cannot copy %q: it is a %s", src, kind)
		}
		if sum := p.String("checksum"); sum != "" {
			if err := checkSum(ctx, t, from.Path, "sha1", sum); err != nil {
				return nil, err
			}
		}
		if p.StringValue("mode").Or("") == "preserve" {
			with("mode", known(from.Mode, src).String())
		}
		with("basename", path.Base(src))
		dest, err := fileDest(ctx, p, t)
		if err != nil {
			return nil, err
		}
		return writeFile(ctx, p, t, dest, from.Content)
	},
}

// checkSum fails unless the host's file at p has the sum.
func checkSum(ctx context.Context, t module.Target, p, algorithm, sum string) error {
	st, err := readOne(ctx, t, state.Stat{Path: p, Follow: true, Checksum: algorithm})
	if err != nil {
		return err
	}
	if got, _ := known(st.Info, p)["checksum"].(string); !strings.EqualFold(got, sum) {
		return fmt.Errorf("cannot use %q: its %s checksum is %s and should be %s", p, algorithm, got, sum)
	}
	return nil
}

func copyMap(m map[string]any) map[string]any {
	out := make(map[string]any, len(m)+1)
	for k, v := range m {
		out[k] = v
	}
	return out
}

func copyTreeOnHost(ctx context.Context, p module.Params, t module.Target, root, src string) (module.Result, error) {
	below, err := readOne(ctx, t, state.Walk{Path: root})
	if err != nil {
		return nil, err
	}
	dest := p.String("dest")
	if !strings.HasSuffix(src, "/") {
		dest = path.Join(dest, path.Base(root))
	}
	var files []treeFile
	for _, e := range known(below.Entries, src) {
		f := treeFile{path: strings.TrimPrefix(e.Path, strings.TrimSuffix(root, "/")+"/"), dir: e.Type == state.Directory, mode: e.Mode}
		if !f.dir {
			from, err := readOne(ctx, t, state.File{Path: e.Path, Content: state.Ask[state.Content]()})
			if err != nil {
				return nil, err
			}
			switch e.Type {
			case state.Regular:
				f.content = from.Content
			case state.Link:
				f.target = known(from.Target, e.Path)
			default:
				return nil, fmt.Errorf("cannot copy %q: it is a %s", e.Path, e.Type)
			}
		}
		files = append(files, f)
	}
	return writeTree(ctx, p, t, dest, files)
}

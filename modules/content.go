package modules

import (
	"context"
	"fmt"
	"path"
	"strings"

	"rp/engine/module"
	"rp/engine/state"
)

// contentOnHost is what copy, template and their like come to on the host: one
// file with a finished content.
var contentOnHost = module.Spec{
	Name: "rp.content", Kind: module.States, Local: true, Short: "The part of copy and template that runs on the host",
	Args: append([]module.Arg{
		{Name: "content", Type: module.Raw, Required: true},
		{Name: "dest", Type: module.Path, Required: true},
		{Name: "basename", Doc: "name of the file where dest is a directory; empty: dest must be none"},
		{Name: "backup", Type: module.Bool},
		{Name: "force", Type: module.Bool, Default: true},
		{Name: "validate"},
		{Name: "directory_mode", Type: module.Mode},
		{Name: "follow", Type: module.Bool},
		{Name: "parents", Type: module.Bool, Doc: "make the directories above dest"},
		{Name: "source", Doc: "src of the result"},
	}, attrArgs()...),
	Run: func(ctx context.Context, p module.Params, t module.Target) (module.Result, error) {
		content, err := contentArg(p, "content")
		if err != nil {
			return nil, err
		}
		dest, err := fileDest(ctx, p, t)
		if err != nil {
			return nil, err
		}
		return writeFile(ctx, p, t, dest, content)
	},
}

// fileDest is the path to write: dest, or a name in it where it is a directory.
func fileDest(ctx context.Context, p module.Params, t module.Target) (string, error) {
	dest, base := p.String("dest"), p.String("basename")
	slash := strings.HasSuffix(dest, "/")
	clean := path.Clean(dest)
	at, err := realPath(ctx, t, clean, false)
	if err != nil {
		return "", err
	}
	switch kind := at.Type.Or(""); {
	case kind == state.Directory && base == "":
		return "", fmt.Errorf("cannot write %q: it is a directory", dest)
	case kind == state.Directory, slash && base != "" && (kind == state.Absent || kind == ""):
		return path.Join(clean, base), nil
	case slash:
		return "", fmt.Errorf("cannot write %q: it ends in / and is no directory", dest)
	}
	if p.Bool("follow") {
		return at.Path, nil
	}
	return clean, nil
}

// writeFile wants content at dest with all that copy's arguments say of it.
func writeFile(ctx context.Context, p module.Params, t module.Target, dest string, content state.Value[state.Content]) (module.Result, error) {
	a, err := readAttrs(ctx, p, t)
	if err != nil {
		return nil, err
	}
	have, err := readOne(ctx, t, state.File{Path: dest})
	if err != nil {
		return nil, err
	}
	want := state.File{Path: dest, Type: state.Is(state.Regular), Content: content, Backup: p.Bool("backup"), Validate: p.String("validate"), InPlace: p.Bool("unsafe_writes")}
	if kind, is := have.Type.Get(); is && kind != state.Absent && !p.Bool("force") {
		want.Content, want.Type = state.Value[state.Content]{}, state.Value[string]{} // what is there stays; only its attributes are seen to
	}
	if want, err = a.onto(want, have); err != nil {
		return nil, err
	}
	if have.Type.Or("") == state.Absent {
		if p.Bool("parents") || strings.HasSuffix(p.String("dest"), "/") {
			err = makeParents(ctx, p, t, path.Dir(dest))
		} else {
			err = needParent(ctx, t, dest)
		}
		if err != nil {
			return nil, err
		}
	}
	if _, err := t.Want(ctx, want); err != nil {
		return nil, err
	}
	r, err := describe(ctx, t, dest, true)
	if err != nil {
		return nil, err
	}
	put(r, "dest", dest)
	if p.Has("source") {
		r["src"] = p.String("source")
	}
	return r, nil
}

// makeParents makes dir and what is missing above it, with directory_mode if it is given.
func makeParents(ctx context.Context, p module.Params, t module.Target, dir string) error {
	a := attrs{mode: p.StringValue("directory_mode"), umask: 0o022}
	_, err := t.Want(ctx, dirWants(ctx, t, dir, a)...)
	return err
}

// dirWants are the directories that are missing at dir and above it, topmost first, with a's attributes.
func dirWants(ctx context.Context, t module.Target, dir string, a attrs) []state.State {
	var missing []state.File
	for d := path.Clean(dir); d != "/" && d != "."; d = path.Dir(d) {
		f, err := realPath(ctx, t, d, false)
		if err != nil || f.Type.Or(state.Directory) != state.Absent {
			break
		}
		missing = append(missing, f)
	}
	var wants []state.State
	for i := len(missing) - 1; i >= 0; i-- {
		f := state.File{Path: missing[i].Path, Type: state.Is(state.Directory)}
		if w, err := a.onto(f, missing[i]); err == nil {
			f = w
		}
		wants = append(wants, f)
	}
	return wants
}

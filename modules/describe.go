package modules

import (
	"context"
	"fmt"
	"path"

	"rp/engine/module"
	"rp/engine/state"
	"rp/engine/value"
)

// describe is what file modules return of a path: owner, group, uid, gid, mode,
// size, state, and with sum the SHA-1 of a file as checksum, under Ansible's names.
func describe(ctx context.Context, t module.Target, p string, sum bool) (module.Result, error) {
	ask := state.Stat{Path: p}
	if sum {
		ask.Checksum = "sha1"
	}
	st, err := readOne(ctx, t, ask)
	if err != nil {
		return nil, err
	}
	r := module.Result{}
	info, is := st.Info.Get()
	if !is {
		for _, k := range []string{"owner", "group", "uid", "gid", "mode", "size", "state"} {
			r[k] = value.Unknown{After: st.Info.After()}
		}
		if sum {
			r["checksum"] = value.Unknown{After: st.Info.After()}
		}
		return r, nil
	}
	r["state"] = stateOf(info)
	for from, to := range map[string]string{"pw_name": "owner", "gr_name": "group", "uid": "uid", "gid": "gid", "mode": "mode", "size": "size", "checksum": "checksum"} {
		if v, there := info[from]; there {
			r[to] = v
		}
	}
	return r, nil
}

func stateOf(info map[string]any) string {
	yes := func(k string) bool { b, _ := info[k].(bool); return b }
	switch {
	case !yes("exists"):
		return "absent"
	case yes("islnk"):
		return "link"
	case yes("isdir"):
		return "directory"
	}
	if n := fmt.Sprint(info["nlink"]); n != "1" && n != "<nil>" && yes("isreg") {
		return "hard"
	}
	return "file"
}

// realPath follows p while it is a symbolic link, as far as the host is known.
// What lies at the result is read, with its content where content is set.
func realPath(ctx context.Context, t module.Target, p string, content bool) (state.File, error) {
	for range 40 {
		ask := state.File{Path: p}
		if content {
			ask.Content = state.Ask[state.Content]()
		}
		f, err := readOne(ctx, t, ask)
		if err != nil {
			return f, err
		}
		target, is := f.Target.Get()
		if f.Type.Or("") != state.Link || !is {
			return f, nil
		}
		if !path.IsAbs(target) {
			target = path.Join(path.Dir(p), target)
		}
		p = path.Clean(target)
	}
	return state.File{}, fmt.Errorf("cannot follow %q: too many symbolic links", p)
}

// text is a file's content as text: "" where there is no file. It panics with
// NotKnown where only the real run will know it.
func text(f state.File) (string, error) {
	switch kind := known(f.Type, f.Path); kind {
	case state.Absent:
		return "", nil
	case state.Regular:
	case state.Directory:
		return "", fmt.Errorf("cannot edit %q: it is a directory", f.Path)
	default:
		return "", fmt.Errorf("cannot edit %q: it is a %s", f.Path, kind)
	}
	c := known(f.Content, f.Path)
	if !c.AtHand() {
		return "", fmt.Errorf("cannot edit %q: it is too large (%d bytes)", f.Path, c.Size)
	}
	return string(c.Data), nil
}

// needParent fails where the directory that is to hold p is not there.
func needParent(ctx context.Context, t module.Target, p string) error {
	dir, err := realPath(ctx, t, path.Dir(p), false)
	if err != nil {
		return err
	}
	switch dir.Type.Or(state.Directory) {
	case state.Absent:
		return fmt.Errorf("cannot write %q: there is no directory %q", p, path.Dir(p))
	case state.Directory:
		return nil
	}
	return fmt.Errorf("cannot write %q: %q is no directory", p, path.Dir(p))
}

// put sets several fields of a result.
func put(r module.Result, pairs ...any) {
	for i := 0; i+1 < len(pairs); i += 2 {
		name, _ := pairs[i].(string)
		r[name] = pairs[i+1]
	}
}

package modules

import (
	"context"
	"fmt"
	"path"
	"strings"
	"time"

	"rp/engine/module"
	"rp/engine/state"
)

var fileSpec = module.Spec{
	Name: "file", Builtin: true, Kind: module.States, Local: true,
	Short: "Files, directories and links, and who may do what with them",
	Doc: `Makes directories and links, sets owner, group and mode, and removes what is not to be there. state file changes a file's attributes and
never makes one (use touch or copy); absent removes a directory with all that is in it. touch changes the times each time it
runs, unless both times are to be preserved.`,
	Args: append([]module.Arg{
		{Name: "path", Aliases: []string{"dest", "name"}, Type: module.Path, Required: true, Doc: "The file."},
		{Name: "state", Choices: []string{"file", "directory", "link", "hard", "touch", "absent"}, Doc: "What is to be there. Not given: what is there, or directory with recurse."},
		{Name: "src", Type: module.Path, Doc: "What a link names. For link it may be relative to the link."},
		{Name: "recurse", Type: module.Bool, Default: false, Doc: "Set owner, group and mode on all that is in the directory too."},
		{Name: "force", Type: module.Bool, Default: false, Doc: "For links: make one whose src is not there, and replace a file that is in the way."},
		{Name: "follow", Type: module.Bool, Default: true, Doc: "Where path is a symbolic link, work on what it names (not for link and absent)."},
		{Name: "modification_time", Doc: "For touch: now (default), preserve, or a time in modification_time_format."},
		{Name: "modification_time_format", Default: "%Y%m%d%H%M.%S", Doc: "Form of modification_time, of %Y %m %d %H %M %S."},
		{Name: "access_time", Choices: []string{"now", "preserve"}, Doc: "For touch: now (default) or preserve. Other times are not supported yet."},
		{Name: "access_time_format", NotYet: true, Doc: "Form of access_time."},
	}, attrArgs()...),
	RequiredIf: []module.RequiredIf{{Arg: "state", Value: "link", Needs: []string{"src"}}, {Arg: "state", Value: "hard", Needs: []string{"src"}}},
	Examples: `- name: A directory that only its owner sees
  file:
    path: /srv/keys
    state: directory
    owner: backup
    mode: u=rwx,go=

- name: A link
  file:
    src: /usr/share/docker.io/contrib/dockerd-rootless.sh
    dest: /usr/local/bin/dockerd-rootless.sh
    state: link
`,
	Returns: fileReturns(module.Return{Name: "path", Type: "str", Doc: "the file, as path was given"}, module.Return{Name: "src", Type: "str", Doc: "what a link names"}),
	Run:     runFile,
}

func runFile(ctx context.Context, p module.Params, t module.Target) (module.Result, error) {
	name := path.Clean(p.String("path"))
	mode := p.String("state")
	at, err := readOne(ctx, t, state.File{Path: name})
	if err != nil {
		return nil, err
	}
	if p.Bool("follow") && mode != "link" && mode != "hard" && mode != "absent" {
		if at, err = realPath(ctx, t, name, false); err != nil {
			return nil, err
		}
	}
	if mode == "" {
		mode = defaultState(p, at)
	}
	if p.Bool("recurse") && mode != "directory" {
		return nil, fmt.Errorf("cannot work on %q: recurse needs state: directory", name)
	}
	if p.Has("src") && mode != "link" && mode != "hard" {
		return nil, fmt.Errorf("cannot work on %q: src needs state link or hard", name)
	}
	a, err := readAttrs(ctx, p, t)
	if err != nil {
		return nil, err
	}
	switch mode {
	case "absent":
		want := state.File{Path: name, Type: state.Is(state.Absent), Recurse: true}
		_, err := t.Want(ctx, want)
		return module.Result{"path": name, "state": "absent"}, err
	case "directory":
		err = fileDirectory(ctx, p, t, at, a)
	case "link":
		err = fileLink(ctx, p, t, at, a)
	case "hard":
		err = fileHard(ctx, p, t, at, a)
	case "touch":
		err = fileTouch(ctx, p, t, at, a)
	default:
		err = filePlain(ctx, t, at, a)
	}
	if err != nil {
		return nil, err
	}
	r, err := describe(ctx, t, at.Path, false)
	if err == nil {
		put(r, "path", name, "dest", name)
		if p.Has("src") {
			r["src"] = p.String("src")
		}
	}
	return r, err
}

func defaultState(p module.Params, at state.File) string {
	if p.Bool("recurse") {
		return "directory"
	}
	switch kind := at.Type.Or(""); kind {
	case state.Directory, state.Link:
		if kind == state.Link && !p.Has("src") {
			return "file"
		}
		return kind
	}
	return "file"
}

func filePlain(ctx context.Context, t module.Target, at state.File, a attrs) error {
	if kind, is := at.Type.Get(); is && (kind == state.Absent || kind == state.Directory) {
		return fmt.Errorf("cannot set attributes of %q as a file: it is %s; touch or copy make a file", at.Path, map[string]string{state.Absent: "not there", state.Directory: "a directory"}[kind])
	}
	want, err := a.onto(state.File{Path: at.Path}, at)
	if err != nil || !a.any() {
		return err
	}
	_, err = t.Want(ctx, want)
	return err
}

func fileDirectory(ctx context.Context, p module.Params, t module.Target, at state.File, a attrs) error {
	if kind, is := at.Type.Get(); is && kind != state.Absent && kind != state.Directory {
		return fmt.Errorf("cannot make the directory %q: a %s is in its place", at.Path, kind)
	}
	wants := dirWants(ctx, t, at.Path, a)
	if len(wants) == 0 {
		want, err := a.onto(state.File{Path: at.Path, Type: state.Is(state.Directory)}, at)
		if err != nil {
			return err
		}
		wants = append(wants, want)
	}
	if _, err := t.Want(ctx, wants...); err != nil || !p.Bool("recurse") || !a.any() {
		return err
	}
	below, err := readOne(ctx, t, state.Walk{Path: at.Path})
	if err != nil {
		return err
	}
	var all []state.State
	for _, e := range known(below.Entries, at.Path) {
		have := state.File{Path: e.Path, Type: state.Is(e.Type), Mode: state.Is(e.Mode)}
		want, err := a.onto(state.File{Path: e.Path}, have)
		if err != nil {
			return err
		}
		all = append(all, want)
	}
	_, err = t.Want(ctx, all...)
	return err
}

func fileLink(ctx context.Context, p module.Params, t module.Target, at state.File, a attrs) error {
	src, force := p.String("src"), p.Bool("force")
	full := src
	if !path.IsAbs(src) {
		full = path.Join(path.Dir(at.Path), src)
	}
	to, err := readOne(ctx, t, state.File{Path: full})
	if err != nil {
		return err
	}
	if to.Type.Or("") == state.Absent && !force {
		return fmt.Errorf("cannot link %q: %q is not there (force: true makes the link all the same)", at.Path, src)
	}
	switch kind := at.Type.Or(state.Absent); kind {
	case state.Absent, state.Link:
	default:
		if !force {
			return fmt.Errorf("cannot link %q: a %s is in its place (force: true replaces it)", at.Path, kind)
		}
		if kind == state.Directory {
			below, err := readOne(ctx, t, state.Walk{Path: at.Path, Depth: 1})
			if err != nil {
				return err
			}
			if len(known(below.Entries, at.Path)) > 0 {
				return fmt.Errorf("cannot link %q: a directory with files in it is in its place", at.Path)
			}
		}
	}
	if err := needParent(ctx, t, at.Path); err != nil {
		return err
	}
	want := state.File{Path: at.Path, Type: state.Is(state.Link), Target: state.Is(src), Owner: a.owner, Group: a.group}
	_, err = t.Want(ctx, want)
	return err
}

// fileHard makes a hard link. That two names are one file is no state of a
// name, so it is a command, guarded by the file's number.
func fileHard(ctx context.Context, p module.Params, t module.Target, at state.File, a attrs) error {
	src := p.String("src")
	got, err := t.Read(ctx, state.Stat{Path: src}, state.Stat{Path: at.Path})
	if err != nil {
		return err
	}
	from, to := known(got[0].(state.Stat).Info, src), known(got[1].(state.Stat).Info, at.Path)
	if from["exists"] != true {
		return fmt.Errorf("cannot link %q: %q is not there", at.Path, src)
	}
	if to["exists"] == true && fmt.Sprint(from["inode"], from["dev"]) != fmt.Sprint(to["inode"], to["dev"]) && !p.Bool("force") {
		return fmt.Errorf("cannot link %q: another file is in its place (force: true replaces it)", at.Path)
	}
	if to["exists"] != true || fmt.Sprint(from["inode"], from["dev"]) != fmt.Sprint(to["inode"], to["dev"]) {
		argv := []string{"ln", "--", src, at.Path}
		if p.Bool("force") {
			argv = []string{"ln", "-f", "--", src, at.Path}
		}
		out, err := t.Do(ctx, state.Command{Argv: argv})
		if err != nil || out.Failed {
			return fmt.Errorf("cannot link %q: %w", at.Path, orFailed(err, out))
		}
		if out.Unknown {
			return nil
		}
		if at, err = readOne(ctx, t, state.File{Path: at.Path}); err != nil {
			return err
		}
	}
	return filePlain(ctx, t, at, a)
}

func fileTouch(ctx context.Context, p module.Params, t module.Target, at state.File, a attrs) error {
	want := state.File{Path: at.Path}
	created := at.Type.Or("") == state.Absent
	if created {
		if err := needParent(ctx, t, at.Path); err != nil {
			return err
		}
		want.Type, want.Content = state.Is(state.Regular), state.Is(state.Text(""))
	}
	mtime, access := p.String("modification_time"), p.String("access_time")
	if mtime != "" && mtime != "now" && mtime != "preserve" {
		when, err := parseTime(mtime, p.String("modification_time_format"))
		if err != nil {
			return fmt.Errorf("cannot touch %q: %w", at.Path, err)
		}
		want.MTime = state.Is(when.UnixNano())
	}
	want, err := a.onto(want, at)
	if err != nil {
		return err
	}
	if _, err := t.Want(ctx, want); err != nil || created {
		return err
	}
	flags := "-c"
	if access == "preserve" {
		flags += "m"
	}
	if mtime != "" && mtime != "now" {
		flags += "a"
	}
	if flags == "-cma" || mtime != "" && mtime != "now" && access != "now" {
		return nil
	}
	out, err := t.Do(ctx, state.Command{Argv: []string{"touch", flags, "--", at.Path}})
	if err != nil || out.Failed {
		return fmt.Errorf("cannot touch %q: %w", at.Path, orFailed(err, out))
	}
	return nil
}

// parseTime reads a time in a form of strftime(3), local to the host's UTC.
func parseTime(text, form string) (time.Time, error) {
	layout := strings.NewReplacer("%Y", "2006", "%m", "01", "%d", "02", "%H", "15", "%M", "04", "%S", "05").Replace(form)
	if strings.Contains(layout, "%") {
		return time.Time{}, fmt.Errorf("the format %q has more than %%Y %%m %%d %%H %%M %%S", form)
	}
	when, err := time.ParseInLocation(layout, text, time.Local)
	if err != nil {
		return when, fmt.Errorf("%q is no time of the form %q", text, form)
	}
	return when, nil
}

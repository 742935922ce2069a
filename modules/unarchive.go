package modules

import (
	"context"
	"fmt"
	"path"
	"strconv"
	"strings"

	"rp/engine/module"
	"rp/engine/state"
)

var unarchiveSpec = module.Spec{
	Name: "unarchive", Builtin: true, Kind: module.Action,
	Short: "An archive, unpacked on the host",
	Doc: `Unpacks a tar archive (plain, gzip or bzip2) or a zip archive into a directory of the host. It needs no tar or unzip there: every member is a file that
is wanted, so the dry run shows each, and a second run changes nothing. The archive is of the controller, of the host
(remote_src), or at a URL. Owners are the archive's where the task runs as root; xz and zstd are not supported yet.`,
	Args: append([]module.Arg{
		{Name: "src", Required: true, Doc: "The archive: a file of the controller, with remote_src of the host, or a URL that the host downloads."},
		{Name: "dest", Type: module.Path, Required: true, Doc: "The directory to unpack into; it must be there."},
		{Name: "remote_src", Type: module.Bool, Default: false, Doc: "src is on the host."},
		{Name: "creates", Type: module.Path, Doc: "A path: while it is there, the task does nothing."},
		{Name: "list_files", Type: module.Bool, Default: false, Doc: "Give the names of all members as files."},
		{Name: "exclude", Type: module.List, Elem: module.String, Doc: "Members to leave out: names or shell patterns."},
		{Name: "include", Type: module.List, Elem: module.String, Doc: "Members to unpack, and no others."},
		{Name: "extra_opts", Type: module.List, Elem: module.String, Doc: "Options of tar; only --strip-components=N is supported yet."},
		{Name: "validate_certs", Type: module.Bool, Default: true, Doc: "For a URL: check the server's certificate."},
		{Name: "copy", NotYet: true, Doc: "Old opposite of remote_src."},
		{Name: "decrypt", Type: module.Bool, Default: true, Choices: []string{"true"}, Doc: "A vault-encrypted src is decrypted; nothing else is supported yet."},
		{Name: "keep_newer", NotYet: true, Doc: "Leave files alone that are newer than the archive's."},
		{Name: "io_buffer_size", NotYet: true, Doc: "Not of use here."},
	}, attrArgs()...),
	Exclusive: [][]string{{"include", "exclude"}},
	Examples: `- name: Docker's static binaries
  unarchive:
    src: /var/cache/docker-27.3.1.tgz
    remote_src: true
    dest: /home/rootless/bin
    extra_opts: [--strip-components=1]
    owner: rootless
    group: rootless
`,
	Returns: fileReturns(module.Return{Name: "src", Type: "str", Doc: "the archive"}, module.Return{Name: "handler", Type: "str", Doc: "TarArchive or ZipArchive"},
		module.Return{Name: "files", Type: "list", Doc: "with list_files: the members"}),
	Act: func(ctx context.Context, p module.Params, c module.Controller) (module.Outcome, error) {
		src := p.String("src")
		args := pass(p, "dest", "creates", "list_files", "exclude", "include", "extra_opts", "validate_certs")
		for k, v := range passAttrs(p) {
			args[k] = v
		}
		args["src"] = src
		if !p.Bool("remote_src") && !strings.Contains(src, "://") {
			found, err := c.Find("files", src)
			if err != nil {
				return module.Outcome{}, err
			}
			if err := contentOf(c, found, args); err != nil {
				return module.Outcome{}, err
			}
		}
		return onHost(ctx, c, "rp.unarchive", args)
	},
}

var unarchiveOnHost = module.Spec{
	Name: "rp.unarchive", Kind: module.States, Short: "The part of unarchive that runs on the host",
	Args: append([]module.Arg{
		{Name: "src", Type: module.Path, Required: true},
		{Name: "content", Type: module.Raw},
		{Name: "dest", Type: module.Path, Required: true},
		{Name: "creates", Type: module.Path},
		{Name: "list_files", Type: module.Bool},
		{Name: "exclude", Type: module.List},
		{Name: "include", Type: module.List},
		{Name: "extra_opts", Type: module.List},
		{Name: "validate_certs", Type: module.Bool, Default: true},
	}, attrArgs()...),
	Run: runUnarchive,
}

func runUnarchive(ctx context.Context, p module.Params, t module.Target) (module.Result, error) {
	if why, err := guardHolds(ctx, p, t); err != nil || why != "" {
		return module.Result{"changed": false, "msg": "skipped, since " + why}, err
	}
	dest := path.Clean(p.String("dest"))
	at, err := realPath(ctx, t, dest, false)
	if err != nil {
		return nil, err
	}
	if kind := known(at.Type, dest); kind != state.Directory {
		return nil, fmt.Errorf("cannot unpack into %q: it is no directory", dest)
	}
	source, err := archiveSource(ctx, p, t)
	if err != nil {
		return nil, err
	}
	arc, err := readOne(ctx, t, state.Archive{Source: source})
	if err != nil {
		return nil, err
	}
	format := known(arc.Format, p.String("src"))
	if format == "" {
		return nil, fmt.Errorf("cannot unpack %q: it is neither a tar archive (plain, gzip, bzip2) nor a zip archive", p.String("src"))
	}
	wants, names, err := memberWants(ctx, p, t, dest, known(arc.Entries, p.String("src")))
	if err != nil {
		return nil, fmt.Errorf("cannot unpack %q: %w", p.String("src"), err)
	}
	if _, err := t.Want(ctx, wants...); err != nil {
		return nil, err
	}
	r, err := describe(ctx, t, dest, false)
	if err != nil {
		return nil, err
	}
	put(r, "dest", dest, "src", p.String("src"), "handler", map[string]string{"tar": "TarArchive", "zip": "ZipArchive"}[format])
	if p.Bool("list_files") {
		r["files"] = names
	}
	return r, nil
}

// archiveSource is the archive as a content: what the controller sent, what a URL gives, or a file of the host.
func archiveSource(ctx context.Context, p module.Params, t module.Target) (state.Content, error) {
	src := p.String("src")
	if p.Has("content") {
		c, err := contentArg(p, "content")
		return known(c, src), err
	}
	if strings.Contains(src, "://") {
		d, err := readOne(ctx, t, state.Download{Content: state.Ask[state.Content](), URL: src, Insecure: !p.Bool("validate_certs")})
		if err != nil {
			return state.Content{}, err
		}
		c, err := downloaded(ctx, t, d, "", "", module.Result{})
		return known(c, src), err
	}
	f, err := realPath(ctx, t, src, true)
	if err != nil {
		return state.Content{}, err
	}
	switch kind := known(f.Type, src); kind {
	case state.Regular:
	case state.Absent:
		return state.Content{}, fmt.Errorf("cannot unpack %q: it is not there", src)
	default:
		return state.Content{}, fmt.Errorf("cannot unpack %q: it is a %s", src, kind)
	}
	c := known(f.Content, src)
	// its members are read from where it lies; in a dry run that may be a file that is only predicted
	return state.Content{Sum: c.Sum, Size: c.Size, From: "path:" + f.Path}, nil
}

// unpacking holds what memberWants needs for each member.
type unpacking struct {
	a     attrs
	root  bool
	umask state.Mode
	acc   state.Accounts
}

// memberWants are the files that an archive's members are to become, and their names.
func memberWants(ctx context.Context, p module.Params, t module.Target, dest string, entries []state.ArchiveEntry) ([]state.State, []string, error) {
	strip, err := stripComponents(p.Strings("extra_opts"))
	if err != nil {
		return nil, nil, err
	}
	var u unpacking
	if u.a, err = readAttrs(ctx, p, t); err != nil {
		return nil, nil, err
	}
	got, err := t.Read(ctx, state.System{}, state.Accounts{})
	if err != nil {
		return nil, nil, err
	}
	sys := got[0].(state.System)
	u.root, u.umask, u.acc = sys.UID.Or(1) == 0, sys.Umask.Or(0o022), got[1].(state.Accounts)
	var wants []state.State
	names, made, links := []string{}, map[string]bool{dest: true}, map[string]bool{}
	for _, e := range entries {
		name, ok := strippedName(e.Name, strip)
		if !ok || !chosen(p, e.Name) {
			continue
		}
		full := path.Join(dest, name)
		for d := path.Dir(full); d != dest && strings.HasPrefix(d, dest); d = path.Dir(d) {
			if links[d] {
				return nil, nil, fmt.Errorf("its member %q lies behind a symbolic link of the archive itself", e.Name)
			}
		}
		dirs, err := u.missingDirs(full, made)
		if err != nil {
			return nil, nil, err
		}
		wants = append(wants, dirs...)
		want, err := u.want(full, e)
		if err != nil {
			return nil, nil, err
		}
		made[full], links[full] = e.Type == state.Directory, e.Type == state.Link
		wants, names = append(wants, want), append(names, name)
	}
	return wants, names, nil
}

// missingDirs are the directories above full that the archive does not list itself.
func (u unpacking) missingDirs(full string, made map[string]bool) ([]state.State, error) {
	var wants []state.State
	for d := path.Dir(full); d != "/" && !made[d]; d = path.Dir(d) {
		made[d] = true
		dir := state.File{Path: d, Type: state.Is(state.Directory)}
		want, err := u.a.onto(dir, state.File{Path: d, Type: dir.Type, Mode: state.Is(0o777 &^ u.umask)})
		if err != nil {
			return nil, err
		}
		wants = append([]state.State{want}, wants...)
	}
	return wants, nil
}

func (u unpacking) want(full string, e state.ArchiveEntry) (state.File, error) {
	f := state.File{Path: full, Type: state.Is(e.Type)}
	have := state.File{Path: full, Type: f.Type, Mode: state.Is(e.Mode)}
	switch e.Type {
	case state.Regular:
		f.Content = state.Is(e.Content)
	case state.Link:
		f.Target = state.Is(e.Target)
	case state.Directory:
	default:
		return f, fmt.Errorf("its member %q is a %s, which is not unpacked", e.Name, e.Type)
	}
	f, err := u.a.onto(f, have)
	if err != nil {
		return f, err
	}
	if !f.Mode.IsSet() && e.Type != state.Link && e.Mode != 0 {
		f.Mode = state.Is(e.Mode)
		if !u.root {
			f.Mode = state.Is(e.Mode &^ u.umask & 0o777)
		}
	}
	if u.root && (e.Owner != "" || e.Group != "" || e.UID != 0 || e.GID != 0) {
		if !f.Owner.IsSet() {
			f.Owner = u.owner(e)
		}
		if !f.Group.IsSet() {
			f.Group = u.group(e)
		}
	}
	return f, nil
}

// owner is a member's owner as tar gives it to root: by name if the host knows it, by number otherwise.
func (u unpacking) owner(e state.ArchiveEntry) state.Value[string] {
	if u.acc.Users.IsUnknown() {
		return state.Unknown[string](u.acc.Users.After())
	}
	for _, a := range u.acc.Users.Or(nil) {
		if a.Name == e.Owner {
			return state.Is(e.Owner)
		}
	}
	return userName(u.acc, state.Is(strconv.FormatInt(e.UID, 10)))
}

func (u unpacking) group(e state.ArchiveEntry) state.Value[string] {
	if u.acc.Groups.IsUnknown() {
		return state.Unknown[string](u.acc.Groups.After())
	}
	for _, g := range u.acc.Groups.Or(nil) {
		if g.Name == e.Group {
			return state.Is(e.Group)
		}
	}
	return groupName(u.acc, state.Is(strconv.FormatInt(e.GID, 10)))
}

func stripComponents(opts []string) (int, error) {
	n := 0
	for i := 0; i < len(opts); i++ {
		name, val, has := strings.Cut(opts[i], "=")
		if name != "--strip-components" && name != "--strip" || !has && i+1 == len(opts) {
			return 0, fmt.Errorf("the option %q is not supported yet (only --strip-components=N)", opts[i])
		}
		if !has {
			i++
			val = opts[i]
		}
		k, err := strconv.Atoi(val)
		if err != nil || k < 0 {
			return 0, fmt.Errorf("%q is no number of components", val)
		}
		n = k
	}
	return n, nil
}

func strippedName(name string, n int) (string, bool) {
	parts := strings.Split(path.Clean(name), "/")
	if len(parts) <= n || name == "." || name == "" {
		return "", false
	}
	return strings.Join(parts[n:], "/"), true
}

// chosen reports whether include and exclude leave a member in. A pattern that matches a directory means all in it.
func chosen(p module.Params, name string) bool {
	in := func(patterns []string) bool {
		for n := name; n != "." && n != "/"; n = path.Dir(n) {
			for _, pat := range patterns {
				if ok, err := path.Match(strings.TrimSuffix(pat, "/"), n); ok || err != nil && pat == n {
					return true
				}
			}
		}
		return false
	}
	if inc := p.Strings("include"); len(inc) > 0 {
		return in(inc)
	}
	return !in(p.Strings("exclude"))
}

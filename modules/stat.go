package modules

import (
	"context"
	"encoding/base64"
	"fmt"

	"rp/engine/module"
	"rp/engine/state"
	"rp/engine/value"
)

var sums = []string{"md5", "sha1", "sha224", "sha256", "sha384", "sha512"}

var statSpec = module.Spec{
	Name: "stat", Builtin: true, Kind: module.Probe, Local: true,
	Short: "What there is at a path",
	Doc:   `Looks at a file and gives what stat(2) says of it, under stat in the result; stat.exists is false where there is none.`,
	Args: []module.Arg{
		{Name: "path", Aliases: []string{"dest", "name"}, Type: module.Path, Required: true, Doc: "The file."},
		{Name: "follow", Type: module.Bool, Default: false, Doc: "Where it is a symbolic link, look at what it names."},
		{Name: "get_checksum", Type: module.Bool, Default: true, Doc: "Give a file's checksum."},
		{Name: "checksum_algorithm", Aliases: []string{"checksum", "checksum_algo"}, Default: "sha1", Choices: sums, Doc: "Which."},
		{Name: "get_mime", Aliases: []string{"mime", "mime_type", "mime-type"}, Type: module.Bool, Choices: []string{"false"}, Doc: "Only false is supported yet: mimetype and charset are never given."},
		{Name: "get_attributes", Aliases: []string{"attr", "attributes"}, Type: module.Bool, Choices: []string{"false"}, Doc: "Only false is supported yet: attributes are never given."},
		{Name: "get_selinux_context", Type: module.Bool, Choices: []string{"false"}, Doc: "Only false is supported yet."},
	},
	Examples: `- name: Is docker there
  stat:
    path: ~/bin/dockerd
  register: dockerd
`,
	Returns: []module.Return{{Name: "stat", Type: "dict", Doc: "exists, and if it does: path, mode, isdir, isreg, islnk …, uid, gid, pw_name, gr_name, size, mtime, atime, ctime, inode, dev, nlink, checksum, executable, readable, writeable, lnk_source, lnk_target"}},
	Run: func(ctx context.Context, p module.Params, t module.Target) (module.Result, error) {
		ask := state.Stat{Path: p.String("path"), Follow: p.Bool("follow")}
		if p.Bool("get_checksum") {
			ask.Checksum = p.String("checksum_algorithm")
		}
		st, err := readOne(ctx, t, ask)
		return module.Result{"stat": result(st.Info)}, err
	},
}

var slurpSpec = module.Spec{
	Name: "slurp", Builtin: true, Kind: module.Probe, Local: true,
	Short: "A file's content, in base64",
	Doc:   `Reads a file of the host into the result. It is meant for small files: everything goes through the result.`,
	Args:  []module.Arg{{Name: "src", Aliases: []string{"path"}, Type: module.Path, Required: true, Doc: "The file."}},
	Examples: `- name: The machine's id
  slurp:
    src: /etc/machine-id
  register: id
`,
	Returns: []module.Return{{Name: "content", Type: "str", Doc: "the content, in base64"}, {Name: "encoding", Type: "str", Doc: "base64"}, {Name: "source", Type: "str", Doc: "the file"}},
	Run: func(ctx context.Context, p module.Params, t module.Target) (module.Result, error) {
		return slurp(ctx, t, p.String("src"), nil)
	},
}

// slurp reads a file into a result, unless something went wrong before.
func slurp(ctx context.Context, t module.Target, src string, err error) (module.Result, error) {
	if err != nil {
		return nil, err
	}
	f, err := realPath(ctx, t, src, true)
	if err != nil {
		return nil, err
	}
	r := module.Result{"encoding": "base64", "source": src}
	switch kind := f.Type.Or(""); {
	case kind == state.Absent:
		return nil, fmt.Errorf("cannot read %q: it is not there", src)
	case f.Type.IsKnown() && kind != state.Regular:
		return nil, fmt.Errorf("cannot read %q: it is a %s", src, kind)
	case !f.Content.IsKnown():
		r["content"] = value.Unknown{After: f.Content.After()}
		return r, nil
	}
	c := known(f.Content, src)
	if !c.AtHand() {
		return nil, fmt.Errorf("cannot read %q into a result: it is too large (%d bytes, at most %d)", src, c.Size, state.InlineMax)
	}
	r["content"] = base64.StdEncoding.EncodeToString(c.Data)
	if f.Content.IsSecret() {
		r["content"] = value.Secret{V: r["content"]}
	}
	return r, nil
}

var tempfileSpec = module.Spec{
	Name: "tempfile", Builtin: true, Kind: module.Event,
	Short: "A new temporary file or directory",
	Doc:   `Makes an empty file or directory with a name of its own, each time it runs. It is not removed by rp.`,
	Args: []module.Arg{
		{Name: "state", Default: "file", Choices: []string{"file", "directory"}, Doc: "Which."},
		{Name: "path", Type: module.Path, Default: "/tmp", Doc: "Where."},
		{Name: "prefix", Default: "ansible.", Doc: "What its name begins with."},
		{Name: "suffix", Default: "", Doc: "What its name ends with."},
	},
	Examples: `- name: A place to build in
  tempfile:
    state: directory
  register: build
`,
	Returns: []module.Return{{Name: "path", Type: "str", Doc: "the new file"}},
	Run: func(ctx context.Context, p module.Params, t module.Target) (module.Result, error) {
		argv := []string{"mktemp"}
		if p.String("state") == "directory" {
			argv = append(argv, "-d")
		}
		if s := p.String("suffix"); s != "" {
			argv = append(argv, "--suffix="+s)
		}
		argv = append(argv, p.String("path")+"/"+p.String("prefix")+"XXXXXXXX")
		out, err := t.Do(ctx, state.Command{Argv: argv, StripEmptyEnds: true})
		if err != nil || out.Failed {
			return nil, fmt.Errorf("cannot make a temporary %s: %w", p.String("state"), orFailed(err, out))
		}
		r := module.Result{"path": out.Fields["stdout"], "state": p.String("state")}
		if out.Unknown {
			r["path"] = value.Unknown{After: p.Task}
		}
		return r, nil
	},
}

package modules

import (
	"context"
	"encoding/base64"
	"fmt"
	"path"
	"strings"

	"rp/engine/module"
	"rp/engine/state"
	"rp/engine/value"
)

var fetchSpec = module.Spec{
	Name: "fetch", Builtin: true, Kind: module.Action,
	Short: "A file of the host, brought to the controller",
	Doc: `Writes a file of the host below dest on the controller, at dest/HOST/PATH, or with flat at dest itself. Only files of up to 128 KiB are
supported yet.`,
	Args: []module.Arg{
		{Name: "src", Required: true, Doc: "The file on the host."},
		{Name: "dest", Required: true, Doc: "Where to, on the controller."},
		{Name: "flat", Type: module.Bool, Default: false, Doc: "dest is the file; with / at its end: the directory that gets the file."},
		{Name: "fail_on_missing", Type: module.Bool, Default: true, Doc: "It is a failure if the file is not there."},
		{Name: "validate_checksum", Type: module.Bool, Default: true, Choices: []string{"true"}, Doc: "What arrived is always checked."},
	},
	Examples: `- name: Keep the hosts' keys
  fetch:
    src: /etc/ssh/ssh_host_ed25519_key.pub
    dest: keys/
`,
	Returns: []module.Return{{Name: "dest", Type: "str", Doc: "the file on the controller"}, {Name: "checksum", Type: "str", Doc: "SHA-1 of its content"}},
	Act: func(ctx context.Context, p module.Params, c module.Controller) (module.Outcome, error) {
		src := p.String("src")
		got, err := c.Host(ctx, "rp.fetch", map[string]any{"src": src, "fail_on_missing": p.Bool("fail_on_missing")})
		if err != nil {
			return module.Outcome{}, err
		}
		if _, there := got["content"]; !there {
			return module.Outcome{Result: module.Result{"msg": "the remote file does not exist, not transferring, ignored", "file": src}}, nil
		}
		content, err := fetched(got["content"])
		if err != nil {
			return module.Outcome{}, fmt.Errorf("cannot fetch %q: %w", src, err)
		}
		r, err := c.Local(ctx, "rp.content", map[string]any{"content": content, "dest": fetchDest(p, c), "parents": true})
		out := module.Outcome{Result: r}
		out.Changed, _ = r["changed"].(bool)
		return out, err
	},
}

// fetchOnHost is slurp where a file that is not there may be no failure.
var fetchOnHost = module.Spec{
	Name: "rp.fetch", Kind: module.Probe, Local: true, Short: "The part of fetch that runs on the host",
	Args: []module.Arg{{Name: "src", Type: module.Path, Required: true}, {Name: "fail_on_missing", Type: module.Bool}},
	Run: func(ctx context.Context, p module.Params, t module.Target) (module.Result, error) {
		src := p.String("src")
		f, err := realPath(ctx, t, src, false)
		if err != nil || f.Type.Or("") != state.Absent {
			return slurp(ctx, t, src, err)
		}
		if p.Bool("fail_on_missing") {
			return nil, fmt.Errorf("cannot fetch %q: it is not there", src)
		}
		return module.Result{}, nil
	},
}

// fetched is slurp's content as rp.content takes it.
func fetched(v any) (any, error) {
	switch v := v.(type) {
	case value.Unknown:
		return v, nil
	case value.Secret:
		inner, err := fetched(v.V)
		return value.Secret{V: value.FromGo(inner)}, err
	case string:
		b, err := base64.StdEncoding.DecodeString(v)
		if err != nil {
			return nil, err
		}
		return encodeContent(state.Bytes(b)), nil
	}
	return nil, fmt.Errorf("the host sent a %T", v)
}

func fetchDest(p module.Params, c module.Controller) string {
	src, dest := p.String("src"), p.String("dest")
	if dir, ok := c.Var("playbook_dir"); ok && relative(dest) { // as Ansible has it
		slash := strings.HasSuffix(dest, "/")
		if dest = path.Join(fmt.Sprint(dir), dest); slash {
			dest += "/"
		}
	}
	if p.Bool("flat") {
		if strings.HasSuffix(dest, "/") {
			return dest + path.Base(src)
		}
		return dest
	}
	host, _ := c.Var("inventory_hostname")
	return path.Join(dest, fmt.Sprint(host), src)
}

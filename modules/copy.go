package modules

import (
	"context"
	"crypto/sha1" //nolint:gosec // Ansible's checksums are SHA-1
	"encoding/json"
	"fmt"
	"path"
	"strings"

	"rp/engine/module"
	"rp/engine/state"
	"rp/engine/value"
)

var copySpec = module.Spec{
	Name: "copy", Builtin: true, Kind: module.Action, Local: true,
	Short: "A file or directory, copied to the host",
	Doc: `Brings a file's content to the host: from the controller (src; looked for in the role's files directory and beside the playbook), from the
playbook itself (content), or from another place of the host (remote_src). A directory is copied with all that is in it; with a / at its
end only what is in it. Files that are there and not in the source stay.`,
	Args: append([]module.Arg{
		{Name: "src", Doc: "File or directory, on the controller or with remote_src on the host."},
		{Name: "content", Type: module.Raw, Doc: "The file's content, instead of src. A mapping or list is written as JSON."},
		{Name: "dest", Type: module.Path, Required: true, Doc: "Where to. With a / at its end, or a directory: the file goes into it."},
		{Name: "remote_src", Type: module.Bool, Default: false, Doc: "src is on the host."},
		{Name: "backup", Type: module.Bool, Default: false, Doc: "Keep the replaced file beside it, with the time in its name."},
		{Name: "force", Type: module.Bool, Default: true, Doc: "Replace a file that differs. false: only write one that is not there."},
		{Name: "validate", Doc: "Command that must succeed on the new file (%s) before it is put in place."},
		{Name: "directory_mode", Type: module.Mode, Doc: "Mode of directories that are made."},
		{Name: "follow", Type: module.Bool, Default: false, Doc: "Where dest is a symbolic link, write what it names."},
		{Name: "local_follow", Type: module.Bool, Default: true, Choices: []string{"true"}, Doc: "Links in src are followed; nothing else is supported yet."},
		{Name: "checksum", Doc: "SHA-1 that the source must have."},
		{Name: "decrypt", Type: module.Bool, Default: true, Choices: []string{"true"}, Doc: "A vault-encrypted src is decrypted; nothing else is supported yet."},
	}, attrArgs()...),
	Exclusive: [][]string{{"src", "content"}}, OneOf: [][]string{{"src", "content"}},
	Examples: `- name: A file of the role
  copy:
    src: motd
    dest: /etc/motd
    mode: "0644"

- name: A few lines
  copy:
    content: |
      [Service]
      Delegate=cpu cpuset io memory pids
    dest: /etc/systemd/system/user@.service.d/delegate.conf
`,
	Returns: fileReturns(module.Return{Name: "src", Type: "str", Doc: "the source, if there is a file"}),
	Act: func(ctx context.Context, p module.Params, c module.Controller) (module.Outcome, error) {
		args := pass(p, "dest", "backup", "force", "validate", "directory_mode", "follow")
		for k, v := range passAttrs(p) {
			args[k] = v
		}
		switch {
		case p.Has("content"):
			v, err := contentText(p)
			if err != nil {
				return module.Outcome{}, err
			}
			args["content"] = v
			return onHost(ctx, c, "rp.content", args)
		case p.Bool("remote_src"):
			args["src"], args["checksum"] = p.String("src"), p.String("checksum")
			return onHost(ctx, c, "rp.copy", args)
		}
		return copyFromController(ctx, p, c, args)
	},
}

func fileReturns(more ...module.Return) []module.Return {
	return append([]module.Return{
		{Name: "dest", Type: "str", Doc: "the file's path"},
		{Name: "checksum", Type: "str", Doc: "SHA-1 of its content"},
		{Name: "owner", Type: "str", Doc: "its owner"},
		{Name: "group", Type: "str", Doc: "its group"},
		{Name: "uid", Type: "int", Doc: "number of its owner"},
		{Name: "gid", Type: "int", Doc: "number of its group"},
		{Name: "mode", Type: "str", Doc: "its mode, octal"},
		{Name: "size", Type: "int", Doc: "its size in bytes"},
		{Name: "state", Type: "str", Doc: "file, directory, link …"},
	}, more...)
}

// contentText is copy's content argument as rp.content takes it.
func contentText(p module.Params) (any, error) {
	vals, secret := p.Values()
	v := vals["content"]
	if u, unknown := v.(value.Unknown); unknown {
		return u, nil
	}
	var text string
	isSecret := secret["content"]
	switch v := v.(type) {
	case string:
		text = v
	case *value.Dict, *value.List:
		bare, unknown, hidden := settle(v)
		if unknown != nil {
			return *unknown, nil
		}
		b, err := jsonText(bare)
		if err != nil {
			return nil, err
		}
		text, isSecret = string(b), isSecret || hidden
	default:
		text = plainScalar(v)
	}
	var out any = encodeContent(state.Text(text))
	if isSecret {
		out = value.Secret{V: value.FromGo(out)}
	}
	return out, nil
}

// plainScalar is a scalar as Ansible's str would write it.
func plainScalar(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case bool:
		if v {
			return "True"
		}
		return "False"
	}
	return fmt.Sprint(v)
}

// jsonText is v as JSON with ", " and ": " between, as Ansible writes it.
func jsonText(v any) ([]byte, error) {
	b, err := value.Encode(v)
	if err != nil {
		return nil, err
	}
	return spaced(b), nil
}

// spaced puts a space behind each , and : of a compact JSON text that is outside of strings.
func spaced(b []byte) []byte {
	if !json.Valid(b) {
		return b
	}
	var out []byte
	inString := false
	for i := 0; i < len(b); i++ {
		out = append(out, b[i])
		switch {
		case b[i] == '\\' && inString:
			i++
			out = append(out, b[i])
		case b[i] == '"':
			inString = !inString
		case !inString && (b[i] == ',' || b[i] == ':'):
			out = append(out, ' ')
		}
	}
	return out
}

func copyFromController(ctx context.Context, p module.Params, c module.Controller, args map[string]any) (module.Outcome, error) {
	src := p.String("src")
	found, err := c.Find("files", strings.TrimSuffix(src, "/"))
	if err != nil {
		return module.Outcome{}, err
	}
	info, err := c.Stat(found)
	if err != nil {
		return module.Outcome{}, fmt.Errorf("cannot read %q: %w", src, err)
	}
	if sum := p.String("checksum"); sum != "" {
		if err := checkSHA1(c, found, sum, info.Dir); err != nil {
			return module.Outcome{}, err
		}
	}
	if info.Dir {
		return copyTree(ctx, p, c, found, strings.HasSuffix(src, "/"), args)
	}
	if err := contentOf(c, found, args); err != nil {
		return module.Outcome{}, err
	}
	if args["mode"] == "preserve" {
		args["mode"] = info.Mode.String()
	}
	args["basename"], args["source"] = path.Base(found), found
	return onHost(ctx, c, "rp.content", args)
}

// checkSHA1 fails unless file has the SHA-1 sum.
func checkSHA1(c module.Controller, file, sum string, dir bool) error {
	if dir {
		return fmt.Errorf("cannot check %q: a checksum is of a file, and this is a directory", file)
	}
	b, err := c.ReadFile(file)
	if err != nil {
		return fmt.Errorf("cannot read %q: %w", file, err)
	}
	if got := fmt.Sprintf("%x", sha1.Sum(b)); got != strings.ToLower(sum) { //nolint:gosec // what Ansible's argument is defined as
		return fmt.Errorf("cannot copy %q: its checksum is %s and should be %s", file, got, sum)
	}
	return nil
}

// contentOf puts a controller's file into the arguments.
func contentOf(c module.Controller, file string, args map[string]any) error {
	content, err := c.Content(file)
	if err != nil {
		return fmt.Errorf("cannot read %q: %w", file, err)
	}
	args["content"] = encodeContent(content)
	return nil
}

// treeMax bounds what copying a directory sends in one message.
const treeMax = 32 << 20

// copyTree copies a directory of the controller, in one task of the host.
func copyTree(ctx context.Context, p module.Params, c module.Controller, root string, inside bool, args map[string]any) (module.Outcome, error) {
	names, err := c.WalkFiles(root)
	if err != nil {
		return module.Outcome{}, fmt.Errorf("cannot read the directory %q: %w", root, err)
	}
	base := strings.TrimSuffix(p.String("dest"), "/")
	if !inside {
		base = path.Join(base, path.Base(root))
	}
	var files []any
	total := int64(0)
	for _, name := range names {
		full := path.Join(root, name)
		info, err := c.Stat(full)
		if err != nil {
			return module.Outcome{}, fmt.Errorf("cannot read %q: %w", full, err)
		}
		f := map[string]any{"path": strings.TrimSuffix(name, "/"), "mode": info.Mode.String(), "dir": info.Dir}
		if !info.Dir {
			if err := contentOf(c, full, f); err != nil {
				return module.Outcome{}, err
			}
			if total += min(info.Size, state.InlineMax); total > treeMax {
				return module.Outcome{}, fmt.Errorf("cannot copy the directory %q: it holds more than %d MB in small files; pack it and use unarchive", root, treeMax>>20)
			}
		}
		files = append(files, f)
	}
	args["files"], args["dest"], args["source"] = files, base+"/", root
	return onHost(ctx, c, "rp.tree", args)
}

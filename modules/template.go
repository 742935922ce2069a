package modules

import (
	"context"
	"errors"
	"fmt"
	"path"
	"strings"

	"rp/engine/module"
	"rp/engine/state"
	"rp/engine/value"
)

var templateSpec = module.Spec{
	Name: "template", Builtin: true, Kind: module.Action, Local: true,
	Short: "A file made from a Jinja2 template",
	Doc: `Renders a template of the controller with the task's variables and brings the result to the host. The template is looked for in the role's
templates directory and beside the playbook. In a dry run, what depends on something that only the real run will know is shown as unknown.`,
	Args: append([]module.Arg{
		{Name: "src", Required: true, Doc: "The template, on the controller."},
		{Name: "dest", Type: module.Path, Required: true, Doc: "Where to. With a / at its end, or a directory: the file goes into it, without a final .j2."},
		{Name: "backup", Type: module.Bool, Default: false, Doc: "Keep the replaced file beside it, with the time in its name."},
		{Name: "force", Type: module.Bool, Default: true, Doc: "Replace a file that differs. false: only write one that is not there."},
		{Name: "follow", Type: module.Bool, Default: false, Doc: "Where dest is a symbolic link, write what it names."},
		{Name: "validate", Doc: "Command that must succeed on the new file (%s) before it is put in place."},
		{Name: "newline_sequence", Default: "\n", Choices: []string{"\n", "\r", "\r\n", `\n`, `\r`, `\r\n`}, Doc: "What ends a line."},
		{Name: "block_start_string", Default: "{%", Doc: "Start of a statement."},
		{Name: "block_end_string", Default: "%}", Doc: "End of a statement."},
		{Name: "variable_start_string", Default: "{{", Doc: "Start of an expression."},
		{Name: "variable_end_string", Default: "}}", Doc: "End of an expression."},
		{Name: "comment_start_string", Default: "{#", Doc: "Start of a comment."},
		{Name: "comment_end_string", Default: "#}", Doc: "End of a comment."},
		{Name: "trim_blocks", Type: module.Bool, Default: true, Doc: "Take away the line end behind a statement."},
		{Name: "lstrip_blocks", Type: module.Bool, Default: false, Doc: "Take away the spaces before a statement."},
		{Name: "output_encoding", Default: "utf-8", Choices: []string{"utf-8", "UTF-8", "utf8"}, Doc: "Only UTF-8 is supported yet."},
	}, attrArgs()...),
	Examples: `- name: The daemon's configuration
  template:
    src: daemon.json.j2
    dest: /etc/docker/daemon.json
    mode: "0644"
`,
	Returns: fileReturns(module.Return{Name: "src", Type: "str", Doc: "the template"}),
	Act: func(ctx context.Context, p module.Params, c module.Controller) (module.Outcome, error) {
		src, err := c.Find("templates", p.String("src"))
		if err != nil {
			return module.Outcome{}, err
		}
		text, err := c.ReadFile(src)
		if err != nil {
			return module.Outcome{}, fmt.Errorf("cannot read the template %q: %w", p.String("src"), err)
		}
		content, err := rendered(ctx, p, c, src, string(text))
		if err != nil {
			return module.Outcome{}, err
		}
		args := pass(p, "dest", "backup", "force", "follow", "validate")
		for k, v := range passAttrs(p) {
			args[k] = v
		}
		if args["mode"] == "preserve" {
			info, err := c.Stat(src)
			if err != nil {
				return module.Outcome{}, fmt.Errorf("cannot read the template %q: %w", p.String("src"), err)
			}
			args["mode"] = info.Mode.String()
		}
		args["content"], args["basename"], args["source"] = content, strings.TrimSuffix(path.Base(src), ".j2"), src
		return onHost(ctx, c, "rp.content", args)
	},
}

// rendered is a template's text rendered, as rp.content takes it.
func rendered(ctx context.Context, p module.Params, c module.Controller, src, text string) (any, error) {
	opts := map[string]string{}
	for _, k := range []string{"block_start_string", "block_end_string", "variable_start_string", "variable_end_string", "comment_start_string", "comment_end_string"} {
		opts[k] = p.String(k)
	}
	for _, k := range []string{"trim_blocks", "lstrip_blocks"} {
		opts[k] = fmt.Sprint(p.Bool(k))
	}
	vars := value.DictOf("template_path", p.String("src"), "template_fullpath", src, "template_destpath", p.Raw("dest"))
	if _, set := c.Var("ansible_managed"); !set {
		vars.Set("ansible_managed", "Ansible managed")
	}
	v, err := c.RenderFile(ctx, src, text, vars, opts)
	var unknown module.NotKnown
	if errors.As(err, &unknown) {
		return value.Unknown{After: unknown.After}, nil
	}
	if err != nil {
		return nil, err
	}
	secret := false
	if s, ok := v.(value.Secret); ok {
		v, secret = s.V, true
	}
	switch v := v.(type) {
	case value.Unknown:
		return v, nil
	case string:
		var out any = encodeContent(state.Text(withNewlines(v, p.String("newline_sequence"))))
		if secret {
			out = value.Secret{V: value.FromGo(out)}
		}
		return out, nil
	}
	return nil, fmt.Errorf("cannot use the template %q: it gave a %T", src, v)
}

func withNewlines(s, seq string) string {
	seq = strings.NewReplacer(`\r`, "\r", `\n`, "\n").Replace(seq)
	if seq == "\n" {
		return s
	}
	return strings.ReplaceAll(strings.ReplaceAll(s, "\r\n", "\n"), "\n", seq)
}

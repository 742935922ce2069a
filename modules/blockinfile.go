package modules

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"rp/engine/module"
)

var blockinfileSpec = module.Spec{
	Name: "blockinfile", Builtin: true, Kind: module.States, Local: true,
	Short: "A block of lines in a text file, between markers",
	Doc:   `Keeps some lines of a file between two marker lines and leaves all others as they are. Several blocks in one file need markers of their own.`,
	Args: append(editArgs(),
		module.Arg{Name: "block", Aliases: []string{"content"}, Default: "", Doc: "The lines. Empty: the block is taken out."},
		module.Arg{Name: "marker", Default: "# {mark} ANSIBLE MANAGED BLOCK", Doc: "The marker lines; {mark} is replaced."},
		module.Arg{Name: "marker_begin", Default: "BEGIN", Doc: "What {mark} is in the first."},
		module.Arg{Name: "marker_end", Default: "END", Doc: "What {mark} is in the last."},
		module.Arg{Name: "state", Default: "present", Choices: []string{"present", "absent"}, Doc: "Whether the block is to be there."},
		module.Arg{Name: "insertafter", Doc: "EOF (default) or an expression: a new block goes behind its last match."},
		module.Arg{Name: "insertbefore", Doc: "BOF or an expression: a new block goes in front of its last match."},
		module.Arg{Name: "create", Type: module.Bool, Default: false, Doc: "Make the file if it is not there."},
		module.Arg{Name: "append_newline", Type: module.Bool, Default: false, Doc: "An empty line behind a new block."},
		module.Arg{Name: "prepend_newline", Type: module.Bool, Default: false, Doc: "An empty line before a new block."},
	),
	Exclusive: [][]string{{"insertbefore", "insertafter"}},
	Examples: `- name: Names of the cluster
  blockinfile:
    path: /etc/hosts
    block: |
      10.0.0.1 one
      10.0.0.2 two
`,
	Returns: []module.Return{},
	Run: func(ctx context.Context, p module.Params, t module.Target) (module.Result, error) {
		present := p.String("state") == "present" && p.String("block") != ""
		f, body, err := editable(ctx, p, t, p.Bool("create") && p.String("state") == "present", p.String("state") == "absent")
		if err != nil {
			return nil, err
		}
		next, err := withBlock(p, body, present)
		if err != nil {
			return nil, err
		}
		return module.Result{}, edited(ctx, p, t, f, body, next)
	},
}

func withBlock(p module.Params, body string, present bool) (string, error) {
	if !strings.Contains(p.String("marker"), "{mark}") {
		return "", fmt.Errorf("cannot use the marker %q: it has no {mark} in it", p.String("marker"))
	}
	begin := strings.ReplaceAll(p.String("marker"), "{mark}", p.String("marker_begin"))
	end := strings.ReplaceAll(p.String("marker"), "{mark}", p.String("marker_end"))
	var block []string
	if present {
		block = append(append([]string{begin}, splitLines(strings.TrimSuffix(p.String("block"), "\n")+"\n")...), end)
	}
	lines := splitLines(body)
	from := slices.Index(lines, begin)
	to := slices.Index(lines, end)
	switch {
	case from >= 0 && to > from:
		lines = slices.Concat(lines[:from], block, lines[to+1:])
		if slices.Equal(lines, splitLines(body)) {
			return body, nil
		}
		return joinLines(lines), nil
	case from >= 0 || to >= 0:
		return "", fmt.Errorf("cannot edit %q: it has one of the marker lines without the other", p.String("path"))
	case !present:
		return body, nil
	}
	at, err := newPlace(p, lines)
	if err != nil {
		return "", err
	}
	if p.Bool("prepend_newline") && at > 0 && lines[at-1] != "" {
		block = append([]string{""}, block...)
	}
	if p.Bool("append_newline") && at < len(lines) && lines[at] != "" {
		block = append(block, "")
	}
	return joinLines(slices.Insert(slices.Clone(lines), at, block...)), nil
}

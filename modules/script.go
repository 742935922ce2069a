package modules

import (
	"context"
	"fmt"
	"strings"

	"rp/engine/module"
	"rp/engine/state"
)

var scriptSpec = module.Spec{
	Name: "script", Builtin: true, Kind: module.Action, FreeForm: "cmd",
	Short: "A script of the controller, run on the host",
	Doc: `Sends a script of the controller to the host, runs it there and removes it. It is looked for in the role's files directory and beside the
playbook. It needs its #! line unless executable is given.`,
	Args: append([]module.Arg{
		{Name: "cmd", Required: true, Doc: "The script's path on the controller and its arguments."},
		{Name: "executable", Doc: "The program that is to run it: /usr/bin/python3."},
		{Name: "decrypt", NotYet: true, Doc: "Decrypt the script."},
	}, guardArgs()...),
	Examples: `- name: A check of one's own
  script: checks/disk.sh --limit 90
  changed_when: false
`,
	Returns: commandReturns(),
	Act: func(ctx context.Context, p module.Params, c module.Controller) (module.Outcome, error) {
		words, err := splitWords(p.String("cmd"))
		if err != nil || len(words) == 0 {
			return module.Outcome{}, fmt.Errorf("cannot run a script: %w", orNone(err))
		}
		src, err := c.Find("files", words[0])
		if err != nil {
			return module.Outcome{}, err
		}
		text, err := c.ReadFile(src)
		if err != nil {
			return module.Outcome{}, fmt.Errorf("cannot read the script %q: %w", words[0], err)
		}
		args := pass(p, "executable", "creates", "removes", "unless", "onlyif", "chdir")
		args["argv"], args["text"], args["name"] = words[1:], encodeBytes(text), words[0]
		return onHost(ctx, c, "rp.script", args)
	},
}

func orNone(err error) error {
	if err != nil {
		return err
	}
	return fmt.Errorf("none is given")
}

var scriptOnHost = module.Spec{
	Name: "rp.script", Kind: module.Event, Short: "The part of script that runs on the host",
	Args: append([]module.Arg{{Name: "text", Required: true}, {Name: "argv", Type: module.List}, {Name: "name"}, {Name: "executable"}}, guardArgs()...),
	Run: func(ctx context.Context, p module.Params, t module.Target) (module.Result, error) {
		text, err := decodeBytes(p.String("text"))
		if err != nil {
			return nil, err
		}
		title := strings.TrimSpace(p.String("name") + " " + state.Command{Argv: p.Strings("argv")}.Line())
		c := state.Command{Script: text, Argv: p.Strings("argv"), Executable: p.String("executable"), Title: title}
		return runCommand(ctx, p, t, c, title)
	},
}

package modules

import (
	"context"
	"fmt"
	"strings"

	"rp/engine/module"
	"rp/engine/state"
	"rp/engine/value"
)

const commandDoc = `
Without a guard (creates, removes, unless, onlyif) it runs each time and is reported changed, as changed_when does not say otherwise; in a
dry run it is announced and what it gives is unknown. With a guard it is left out while the guard holds. The environment is the
task's. It gets nothing on standard input unless stdin is given.`

func guardArgs() []module.Arg {
	return []module.Arg{
		{Name: "creates", Type: module.Path, Doc: "A path or pattern (* ? []): while something of that name is there, the task does nothing."},
		{Name: "removes", Type: module.Path, Doc: "A path or pattern: while nothing of that name is there, the task does nothing."},
		{Name: "unless", Doc: "A shell command that only looks: while it succeeds, the task does nothing."},
		{Name: "onlyif", Doc: "A shell command that only looks: while it fails, the task does nothing."},
		{Name: "chdir", Type: module.Path, Doc: "Directory to run it in; it is where relative guards are looked for too."},
	}
}

func commandArgs() []module.Arg {
	return append(guardArgs(),
		module.Arg{Name: "stdin", Doc: "Text for its standard input."},
		module.Arg{Name: "stdin_add_newline", Type: module.Bool, Default: true, Doc: "Put a newline behind stdin."},
		module.Arg{Name: "strip_empty_ends", Type: module.Bool, Default: true, Doc: "Take empty lines off the end of stdout and stderr."},
		module.Arg{Name: "warn", NotYet: true, Doc: "Gone from Ansible since 2.14."},
	)
}

func commandReturns() []module.Return {
	return []module.Return{
		{Name: "cmd", Type: "raw", Doc: "what was run: a list for command, a string for shell"},
		{Name: "rc", Type: "int", Doc: "exit status"},
		{Name: "stdout", Type: "str", Doc: "its output"},
		{Name: "stdout_lines", Type: "list", Doc: "its output, a line each"},
		{Name: "stderr", Type: "str", Doc: "its errors"},
		{Name: "stderr_lines", Type: "list", Doc: "its errors, a line each"},
		{Name: "start", Type: "str", Doc: "when it began"},
		{Name: "end", Type: "str", Doc: "when it ended"},
		{Name: "delta", Type: "str", Doc: "how long it took"},
	}
}

var commandSpec = module.Spec{
	Name: "command", Builtin: true, Kind: module.Event, FreeForm: "cmd",
	Short: "A program, run without a shell",
	Doc:   `Runs a program with arguments. Variables such as $HOME and ~ in its words are replaced; pipes, redirections and patterns are not: that is the shell module's.` + commandDoc,
	Args: append([]module.Arg{
		{Name: "cmd", Doc: "The command line; it is taken apart as a shell would."},
		{Name: "argv", Type: module.List, Elem: module.String, Doc: "The program and its arguments as a list."},
		{Name: "expand_argument_vars", Type: module.Bool, Default: true, Doc: "Replace $VAR and ~ in the words."},
		{Name: "executable", NotYet: true, Doc: "Not of command: use shell."},
	}, commandArgs()...),
	Exclusive: [][]string{{"cmd", "argv"}}, OneOf: [][]string{{"cmd", "argv"}},
	Examples: `- name: Make a database, once
  command: /usr/local/bin/mkdb --fast /srv/db
  args:
    creates: /srv/db

- name: Words that need no quoting
  command:
    argv: [printf, "%s\n", "two words"]
    onlyif: test -e /etc/os-release
`,
	Returns: commandReturns(),
	Run: func(ctx context.Context, p module.Params, t module.Target) (module.Result, error) {
		c := state.Command{ExpandVars: p.Bool("expand_argument_vars"), Argv: p.Strings("argv")}
		if !p.Has("argv") {
			words, err := splitWords(p.String("cmd"))
			if err != nil {
				return nil, err
			}
			c.Argv = words
		}
		if len(c.Argv) == 0 || c.Argv[0] == "" {
			return nil, fmt.Errorf("cannot run a command: none is given")
		}
		return runCommand(ctx, p, t, c, c.Argv)
	},
}

var shellSpec = module.Spec{
	Name: "shell", Builtin: true, Kind: module.Event, FreeForm: "cmd",
	Short: "A command line, run by a shell",
	Doc:   `Gives a text to /bin/sh, or to the shell that executable names.` + commandDoc,
	Args: append([]module.Arg{
		{Name: "cmd", Required: true, Doc: "The text."},
		{Name: "executable", Type: module.Path, Doc: "The shell, by its whole path. Not given: /bin/sh."},
	}, commandArgs()...),
	Examples: `- name: Install rootless Docker unless it is there
  shell: curl -fsSL https://get.docker.com/rootless | sh
  args:
    creates: ~/bin/dockerd

- name: What runs
  shell: docker ps --all --quiet | sort
  register: running
  changed_when: false
`,
	Returns: commandReturns(),
	Run: func(ctx context.Context, p module.Params, t module.Target) (module.Result, error) {
		cmd := strings.TrimSpace(p.String("cmd"))
		c := state.Command{Argv: []string{cmd}, Shell: true, Executable: p.String("executable")}
		return runCommand(ctx, p, t, c, cmd)
	},
}

var rawSpec = module.Spec{
	Name: "raw", Builtin: true, Kind: module.Event, FreeForm: "cmd",
	Short: "A command line as the login shell would run it",
	Doc:   `Gives a text to /bin/sh or to executable. Since rp needs nothing on the host but a shell in any case, it differs from shell only in that it has no guards.`,
	Args: []module.Arg{
		{Name: "cmd", Aliases: []string{"free_form"}, Required: true, Doc: "The text."},
		{Name: "executable", Type: module.Path, Doc: "The shell, by its whole path. Not given: /bin/sh."},
	},
	Examples: `- name: Load of the machine
  raw: cat /proc/loadavg
  changed_when: false
`,
	Returns: commandReturns(),
	Run: func(ctx context.Context, p module.Params, t module.Target) (module.Result, error) {
		return doCommand(ctx, p, t, state.Command{Argv: []string{p.String("cmd")}, Shell: true, Executable: p.String("executable")}, p.String("cmd"))
	},
}

// runCommand runs c unless its guards hold; shown is what the result has as cmd.
func runCommand(ctx context.Context, p module.Params, t module.Target, c state.Command, shown any) (module.Result, error) {
	c.Dir, c.StripEmptyEnds = p.String("chdir"), p.Bool("strip_empty_ends")
	if p.Has("stdin") {
		in := p.String("stdin")
		if p.Bool("stdin_add_newline") {
			in += "\n"
		}
		c.Stdin = &in
	}
	why, err := guardHolds(ctx, p, t)
	if err != nil {
		return nil, err
	}
	if why != "" {
		msg := "Did not run command since " + why
		return module.Result{
			"changed": false, "rc": 0, "cmd": shown, "stdout": "skipped, since " + why, "stdout_lines": []string{"skipped, since " + why},
			"stderr": "", "stderr_lines": []string{}, "start": nil, "end": nil, "delta": nil, "msg": msg,
		}, nil
	}
	return doCommand(ctx, p, t, c, shown)
}

func doCommand(ctx context.Context, p module.Params, t module.Target, c state.Command, shown any) (module.Result, error) {
	c.Secret = p.Secret("cmd") || p.Secret("argv")
	if c.Secret {
		shown = value.Secret{V: value.FromGo(shown)}
	}
	out, err := t.Do(ctx, c)
	if err != nil {
		return nil, err
	}
	r := module.Result{"cmd": shown}
	if out.Unknown {
		for _, k := range []string{"rc", "stdout", "stdout_lines", "stderr", "stderr_lines", "start", "end", "delta"} {
			r[k] = value.Unknown{After: p.Task}
		}
		return r, nil
	}
	for k, v := range out.Fields {
		if k != "cmd" {
			r[k] = v
		}
	}
	for _, k := range []string{"stdout", "stderr"} {
		s, _ := r[k].(string)
		r[k], r[k+"_lines"] = s, outputLines(s)
	}
	r["changed"] = true
	if rc := fmt.Sprint(r["rc"]); out.Failed || rc != "0" {
		r["failed"] = true
		if s, _ := r["msg"].(string); s == "" {
			r["msg"] = "non-zero return code"
		}
	}
	return r, nil
}

// outputLines are a text's lines as Python's splitlines gives them.
func outputLines(s string) []string {
	lines := []string{}
	for l := range strings.Lines(s) {
		lines = append(lines, strings.TrimRight(l, "\r\n"))
	}
	return lines
}

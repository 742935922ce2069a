package modules

import (
	"context"
	"fmt"
	"strings"
	"time"

	"rp/engine/module"
	"rp/engine/value"
)

// metaWords are what the meta module takes.
var metaWords = []string{"clear_facts", "clear_host_errors", "end_batch", "end_host", "end_play", "end_role", "flush_handlers", "noop", "refresh_inventory", "reset_connection"}

var metaSpec = module.Spec{
	Name: "meta", Builtin: true, Kind: module.Action, Steers: true, FreeForm: "free_form",
	Short: "Steer the run itself",
	Doc: `flush_handlers runs the notified handlers now. end_play, end_batch, end_host and end_role end the play, its batch, it for this host, or the role.
clear_host_errors takes failed hosts back in. clear_facts forgets facts. refresh_inventory reads the inventory again.
reset_connection connects anew. noop does nothing.`,
	Args: []module.Arg{{Name: "free_form", Required: true, Choices: metaWords, Doc: "What to do."}},
	Examples: `- meta: flush_handlers

- meta: end_host
  when: ansible_os_family == 'Windows'
`,
	Act: func(_ context.Context, p module.Params, _ module.Controller) (module.Outcome, error) {
		return module.Outcome{Meta: p.String("free_form")}, nil
	},
}

var pauseSpec = module.Spec{
	Name: "pause", Builtin: true, Kind: module.Action, Once: true,
	Short: "Wait, or ask",
	Doc:   `Waits for some time, or until somebody presses Enter; once for all hosts. Where no terminal is there, it waits out the time given, and does not wait for an answer.`,
	Args: []module.Arg{
		{Name: "seconds", Type: module.Int, Doc: "How long."},
		{Name: "minutes", Type: module.Int, Doc: "How long."},
		{Name: "prompt", Doc: "What to ask."},
		{Name: "echo", Type: module.Bool, Default: true, Doc: "Show what is typed."},
	},
	Exclusive: [][]string{{"seconds", "minutes"}},
	Examples: `- pause:
    prompt: Take the load balancer's entry out, then press Enter
`,
	Returns: []module.Return{
		{Name: "user_input", Type: "str", Doc: "the answer"},
		{Name: "stdout", Type: "str", Doc: "how long it waited, in words"},
		{Name: "start", Type: "str", Doc: "when it began"},
		{Name: "stop", Type: "str", Doc: "when it ended"},
		{Name: "delta", Type: "int", Doc: "seconds it took"},
		{Name: "rc", Type: "int", Doc: "0"},
	},
	Act: runPause,
}

func runPause(ctx context.Context, p module.Params, c module.Controller) (module.Outcome, error) {
	begin, seconds := now(), p.Int("seconds")+60*p.Int("minutes")
	timed := p.Has("seconds") || p.Has("minutes")
	r := module.Result{"rc": 0, "stderr": "", "echo": p.Bool("echo"), "user_input": "", "changed": false}
	out := module.Outcome{Result: r}
	prompt := p.String("prompt")
	if timed && prompt == "" {
		if err := sleep(ctx, time.Duration(seconds)*time.Second); err != nil {
			return out, err
		}
	} else {
		if prompt == "" {
			prompt = "Press enter to continue"
		}
		answer, ok, err := c.Prompt(ctx, strings.TrimRight(prompt, ": ")+":", p.Bool("echo"), int(seconds))
		if err != nil {
			return out, fmt.Errorf("cannot ask: %w", err)
		}
		if r["user_input"] = answer; ok && !p.Bool("echo") {
			r["user_input"] = value.Secret{V: answer}
		}
		if rest := time.Duration(seconds)*time.Second - now().Sub(begin); !ok && timed && rest > 0 {
			if err := sleep(ctx, rest); err != nil {
				return out, err
			}
		}
	}
	end := now()
	const form = "2006-01-02 15:04:05.000000"
	put(r, "start", begin.Format(form), "stop", end.Format(form), "delta", int64(end.Sub(begin).Seconds()),
		"stdout", fmt.Sprintf("Paused for %.2f seconds", end.Sub(begin).Seconds()))
	return out, nil
}

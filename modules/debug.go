package modules

import (
	"context"
	"fmt"
	"strings"

	"rp/engine/module"
	"rp/engine/value"
)

var debugSpec = module.Spec{
	Name: "debug", Builtin: true, Kind: module.Action, Local: true,
	Short: "Print a message or a variable",
	Doc:   `Prints while the playbook runs, and in a dry run too; what is not known yet is shown as such, and what is secret is masked.`,
	Args: []module.Arg{
		{Name: "msg", Type: module.Raw, Doc: "What to print. Not given: Hello world!"},
		{Name: "var", Doc: "A variable or expression to print, without braces."},
		{Name: "verbosity", Type: module.Int, Default: int64(0), Doc: "Print only with so many -v."},
	},
	Exclusive: [][]string{{"msg", "var"}},
	Examples: `- debug:
    msg: "The home is {{ account.home }}"

- debug:
    var: account
`,
	Returns: []module.Return{{Name: "msg", Type: "raw", Doc: "what was printed"}},
	Act: func(ctx context.Context, p module.Params, c module.Controller) (module.Outcome, error) {
		if p.Int("verbosity") > int64(c.Verbosity()) {
			return module.Outcome{Skipped: true, Result: module.Result{"skipped_reason": "Verbosity threshold not met."}}, nil
		}
		if p.Has("var") {
			v, err := c.Eval(ctx, p.String("var"))
			if err != nil {
				return module.Outcome{}, err
			}
			if u, ok := v.(value.Undefined); ok {
				v = "VARIABLE IS NOT DEFINED!: " + u.Message()
			}
			name := p.String("var")
			return module.Outcome{Result: module.Result{name: v}, Print: value.DictOf(name, v)}, nil
		}
		vals, secret := p.Values()
		msg, given := vals["msg"]
		if !given {
			msg = "Hello world!"
		}
		if secret["msg"] {
			msg = value.Secret{V: msg}
		}
		return module.Outcome{Result: module.Result{"msg": msg}, Print: msg}, nil
	},
}

var failSpec = module.Spec{
	Name: "fail", Builtin: true, Kind: module.Action, Local: true,
	Short: "Fail, with a message",
	Doc:   `Fails the task; with when, a check of one's own.`,
	Args:  []module.Arg{{Name: "msg", Default: "Failed as requested from task", Doc: "Why."}},
	Examples: `- fail:
    msg: This host has less than 2 GB of memory
  when: ansible_memtotal_mb < 2048
`,
	Act: func(_ context.Context, p module.Params, _ module.Controller) (module.Outcome, error) {
		vals, _ := p.Values()
		return module.Outcome{Failed: true, Result: module.Result{"msg": vals["msg"]}}, nil
	},
}

var assertSpec = module.Spec{
	Name: "assert", Builtin: true, Kind: module.Action, Local: true,
	Short: "Conditions that must hold",
	Doc:   `Fails unless all conditions hold. In a dry run, a condition that depends on what is not known yet makes it "may fail", and the run goes on.`,
	Args: []module.Arg{
		{Name: "that", Type: module.List, Elem: module.Raw, Required: true, Doc: "Conditions, as when takes them."},
		{Name: "fail_msg", Aliases: []string{"msg"}, Type: module.Raw, Doc: "What to say if one does not hold."},
		{Name: "success_msg", Type: module.Raw, Doc: "What to say if all hold."},
		{Name: "quiet", Type: module.Bool, Default: false, Doc: "Say less."},
	},
	Examples: `- assert:
    that:
      - docker_user | length > 0
      - docker_user != 'root'
    fail_msg: docker_user must name an account other than root
`,
	Returns: []module.Return{{Name: "assertion", Type: "str", Doc: "the condition that did not hold"}, {Name: "evaluated_to", Type: "bool", Doc: "false"}},
	Act: func(ctx context.Context, p module.Params, c module.Controller) (module.Outcome, error) {
		unknown := false
		for _, cond := range p.List("that") {
			ok, isKnown, err := c.Test(ctx, cond)
			switch {
			case err != nil:
				return module.Outcome{}, err
			case !isKnown:
				unknown = true
			case !ok:
				return module.Outcome{Failed: true, Result: module.Result{"assertion": conditionText(cond), "evaluated_to": false, "msg": message(p, "fail_msg", "Assertion failed")}}, nil
			}
		}
		if unknown {
			return module.Outcome{Unknown: true, Result: module.Result{"msg": "may fail: what it asserts is not known yet"}}, nil
		}
		r := module.Result{"msg": message(p, "success_msg", "All assertions passed")}
		return module.Outcome{Result: r}, nil
	},
}

// message is a message argument: a text, or a list of lines.
func message(p module.Params, name, def string) any {
	vals, _ := p.Values()
	switch v := vals[name].(type) {
	case nil:
		return def
	case *value.List:
		var lines []string
		for _, e := range v.Items {
			lines = append(lines, plainScalar(e))
		}
		return strings.Join(lines, "\n")
	default:
		return v
	}
}

func conditionText(cond any) string {
	switch c := cond.(type) {
	case value.Template:
		return c.Source
	case string:
		return c
	}
	return fmt.Sprint(cond)
}

package modules

import (
	"context"

	"rp/engine/module"
	"rp/engine/state"
	"rp/engine/value"
)

func setupSpec(name string) module.Spec {
	return module.Spec{
		Name: name, Builtin: true, Kind: module.Probe, Local: true, Facts: true,
		Short: "Facts of the host",
		Doc:   `Finds out what the host is and has, and gives it as facts: ansible_distribution and so on. Plays do it by themselves unless gather_facts is false.`,
		Args: []module.Arg{
			{Name: "gather_subset", Type: module.List, Elem: module.String, Default: value.Strings("all"), Doc: "all, min, network, hardware, virtual … and each with ! in front to leave it out."},
			{Name: "gather_timeout", Type: module.Int, Default: int64(10), Doc: "Seconds that one fact may take."},
			{Name: "filter", Type: module.List, Elem: module.String, Default: value.NewList(), Doc: "Shell patterns for names: only these facts."},
			{Name: "fact_path", Type: module.Path, Default: "/etc/ansible/facts.d", Doc: "Directory of local facts (*.fact)."},
		},
		Examples: `- ` + name + `:
    gather_subset: [min, network]
`,
		Returns: []module.Return{{Name: "ansible_facts", Type: "dict", Doc: "the facts"}},
		Run:     runSetup,
	}
}

var setupModule, gatherFactsModule = setupSpec("setup"), setupSpec("gather_facts")

func runSetup(ctx context.Context, p module.Params, t module.Target) (module.Result, error) {
	got, err := readOne(ctx, t, state.Facts{Subsets: p.Strings("gather_subset"), Timeout: int(p.Int("gather_timeout")), Path: p.String("fact_path")})
	if err != nil {
		return nil, err
	}
	patterns, err := namePatterns(p.Strings("filter"), false)
	if err != nil {
		return nil, err
	}
	facts := map[string]any{}
	for k, v := range known(got.Info, "facts") {
		if anyName(patterns, "ansible_"+k, true) || anyName(patterns, k, false) {
			facts["ansible_"+k] = v
		}
	}
	return module.Result{"ansible_facts": facts}, nil
}

var pingSpec = module.Spec{
	Name: "ping", Builtin: true, Kind: module.Probe, Local: true,
	Short: "Whether rp gets through to the host",
	Doc:   `Connects, runs on the host and answers. It is no ICMP ping.`,
	Args:  []module.Arg{{Name: "data", Default: "pong", Doc: "What to answer; crash makes it fail."}},
	Examples: `- ping:
`,
	Returns: []module.Return{{Name: "ping", Type: "str", Doc: "data"}},
	Run: func(_ context.Context, p module.Params, _ module.Target) (module.Result, error) {
		if p.String("data") == "crash" {
			return module.Result{"failed": true, "msg": "boom"}, nil
		}
		return module.Result{"ping": p.String("data")}, nil
	},
}

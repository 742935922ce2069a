package modules

import (
	"context"
	"fmt"
	"strconv"

	"rp/engine/module"
	"rp/engine/state"
)

var getentSpec = module.Spec{
	Name: "getent", Builtin: true, Kind: module.Probe, Local: true, Facts: true,
	Short: "Accounts and groups of the host, as facts",
	Doc:   `Gives entries of the passwd or group database as the fact getent_passwd or getent_group. Other databases are not supported yet.`,
	Args: []module.Arg{
		{Name: "database", Required: true, Choices: []string{"passwd", "group"}, Doc: "Which."},
		{Name: "key", Doc: "One entry. Not given: all."},
		{Name: "fail_key", Type: module.Bool, Default: true, Doc: "It is a failure if there is no such entry."},
		{Name: "split", NotYet: true, Doc: "What separates fields."},
		{Name: "service", NotYet: true, Doc: "Where to look."},
	},
	Examples: `- getent:
    database: passwd
    key: rootless
`,
	Returns: []module.Return{{Name: "ansible_facts", Type: "dict", Doc: "getent_passwd or getent_group: fields by name"}},
	Run: func(ctx context.Context, p module.Params, t module.Target) (module.Result, error) {
		acc, err := readOne(ctx, t, state.Accounts{})
		if err != nil {
			return nil, err
		}
		num := func(n int64) string { return strconv.FormatInt(n, 10) }
		all := map[string]any{}
		if p.String("database") == "passwd" {
			for _, u := range known(acc.Users, "accounts") {
				all[u.Name] = []string{"x", num(u.UID), num(u.GID), u.Comment, u.Home, u.Shell}
			}
		} else {
			for _, g := range known(acc.Groups, "groups") {
				members := ""
				for i, m := range g.Members {
					if i > 0 {
						members += ","
					}
					members += m
				}
				all[g.Name] = []string{"x", num(g.GID), members}
			}
		}
		if key := p.String("key"); p.Has("key") {
			entry, there := all[key]
			if !there && p.Bool("fail_key") {
				return nil, fmt.Errorf("one or more supplied key could not be found in the database: %s", key)
			}
			if all = map[string]any{key: nil}; there {
				all[key] = entry
			}
		}
		return module.Result{"ansible_facts": map[string]any{"getent_" + p.String("database"): all}}, nil
	},
}

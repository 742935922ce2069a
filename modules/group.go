package modules

import (
	"context"

	"rp/engine/module"
	"rp/engine/state"
)

var groupSpec = module.Spec{
	Name: "group", Builtin: true, Kind: module.States, Local: true,
	Short: "A group of users",
	Doc:   `Makes, changes or removes a group of /etc/group. Who is in it is the user module's business.`,
	Args: []module.Arg{
		{Name: "name", Required: true, Doc: "The group's name."},
		{Name: "state", Default: "present", Choices: []string{"present", "absent"}, Doc: "Whether it is to be there."},
		{Name: "gid", Type: module.Int, Doc: "Its number. Not given: the next free one."},
		{Name: "system", Type: module.Bool, Default: false, Doc: "Choose a number of the system's range."},
		{Name: "non_unique", Type: module.Bool, Default: false, Doc: "Allow a gid that another group has."},
		{Name: "force", Type: module.Bool, Default: false, Doc: "Remove it although it is somebody's primary group."},
		{Name: "local", NotYet: true, Doc: "Use lgroupadd and its like."},
		{Name: "gid_min", NotYet: true, Doc: "Lowest gid to choose."},
		{Name: "gid_max", NotYet: true, Doc: "Highest gid to choose."},
	},
	Examples: `- name: A group with a number of its own
  group:
    name: containers
    gid: 2375
`,
	Returns: []module.Return{
		{Name: "name", Type: "str", Doc: "the group's name"},
		{Name: "gid", Type: "int", Doc: "its number"},
		{Name: "state", Type: "str", Doc: "present or absent"},
		{Name: "system", Type: "bool", Doc: "as given"},
	},
	Run: func(ctx context.Context, p module.Params, t module.Target) (module.Result, error) {
		g := state.Group{
			Name: p.String("name"), Present: state.Is(p.String("state") == "present"),
			System: p.Bool("system"), NonUnique: p.Bool("non_unique"), Force: p.Bool("force"),
		}
		if p.String("state") == "present" {
			g.GID = p.IntValue("gid")
		}
		now, err := wantOne(ctx, t, g)
		r := module.Result{"name": g.Name, "state": p.String("state"), "system": g.System}
		if p.String("state") == "present" {
			r["gid"] = result(now.GID)
		}
		return r, err
	},
}

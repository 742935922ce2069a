package modules

import (
	"context"
	"fmt"
	"strings"

	"rp/engine/module"
	"rp/engine/value"
)

var addHostSpec = module.Spec{
	Name: "add_host", Builtin: true, Kind: module.Action, Once: true, AnyArgs: true,
	Short: "A host, added to the inventory for this run",
	Doc:   `Adds a host, and the groups it is to be in, for the plays that follow. Every other argument is a variable of the host. It runs once, not for each host.`,
	Args: []module.Arg{
		{Name: "name", Aliases: []string{"host", "hostname"}, Required: true, Doc: "The host, with :PORT if need be."},
		{Name: "groups", Aliases: []string{"group", "groupname"}, Type: module.List, Elem: module.String, Doc: "Its groups."},
	},
	Examples: `- add_host:
    name: "{{ machine.ip }}"
    groups: fresh
    ansible_user: admin
`,
	Returns: []module.Return{{Name: "add_host", Type: "dict", Doc: "host_name, groups and host_vars"}},
	Act: func(_ context.Context, p module.Params, _ module.Controller) (module.Outcome, error) {
		vals, _ := p.Values()
		h := &module.AddHost{Name: p.String("name"), Groups: p.Strings("groups"), Vars: value.NewDict()}
		if strings.TrimSpace(h.Name) == "" {
			return module.Outcome{}, fmt.Errorf("cannot add a host: its name is empty")
		}
		if name, port, ok := strings.Cut(h.Name, ":"); ok && strings.Count(h.Name, ":") == 1 {
			h.Name = name
			h.Vars.Set("ansible_port", port)
		}
		for _, name := range p.Names() {
			if name != "name" && name != "groups" {
				h.Vars.Set(name, vals[name])
			}
		}
		r := module.Result{"add_host": map[string]any{"host_name": h.Name, "groups": h.Groups, "host_vars": h.Vars}}
		return module.Outcome{Changed: true, AddHost: h, Result: r}, nil
	},
}

var groupBySpec = module.Spec{
	Name: "group_by", Builtin: true, Kind: module.Action,
	Short: "Put hosts into groups by what they are",
	Doc:   `Puts the host into a group whose name is made of facts, for the plays that follow. A space in the name becomes -.`,
	Args: []module.Arg{
		{Name: "key", Required: true, Doc: "The group."},
		{Name: "parents", Type: module.List, Elem: module.String, Default: value.Strings("all"), Doc: "Groups that the group belongs to."},
	},
	Examples: `- group_by:
    key: "os_{{ ansible_distribution }}"
`,
	Act: func(_ context.Context, p module.Params, _ module.Controller) (module.Outcome, error) {
		name := func(s string) string { return strings.ReplaceAll(s, " ", "-") }
		g := &module.GroupBy{Group: name(p.String("key"))}
		if g.Group == "" {
			return module.Outcome{}, fmt.Errorf("cannot put the host into a group: key is empty")
		}
		for _, parent := range p.Strings("parents") {
			g.Parents = append(g.Parents, name(parent))
		}
		return module.Outcome{GroupBy: g, Result: module.Result{"add_group": g.Group, "parent_groups": g.Parents}}, nil
	},
}

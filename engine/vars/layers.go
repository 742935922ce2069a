package vars

import (
	"rp/engine/value"
)

// Layers are the variables that the playbook gives one task. Each list is from
// the least important to the most important; nil mappings are passed over.
// Nothing here is changed or copied deeply: the values are shared.
type Layers struct {
	// Play is nil outside of a play.
	Play *Play
	// PlayRoleDefaults are the defaults of the roles whose variables the whole
	// play sees (roles:, import_role, include_role with public), in their order.
	PlayRoleDefaults []*value.Dict
	// RoleDefaults are those of the task's own role, of its dependencies and of the roles that led to it.
	RoleDefaults []*value.Dict
	PlayVars     *value.Dict
	Prompts      *value.Dict
	VarsFiles    []*value.Dict
	// PlayRoleVars are vars/ of the roles whose variables the whole play sees.
	PlayRoleVars []*value.Dict
	// RoleVars are those of the task's own role, of its dependencies and of the roles that led to it.
	RoleVars []*value.Dict
	// BlockVars are those of the blocks around the task, the outermost first.
	BlockVars []*value.Dict
	TaskVars  *value.Dict
	// RoleParams are the parameters that the role was used with, IncludeParams
	// the variables of the includes and imports around the task.
	RoleParams    []*value.Dict
	IncludeParams []*value.Dict
	// Role is the role that the task is in, or nil.
	Role *Role
	// Environment is the magic variable "environment": what the task and all around it say, not rendered.
	Environment []any
}

// Role is what magic variables tell of a task's role.
type Role struct {
	Name string
	Path string
	// Parents are the names of the roles that asked for it, the nearest first.
	Parents []string
}

// Play is what magic variables tell of a play. It is not changed once it is in use.
type Play struct {
	Name string
	// Dir is the directory of the playbook file: playbook_dir, and where its group_vars and host_vars are.
	Dir string
	// HostsAll are the names of all hosts of the play, Batch those of the batch under way.
	HostsAll, Batch []string
	// Removed gives those that have failed or are unreachable by now; nil: none have.
	Removed func() []string
	// Roles are those that roles: names, DependentRoles those that they ask for.
	Roles, DependentRoles []string
}

// Context is Layers put together. It never changes and serves any number of hosts.
type Context struct {
	low, mid, high map[string]any
	play           *Play
	role           *Role
	environment    []any
}

// Compile puts l together.
func Compile(l Layers) *Context {
	c := &Context{low: map[string]any{}, mid: map[string]any{}, high: map[string]any{}, play: l.Play, role: l.Role, environment: l.Environment}
	add(c.low, l.PlayRoleDefaults...)
	add(c.low, l.RoleDefaults...)
	add(c.mid, l.PlayVars, l.Prompts)
	add(c.mid, l.VarsFiles...)
	add(c.mid, l.PlayRoleVars...)
	add(c.mid, l.RoleVars...)
	add(c.mid, l.BlockVars...)
	add(c.mid, l.TaskVars)
	add(c.high, l.RoleParams...)
	add(c.high, l.IncludeParams...)
	return c
}

func add(to map[string]any, dicts ...*value.Dict) {
	for _, d := range dicts {
		if d == nil {
			continue
		}
		for k, v := range d.All() {
			if name, ok := k.(string); ok {
				to[name] = v
			}
		}
	}
}

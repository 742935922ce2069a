// Package vars holds the variables of a run and says which of several of one
// name counts, in Ansible's 22 levels of precedence.
//
// A [Store] lives as long as a run: the inventory's variables, the extra
// variables, and for each host an immutable [State] of what the run has learnt
// (facts, include_vars, set_fact, register). To know more is to make a new
// State, so taking a snapshot is keeping a pointer, and going back is setting it.
//
// What a play, its roles, blocks and tasks say comes in as [Layers]; [Compile]
// puts them together once for a task, whatever the number of hosts. A [Scope]
// joins the two for one task on one host, magic variables and loop variables
// included, and never changes. It is what expressions find their names in:
// it has the methods Lookup and Names that engine/jinja asks for.
//
// From the lowest level to the highest:
//
//	role defaults                               Layers
//	inventory and its group_vars, host_vars     inventory.Layers (8 levels)
//	inventory_hostname, group_names …           magic that belongs to the host
//	facts                                       State
//	play vars, vars_prompt, vars_files, role vars, block vars, task vars   Layers
//	include_vars, then set_fact and register    State
//	role params, include params                 Layers
//	extra vars                                  Store
//	magic variables
//	loop variables                              Scope.With
//
// Values may be templates, pending, unknown or secret: nothing is rendered or
// waited for here. [ParseExtra] reads -e, [LoadFile] a file of variables, and a
// [Masker] keeps secrets out of text.
//
// The package imports inventory, engine/value and engine/diag of rp; not
// engine/play and not engine/jinja.
package vars

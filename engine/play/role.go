package play

import "rp/engine/value"

// Role is a role as one place uses it: two uses with other parameters are two Roles.
type Role struct {
	// Name as it was written; Path is the role's directory.
	Name, Path string
	// Key is the same for uses that Ansible counts as the same role: without
	// AllowDuplicates the second of them does not run on a host where the first ran.
	Key             string
	AllowDuplicates bool
	// Defaults and Vars are what defaults/ and vars/ hold, never nil.
	Defaults, Vars *value.Dict
	// Params are the role's parameters ({role: x, port: 80}), Given its vars: ({role: x, vars: {port: 80}}).
	Params, Given *value.Dict
	// Dependencies are the roles that meta/main.yml asks for, as used for this one.
	Dependencies []*Role
	// Chain are the roles that led here as dependencies, or by import or include inside them, the outermost first.
	Chain []*Role
	// Handlers are the role's own and those of its dependencies.
	Handlers []*Task
	// ArgumentSpecs is what meta/argument_specs.yml says of the role's parameters, or nil.
	ArgumentSpecs *value.Dict
	// Public: the whole play sees its variables.
	Public bool
}

// AllDependencies are r's dependencies and theirs, each before the one that asks for it.
func (r *Role) AllDependencies() []*Role {
	var all []*Role
	for _, d := range r.Dependencies {
		all = append(append(all, d.AllDependencies()...), d)
	}
	return all
}

// AllDefaults are the defaults that r's tasks see: of its dependencies, of the
// roles that led to it, its own; a later one wins.
func (r *Role) AllDefaults() *value.Dict {
	d := value.NewDict()
	for _, dep := range r.AllDependencies() {
		merge(d, dep.ExportedDefaults())
	}
	for _, parent := range r.Chain {
		merge(d, parent.Defaults)
	}
	return merge(d, r.Defaults)
}

// ExportedDefaults are the defaults of r that the play's other tasks see: of
// its dependencies, and its own.
func (r *Role) ExportedDefaults() *value.Dict {
	d := value.NewDict()
	for _, dep := range r.AllDependencies() {
		merge(d, dep.Defaults)
	}
	return merge(d, r.Defaults)
}

// ExportedVars are the variables of r that the play's other tasks see: vars/ of
// its dependencies, and its own.
func (r *Role) ExportedVars() *value.Dict {
	d := value.NewDict()
	for _, dep := range r.AllDependencies() {
		merge(d, dep.Vars)
	}
	return merge(d, r.Vars)
}

// AllVars are the variables that r's own tasks see: those of the roles that led
// to it, ExportedVars, and the parameters and vars: that r was used with.
func (r *Role) AllVars() *value.Dict {
	d := value.NewDict()
	for _, parent := range r.Chain {
		merge(merge(d, parent.Given), parent.Vars)
	}
	merge(d, r.ExportedVars())
	merge(d, r.AllParams())
	return merge(d, r.Given)
}

// AllParams are the parameters of r and of the roles that led to it. They rank
// above facts and registered results.
func (r *Role) AllParams() *value.Dict {
	d := value.NewDict()
	for _, parent := range r.Chain {
		merge(d, parent.Params)
	}
	return merge(d, r.Params)
}

// merge sets what from has in d, and gives d. from may be nil.
func merge(d, from *value.Dict) *value.Dict {
	if from != nil {
		for k, v := range from.All() {
			d.Set(k, v)
		}
	}
	return d
}

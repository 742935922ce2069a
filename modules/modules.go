// Package modules is the table of modules: what a task can name.
//
// Each module is one file with its [module.Spec]: arguments, documentation,
// examples, and the function that says what it wants. Modules read a host
// through [module.Target] and say which states they want of it; they never
// compare, never write and cannot know whether the run is a dry run. Actions
// run on the controller and see it through [module.Controller].
//
// The flow of a task: [Table.Find] gives the Spec, Spec.Bind checks and types
// the arguments, Spec.Run (on the target) or Spec.Act (on the controller) does
// the rest. It runs on targets too, so it imports engine/module, state, value,
// diag and the standard library only, and neither os, net nor net/http.
package modules

import (
	"slices"
	"strings"

	"rp/engine/module"
)

// A Table finds modules by the names that playbooks use.
type Table struct {
	all    []*module.Spec // public ones, by name
	byName map[string]*module.Spec
}

// New is the table of all modules. Each call gives its own.
func New() *Table {
	t := &Table{byName: map[string]*module.Spec{}}
	for _, spec := range public() {
		s := own(spec)
		t.all = append(t.all, s)
		t.add(s)
	}
	slices.SortFunc(t.all, func(a, b *module.Spec) int { return strings.Compare(a.Name, b.Name) })
	for _, s := range internal() {
		t.add(own(s))
	}
	return t
}

// own is a copy of s, so that tables do not share what add puts into it.
func own(s *module.Spec) *module.Spec {
	c := *s
	return &c
}

func (t *Table) add(s *module.Spec) {
	if s.Run != nil {
		expandPaths(s)
	}
	names := append([]string{s.Name}, s.Names...)
	if s.Builtin {
		names = append(names, "ansible.builtin."+s.Name, "ansible.legacy."+s.Name)
	}
	for _, n := range names {
		if t.byName[n] != nil {
			panic("modules: two modules are called " + n)
		}
		t.byName[n] = s
	}
}

// All are the modules that a playbook can name, sorted by name.
func (t *Table) All() []*module.Spec { return t.all }

// Find is the module that goes by name: plain, ansible.builtin.NAME,
// ansible.legacy.NAME, or another full name that its Spec lists. The parts of
// actions that run on the host (rp.content …) are found too and are not in All.
func (t *Table) Find(name string) (*module.Spec, bool) {
	s, ok := t.byName[name]
	return s, ok
}

// Names are all names that Find knows except those of internal modules, sorted; for suggestions.
func (t *Table) Names() []string {
	var ns []string
	for n := range t.byName {
		if !strings.HasPrefix(n, "rp.") {
			ns = append(ns, n)
		}
	}
	slices.Sort(ns)
	return ns
}

// shared is the table behind the package's own functions.
var shared = New()

// All are the modules that a playbook can name; see [Table.All].
func All() []*module.Spec { return shared.All() }

// Find is the module that goes by name; see [Table.Find].
func Find(name string) (*module.Spec, bool) { return shared.Find(name) }

// Names are the names that Find knows; see [Table.Names].
func Names() []string { return shared.Names() }

// public are the modules that playbooks can name.
func public() []*module.Spec {
	return []*module.Spec{
		&addHostSpec, &assertSpec, &blockinfileSpec, &commandSpec, &copySpec, &debugSpec, &envSpec, &failSpec, &fetchSpec, &fileSpec, &findSpec,
		&gatherFactsModule, &getURLSpec, &getentSpec, &groupBySpec, &groupSpec, &includeVarsSpec, &lineinfileSpec, &metaSpec, &packageSpec,
		&pauseSpec, &pingSpec, &rawSpec, &replaceSpec, &repoSpec, &scriptSpec, &serviceSpec, &setFactSpec, &setupModule, &shellSpec, &slurpSpec,
		&statSpec, &subidSpec, &sysctlSpec, &systemdModule, &systemdServiceSpec, &tempfileSpec, &templateSpec, &unarchiveSpec, &uriSpec,
		&userSpec, &waitForSpec,
	}
}

// internal are the parts of actions that run on the host.
func internal() []*module.Spec {
	return []*module.Spec{&contentOnHost, &copyOnHost, &fetchOnHost, &scriptOnHost, &treeOnHost, &unarchiveOnHost}
}

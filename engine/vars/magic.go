package vars

import (
	"slices"

	"rp/engine/value"
)

// The version of ansible-core whose behaviour this is: the magic variable ansible_version.
const ansibleVersion = "2.17.5"

// pythonPath is ansible_playbook_python. rp has no Python; playbooks hand the
// value on as an interpreter for local tasks, where it has no effect.
const pythonPath = "/usr/bin/python3"

// magicNames are the variables that nobody can set. Those of the host alone
// (inventory_hostname, group_names …) are not among them: Ansible lets plays override these.
var magicNames = map[string]bool{
	"vars": true, "hostvars": true, "groups": true, "omit": true, "environment": true, "playbook_dir": true,
	"play_hosts": true, "ansible_play_hosts": true, "ansible_play_hosts_all": true, "ansible_play_batch": true, "ansible_play_name": true,
	"role_name": true, "role_path": true, "role_names": true, "ansible_role_name": true, "ansible_role_names": true, "ansible_play_role_names": true,
	"ansible_dependent_role_names": true, "ansible_parent_role_names": true, "ansible_version": true, "ansible_check_mode": true, "ansible_diff_mode": true,
	"ansible_forks": true, "ansible_run_tags": true, "ansible_skip_tags": true, "ansible_verbosity": true, "ansible_limit": true,
	"ansible_config_file": true, "ansible_inventory_sources": true, "ansible_playbook_python": true,
}

// IsMagic reports whether name is a variable that nobody can set: set_fact and
// register of such a name have no effect.
func IsMagic(name string) bool { return magicNames[name] }

// hasMagic reports whether the magic variable name is listed in s. Outside of a play hostvars can be used, but is not.
func (s *Scope) hasMagic(name string) bool {
	if name == "hostvars" || name == "vars" {
		return s.c.play != nil && name == "hostvars"
	}
	used := s.pins.others.Load()
	_, ok := s.magic(name)
	// To list a name is not to use what it holds.
	s.pins.others.Store(used)
	return ok
}

// magic is a magic variable where it is defined.
func (s *Scope) magic(name string) (any, bool) {
	run := s.store.run
	switch name {
	case "omit":
		return value.Omit{}, true
	case "groups":
		return s.store.inv.GroupsDict(), true
	case "ansible_version":
		return value.DictOf("full", ansibleVersion, "major", int64(2), "minor", int64(17), "revision", int64(5), "string", ansibleVersion), true
	case "ansible_check_mode":
		return run.CheckMode, true
	case "ansible_diff_mode":
		return run.DiffMode, true
	case "ansible_forks":
		return int64(run.Forks), true
	case "ansible_verbosity":
		return int64(run.Verbosity), true
	case "ansible_run_tags":
		return value.Strings(run.RunTags...), true
	case "ansible_skip_tags":
		return value.Strings(run.SkipTags...), true
	case "ansible_limit":
		return run.Limit, run.Limit != ""
	case "ansible_config_file":
		return orNil(run.ConfigFile), true
	case "ansible_inventory_sources":
		return value.Strings(s.store.inv.Sources()...), true
	case "ansible_playbook_python":
		return pythonPath, true
	case "vars":
		return varsObject{s}, true
	case "hostvars":
		return hostvars{s}, true
	case "playbook_dir":
		return basePath(s.dir), s.dir != ""
	}
	return s.playMagic(name)
}

// playMagic are those that only a play has.
func (s *Scope) playMagic(name string) (any, bool) {
	p := s.c.play
	if p == nil {
		return nil, false
	}
	switch name {
	case "environment":
		return &value.List{Items: slices.Clone(s.c.environment)}, true
	case "ansible_play_name":
		return p.Name, true
	case "ansible_play_hosts_all":
		return value.Strings(p.HostsAll...), true
	case "ansible_play_hosts":
		return s.live(p.HostsAll), true
	case "ansible_play_batch", "play_hosts":
		return s.live(p.Batch), true
	case "role_names", "ansible_play_role_names":
		return value.Strings(p.Roles...), true
	case "ansible_dependent_role_names":
		return value.Strings(p.DependentRoles...), true
	case "ansible_role_names":
		all := slices.Clone(p.Roles)
		for _, r := range p.DependentRoles {
			if !slices.Contains(all, r) {
				all = append(all, r)
			}
		}
		return value.Strings(all...), true
	}
	return s.roleMagic(name)
}

func (s *Scope) roleMagic(name string) (any, bool) {
	r := s.c.role
	if r == nil {
		return nil, false
	}
	switch name {
	case "role_name", "ansible_role_name":
		return r.Name, true
	case "role_path":
		return basePath(r.Path), true
	case "ansible_parent_role_names":
		return value.Strings(r.Parents...), len(r.Parents) > 0
	}
	return nil, false
}

// live are those of hosts that have not failed, as it was when s was first asked.
func (s *Scope) live(hosts []string) *value.List {
	s.pins.others.Store(true)
	s.pins.mu.Lock()
	defer s.pins.mu.Unlock()
	if s.pins.removed == nil {
		s.pins.removed = map[string]bool{}
		if s.c.play.Removed != nil {
			for _, h := range s.c.play.Removed() {
				s.pins.removed[h] = true
			}
		}
	}
	l := &value.List{Items: []any{}}
	for _, h := range hosts {
		if !s.pins.removed[h] {
			l.Append(h)
		}
	}
	return l
}

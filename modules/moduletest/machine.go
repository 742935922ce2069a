// Package moduletest is a machine in memory, for the tests of modules.
//
// [Machine] implements host.Host over maps: what a test puts there is what a
// module reads, what it wants is written there, what it does is noted. It
// answers probes from its files and accounts, or from answers that the test
// gives. [Run] runs a module on it with the engine's own loop, and [Control]
// is the controller of an action. It is imported by tests only.
package moduletest

import (
	"context"
	"fmt"
	"path"
	"slices"
	"sort"
	"strings"

	"rp/engine/state"
)

// Machine is a host in memory. It is not safe for concurrent use.
type Machine struct {
	// States are what is true, by key: files, users, groups, packages, sysctls, units, lingers.
	States map[state.Key]state.State
	// Answers are what probes give that Machine cannot make up itself, by key: downloads, requests, ports, archives, guards, facts.
	Answers map[state.Key]state.State
	// Outcomes are what events give, by key; others succeed with no output.
	Outcomes map[state.Key]state.Outcome
	// Done are the events that were done, in order.
	Done []state.Event
	// System is what the machine is.
	System state.System
	// Updated is when its package index was fetched, in seconds since 1970.
	Updated int64
	// Hard are files that are other names of files.
	Hard map[string]string
	// Effects, when not nil, is called for each event, to do to the machine what it does.
	Effects func(m *Machine, e state.Event)
}

// New is a Debian-like machine with the directories /, /etc, /etc/sysctl.d, /etc/apt/sources.list.d, /home, /tmp, /usr/local/bin and the account root.
func New() *Machine {
	m := &Machine{States: map[state.Key]state.State{}, Answers: map[state.Key]state.State{}, Outcomes: map[state.Key]state.Outcome{}}
	m.System = state.System{
		PackageManager: state.Is("apt"), ServiceManager: state.Is("systemd"), OSRelease: state.Is(map[string]string{"ID": "debian", "VERSION_ID": "12"}),
		Arch: state.Is("x86_64"), Kernel: state.Is("6.1.0"), UID: state.Is(int64(0)), User: state.Is("root"), Group: state.Is("root"), Home: state.Is("/root"),
		Umask: state.Is(state.Mode(0o022)), Now: state.Is(int64(1_700_000_000_000_000_000)),
	}
	m.Updated = 1_699_999_000
	for _, d := range []string{"/", "/etc", "/etc/sysctl.d", "/etc/profile.d", "/etc/apt", "/etc/apt/sources.list.d", "/etc/skel", "/home", "/root", "/tmp", "/usr", "/usr/local", "/usr/local/bin"} {
		m.Dir(d)
	}
	m.User("root", 0, "/root", "/bin/bash")
	return m
}

// Dir puts a directory of root's at p.
func (m *Machine) Dir(p string) {
	m.Put(state.File{Path: p, Type: state.Is(state.Directory), Owner: state.Is("root"), Group: state.Is("root"), Mode: state.Is(state.Mode(0o755))})
}

// File puts a file of root's with the given text at p.
func (m *Machine) File(p, text string) {
	m.Put(state.File{Path: p, Type: state.Is(state.Regular), Content: state.Is(state.Text(text)), Owner: state.Is("root"), Group: state.Is("root"), Mode: state.Is(state.Mode(0o644)), MTime: state.Is(int64(1_600_000_000_000_000_000))})
}

// User puts an account there, with a group of its own.
func (m *Machine) User(name string, id int64, home, shell string) {
	m.Put(state.User{Name: name, Present: state.Is(true), UID: state.Is(id), Group: state.Is(name), Groups: state.Is([]string(nil)), Home: state.Is(home), Shell: state.Is(shell), Comment: state.Is("")})
	m.Put(state.Group{Name: name, Present: state.Is(true), GID: state.Is(id)})
}

// Put makes s true.
func (m *Machine) Put(s state.State) { m.States[s.Key()] = s }

// Answer is what the probe s gives.
func (m *Machine) Answer(s state.State) { m.Answers[s.Key()] = s }

// Text is the text of the file at p, "" where there is none.
func (m *Machine) Text(p string) string {
	f, _ := m.States[state.Key{Kind: "file", Name: p}].(state.File)
	return string(f.Content.Or(state.Content{}).Data)
}

// Read implements host.Reader.
func (m *Machine) Read(_ context.Context, ss ...state.State) ([]state.State, error) {
	out := make([]state.State, len(ss))
	for i, s := range ss {
		var err error
		if out[i], err = m.read(s); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func (m *Machine) read(s state.State) (state.State, error) {
	have, there := m.States[s.Key()]
	switch q := s.(type) {
	case state.File:
		return m.file(q), nil
	case state.User:
		if !there {
			return state.User{Name: q.Name, Present: state.Is(false)}, nil
		}
		return have, nil
	case state.Group:
		if !there {
			return state.Group{Name: q.Name, Present: state.Is(false)}, nil
		}
		return have, nil
	case state.Package:
		if !there {
			return state.Package{Name: q.Name, Present: state.Is(false)}, nil
		}
		return have, nil
	case state.Sysctl:
		if !there {
			return state.Sysctl{Name: q.Name, Present: state.Is(false)}, nil
		}
		return have, nil
	case state.Unit:
		if !there {
			return state.Unit{Name: q.Name, Scope: q.Scope, User: q.User, Present: state.Is(false), Enabled: state.Is(false), Active: state.Is(false), Masked: state.Is(false)}, nil
		}
		return have, nil
	case state.Linger:
		if !there {
			return state.Linger{User: q.User, Enabled: state.Is(false), Running: state.Is(false)}, nil
		}
		return have, nil
	}
	return m.probe(s)
}

func (m *Machine) probe(s state.State) (state.State, error) {
	switch q := s.(type) {
	case state.System:
		return m.System, nil
	case state.Accounts:
		return m.accounts(), nil
	case state.Stat:
		return m.stat(q), nil
	case state.Walk:
		return m.walk(q), nil
	case state.PackageIndex:
		q.Updated = state.Is(m.Updated)
		return q, nil
	case state.SubIDs:
		return m.subIDs(q), nil
	case state.Guard:
		if a, ok := m.Answers[s.Key()]; ok {
			return a, nil
		}
		q.RC = state.Is(1)
		return q, nil
	}
	if s.Key().Kind == "transaction" { // package host asks it in a dry run: what packages would bring along
		return state.Obscure(s, ""), nil
	}
	a, ok := m.Answers[s.Key()]
	if !ok {
		return nil, fmt.Errorf("the test gives no answer for %s", s.Key())
	}
	return a, nil
}

func (m *Machine) file(q state.File) state.File {
	f, ok := m.States[q.Key()].(state.File)
	if !ok {
		return state.File{Path: q.Path, Type: state.Is(state.Absent)}
	}
	if !q.Content.IsSet() {
		f.Content = state.Value[state.Content]{}
	}
	if !q.MTime.IsSet() {
		f.MTime = state.Value[int64]{}
	}
	return f
}

func (m *Machine) accounts() state.Accounts {
	us, gs := []state.Account{}, []state.GroupEntry{}
	ids := map[string]int64{}
	for _, s := range m.States {
		if g, ok := s.(state.Group); ok && g.Present.Or(false) {
			ids[g.Name] = g.GID.Or(0)
			gs = append(gs, state.GroupEntry{Name: g.Name, GID: g.GID.Or(0)})
		}
	}
	for _, s := range m.States {
		if u, ok := s.(state.User); ok && u.Present.Or(false) {
			us = append(us, state.Account{Name: u.Name, UID: u.UID.Or(0), GID: ids[u.Group.Or("")], Home: u.Home.Or(""), Shell: u.Shell.Or(""), Comment: u.Comment.Or("")})
		}
	}
	sort.Slice(us, func(i, j int) bool { return us[i].UID < us[j].UID })
	sort.Slice(gs, func(i, j int) bool { return gs[i].GID < gs[j].GID })
	return state.Accounts{Users: state.Is(us), Groups: state.Is(gs)}
}

// files are the paths below dir, sorted.
func (m *Machine) files(dir string) []string {
	var ps []string
	for k := range m.States {
		if k.Kind == "file" && strings.HasPrefix(k.Name, strings.TrimSuffix(dir, "/")+"/") && k.Name != dir {
			ps = append(ps, k.Name)
		}
	}
	slices.Sort(ps)
	return ps
}

func (m *Machine) walk(q state.Walk) state.Walk {
	es := []state.Entry{}
	acc := m.accounts()
	for _, p := range m.files(q.Path) {
		rel := strings.TrimPrefix(p, strings.TrimSuffix(q.Path, "/")+"/")
		if q.Depth > 0 && strings.Count(rel, "/") >= q.Depth {
			continue
		}
		f := m.States[state.Key{Kind: "file", Name: p}].(state.File)
		e := state.Entry{Path: p, Type: f.Type.Or(""), Mode: f.Mode.Or(0), Size: f.Content.Or(state.Content{}).Size, MTime: f.MTime.Or(0)}
		for _, u := range acc.Users.Or(nil) {
			if u.Name == f.Owner.Or("") {
				e.UID, e.GID = u.UID, u.GID
			}
		}
		es = append(es, e)
	}
	q.Entries = state.Is(es)
	return q
}

func (m *Machine) subIDs(q state.SubIDs) state.SubIDs {
	name := "/etc/subuid"
	if q.Groups {
		name = "/etc/subgid"
	}
	ranges := []state.SubRange{}
	if a, ok := m.Answers[q.Key()].(state.SubIDs); ok {
		ranges = append(ranges, a.Ranges.Or(nil)...)
	}
	for line := range strings.Lines(m.Text(name)) {
		var r state.SubRange
		parts := strings.Split(strings.TrimSpace(line), ":")
		if len(parts) != 3 || parts[0] != q.User {
			continue
		}
		if _, err := fmt.Sscan(parts[1]+" "+parts[2], &r.Start, &r.Count); err == nil {
			ranges = append(ranges, r)
		}
	}
	q.Ranges = state.Is(ranges)
	return q
}

// parentOf is the directory that holds p.
func parentOf(p string) string { return path.Dir(p) }

package modules_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"rp/engine/host"
	"rp/engine/state"
	"rp/engine/value"
	"rp/modules"
	"rp/modules/moduletest"
)

// later is a value that only the real run will know.
var later = value.Unknown{After: "an earlier task"}

// In a dry run an argument may not be known yet. Where it is one field of what is
// wanted, that field is unknown and all else is predicted; where nothing can be
// said without it, the task's outcome is unknown.
func TestUnknownArguments(t *testing.T) {
	for _, c := range []struct {
		name, module string
		args         map[string]any
		after        string // "" where the task is predicted all the same
		unknown      string // "kind name: field" that must be shown as unknown
	}{
		{"content", "copy", map[string]any{"content": later, "dest": "/etc/motd", "mode": "0600"}, "", "file /etc/motd: Content"},
		{"part of content", "copy", map[string]any{"content": map[string]any{"a": later}, "dest": "/etc/motd"}, "", "file /etc/motd: Content"},
		{"owner", "file", map[string]any{"path": "/srv", "state": "directory", "owner": later}, "", "file /srv: Owner"},
		{"mode", "file", map[string]any{"path": "/srv", "state": "directory", "mode": later}, "", "file /srv: Mode"},
		{"path", "file", map[string]any{"path": later, "state": "directory"}, "an earlier task", ""},
		{"dest", "copy", map[string]any{"content": "x", "dest": later}, "an earlier task", ""},
		{"comment", "user", map[string]any{"name": "me", "comment": later}, "", "user me: Comment"},
		{"uid", "user", map[string]any{"name": "me", "uid": later}, "", "user me: UID"},
		{"name", "user", map[string]any{"name": later}, "an earlier task", ""},
		{"groups", "user", map[string]any{"name": "me", "groups": later}, "", "user me: Groups"},
		{"value", "sysctl", map[string]any{"name": "vm.swappiness", "value": later}, "", "sysctl vm.swappiness: Value"},
		{"cmd", "shell", map[string]any{"cmd": later}, "an earlier task", ""},
		{"creates", "command", map[string]any{"cmd": "x", "creates": later}, "an earlier task", ""},
		{"variables", "env", map[string]any{"file": "/etc/x", "variables": map[string]any{"A": later}}, "an earlier task", ""},
		{"headers", "uri", map[string]any{"url": "http://x/", "headers": map[string]any{"A": later}}, "an earlier task", ""},
		{"body", "uri", map[string]any{"url": "http://x/", "method": "POST", "body_format": "json", "body": map[string]any{"A": later}}, "an earlier task", ""},
		{"enabled", "service", map[string]any{"name": "ssh", "enabled": later}, "", "unit ssh.service: Enabled"},
		{"line", "lineinfile", map[string]any{"path": "/etc/x", "line": later}, "an earlier task", ""},
		{"list item", "package", map[string]any{"name": []any{"a", later}}, "an earlier task", ""},
		{"state", "service", map[string]any{"name": "ssh", "state": later}, "an earlier task", ""},
	} {
		t.Run(c.module+" "+c.name, func(t *testing.T) {
			m := moduletest.New()
			m.File("/etc/x", "x\n")
			m.Put(state.Sysctl{Name: "vm.swappiness", Present: state.Is(true), Value: state.Is("60")})
			m.Put(state.Unit{Name: "ssh.service", Present: state.Is(true), Enabled: state.Is(false), Active: state.Is(true), Masked: state.Is(false)})
			r, err := runOrUnknown(t, m, c.module, c.args)
			if err != nil || r.Failed {
				t.Fatalf("it failed: %v %s", err, r.Msg)
			}
			if r.Unknown != (c.after != "") || r.After != c.after {
				t.Fatalf("unknown is %t after %q, want after %q", r.Unknown, r.After, c.after)
			}
			var shown []string
			for _, ch := range r.Changes {
				for _, d := range ch.Deltas {
					if d.Unknown {
						shown = append(shown, ch.Kind+" "+ch.Name+": "+d.Field)
					}
				}
			}
			if c.unknown != "" && !slices.Contains(shown, c.unknown) {
				t.Errorf("shown as unknown: %v, want %s", shown, c.unknown)
			}
		})
	}
}

// runOrUnknown runs a module on a view of m. An action's panic over an unknown argument is an unknown outcome, as in the engine.
func runOrUnknown(t *testing.T, m *moduletest.Machine, name string, args map[string]any) (moduletest.Ran, error) {
	t.Helper()
	return moduletest.Run(context.Background(), modules.Find, host.NewMemory().View(m, "the task", false), nil, name, args)
}

// What a command gives is unknown in a dry run, under all the names that it has in a result.
func TestCommandResultIsUnknownInADryRun(t *testing.T) {
	for _, name := range []string{"command", "shell", "raw"} {
		r, err := runOrUnknown(t, moduletest.New(), name, map[string]any{"cmd": "date"})
		if err != nil || r.Failed {
			t.Fatalf("%s failed: %v %s", name, err, r.Msg)
		}
		for _, k := range []string{"rc", "stdout", "stdout_lines", "stderr", "stderr_lines"} {
			if _, ok := r.Fields[k].(value.Unknown); !ok {
				t.Errorf("%s: %s is %v, want unknown", name, k, r.Fields[k])
			}
		}
		if !r.Changed || !r.Unknown {
			t.Errorf("%s: changed %t, unknown %t; want both", name, r.Changed, r.Unknown)
		}
	}
}

// A chain on a bare host is predicted: each task sees what the ones before it would have written.
func TestChainIsPredicted(t *testing.T) {
	m := moduletest.New()
	m.File("/etc/login.defs", "SUB_UID_MIN 100000\nHOME_MODE 0700\n")
	mem := host.NewMemory()
	var made []string
	for _, task := range []struct {
		module string
		args   map[string]any
	}{
		{"user", map[string]any{"name": "rootless", "shell": "/bin/bash", "home": "/home/rootless"}},
		{"subid", map[string]any{"user": "rootless"}},
		{"file", map[string]any{"path": "~rootless/bin", "state": "directory", "owner": "rootless"}},
		{"env", map[string]any{"user": "rootless", "file": "~/.bashrc", "variables": map[string]any{"A": "b"}}},
		{"copy", map[string]any{"content": "x", "dest": "/home/rootless/bin/"}},
		{"copy", map[string]any{"content": "x", "dest": "/home/rootless/bin/run"}},
		{"lineinfile", map[string]any{"path": "/home/rootless/bin/run", "line": "y"}},
		{"stat", map[string]any{"path": "/home/rootless/bin/run"}},
	} {
		r, err := moduletest.Run(context.Background(), modules.Find, mem.View(m, task.module, false), nil, task.module, task.args)
		if err != nil {
			t.Fatal(err)
		}
		if r.Unknown {
			t.Errorf("%s %v is not predicted: it waits for %q", task.module, task.args, r.After)
		}
		if r.Failed && !strings.Contains(r.Msg, "it is a directory") {
			t.Errorf("%s %v: %s", task.module, task.args, r.Msg)
		}
		for _, c := range r.Changes {
			made = append(made, c.Kind+" "+c.Name)
		}
		if task.module == "stat" {
			info := value.FromGo(r.Fields["stat"]).(*value.Dict)
			if there, _ := info.Get("exists"); there != true {
				t.Error("stat does not see the predicted file")
			}
		}
	}
	for _, want := range []string{"user rootless", "file /home/rootless/bin", "file /home/rootless/.bashrc", "file /home/rootless/bin/run"} {
		if !slices.Contains(made, want) {
			t.Errorf("%s is not announced: %v", want, made)
		}
	}
	if len(m.Done) > 0 || m.Text("/home/rootless/bin/run") != "" {
		t.Error("the dry run touched the machine")
	}
}

// Secrets stay out of what is shown.
func TestSecretsAreMarked(t *testing.T) {
	secret := value.Secret{V: "hunter2hunter2"}
	for _, c := range []struct {
		module string
		args   map[string]any
	}{
		{"copy", map[string]any{"content": secret, "dest": "/etc/s"}},
		{"copy", map[string]any{"content": map[string]any{"password": secret}, "dest": "/etc/s"}},
		{"lineinfile", map[string]any{"path": "/etc/s", "line": secret, "create": true}},
		{"blockinfile", map[string]any{"path": "/etc/s", "block": secret, "create": true}},
		{"env", map[string]any{"file": "/etc/s", "variables": map[string]any{"TOKEN": secret}}},
		{"shell", map[string]any{"cmd": secret}},
		{"command", map[string]any{"argv": secret}},
		{"user", map[string]any{"name": "u", "password": "$6$hunter2hunter2"}},
		{"template", map[string]any{"src": "s.j2", "dest": "/etc/s"}},
		{"repo", map[string]any{"name": "r", "type": "dnf", "baseurl": "http://x", "password": "hunter2hunter2", "refresh": false}},
	} {
		m := moduletest.New()
		m.Dir("/etc/yum.repos.d")
		ctl := &moduletest.Control{Vars: map[string]any{"token": secret}, Files: map[string]*fstest.MapFile{"s.j2": {Data: []byte("t={{ token }}\n")}}}
		r, err := moduletest.Run(context.Background(), modules.Find, m, ctl, c.module, c.args)
		if err != nil || r.Failed {
			t.Errorf("%s: %v %s", c.module, err, r.Msg)
			continue
		}
		if len(r.Changes) == 0 {
			t.Errorf("%s: it changed nothing", c.module)
		}
		for _, ch := range r.Changes {
			text := ch.Name
			for _, d := range ch.Deltas {
				text += " " + d.From + " " + d.To
			}
			if ch.Before != nil {
				text += *ch.Before + *ch.After
			}
			if strings.Contains(text, "hunter2") {
				t.Errorf("%s shows the secret: %s", c.module, text)
			}
		}
		if cmd, ok := r.Fields["cmd"]; ok {
			if _, hidden := cmd.(value.Secret); !hidden {
				t.Errorf("%s: its result has the secret command in the open: %v", c.module, cmd)
			}
		}
	}
}

// In a dry run nothing is waited for that an earlier task may bring about; without such a task it is.
func TestWaitForInADryRun(t *testing.T) {
	modules.SetClock(t, time.Unix(1_700_000_000, 0))
	m := moduletest.New()
	mem := host.NewMemory()
	wait := func() moduletest.Ran {
		r, err := moduletest.Run(context.Background(), modules.Find, mem.View(m, "wait", false), nil, "wait_for", map[string]any{"path": "/run/docker.sock", "timeout": 20})
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	if r := wait(); !r.Failed || r.Fields["elapsed"] != 20 {
		t.Errorf("with nothing before it: failed %t after %v seconds, want a failure after 20", r.Failed, r.Fields["elapsed"])
	}
	if _, err := moduletest.Run(context.Background(), modules.Find, mem.View(m, "start it", false), nil, "command", map[string]any{"cmd": "dockerd"}); err != nil {
		t.Fatal(err)
	}
	if r := wait(); r.Failed || !r.Unknown {
		t.Errorf("after a command: failed %t (%s), unknown %t; want unknown", r.Failed, r.Msg, r.Unknown)
	}
}

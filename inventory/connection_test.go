package inventory

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"rp/engine/diag"
	"rp/engine/value"
)

func connect(vars map[string]any) (Connection, diag.List) {
	return Connect("web1", func(name string) (any, bool) { v, ok := vars[name]; return v, ok })
}

func TestConnect(t *testing.T) {
	yes, no := true, false
	for name, c := range map[string]struct {
		vars map[string]any
		want Connection
	}{
		"nothing said": {nil, Connection{Kind: SSH, Host: "web1"}},
		"all said": {map[string]any{
			"ansible_connection": "ansible.builtin.ssh", "ansible_host": "10.0.0.1", "ansible_port": int64(2222), "ansible_user": "bob",
			"ansible_password": value.Secret{V: "s3cret"}, "ansible_ssh_private_key_file": "~/.ssh/k", "ansible_timeout": int64(7), "ansible_host_key_checking": "no",
			"ansible_become": "yes", "ansible_become_method": "su", "ansible_become_user": "app", "ansible_become_pass": "pw", "ansible_become_exe": "/bin/su", "ansible_become_flags": "-l", "ansible_remote_tmp": "/x",
		}, Connection{
			Kind: SSH, Host: "10.0.0.1", Port: 2222, User: "bob", Password: "s3cret", KeyFile: "~/.ssh/k", ConnectTimeout: 7 * time.Second, HostKeyChecking: &no,
			Become: &yes, BecomeMethod: "su", BecomeUser: "app", BecomePassword: "pw", BecomeExe: "/bin/su", BecomeFlags: "-l", RemoteTmp: "/x",
		}},
		"the older names go first": {map[string]any{
			"ansible_host": "a", "ansible_ssh_host": "b", "ansible_user": "a", "ansible_ssh_user": "b", "ansible_port": int64(1), "ansible_ssh_port": "2", "ansible_password": "a", "ansible_ssh_pass": "b",
		}, Connection{Kind: SSH, Host: "b", User: "b", Port: 2, Password: "b"}},
		"a method's own": {
			map[string]any{"ansible_become_user": "a", "ansible_sudo_user": "b", "ansible_sudo_pass": int64(123), "ansible_su_user": "c"},
			Connection{Kind: SSH, Host: "web1", BecomeUser: "b", BecomePassword: "123"},
		},
		"nothing in them": {
			map[string]any{"ansible_host": nil, "ansible_user": value.Omit{}, "ansible_port": "", "ansible_become": false, "ansible_connection": "local"},
			Connection{Kind: Local, Host: "web1", Become: &no},
		},
		"ssh arguments": {
			map[string]any{"ansible_ssh_common_args": "-o ProxyJump=bob@gate:2222,inner", "ansible_ssh_extra_args": "-i key -C"},
			Connection{Kind: SSH, Host: "web1", SSHText: "-o ProxyJump=bob@gate:2222,inner -i key -C"},
		},
	} {
		got, ds := connect(c.vars)
		if d := cmp.Diff(c.want, got); d != "" || len(ds) > 0 {
			t.Errorf("%s: %v\n%s", name, ds, d)
		}
	}
}

func TestConnectMistakes(t *testing.T) {
	for name, c := range map[string]struct {
		v    any
		want string
	}{
		"ansible_connection":     {"winrm", `ansible_connection "winrm" is not supported yet`},
		"ansible_become_method":  {"runas", `ansible_become_method "runas" is not supported yet`},
		"ansible_port":           {"ssh", "ansible_port must be a port from 1 to 65535"},
		"ansible_ssh_port":       {int64(70000), "ansible_ssh_port must be a port"},
		"ansible_host":           {value.NewList(), "ansible_host must be text"},
		"ansible_become":         {"perhaps", "ansible_become must be yes or no"},
		"ansible_timeout":        {"soon", "ansible_timeout must be a number of seconds"},
		"ansible_user":           {value.Unknown{After: "ask"}, `ansible_user is not known yet (known after "ask")`},
		"ansible_password":       {value.Undefined{Name: "pw"}, "ansible_password: 'pw' is undefined"},
		"ansible_remote_tmp":     {value.Template{Source: "{{ x }}"}, "is still a template"},
		"ansible_ssh_executable": {"/opt/dropbear/dbclient", "not supported yet"},
	} {
		_, ds := connect(map[string]any{name: c.v})
		if len(ds) != 1 || !strings.Contains(ds[0].Message, c.want) {
			t.Errorf("%s = %v: %v, want one error with %q", name, c.v, ds, c.want)
		}
	}
}

func TestPasswordsAreNotShown(t *testing.T) {
	c, _ := connect(map[string]any{"ansible_password": "hunter2", "ansible_become_pass": "hunter3"})
	text, err := json.Marshal(c)
	shown := fmt.Sprintf("%v %+v %#v %s", c, c, c, text)
	if err != nil || strings.Contains(shown, "hunter") {
		t.Errorf("a password is shown: %v %s", err, shown)
	}
	if _, ds := connect(map[string]any{"ansible_port": value.Secret{V: "hunter4"}}); len(ds) != 1 || strings.Contains(ds.Error(), "hunter") {
		t.Errorf("a mistake shows a secret, or is none: %v", ds)
	}
}

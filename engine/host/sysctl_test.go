package host

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"strings"
	"syscall"
	"testing"

	"rp/engine/state"
)

func TestSysctlPath(t *testing.T) {
	for name, want := range map[string]string{
		"kernel.pid_max":                  "/proc/sys/kernel/pid_max",
		"net/ipv4/conf/eth0.1/forwarding": "/proc/sys/net/ipv4/conf/eth0.1/forwarding",
		"net.ipv4.conf.eth0/1.forwarding": "/proc/sys/net/ipv4/conf/eth0.1/forwarding",
		"user.max_user_namespaces":        "/proc/sys/user/max_user_namespaces",
		"":                                "",
		"../etc/passwd":                   "",
		"kernel/../../../etc/passwd":      "",
		"kernel.//.//.etc/passwd\x00":     "",
	} {
		got, err := sysctlPath(name)
		if got != want || (err != nil) != (want == "") {
			t.Errorf("%q: %q, %v", name, got, err)
		}
	}
}

func TestSysctl(t *testing.T) {
	l := fakeRoot(t, map[string]string{"/proc/sys/kernel/sem": "32000\t1024000000\t500\t32000\n", "/proc/sys/kernel/pid_max": "4194304\n"})
	want := state.Sysctl{Name: "kernel.sem", Value: state.Is("250  32000\t100 128")}
	if got := read1(t, l, want); got.Value.Or("") != "32000 1024000000 500 32000" || !got.Present.Or(false) {
		t.Errorf("read %+v", got)
	}
	c := make1(t, l, want)
	if c.To.(state.Sysctl).Value.Or("") != "250 32000 100 128" {
		t.Errorf("the canonical form is %v", c.To)
	}
	verify(t, l, c)
	if text, _ := os.ReadFile(l.path("/proc/sys/kernel/sem")); string(text) != "250 32000 100 128\n" {
		t.Errorf("wrote %q", text)
	}
	none := state.Sysctl{Name: "kernel.unprivileged_userns_clone", Value: state.Is("1")}
	have := read1(t, l, none)
	if have.Present.Or(true) || have.Value.IsSet() {
		t.Errorf("a parameter that is not there: %+v", have)
	}
	if _, err := l.Plan(context.Background(), state.Change{From: have, To: none}); err == nil || !strings.Contains(err.Error(), "no such parameter") {
		t.Errorf("setting it gives %v", err)
	}
	if _, err := l.Read(context.Background(), state.Sysctl{Name: "kernel"}); err == nil || !strings.Contains(err.Error(), "group of parameters") {
		t.Errorf("a directory gives %v", err)
	}
}

func TestExplainSysctl(t *testing.T) {
	for err, want := range map[error]string{
		syscall.EROFS: "container", syscall.EINVAL: "does not take this value", fs.ErrNotExist: "no such parameter", fs.ErrPermission: "",
		syscall.EIO: "input/output",
	} {
		got := explainSysctl(err)
		if !errors.Is(got, err) || !strings.Contains(got.Error(), want) {
			t.Errorf("%v is explained as %v", err, got)
		}
	}
}

func FuzzSysctlPath(f *testing.F) {
	f.Add("net.ipv4/conf.eth0")
	f.Add("/../..")
	f.Add("0/..")
	f.Fuzz(func(t *testing.T, name string) {
		if p, err := sysctlPath(name); err == nil && !strings.HasPrefix(p, "/proc/sys/") {
			t.Errorf("%q leads to %q", name, p)
		}
	})
}

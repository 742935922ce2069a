package host

import (
	"context"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"rp/engine/state"
)

// shortRoot is a root whose path is short enough for the names of sockets.
func shortRoot(t *testing.T, uid string) *Linux {
	t.Helper()
	root, err := os.MkdirTemp("/tmp", "rp")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(root) })
	for p, text := range map[string]string{"/etc/passwd": "bob:x:" + uid + ":" + uid + "::/home/bob:/bin/sh\n", "/etc/group": "bob:x:" + uid + ":\n"} {
		if err := os.MkdirAll(filepath.Join(root, filepath.Dir(p)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(root, p), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return NewLinux(Options{Root: root})
}

func listen(t *testing.T, path string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	s, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
}

func TestLinger(t *testing.T) {
	l := shortRoot(t, "1001")
	want := state.Linger{User: "bob", Enabled: state.Is(true)}
	if got := read1(t, l, want); got.Enabled.Or(true) || got.Running.Or(true) {
		t.Errorf("before: %+v", got)
	}
	c := plan1(t, l, want)
	if got, want := withText(c), "file /var/lib/systemd/linger type=directory owner=root group=root mode=0755\n"+
		"file /var/lib/systemd/linger/bob type=file content=\"\" owner=root group=root mode=0644\n"; got != want {
		t.Errorf("it brings along\n%s\nwant\n%s", got, want)
	}
	runtime := l.path("/run/user/1001")
	log := fakeTools(t, map[string]string{
		"loginctl":  "/bin/mkdir -p " + l.path("/var/lib/systemd/linger") + "; : > " + l.path("/var/lib/systemd/linger/bob"),
		"systemctl": "exit 0",
	})
	listen(t, filepath.Join(runtime, "systemd/private"))
	if err := l.Write(context.Background(), c); err != nil {
		t.Fatal(err)
	}
	ran := "loginctl enable-linger bob"
	if os.Geteuid() == 0 {
		ran += "\nsystemctl start user@1001.service"
	}
	if got := log(); got != ran {
		t.Errorf("ran\n%s\nwant\n%s", got, ran)
	}
	verify(t, l, state.Change{From: c.From, To: c.To})
	if got := read1(t, l, want); !got.Running.Or(false) {
		t.Error("a manager without a bus (no dbus-user-session) does not count as running")
	}
	if err := os.WriteFile(filepath.Join(runtime, "bus"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if got := read1(t, l, want); got.Running.Or(true) {
		t.Error("a bus that does not answer counts as running")
	}
}

func TestLingerOfNobody(t *testing.T) {
	l := shortRoot(t, "1001")
	want := state.Linger{User: "nobody-there", Enabled: state.Is(true)}
	err := l.Write(context.Background(), state.Change{From: read1(t, l, want), To: want})
	if err == nil || !strings.Contains(err.Error(), `there is no user "nobody-there"`) {
		t.Errorf("got %v", err)
	}
}

package host

import (
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"rp/engine/state"
)

func TestSystem(t *testing.T) {
	l := fakeRoot(t, map[string]string{
		"/etc/os-release":  "# who\nNAME=\"Debian GNU/Linux\"\nID=debian\nVERSION_ID='12'\nEMPTY=\nodd line\n",
		"/usr/bin/apt-get": "", "/run/systemd/system/x": "", "/etc/passwd": "root:x:0:0:root:/the/home:/bin/sh\n", "/etc/group": "root:x:0:\n",
	})
	if err := os.Chmod(l.path("/usr/bin/apt-get"), 0o755); err != nil {
		t.Fatal(err)
	}
	s := read1(t, l, state.System{})
	want := map[string]string{"NAME": "Debian GNU/Linux", "ID": "debian", "VERSION_ID": "12", "EMPTY": ""}
	if !maps.Equal(s.OSRelease.Or(nil), want) {
		t.Errorf("os-release is %q", s.OSRelease)
	}
	if s.PackageManager.Or("") != "apt" || s.ServiceManager.Or("") != "systemd" || s.UID.Or(-1) != int64(os.Geteuid()) || s.Kernel.Or("") == "" || s.Arch.Or("") == "" || s.Now.Or(0) == 0 {
		t.Errorf("got %+v", s)
	}
	if os.Geteuid() == 0 && (s.User.Or("") != "root" || s.Group.Or("") != "root" || s.Home.Or("") != "/the/home") {
		t.Errorf("user %s, group %s, home %s", s.User, s.Group, s.Home)
	}
	bare := read1(t, fakeRoot(t, nil), state.System{})
	if bare.PackageManager.Or("?") != "" || bare.ServiceManager.Or("?") != "" || len(bare.OSRelease.Or(nil)) != 0 {
		t.Errorf("an empty machine is %+v", bare)
	}
}

func TestServiceManagers(t *testing.T) {
	for mark, want := range map[string]string{"/run/openrc/x": "openrc", "/etc/init.d/x": "sysv", "/run/systemd/system/x": "systemd"} {
		if got := read1(t, fakeRoot(t, map[string]string{mark: ""}), state.System{}).ServiceManager.Or("?"); got != want {
			t.Errorf("%s: %q, want %q", mark, got, want)
		}
	}
}

func TestUmask(t *testing.T) {
	r, err := NewLinux(Options{}).run(t.Context(), call{argv: []string{"/bin/sh", "-c", "umask"}})
	if err != nil {
		t.Fatal(err)
	}
	if got := NewLinux(Options{}).umask(t.Context()); got.String() != strings.TrimSpace(string(r.stdout)) {
		t.Errorf("umask %s, the shell says %s", got, r.stdout)
	}
}

func TestTool(t *testing.T) {
	dir := t.TempDir()
	put(t, filepath.Join(dir, "mine"), "#!/bin/sh\n", 0o755)
	put(t, filepath.Join(dir, "text"), "", 0o644)
	t.Setenv("PATH", dir+":relative")
	l := NewLinux(Options{})
	for name, want := range map[string]string{
		"mine": filepath.Join(dir, "mine"), "text": "", "none": "", filepath.Join(dir, "mine"): filepath.Join(dir, "mine"), dir: "", "/none": "",
	} {
		if got := read1(t, l, state.Tool{Name: name}); got.Path.Or("?") != want {
			t.Errorf("%s is at %q, want %q", name, got.Path, want)
		}
	}
	if got := read1(t, l, state.Tool{Name: "sh"}).Path.Or(""); got == "" {
		t.Error("sh is not found outside of PATH")
	}
}

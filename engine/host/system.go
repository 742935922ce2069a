package host

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"rp/engine/state"
)

func init() {
	register("system", kind{read: readSystem})
}

func readSystem(ctx context.Context, l *Linux, ss []state.State) ([]state.State, error) {
	sys, err := l.system(ctx)
	if err != nil {
		return nil, err
	}
	out := make([]state.State, len(ss))
	for i := range ss {
		out[i] = sys
	}
	return out, nil
}

func (l *Linux) system(ctx context.Context) (state.System, error) {
	var u unix.Utsname
	if err := unix.Uname(&u); err != nil {
		return state.System{}, fmt.Errorf("cannot ask the kernel its name: %w", err)
	}
	n := newNames(l)
	uid := int64(os.Geteuid())
	user, err := n.user(ctx, uid, "")
	if err != nil {
		return state.System{}, err
	}
	group, err := n.group(ctx, int64(os.Getegid()), "")
	if err != nil {
		return state.System{}, err
	}
	return state.System{
		PackageManager: state.Is(l.packageManager()),
		ServiceManager: state.Is(l.serviceManager()),
		OSRelease:      state.Is(l.osRelease()),
		Arch:           state.Is(unix.ByteSliceToString(u.Machine[:])),
		Kernel:         state.Is(unix.ByteSliceToString(u.Release[:])),
		UID:            state.Is(uid),
		User:           state.Is(user),
		Group:          state.Is(group),
		Home:           state.Is(l.home(user)),
		Umask:          state.Is(l.umask(ctx)),
		Now:            state.Is(time.Now().UnixNano()),
	}, nil
}

// packageManager is the manager that the host has, judged by its tool; where there are several
// (dnf brings a yum), the first.
func (l *Linux) packageManager() string {
	for _, m := range []struct{ name, tool string }{
		{"apt", "apt-get"}, {"dnf", "dnf"}, {"dnf", "dnf5"}, {"yum", "yum"}, {"zypper", "zypper"}, {"pacman", "pacman"}, {"apk", "apk"},
	} {
		for _, dir := range []string{"/usr/bin", "/sbin", "/usr/sbin", "/bin"} {
			if executable(l.path(dir + "/" + m.tool)) {
				return m.name
			}
		}
	}
	return ""
}

// serviceManager is what runs as process 1: systemd leaves the mark that
// sd_booted(3) looks for, OpenRC its state directory.
func (l *Linux) serviceManager() string {
	for _, m := range []struct{ name, mark string }{
		{"systemd", "/run/systemd/system"}, {"openrc", "/run/openrc"}, {"openrc", "/sbin/openrc-run"}, {"sysv", "/etc/init.d"},
	} {
		if _, err := os.Stat(l.path(m.mark)); err == nil {
			return m.name
		}
	}
	return ""
}

// osRelease is os-release(5): /etc before /usr/lib. Empty where there is none.
func (l *Linux) osRelease() map[string]string {
	for _, p := range []string{"/etc/os-release", "/usr/lib/os-release"} {
		if text, err := readBounded(l.path(p), 1<<20); err == nil {
			return parseOSRelease(string(text))
		}
	}
	return map[string]string{}
}

func parseOSRelease(text string) map[string]string {
	m := map[string]string{}
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		k, v, ok := strings.Cut(line, "=")
		if !ok || strings.HasPrefix(line, "#") {
			continue
		}
		if words, err := splitWords(v); err == nil {
			v = strings.Join(words, " ")
		}
		m[k] = v
	}
	return m
}

// home is the home directory of the process's user.
func (l *Linux) home(user string) string {
	if text, err := l.accountFile("/etc/passwd"); err == nil {
		for _, u := range parsePasswd(text) {
			if u.Name == user {
				return u.Home
			}
		}
	}
	return os.Getenv("HOME")
}

// umask is the process's file mode creation mask. The kernel tells it in /proc since
// Linux 4.7; before that a child is asked, as setting it to look would be felt by others.
func (l *Linux) umask(ctx context.Context) state.Mode {
	if text, err := readBounded("/proc/self/status", 1<<16); err == nil {
		if _, rest, ok := strings.Cut(string(text), "\nUmask:"); ok {
			word, _, _ := strings.Cut(strings.TrimSpace(rest), "\n")
			if m, err := strconv.ParseUint(strings.TrimSpace(word), 8, 12); err == nil {
				return state.Mode(m)
			}
		}
	}
	if r, err := l.run(ctx, call{argv: []string{"/bin/sh", "-c", "umask"}}); err == nil {
		if m, err := strconv.ParseUint(strings.TrimSpace(string(r.stdout)), 8, 12); err == nil {
			return state.Mode(m)
		}
	}
	return 0o022
}

package host

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"rp/engine/state"
)

// zypper is SUSE's package manager. It cannot tell in advance what it would do
// without writing its log, so what a package brings along stays unknown.
type zypper struct{ l *Linux }

// zypperLocked is zypper(8)'s exit status when another process holds the lock.
const zypperLocked = 7

func (z *zypper) read(ctx context.Context, ps []state.Package) ([]state.Package, error) {
	return rpmRead(ctx, z.l, ps)
}

func (z *zypper) compare(a, b string) int { return compareRPM(a, b) }

func (z *zypper) simulate(context.Context, transaction) ([]step, error) { return nil, errUnsure }

func (z *zypper) write(ctx context.Context, t transaction) error {
	var install, remove []string
	for _, p := range t.install {
		name := p.Name
		if v, ok := exactVersion(p); ok {
			name += "=" + v
		}
		install = append(install, name)
	}
	for _, p := range t.remove {
		remove = append(remove, p.Name)
	}
	var argv []string
	if len(install) == 0 {
		argv = []string{"remove"}
		if t.autoRemove {
			argv = append(argv, "--clean-deps")
		}
		argv = append(argv, remove...)
	} else {
		argv = []string{"install", "--auto-agree-with-licenses"}
		if t.noRecommends {
			argv = append(argv, "--no-recommends")
		}
		if t.allowDowngrade {
			argv = append(argv, "--oldpackage")
		}
		argv = append(argv, install...)
		for _, r := range remove { // zypper(8): !NAME in an install removes, in the same transaction
			argv = append(argv, "!"+r)
		}
	}
	return z.run(ctx, t.lockTimeout, packageTimeout, argv...)
}

func (z *zypper) run(ctx context.Context, wait, timeout time.Duration, args ...string) error {
	argv := append([]string{"zypper", "--non-interactive", "--no-color"}, args...)
	return waitForLock(ctx, wait, func() (bool, error) {
		r, err := z.l.run(ctx, call{argv: argv, timeout: timeout, env: []string{fmt.Sprintf("ZYPP_LOCK_TIMEOUT=%d", int(wait.Seconds()))}})
		switch {
		case err != nil:
			return false, err
		case r.rc == 0 || r.rc >= 100 && r.rc <= 103: // 100 to 103 are informative: updates, a reboot or restart is needed
			return false, nil
		}
		return r.rc == zypperLocked, fmt.Errorf("zypper ended with status %d: %s", r.rc, lastLines(string(r.stdout)+string(r.stderr), 10))
	})
}

func (z *zypper) refresh(ctx context.Context, wait time.Duration) error {
	return z.run(ctx, wait, refreshTimeout, "refresh")
}

func (z *zypper) updated() (int64, error) {
	var files []string
	for _, pattern := range []string{"/var/cache/zypp/raw/*/cookie", "/var/cache/zypp/solv/*/cookie"} {
		found, err := filepath.Glob(z.l.path(pattern))
		if err != nil {
			return 0, err
		}
		for _, f := range found {
			files = append(files, strings.TrimPrefix(f, z.l.o.Root))
		}
	}
	return newestTime(z.l, files...)
}

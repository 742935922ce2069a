package host

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"rp/engine/state"
)

func init() {
	register("sysctl", kind{read: readSysctls, plan: planSysctl, write: writeSysctls})
}

const procSys = "/proc/sys"

// sysctlPath is the file below /proc/sys of a parameter. As for sysctl(8) dots
// separate, unless a slash comes first: then slashes do, and dots belong to names
// (net/ipv4/conf/eth0.1/forwarding, net.ipv4.conf.eth0/1.forwarding).
func sysctlPath(name string) (string, error) {
	swapped := name
	if i := strings.IndexAny(name, "./"); i >= 0 && name[i] == '.' {
		swapped = strings.Map(func(r rune) rune {
			switch r {
			case '.':
				return '/'
			case '/':
				return '.'
			}
			return r
		}, name)
	}
	if swapped == "" || filepath.Clean(swapped) != swapped || !filepath.IsLocal(swapped) || swapped == "." || strings.ContainsAny(swapped, "\x00\n") {
		return "", fmt.Errorf("cannot find sysctl %q: this is no name of a kernel parameter", name)
	}
	return filepath.Join(procSys, swapped), nil
}

// canonicalSysctl separates a value's fields by one space, as they are compared.
func canonicalSysctl(v string) string { return strings.Join(strings.Fields(v), " ") }

func readSysctls(_ context.Context, l *Linux, ss []state.State) ([]state.State, error) {
	out := make([]state.State, len(ss))
	for i, s := range ss {
		p := s.(state.Sysctl)
		path, err := sysctlPath(p.Name)
		if err != nil {
			return nil, err
		}
		text, err := readBounded(l.path(path), 1<<20)
		p.Present, p.Value = state.Is(true), state.Value[string]{}
		switch {
		case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ENOTDIR):
			p.Present = state.Is(false)
		case errors.Is(err, fs.ErrPermission): // only to be written (net.ipv4.route.flush)
		case errors.Is(err, syscall.EISDIR):
			return nil, fmt.Errorf("cannot read sysctl %q: it is a group of parameters", p.Name)
		case err != nil:
			return nil, fmt.Errorf("cannot read sysctl %q: %w", p.Name, err)
		default:
			p.Value = state.Is(canonicalSysctl(string(text)))
		}
		out[i] = p
	}
	return out, nil
}

// planSysctl fails where the kernel is known not to have the parameter.
func planSysctl(_ context.Context, _ Reader, c state.Change) (state.Change, error) {
	from, to := c.From.(state.Sysctl), c.To.(state.Sysctl)
	if !from.Present.Or(true) && to.Value.IsSet() {
		return c, fmt.Errorf("cannot set sysctl %q: this kernel has no such parameter (a module that is not loaded may bring it)", to.Name)
	}
	to.Value = state.Map(to.Value, canonicalSysctl)
	c.To = to
	return c, nil
}

func writeSysctls(_ context.Context, l *Linux, cs []state.Change) error {
	for _, c := range cs {
		p := c.To.(state.Sysctl)
		v, ok := p.Value.Get()
		if !ok {
			continue
		}
		path, err := sysctlPath(p.Name)
		if err != nil {
			return err
		}
		if err := writeSysctl(l.path(path), v); err != nil {
			return fmt.Errorf("cannot set sysctl %q to %q: %w", p.Name, v, explainSysctl(err))
		}
	}
	return nil
}

func writeSysctl(path, value string) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_TRUNC, 0)
	if err != nil {
		return err
	}
	_, err = f.WriteString(value + "\n")
	return errors.Join(err, f.Close())
}

// explainSysctl says what the kernel's answer usually means.
func explainSysctl(err error) error {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("this kernel has no such parameter (a module that is not loaded may bring it): %w", err)
	case errors.Is(err, syscall.EROFS):
		return fmt.Errorf("/proc/sys is read-only here, as in most containers; it must be set on the machine that runs it: %w", err)
	case errors.Is(err, fs.ErrPermission) && os.Geteuid() == 0:
		return fmt.Errorf("the kernel does not let this namespace change it, or it is read-only: %w", err)
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("only root may: %w", err)
	case errors.Is(err, syscall.EINVAL):
		return fmt.Errorf("the kernel does not take this value: %w", err)
	}
	return err
}

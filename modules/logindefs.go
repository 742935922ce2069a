package modules

import (
	"context"
	"strconv"
	"strings"

	"rp/engine/module"
	"rp/engine/state"
)

// loginDefs are the settings of login.defs(5), by name; none where there is no such file.
func loginDefs(ctx context.Context, t module.Target) (map[string]string, error) {
	f, err := realPath(ctx, t, "/etc/login.defs", true)
	if err != nil {
		return nil, err
	}
	body, err := text(f)
	if err != nil {
		return nil, err
	}
	defs := map[string]string{}
	for line := range strings.Lines(body) {
		if words := strings.Fields(line); len(words) >= 2 && !strings.HasPrefix(words[0], "#") {
			defs[words[0]] = words[1]
		}
	}
	return defs, nil
}

// defsInt is a number of login.defs, decimal, octal (0…) or hexadecimal (0x…) as getdef.c reads it.
func defsInt(defs map[string]string, name string, def int64) int64 {
	if n, err := strconv.ParseInt(defs[name], 0, 64); err == nil {
		return n
	}
	return def
}

// homeMode is the mode of a new home directory: HOME_MODE, or what UMASK leaves.
func homeMode(defs map[string]string) state.Mode {
	if m := defsInt(defs, "HOME_MODE", -1); m >= 0 {
		return state.Mode(m & 0o7777) //nolint:gosec // twelve bits
	}
	return 0o777 &^ state.Mode(defsInt(defs, "UMASK", 0o22)&0o777) //nolint:gosec // nine bits
}

package host

import (
	"context"
	"path"
	"regexp"
	"slices"
	"strings"

	"rp/engine/state"
)

// rcLink is a link of an init script into a runlevel: S or K, an order, the script's name.
var rcLink = regexp.MustCompile(`^([SK])(\d\d)(.+)$`)

// sysvSync are the links into runlevels that systemctl has update-rc.d(8) turn
// when it enables or disables a unit that has an init script too (Debian): from K to S, or back.
func sysvSync(ctx context.Context, r Reader, u state.Unit) ([]state.Change, error) {
	name, isService := strings.CutSuffix(unitName(u.Name), ".service")
	if !isService || u.Scope == state.UserScope || u.Manager != "" && u.Manager != systemd {
		return nil, nil
	}
	texts, err := readTexts(ctx, r, "/etc/init.d/"+name)
	if err != nil || texts[0].Or("") == "" {
		return nil, err
	}
	got, err := r.Read(ctx, state.File{Path: "/usr/sbin/update-rc.d"})
	if err != nil || got[0].(state.File).Type.Or(state.Absent) == state.Absent {
		return nil, err
	}
	was, is := "S", "K"
	if u.Enabled.Or(false) {
		was, is = is, was
	}
	var with []state.Change
	for _, level := range defaultStart(texts[0].Or("")) {
		dir := "/etc/rc" + level + ".d"
		got, err := r.Read(ctx, state.Walk{Path: dir, Depth: 1})
		if err != nil {
			return nil, err
		}
		for _, e := range got[0].(state.Walk).Entries.Or(nil) {
			m := rcLink.FindStringSubmatch(path.Base(e.Path))
			if m == nil || m[1] != was || m[3] != name {
				continue
			}
			old, err := r.Read(ctx, state.File{Path: e.Path})
			if err != nil {
				return nil, err
			}
			from := old[0].(state.File)
			with = append(with,
				makeFile(path.Join(dir, is+m[2]+name), state.Link, state.File{Target: from.Target, Owner: from.Owner, Group: from.Group}),
				state.Change{From: from, To: state.File{Path: e.Path, Type: state.Is(state.Absent)}})
		}
	}
	return with, nil
}

// defaultStart are the runlevels of the script's LSB header that are used to start.
func defaultStart(script string) []string {
	for line := range strings.Lines(script) {
		if levels, ok := strings.CutPrefix(strings.TrimSpace(line), "# Default-Start:"); ok {
			return slices.DeleteFunc(strings.Fields(levels), func(l string) bool { return !strings.Contains("S2345", l) })
		}
	}
	return nil
}

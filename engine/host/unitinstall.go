package host

import (
	"context"
	"path"
	"slices"
	"strings"

	"rp/engine/state"
)

// unitDirs are where systemd looks for unit files, first wins (systemd.unit(5),
// UNIT FILE LOAD PATH), without what generators write.
func unitDirs(scope, home string) []string {
	if scope != state.UserScope {
		return []string{"/etc/systemd/system", "/run/systemd/system", "/usr/local/lib/systemd/system", "/usr/lib/systemd/system", "/lib/systemd/system"}
	}
	dirs := []string{
		"/etc/systemd/user", "/run/systemd/user", "/usr/local/share/systemd/user", "/usr/share/systemd/user",
		"/usr/local/lib/systemd/user", "/usr/lib/systemd/user", "/lib/systemd/user",
	}
	if home == "" {
		return dirs
	}
	return append(append([]string{home + "/.config/systemd/user"}, dirs...), home+"/.local/share/systemd/user")
}

// configDir is where enabling writes its links.
func configDir(scope, home string) string { return unitDirs(scope, home)[0] }

func homeOf(ctx context.Context, r Reader, u state.Unit) (string, error) {
	if u.Scope != state.UserScope {
		return "", nil
	}
	got, err := r.Read(ctx, state.User{Name: u.User})
	if err != nil {
		return "", err
	}
	return got[0].(state.User).Home.Or(""), nil
}

// unitFiles are the places where u's unit file may lie, in order, as they are; with their content if asked.
// An instance's template (foo@.service of foo@bar.service) is a place too.
func unitFiles(ctx context.Context, r Reader, u state.Unit, content bool) ([]state.File, error) {
	home, err := homeOf(ctx, r, u)
	if err != nil {
		return nil, err
	}
	names := []string{unitName(u.Name)}
	if i, dot := strings.Index(names[0], "@"), strings.LastIndex(names[0], "."); i >= 0 && dot > i+1 {
		names = append(names, names[0][:i+1]+names[0][dot:])
	}
	var ss []state.State
	for _, dir := range unitDirs(u.Scope, home) {
		for _, n := range names {
			f := state.File{Path: path.Join(dir, n)}
			if content {
				f.Content = state.Ask[state.Content]()
			}
			ss = append(ss, f)
		}
	}
	got, err := r.Read(ctx, ss...)
	if err != nil {
		return nil, err
	}
	fs := make([]state.File, len(got))
	for i, s := range got {
		fs[i] = s.(state.File)
	}
	return fs, nil
}

// installSection is the [Install] section of a unit file (systemd.unit(5)).
type installSection struct {
	wantedBy, requiredBy, upheldBy, alias, also []string
}

func parseInstall(text string) installSection {
	var in installSection
	section := ""
	text = strings.ReplaceAll(text, "\\\n", " ")
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if strings.HasPrefix(line, "[") {
			section = line
		}
		k, v, ok := strings.Cut(line, "=")
		if !ok || section != "[Install]" || strings.IndexAny(line, "#;") == 0 {
			continue
		}
		into := map[string]*[]string{
			"WantedBy": &in.wantedBy, "RequiredBy": &in.requiredBy, "UpheldBy": &in.upheldBy, "Alias": &in.alias, "Also": &in.also,
		}[strings.TrimSpace(k)]
		if into == nil {
			continue
		}
		if v = strings.TrimSpace(v); v == "" { // an empty value starts the list anew
			*into = nil
		}
		*into = append(*into, strings.Fields(v)...)
	}
	return in
}

// links are the names, below the directory of links, that enabling name makes.
func (in installSection) links(name string) []string {
	var ls []string
	for suffix, units := range map[string][]string{".wants": in.wantedBy, ".requires": in.requiredBy, ".upholds": in.upheldBy} {
		for _, u := range units {
			ls = append(ls, u+suffix+"/"+name)
		}
	}
	ls = append(ls, in.alias...)
	slices.Sort(ls)
	return slices.DeleteFunc(ls, func(l string) bool { return strings.Contains(l, "%") }) // specifiers are systemd's to resolve
}

// alsoMax bounds how far Also= is followed.
const alsoMax = 16

// installLinks are the symbolic links that enabling or disabling u and those
// that its [Install] section names in Also= makes or removes.
func installLinks(ctx context.Context, r Reader, u state.Unit) ([]state.Change, error) {
	if u.Manager != "" && u.Manager != systemd {
		return nil, nil
	}
	var with []state.Change
	names := []string{unitName(u.Name)}
	for i := 0; i < len(names) && i < alsoMax; i++ {
		one := u
		one.Name = names[i]
		files, err := unitFiles(ctx, r, one, true)
		if err != nil {
			return nil, err
		}
		at := slices.IndexFunc(files, func(f state.File) bool { return f.Type.Or("") == state.Regular })
		if at < 0 || strings.Contains(names[i], "@") {
			continue
		}
		in := parseInstall(textOf(files[at]).Or(""))
		for _, n := range in.also {
			if !slices.Contains(names, n) {
				names = append(names, n)
			}
		}
		cs, err := linkChanges(ctx, r, one, files[at].Path, in.links(names[i]))
		if err != nil {
			return nil, err
		}
		with = append(with, cs...)
	}
	return with, nil
}

// linkChanges are the changes that bring u's links below the directory of links to what u wants.
func linkChanges(ctx context.Context, r Reader, u state.Unit, file string, links []string) ([]state.Change, error) {
	home, err := homeOf(ctx, r, u)
	if err != nil || u.Scope == state.UserScope && home == "" {
		return nil, err
	}
	base := configDir(u.Scope, home)
	if on := u.Enabled.Or(false); !on {
		return dropLinks(ctx, r, base, links)
	}
	owner := state.Is("root")
	group := owner
	if u.Scope == state.UserScope {
		owner, group = state.Is(u.User), state.Value[string]{}
	}
	var with []state.Change
	made := map[string]bool{}
	for _, l := range links {
		full := path.Join(base, l)
		p := userPlan{r: r}
		missing, err := p.missingAbove(ctx, full)
		if err != nil {
			return nil, err
		}
		for i, m := range missing {
			if made[m] {
				continue
			}
			made[m] = true
			if i < len(missing)-1 {
				with = append(with, makeFile(m, state.Directory, state.File{Owner: owner, Group: group}))
				continue
			}
			target := state.Is(file)
			if strings.HasPrefix(file, "/usr/lib/") || strings.HasPrefix(file, "/lib/") {
				target = state.Value[string]{} // by which of the two names systemd was built to look there
			}
			with = append(with, makeFile(m, state.Link, state.File{Target: target, Owner: owner, Group: group}))
		}
	}
	return with, nil
}

// dropLinks removes the links that are there and the directories that become empty.
func dropLinks(ctx context.Context, r Reader, base string, links []string) ([]state.Change, error) {
	var with []state.Change
	for _, l := range links {
		full := path.Join(base, l)
		got, err := r.Read(ctx, state.File{Path: full}, state.File{Path: path.Dir(full)}, state.Walk{Path: path.Dir(full), Depth: 1})
		if err != nil {
			return nil, err
		}
		link, dir := got[0].(state.File), got[1].(state.File)
		if link.Type.Or("") != state.Link {
			continue
		}
		gone := state.Is(state.Absent)
		entries, known := got[2].(state.Walk).Entries.Get()
		if known && len(entries) == 1 && path.Dir(full) != base {
			with = append(with, state.Change{From: dir, To: state.File{Path: dir.Path, Type: gone}})
		}
		with = append(with, state.Change{From: link, To: state.File{Path: full, Type: gone}})
	}
	return with, nil
}

// readOffline reads a user's units while the user's manager does not run: from
// the files that it would read. Nothing is active then.
func (s *systemctl) readOffline(ctx context.Context, us []state.Unit) ([]state.Unit, error) {
	out := make([]state.Unit, len(us))
	for i, u := range us {
		out[i] = noUnit(u)
		files, err := unitFiles(ctx, s.l, u, true)
		if err != nil {
			return nil, err
		}
		at := slices.IndexFunc(files, func(f state.File) bool { return f.Type.Or(state.Absent) != state.Absent })
		if at < 0 {
			continue
		}
		f := files[at]
		out[i].Present = state.Is(true)
		out[i].Masked = state.Is(f.Type.Or("") == state.Link && f.Target.Or("") == "/dev/null")
		var links []state.State
		for _, l := range parseInstall(textOf(f).Or("")).links(unitName(u.Name)) {
			links = append(links, state.File{Path: path.Join(configDir(u.Scope, s.user.Home), l)}, state.File{Path: path.Join("/etc/systemd/user", l)})
		}
		got, err := s.l.Read(ctx, links...)
		if err != nil {
			return nil, err
		}
		on := slices.ContainsFunc(got, func(g state.State) bool { return g.(state.File).Type.Or("") == state.Link })
		out[i].Enabled = state.Is(on)
	}
	return out, nil
}

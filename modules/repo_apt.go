package modules

import (
	"context"
	"fmt"
	"path"
	"strings"

	"rp/engine/module"
	"rp/engine/state"
)

const keyrings = "/etc/apt/keyrings"

// aptRepo is a repository as sources.list(5) describes it in deb822 style.
func aptRepo(ctx context.Context, p module.Params, t module.Target) (repoFiles, error) {
	if err := refuseArgs(p, "apt", "description", "baseurl", "mirrorlist", "metalink", "gpgkey", "gpgcheck", "repo_gpgcheck", "priority", "cost", "exclude", "includepkgs",
		"module_hotfixes", "skip_if_unavailable", "sslverify", "sslcacert", "sslclientcert", "sslclientkey", "proxy", "username", "password"); err != nil {
		return repoFiles{}, err
	}
	name := p.String("file")
	if name == "" {
		if name = p.String("name"); p.Has("url") {
			name = nameInURL(p.String("url"))
		}
	}
	f := repoFiles{path: "/etc/apt/sources.list.d/" + name + ".sources"}
	if strings.HasSuffix(p.String("url"), ".list") {
		f.path = "/etc/apt/sources.list.d/" + name + ".list"
	}
	if p.String("state") == "absent" {
		for _, gone := range []string{f.path, path.Join(keyrings, p.String("name")+".asc"), path.Join(keyrings, p.String("name")+".gpg")} {
			f.wants = append(f.wants, state.File{Path: gone, Type: state.Is(state.Absent)})
		}
		return f, nil
	}
	signed := p.String("signed_by")
	if p.Has("key") || p.Has("key_url") {
		wants, keyPath, err := aptKey(ctx, p, t)
		if err != nil {
			return f, err
		}
		f.wants, f.keyPath, signed = wants, keyPath, keyPath
	}
	if p.Has("url") {
		want, err := fetchedFile(ctx, p, t, p.String("url"), f.path)
		f.wants = append(f.wants, want)
		return f, err
	}
	body, secret, err := aptSource(p, signed)
	if err != nil {
		return f, err
	}
	want := state.File{Path: f.path, Type: state.Is(state.Regular), Mode: state.Is(state.Mode(0o644)), Content: state.Is(state.Text(body))}
	if secret {
		want.Content = want.Content.Secret()
	}
	f.wants = append(f.wants, want)
	return f, nil
}

// aptSource is the text of a .sources file.
func aptSource(p module.Params, signed string) (string, bool, error) {
	if len(p.Strings("uris")) == 0 || len(p.Strings("suites")) == 0 {
		return "", false, fmt.Errorf("an apt repository needs uris and suites, or url")
	}
	flat := strings.HasSuffix(p.Strings("suites")[0], "/")
	if flat == (len(p.Strings("components")) > 0) {
		return "", false, fmt.Errorf("an apt repository needs components, except where its suite is a path ending in /")
	}
	types := p.Strings("types")
	if len(types) == 0 {
		types = []string{"deb"}
	}
	var lines []string
	add := func(field, val string) {
		if val != "" {
			lines = append(lines, field+": "+val)
		}
	}
	if !p.Bool("enabled") {
		add("Enabled", "no")
	}
	add("Types", strings.Join(types, " "))
	add("URIs", strings.Join(p.Strings("uris"), " "))
	add("Suites", strings.Join(p.Strings("suites"), " "))
	add("Components", strings.Join(p.Strings("components"), " "))
	add("Architectures", strings.Join(p.Strings("architectures"), " "))
	add("Signed-By", signed)
	opts, secret := optionLines(p, func(k, v string) string { return k + ": " + v })
	return joinLines(append(lines, opts...)), secret, nil
}

// aptKey is the states that bring the signing key to the host, and its path.
// An armored key must end in .asc, a binary one in .gpg (apt-secure(8)).
func aptKey(ctx context.Context, p module.Params, t module.Target) ([]state.State, string, error) {
	dir := state.File{Path: keyrings, Type: state.Is(state.Directory), Mode: state.Is(state.Mode(0o755))}
	base := path.Join(keyrings, p.String("name"))
	want := state.File{Type: state.Is(state.Regular), Mode: state.Is(state.Mode(0o644))}
	if p.Has("key") {
		want.Path, want.Content = base+".asc", state.Is(state.Text(strings.TrimSpace(p.String("key"))+"\n"))
		return []state.State{dir, want}, want.Path, nil
	}
	got, err := t.Read(ctx, state.File{Path: base + ".asc"}, state.File{Path: base + ".gpg"})
	if err != nil {
		return nil, "", err
	}
	for _, s := range got {
		if have := s.(state.File); have.Type.Or("") == state.Regular && !p.Bool("update") {
			want.Path = have.Path
			return []state.State{dir, want}, want.Path, nil
		}
	}
	if want.Content, err = fetchedContent(ctx, p, t, p.String("key_url")); err != nil {
		return nil, "", err
	}
	c, is := want.Content.Get()
	want.Path = base + ".asc"
	if is && !strings.Contains(string(c.Data), "-----BEGIN PGP") || !is && strings.HasSuffix(p.String("key_url"), ".gpg") {
		want.Path = base + ".gpg"
	}
	return []state.State{dir, want}, want.Path, nil
}

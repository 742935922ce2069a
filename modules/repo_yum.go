package modules

import (
	"context"
	"fmt"
	"strings"

	"rp/engine/module"
	"rp/engine/state"
)

// yumRepo is a repository as dnf.conf(5) and yum.conf(5) describe it.
func yumRepo(ctx context.Context, p module.Params, t module.Target) (repoFiles, error) {
	if err := refuseArgs(p, "dnf", "uris", "suites", "components", "architectures", "types", "signed_by", "key_url"); err != nil {
		return repoFiles{}, err
	}
	name, file := p.String("name"), p.String("file")
	if file == "" {
		if file = name; p.Has("url") {
			file = nameInURL(p.String("url"))
		}
	}
	f := repoFiles{path: "/etc/yum.repos.d/" + file + ".repo"}
	keyPath := "/etc/pki/rpm-gpg/RPM-GPG-KEY-" + name
	present := p.String("state") == "present"
	if p.Has("url") {
		want := state.State(state.File{Path: f.path, Type: state.Is(state.Absent)})
		if present {
			var err error
			if want, err = fetchedFile(ctx, p, t, p.String("url"), f.path); err != nil {
				return f, err
			}
		}
		f.wants = append(f.wants, want)
		return f, nil
	}
	have, err := realPath(ctx, t, f.path, true)
	if err != nil {
		return f, err
	}
	body, err := text(have)
	if err != nil {
		return f, err
	}
	if !present {
		next := setSection(body, name, nil)
		want := state.File{Path: f.path, Type: state.Is(state.Regular), Content: state.Is(state.Text(next))}
		if strings.TrimSpace(next) == "" {
			want = state.File{Path: f.path, Type: state.Is(state.Absent)}
		}
		f.wants = append(f.wants, want, state.File{Path: keyPath, Type: state.Is(state.Absent)})
		return f, nil
	}
	gpgkey := p.Strings("gpgkey")
	if p.Has("key") {
		f.keyPath, gpgkey = keyPath, []string{"file://" + keyPath}
		f.wants = append(f.wants, state.File{Path: keyPath, Type: state.Is(state.Regular), Mode: state.Is(state.Mode(0o644)), Content: state.Is(state.Text(strings.TrimSpace(p.String("key")) + "\n"))})
	}
	lines, secret, err := yumSection(p, gpgkey)
	if err != nil {
		return f, err
	}
	want := state.File{Path: have.Path, Type: state.Is(state.Regular), Mode: state.Is(state.Mode(0o644)), Content: state.Is(state.Text(setSection(body, name, lines)))}
	if secret {
		want.Content, want.Mode = want.Content.Secret(), state.Is(state.Mode(0o600))
	}
	f.wants = append(f.wants, want)
	return f, nil
}

// yumSection is the lines of a repository's section.
func yumSection(p module.Params, gpgkey []string) ([]string, bool, error) {
	if !p.Has("baseurl") && !p.Has("mirrorlist") && !p.Has("metalink") {
		return nil, false, fmt.Errorf("a dnf repository needs one of baseurl, mirrorlist, metalink, url")
	}
	lines := []string{"[" + p.String("name") + "]"}
	add := func(field, val string) {
		if val != "" {
			lines = append(lines, field+"="+val)
		}
	}
	description := p.String("description")
	if description == "" {
		description = p.String("name")
	}
	add("name", description)
	add("baseurl", strings.Join(p.Strings("baseurl"), "\n        "))
	add("mirrorlist", p.String("mirrorlist"))
	add("metalink", p.String("metalink"))
	for _, b := range []string{"enabled", "gpgcheck", "repo_gpgcheck", "module_hotfixes", "skip_if_unavailable", "sslverify"} {
		if p.Has(b) {
			add(b, map[bool]string{true: "1", false: "0"}[p.Bool(b)])
		}
	}
	add("gpgkey", strings.Join(gpgkey, "\n       "))
	for _, n := range []string{"priority", "cost"} {
		if p.Has(n) {
			add(n, fmt.Sprint(p.Int(n)))
		}
	}
	add("exclude", strings.Join(p.Strings("exclude"), " "))
	add("includepkgs", strings.Join(p.Strings("includepkgs"), " "))
	for _, s := range []string{"sslcacert", "sslclientcert", "sslclientkey", "proxy", "username", "password"} {
		add(s, p.String(s))
	}
	opts, secret := optionLines(p, func(k, v string) string { return k + "=" + v })
	return append(lines, opts...), secret || p.Has("password"), nil
}

// setSection puts lines, which begin with [name], in the place of that section
// of an INI text, or at its end; no lines take the section out.
func setSection(body, name string, lines []string) string {
	var out []string
	in, placed := false, false
	for _, l := range splitLines(body) {
		trimmed := strings.TrimSpace(l)
		if strings.HasPrefix(trimmed, "[") && strings.HasSuffix(trimmed, "]") {
			if in && len(lines) > 0 {
				out = append(out, "")
			}
			if in = trimmed == "["+name+"]"; in && !placed {
				out, placed = append(out, lines...), true
			}
		}
		if !in {
			out = append(out, l)
		}
	}
	if !placed && len(lines) > 0 {
		if len(out) > 0 && out[len(out)-1] != "" {
			out = append(out, "")
		}
		out = append(out, lines...)
	}
	return joinLines(out)
}

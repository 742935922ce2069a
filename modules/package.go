package modules

import (
	"context"
	"fmt"
	"regexp"
	"strings"

	"rp/engine/module"
	"rp/engine/state"
)

var packageSpec = module.Spec{
	Name: "package", Builtin: true, Kind: module.States, Local: true,
	Short: "Packages of the system's package manager",
	Doc: `Installs, upgrades or removes packages with what the host has: apt, dnf, yum, zypper, pacman or apk. All packages of a task
are one transaction. The package manager's lock is waited for.
A version is given as name=1.22-3 or name=1.22* ; with dnf, yum and zypper also as name-1.22 or name-1.22-3.el9, where the
version has a dot in it. With update_cache, the index is fetched anew only if something is to be installed or upgraded.`,
	Args: []module.Arg{
		{Name: "name", Aliases: []string{"pkg"}, Type: module.List, Elem: module.String, Doc: "Package or list of packages, each with a version if need be."},
		{Name: "state", Default: "present", Choices: []string{"present", "installed", "absent", "removed", "latest"}, Doc: "installed is present, removed is absent; latest also upgrades."},
		{Name: "use", Default: "auto", Choices: []string{"auto", "apt", "dnf", "dnf4", "dnf5", "yum", "zypper", "pacman", "apk"}, Doc: "The package manager. auto: what the host has."},
		{Name: "update_cache", Aliases: []string{"update-cache"}, Type: module.Bool, Default: false, Doc: "Fetch the package index before installing."},
		{Name: "cache_valid_time", Type: module.Int, Default: int64(0), Doc: "Fetch the index only if it is older than so many seconds; implies update_cache."},
		{Name: "lock_timeout", Type: module.Int, Default: int64(60), Doc: "Seconds to wait for the package manager's lock."},
		{Name: "allow_downgrade", Aliases: []string{"allow-downgrade", "allow_downgrades"}, Type: module.Bool, Default: false, Doc: "Let a version that is asked for be older than what is installed."},
		{Name: "install_recommends", Aliases: []string{"install-recommends"}, Type: module.Bool, Doc: "apt: install recommended packages too. Not given: as the host is configured."},
		{Name: "autoremove", Type: module.Bool, Default: false, Doc: "With absent: remove what was installed for these packages only."},
		{Name: "purge", Type: module.Bool, Default: false, Doc: "apt, with absent: remove configuration files too."},
	},
	Examples: `- name: The tools for user namespaces
  package:
    name: [uidmap, slirp4netns]
    cache_valid_time: 3600
    update_cache: true

- name: A version
  package:
    name: nginx=1.22*
`,
	Returns: []module.Return{
		{Name: "packages", Type: "dict", Doc: "version of each package after the task, by name; empty where it is not installed"},
		{Name: "cache_updated", Type: "bool", Doc: "whether the index was fetched"},
	},
	Tested: []string{},
	Run:    runPackage,
}

func runPackage(ctx context.Context, p module.Params, t module.Target) (module.Result, error) {
	manager, err := packageManager(ctx, t, p.String("use"))
	if err != nil {
		return nil, err
	}
	wants, err := packageWants(p, manager)
	if err != nil {
		return nil, err
	}
	refreshed, err := refreshIndex(ctx, p, t, manager, wants)
	if err != nil {
		return nil, err
	}
	now, err := t.Want(ctx, wants...)
	versions := map[string]any{}
	for _, s := range now {
		if pkg, ok := s.(state.Package); ok {
			versions[pkg.Name] = ""
			if there, is := pkg.Present.Get(); there || !is {
				versions[pkg.Name] = result(state.Map(pkg.Version, func(v state.Version) string { return string(v) }))
			}
		}
	}
	return module.Result{"packages": versions, "cache_updated": refreshed}, err
}

// packageManager is the host's package manager, or the one that use names.
func packageManager(ctx context.Context, t module.Target, use string) (string, error) {
	switch use {
	case "", "auto":
	case "dnf4", "dnf5":
		return "dnf", nil
	default:
		return use, nil
	}
	sys, err := readOne(ctx, t, state.System{})
	if err != nil {
		return "", err
	}
	m := known(sys.PackageManager, "package manager")
	if m == "" {
		return "", fmt.Errorf("cannot install packages: the host has none of apt, dnf, yum, zypper, pacman, apk")
	}
	return m, nil
}

func packageWants(p module.Params, manager string) ([]state.State, error) {
	mode := p.String("state")
	gone := mode == "absent" || mode == "removed"
	var wants []state.State
	for _, word := range p.Strings("name") {
		name, version, err := splitPackage(word, manager)
		if err != nil {
			return nil, err
		}
		pkg := state.Package{
			Name: name, Present: state.Is(!gone), Manager: manager, Latest: mode == "latest" && version == "",
			LockTimeout: int(p.Int("lock_timeout")), AllowDowngrade: p.Bool("allow_downgrade"), Purge: p.Bool("purge"), AutoRemove: p.Bool("autoremove"),
			NoRecommends: p.Has("install_recommends") && !p.Bool("install_recommends"),
		}
		switch {
		case version != "" && !gone:
			pkg.Version = state.Is(state.Version(version))
		case pkg.Latest:
			pkg.Version = state.Ask[state.Version]() // the plan finds out which one that is
		}
		wants = append(wants, pkg)
	}
	return wants, nil
}

// rpmVersion finds a version, with a dot in it, and perhaps a release at a package's end.
var rpmVersion = regexp.MustCompile(`^(.+?)-((?:\d+:)?\d[^-]*\.[^-]*(?:-\d[^-]*)?)$`)

// splitPackage takes a package's name and version apart.
func splitPackage(word, manager string) (name, version string, err error) {
	word = strings.TrimSpace(word)
	if word == "" {
		return "", "", fmt.Errorf("cannot install a package with an empty name")
	}
	if strings.HasPrefix(word, "@") || strings.ContainsAny(word, "/ ") {
		return "", "", fmt.Errorf("cannot install %q: package groups, files and URLs are not supported yet", word)
	}
	name, version, _ = strings.Cut(word, "=")
	version = strings.TrimPrefix(version, "=")
	if strings.ContainsAny(name, "*?[]<>!~") {
		return "", "", fmt.Errorf("cannot install %q: patterns and relations other than = are not supported yet", word)
	}
	rpm := manager == "dnf" || manager == "yum" || manager == "zypper"
	if m := rpmVersion.FindStringSubmatch(word); version == "" && rpm && m != nil {
		return m[1], m[2], nil
	}
	return name, version, nil
}

// refreshIndex fetches the package index where the task asks for it, it is old
// enough, and something is to be got from it.
func refreshIndex(ctx context.Context, p module.Params, t module.Target, manager string, wants []state.State) (bool, error) {
	valid := p.Int("cache_valid_time")
	if !p.Bool("update_cache") && valid == 0 {
		return false, nil
	}
	mode := p.String("state")
	if len(wants) > 0 && mode != "latest" {
		have, err := t.Read(ctx, wants...)
		if err != nil {
			return false, err
		}
		needed := false
		for i, h := range have {
			needed = needed || (state.Change{From: h, To: wants[i]}).Needed()
		}
		if !needed || mode == "absent" || mode == "removed" {
			return false, nil
		}
	}
	if valid > 0 {
		got, err := t.Read(ctx, state.PackageIndex{Manager: manager}, state.System{})
		if err != nil {
			return false, err
		}
		index, sys := got[0].(state.PackageIndex), got[1].(state.System)
		// what makes it unknown in a dry run is a refresh that was just predicted
		if index.Updated.IsUnknown() || sys.Now.Or(0)/1e9-index.Updated.Or(0) < valid {
			return false, nil
		}
	}
	out, err := t.Do(ctx, state.Refresh{Manager: manager, LockTimeout: int(p.Int("lock_timeout")), Reason: "update_cache"})
	if err != nil || out.Failed {
		return false, fmt.Errorf("cannot fetch the package index: %w", orFailed(err, out))
	}
	return true, nil
}

// orFailed is err, or what an event that failed said.
func orFailed(err error, out state.Outcome) error {
	if err != nil {
		return err
	}
	for _, k := range []string{"msg", "stderr", "stdout"} {
		if s, _ := out.Fields[k].(string); strings.TrimSpace(s) != "" {
			return fmt.Errorf("%s", strings.TrimSpace(s))
		}
	}
	return fmt.Errorf("exit status %v", out.Fields["rc"])
}

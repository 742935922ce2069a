package modules

import (
	"context"
	"fmt"
	"path"
	"regexp"
	"strings"

	"rp/engine/module"
	"rp/engine/state"
)

var repoSpec = module.Spec{
	Name: "repo", Kind: module.States,
	Short: "A package repository, of apt or of dnf and yum",
	Doc: `Tells the package manager about a repository and fetches its index when something has changed. For apt it writes
/etc/apt/sources.list.d/NAME.sources (deb822) and the key to /etc/apt/keyrings; for dnf and yum the section [NAME] of
/etc/yum.repos.d/NAME.repo, leaving other sections alone. Which of the two is judged by what the host has. Instead of parts, url gives a
whole file (.repo, .sources or .list). A key or file that was fetched once is not fetched again unless update is set. absent removes what the module
made: the file or section, and the key.`,
	Args: []module.Arg{
		{Name: "name", Required: true, Doc: "Name of the repository: of its file, and for dnf its id."},
		{Name: "state", Default: "present", Choices: []string{"present", "absent"}, Doc: "Whether it is to be there."},
		{Name: "type", Default: "auto", Choices: []string{"auto", "apt", "dnf", "yum"}, Doc: "auto: by the host's package manager."},
		{Name: "enabled", Type: module.Bool, Default: true, Doc: "Whether it is used."},
		{Name: "url", Aliases: []string{"repo_url"}, Doc: "Where to fetch the whole file from."},
		{Name: "file", Doc: "Name of the file, without its ending. Not given: name, or for url the name in it."},
		{Name: "refresh", Aliases: []string{"update_cache"}, Type: module.Bool, Default: true, Doc: "Fetch the index after a change."},
		{Name: "update", Type: module.Bool, Default: false, Doc: "Fetch url and key_url each time, in case they have changed."},
		{Name: "validate_certs", Type: module.Bool, Default: true, Doc: "Check the certificates of url and key_url."},
		{Name: "lock_timeout", Type: module.Int, Default: int64(60), Doc: "Seconds to wait for the package manager's lock."},
		{Name: "key", Doc: "The signing key itself, as text."},
		{Name: "key_url", Doc: "apt: where the signing key is fetched from."},
		{Name: "options", Type: module.Dict, Doc: "Other fields of the file, as they are."},
		{Name: "uris", Aliases: []string{"uri"}, Type: module.List, Elem: module.String, Doc: "apt: where the repository is."},
		{Name: "suites", Aliases: []string{"suite"}, Type: module.List, Elem: module.String, Doc: "apt: its suites: bookworm, or a path ending in /."},
		{Name: "components", Aliases: []string{"component"}, Type: module.List, Elem: module.String, Doc: "apt: its components: main."},
		{Name: "architectures", Aliases: []string{"architecture"}, Type: module.List, Elem: module.String, Doc: "apt: its architectures. Not given: the host's."},
		{Name: "types", Type: module.List, Elem: module.String, Doc: "apt: deb, deb-src. Not given: deb."},
		{Name: "signed_by", Doc: "apt: path of a keyring that is on the host, or a fingerprint, instead of key and key_url."},
		{Name: "description", Doc: "dnf: what it is, in words. Not given: name."},
		{Name: "baseurl", Type: module.List, Elem: module.String, Doc: "dnf: where the repository is."},
		{Name: "mirrorlist", Doc: "dnf: URL of a list of mirrors."},
		{Name: "metalink", Doc: "dnf: URL of a metalink file."},
		{Name: "gpgkey", Type: module.List, Elem: module.String, Doc: "dnf: URLs of its keys."},
		{Name: "gpgcheck", Type: module.Bool, Doc: "dnf: check the packages' signatures."},
		{Name: "repo_gpgcheck", Type: module.Bool, Doc: "dnf: check the index's signature."},
		{Name: "priority", Type: module.Int, Doc: "dnf: the lower, the earlier it is looked at."},
		{Name: "cost", Type: module.Int, Doc: "dnf: among equals the cheaper one is used."},
		{Name: "exclude", Aliases: []string{"excludepkgs"}, Type: module.List, Elem: module.String, Doc: "dnf: packages never to take from it."},
		{Name: "includepkgs", Type: module.List, Elem: module.String, Doc: "dnf: the only packages to take from it."},
		{Name: "module_hotfixes", Type: module.Bool, Doc: "dnf: its packages are not hidden by modules."},
		{Name: "skip_if_unavailable", Type: module.Bool, Doc: "dnf: go on where it cannot be reached."},
		{Name: "sslverify", Type: module.Bool, Doc: "dnf: check the server's certificate."},
		{Name: "sslcacert", Doc: "dnf: certificates to trust."},
		{Name: "sslclientcert", Doc: "dnf: certificate to show."},
		{Name: "sslclientkey", Doc: "dnf: its key."},
		{Name: "proxy", Doc: "dnf: proxy to use."},
		{Name: "username", Doc: "dnf: name to log in with."},
		{Name: "password", Secret: true, Doc: "dnf: password to log in with."},
	},
	Exclusive: [][]string{{"key", "key_url", "signed_by"}, {"url", "uris"}, {"url", "baseurl"}, {"url", "mirrorlist"}, {"url", "metalink"}, {"key", "gpgkey"}},
	Examples: `- name: Docker's packages, on Debian
  repo:
    name: docker
    uris: https://download.docker.com/linux/debian
    suites: bookworm
    components: stable
    key_url: https://download.docker.com/linux/debian/gpg

- name: newuidmap for CentOS 7
  repo:
    name: vbatts-shadow-utils-newxidmap-epel-7
    url: https://copr.fedorainfracloud.org/coprs/vbatts/shadow-utils-newxidmap/repo/epel-7/vbatts-shadow-utils-newxidmap-epel-7.repo
`,
	Returns: []module.Return{
		{Name: "path", Type: "str", Doc: "the file"},
		{Name: "key_path", Type: "str", Doc: "the key's file, if there is one"},
		{Name: "refreshed", Type: "bool", Doc: "whether the index was fetched"},
	},
	Run: runRepo,
}

var repoName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_.:+-]*$`)

// repoFiles is what a repository comes to: the states to want, in order.
type repoFiles struct {
	path, keyPath string
	wants         []state.State
}

func runRepo(ctx context.Context, p module.Params, t module.Target) (module.Result, error) {
	for _, n := range []string{p.String("name"), p.String("file")} {
		if n != "" && !repoName.MatchString(n) {
			return nil, fmt.Errorf("cannot use %q as the name of a repository: it may have letters, digits and _ . : + - only", n)
		}
	}
	manager := p.String("type")
	if manager == "auto" {
		var err error
		if manager, err = packageManager(ctx, t, "auto"); err != nil {
			return nil, err
		}
	}
	var files repoFiles
	var err error
	switch manager {
	case "apt":
		files, err = aptRepo(ctx, p, t)
	case "dnf", "yum":
		files, err = yumRepo(ctx, p, t)
	default:
		return nil, fmt.Errorf("cannot set up the repository %q: those of %s are not supported yet", p.String("name"), manager)
	}
	if err != nil {
		return nil, fmt.Errorf("cannot set up the repository %q: %w", p.String("name"), err)
	}
	if _, err := t.Want(ctx, files.wants...); err != nil {
		return nil, err
	}
	r := module.Result{"path": files.path, "refreshed": false}
	if files.keyPath != "" {
		r["key_path"] = files.keyPath
	}
	stale, err := staleIndex(ctx, t, manager, files.path)
	if err != nil || !stale || !p.Bool("refresh") {
		return r, err
	}
	out, err := t.Do(ctx, state.Refresh{Manager: manager, LockTimeout: int(p.Int("lock_timeout")), Reason: "the repository " + p.String("name") + " changed"})
	if err != nil || out.Failed {
		return r, fmt.Errorf("cannot fetch the package index: %w", orFailed(err, out))
	}
	r["refreshed"] = true
	return r, nil
}

// staleIndex reports whether the index is to be fetched: the repository has
// changed now, or did earlier and the index was not fetched since.
func staleIndex(ctx context.Context, t module.Target, manager, file string) (bool, error) {
	if t.Changed() {
		return true, nil
	}
	got, err := t.Read(ctx, state.PackageIndex{Manager: manager}, state.File{Path: file, MTime: state.Ask[int64]()})
	if err != nil {
		return false, err
	}
	updated, known := got[0].(state.PackageIndex).Updated.Get()
	mtime, there := got[1].(state.File).MTime.Get()
	if !known || !there || updated == 0 && manager != "apt" {
		return false, nil
	}
	return updated < mtime/1e9, nil
}

// fetchedFile is the want of a file that url gives; one that is there is left alone unless it is to be updated.
func fetchedFile(ctx context.Context, p module.Params, t module.Target, from, to string) (state.State, error) {
	have, err := readOne(ctx, t, state.File{Path: to})
	if err != nil {
		return nil, err
	}
	want := state.File{Path: to, Type: state.Is(state.Regular), Mode: state.Is(state.Mode(0o644))}
	if have.Type.Or(state.Absent) != state.Absent && !p.Bool("update") {
		return want, nil
	}
	content, err := fetchedContent(ctx, p, t, from)
	want.Content = content
	return want, err
}

func fetchedContent(ctx context.Context, p module.Params, t module.Target, from string) (state.Value[state.Content], error) {
	d, err := readOne(ctx, t, state.Download{Content: state.Ask[state.Content](), URL: from, Insecure: !p.Bool("validate_certs"), Timeout: 30})
	if err != nil {
		return d.Content, err
	}
	return downloaded(ctx, t, d, "", "", module.Result{})
}

// nameInURL is the last part of a URL's path, without ending.
func nameInURL(u string) string {
	u, _, _ = strings.Cut(u, "?")
	base := path.Base(u)
	return strings.TrimSuffix(base, path.Ext(base))
}

// optionLines are the fields of options, written by line.
func optionLines(p module.Params, line func(k, v string) string) (lines []string, secret bool) {
	opts, unknown, secret := stringMap(p.Dict("options"))
	if unknown != nil {
		panic(module.NotKnown{Arg: "options", After: unknown.After})
	}
	for _, k := range sortedKeys(opts) {
		lines = append(lines, line(k, opts[k]))
	}
	return lines, secret
}

// refuseArgs fails where p has arguments that the kind of repository does not know.
func refuseArgs(p module.Params, kind string, names ...string) error {
	for _, n := range names {
		if p.Has(n) {
			return fmt.Errorf("%s is not an argument of %s repositories", n, kind)
		}
	}
	return nil
}

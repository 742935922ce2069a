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

var envSpec = module.Spec{
	Name: "env", Kind: module.States, Local: true,
	Short: "Environment variables of a user or of the system",
	Doc: `Keeps one block of variables, between two marker lines, in a file that is read at login or at start; everything else in the file is kept.
Which file: see file. In shell files (start-up files and profile.d) values are quoted so that they arrive as written, except that
$HOME, $USER and $PATH are replaced by the shell; path_prepend and path_append put directories into PATH, once each.
/etc/environment and environment.d have no PATH parts of the shell kind: there path_prepend and path_append are written as
environment.d(5) allows, and refused for /etc/environment, which cannot refer to variables.`,
	Args: []module.Arg{
		{Name: "user", Doc: "Whose environment. Not given: the system's, unless file says otherwise."},
		{Name: "name", Default: "env", Doc: "Name of the block in its markers, and of the file in profile.d and environment.d."},
		{Name: "file", Default: "auto", Doc: "auto: for a user ~/.profile (csh: ~/.login, zsh: ~/.zprofile, fish: conf.d), for the system profile.d. Or one of profile.d, environment, environment.d; or a path such as ~/.bashrc."},
		{Name: "format", Choices: []string{"sh", "csh", "fish", "environment", "environment.d"}, Doc: "What the file is. Not given: by its name."},
		{Name: "variables", Aliases: []string{"vars"}, Type: module.Dict, Doc: "Variables and values."},
		{Name: "path_prepend", Type: module.List, Elem: module.String, Doc: "Directories to put in front of PATH."},
		{Name: "path_append", Type: module.List, Elem: module.String, Doc: "Directories to put at the end of PATH."},
		{Name: "insert", Choices: []string{"top", "bottom"}, Doc: "Where a new block goes. Not given: at the top of ~/.bashrc, since Debian's stops there for shells that are not interactive; at the bottom elsewhere."},
		{Name: "state", Default: "present", Choices: []string{"present", "absent"}, Doc: "absent takes the block out; a file of its own that is then empty is removed."},
	},
	Examples: `- name: Where the user's docker is
  env:
    user: rootless
    file: ~/.bashrc
    variables:
      XDG_RUNTIME_DIR: /run/user/1001
      DOCKER_HOST: unix:///run/user/1001/docker.sock
    path_prepend: [$HOME/bin]

- name: A proxy for everybody
  env:
    name: proxy
    file: environment
    variables:
      https_proxy: http://proxy:3128
`,
	Returns: []module.Return{{Name: "path", Type: "str", Doc: "the file"}, {Name: "format", Type: "str", Doc: "what the file is"}},
	Run:     runEnv,
}

var envName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// envFile is where a block of variables goes.
type envFile struct {
	path, format string
	own          bool // the file is ours alone
	owner, group state.Value[string]
	home         state.Value[string]
	top          bool
}

func runEnv(ctx context.Context, p module.Params, t module.Target) (module.Result, error) {
	e, err := findEnvFile(ctx, p, t)
	if err != nil {
		return nil, err
	}
	r := module.Result{"path": e.path, "format": e.format}
	f, err := realPath(ctx, t, e.path, true)
	if err != nil {
		return nil, err
	}
	body, err := text(f)
	if err != nil {
		return nil, err
	}
	var block []string
	secret := false
	if p.String("state") == "present" {
		if block, secret, err = envBlock(p, e.format); err != nil {
			return nil, fmt.Errorf("cannot write variables to %q: %w", e.path, err)
		}
		if len(block) == 0 {
			return nil, fmt.Errorf("cannot write variables to %q: none are given", e.path)
		}
	}
	next := setBlock(body, "# BEGIN RP env "+p.String("name"), "# END RP env "+p.String("name"), block, e.top)
	there := f.Type.Or("") != state.Absent
	want := state.File{Path: f.Path, Type: state.Is(state.Regular), Content: state.Is(state.Text(next))}
	switch {
	case next == "" && !there:
		return r, nil
	case next == "" && e.own:
		want = state.File{Path: f.Path, Type: state.Is(state.Absent)}
	case !there:
		if err := envParents(ctx, t, e, f.Path); err != nil {
			return nil, err
		}
		want.Owner, want.Group, want.Mode = e.owner, e.group, state.Is(state.Mode(0o644))
	}
	if secret {
		want.Content = want.Content.Secret()
	}
	_, err = t.Want(ctx, want)
	return r, err
}

// envParents makes the directories that a file of a user's home needs; those of the system must be there.
func envParents(ctx context.Context, t module.Target, e envFile, file string) error {
	home, is := e.home.Get()
	if !is || !strings.HasPrefix(file, home+"/") {
		return needParent(ctx, t, file)
	}
	if err := needParent(ctx, t, home+"/x"); err != nil {
		return err
	}
	_, err := t.Want(ctx, dirWants(ctx, t, path.Dir(file), attrs{owner: e.owner, group: e.group})...)
	return err
}

func findEnvFile(ctx context.Context, p module.Params, t module.Target) (envFile, error) {
	e := envFile{format: p.String("format")}
	file, user := p.String("file"), p.String("user")
	var u state.User
	if user != "" {
		var err error
		if u, err = readOne(ctx, t, state.User{Name: user}); err != nil {
			return e, err
		}
		if there, is := u.Present.Get(); is && !there {
			return e, fmt.Errorf("cannot set variables of user %q: there is no such user", user)
		}
		e.owner, e.group, e.home = state.Is(user), u.Group, u.Home
	}
	switch {
	case file == "auto" && user == "", file == "profile.d":
		e.path, e.own = "/etc/profile.d/"+p.String("name")+".sh", true
	case file == "environment":
		e.path = "/etc/environment"
	case file == "environment.d" && user == "":
		e.path, e.own = "/etc/environment.d/50-"+p.String("name")+".conf", true
	case file == "environment.d":
		e.path, e.own = path.Join(known(u.Home, "home"), ".config/environment.d/50-"+p.String("name")+".conf"), true
	case file == "auto":
		e.path = path.Join(known(u.Home, "home"), startFile(known(u.Shell, "shell"), p.String("name")))
		e.own = strings.Contains(e.path, "/conf.d/")
	default:
		var err error
		if rest, home := strings.CutPrefix(file, "~/"); home && user != "" {
			file = path.Join(known(u.Home, "home"), rest)
		}
		if e.path, err = expandPath(ctx, file, t); err != nil {
			return e, err
		}
		if !path.IsAbs(e.path) {
			return e, fmt.Errorf("cannot use file %q: it is neither a whole path nor one of auto, profile.d, environment, environment.d", file)
		}
	}
	if e.format == "" {
		e.format = envFormat(e.path)
	}
	e.top = p.String("insert") == "top" || !p.Has("insert") && path.Base(e.path) == ".bashrc"
	return e, nil
}

// startFile is what a login shell reads of a user's home.
func startFile(shell, name string) string {
	switch path.Base(shell) {
	case "zsh":
		return ".zprofile"
	case "csh", "tcsh":
		return ".login"
	case "fish":
		return ".config/fish/conf.d/" + name + ".fish"
	}
	return ".profile"
}

func envFormat(file string) string {
	base := path.Base(file)
	switch {
	case file == "/etc/environment":
		return "environment"
	case path.Base(path.Dir(file)) == "environment.d":
		return "environment.d"
	case strings.HasSuffix(base, ".fish"):
		return "fish"
	case base == ".login" || base == ".cshrc" || base == ".tcshrc" || strings.HasSuffix(base, ".csh"):
		return "csh"
	}
	return "sh"
}

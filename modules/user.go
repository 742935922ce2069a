package modules

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"rp/engine/module"
	"rp/engine/state"
	"rp/engine/value"
)

var userSpec = module.Spec{
	Name: "user", Builtin: true, Kind: module.States, Local: true,
	Short: "A login account",
	Doc: `Makes, changes or removes an account of /etc/passwd and /etc/shadow, with its groups, home directory and SSH key.
What useradd does besides (subordinate ids, the home from /etc/skel, the mail spool) is predicted and undone with it.
A password is a crypt(5) hash; make one with the filter password_hash.`,
	Args: []module.Arg{
		{Name: "name", Aliases: []string{"user"}, Required: true, Doc: "The account's name."},
		{Name: "state", Default: "present", Choices: []string{"present", "absent"}, Doc: "Whether it is to be there."},
		{Name: "uid", Type: module.Int, Doc: "Its number. Not given: the next free one."},
		{Name: "non_unique", Type: module.Bool, Default: false, Doc: "Allow a uid that another account has."},
		{Name: "group", Doc: "Primary group, by name or number. Not given: a group of its own, as login.defs(5) says."},
		{Name: "groups", Type: module.List, Elem: module.String, Doc: "Supplementary groups. An empty list takes it out of all (without append)."},
		{Name: "append", Type: module.Bool, Default: false, Doc: "Add to the groups that it is in, instead of being in no other."},
		{Name: "shell", Type: module.Path, Doc: "Login shell."},
		{Name: "home", Type: module.Path, Doc: "Home directory."},
		{Name: "create_home", Aliases: []string{"createhome"}, Type: module.Bool, Default: true, Doc: "Make the home directory if it is not there."},
		{Name: "move_home", Type: module.Bool, Default: false, Doc: "Move the old home directory's content when home changes."},
		{Name: "skeleton", Type: module.Path, Doc: "Directory that a new home is copied from. Not given: /etc/skel."},
		{Name: "system", Type: module.Bool, Default: false, Doc: "Make a system account: a low uid, no subordinate ids."},
		{Name: "comment", Doc: "The full name (GECOS field)."},
		{Name: "password", Secret: true, Doc: "Password hash as crypt(5) has it. A leading `!` locks the account; `*` allows no password at all."},
		{Name: "update_password", Default: "always", Choices: []string{"always", "on_create"}, Doc: "Set the password always, or only for a new account."},
		{Name: "password_lock", Type: module.Bool, Doc: "Lock or unlock the password."},
		{Name: "expires", Type: module.Float, Doc: "When the account expires, in seconds since 1970; -1 for never."},
		{Name: "generate_ssh_key", Type: module.Bool, Default: false, Doc: "Make an SSH key if there is none; an existing one is never replaced unless force is set."},
		{Name: "ssh_key_bits", Type: module.Int, Doc: "Bits of the key. Not given: ssh-keygen's default."},
		{Name: "ssh_key_type", Default: "rsa", Doc: "Type of the key: rsa, ed25519, ecdsa."},
		{Name: "ssh_key_file", Type: module.Path, Doc: "Its file, from the home directory. Not given: .ssh/id_TYPE."},
		{Name: "ssh_key_comment", Doc: "Its comment. Not given: rp-generated on USER."},
		{Name: "ssh_key_passphrase", Secret: true, NotYet: true, Doc: "A passphrase for the key."},
		{Name: "remove", Type: module.Bool, Default: false, Doc: "With state absent: remove the home directory and the mail spool too."},
		{Name: "force", Type: module.Bool, Default: false, Doc: "With state absent: remove it even while it is logged in. With generate_ssh_key: replace the key."},
		{Name: "local", NotYet: true, Doc: "Use luseradd and its like."},
		{Name: "umask", NotYet: true, Doc: "Umask for the new home."},
		{Name: "password_expire_max", NotYet: true, Doc: "Days until the password must be changed."},
		{Name: "password_expire_min", NotYet: true, Doc: "Days until the password may be changed."},
		{Name: "password_expire_warn", NotYet: true, Doc: "Days of warning."},
		{Name: "password_expire_account_disable", NotYet: true, Doc: "Days after which an expired password disables the account."},
		{Name: "uid_min", NotYet: true, Doc: "Lowest uid to choose."},
		{Name: "uid_max", NotYet: true, Doc: "Highest uid to choose."},
		{Name: "seuser", NotYet: true, Doc: "SELinux user."},
		{Name: "login_class", NotYet: true, Doc: "BSD login class."},
		{Name: "profile", NotYet: true, Doc: "Solaris profile."},
		{Name: "role", NotYet: true, Doc: "Solaris role."},
		{Name: "authorization", NotYet: true, Doc: "Solaris authorization."},
		{Name: "hidden", NotYet: true, Doc: "Hide it on macOS."},
	},
	Examples: `- name: An account with a key
  user:
    name: rootless
    comment: Runs containers
    shell: /bin/bash
    groups: [systemd-journal]
    append: true
    generate_ssh_key: true
    ssh_key_type: ed25519

- name: Gone, with its files
  user:
    name: old
    state: absent
    remove: true
`,
	Returns: []module.Return{
		{Name: "name", Type: "str", Doc: "the account's name"},
		{Name: "state", Type: "str", Doc: "present or absent"},
		{Name: "uid", Type: "int", Doc: "its number"},
		{Name: "group", Type: "int", Doc: "number of its primary group"},
		{Name: "groups", Type: "str", Doc: "supplementary groups, with commas, if they were given"},
		{Name: "home", Type: "str", Doc: "home directory"},
		{Name: "shell", Type: "str", Doc: "login shell"},
		{Name: "comment", Type: "str", Doc: "full name"},
		{Name: "append", Type: "bool", Doc: "as given"},
		{Name: "ssh_key_file", Type: "str", Doc: "path of the private key"},
		{Name: "ssh_public_key", Type: "str", Doc: "the public key"},
	},
	Run: runUser,
}

func runUser(ctx context.Context, p module.Params, t module.Target) (module.Result, error) {
	name := p.String("name")
	u := state.User{
		Name: name, Present: state.Is(p.String("state") == "present"), System: p.Bool("system"), CreateHome: p.Bool("create_home"),
		MoveHome: p.Bool("move_home"), Skeleton: p.String("skeleton"), NonUnique: p.Bool("non_unique"), Remove: p.Bool("remove"), Force: p.Bool("force"),
	}
	if p.String("state") == "absent" {
		_, err := t.Want(ctx, u)
		return module.Result{"name": name, "state": "absent", "force": u.Force, "remove": u.Remove}, err
	}
	have, err := readOne(ctx, t, state.User{Name: name})
	if err != nil {
		return nil, err
	}
	u.UID, u.Home, u.Shell, u.Comment = p.IntValue("uid"), p.StringValue("home"), p.StringValue("shell"), p.StringValue("comment")
	if p.Known("expires") {
		u.Expires = state.Is(days(p.Float("expires")))
	}
	if err := userGroups(ctx, p, t, &u, have); err != nil {
		return nil, err
	}
	userPassword(p, t, &u, have)
	now, err := wantOne(ctx, t, u)
	if err != nil {
		return nil, err
	}
	if u.CreateHome {
		if err := makeHome(ctx, t, now, u.Skeleton); err != nil {
			return nil, err
		}
	}
	r, err := userResult(ctx, p, t, now)
	if err == nil && p.Bool("generate_ssh_key") {
		err = sshKey(ctx, p, t, now, r)
	}
	return r, err
}

// days is an account's expiry as shadow(5) has it.
func days(seconds float64) int64 {
	if seconds < 0 {
		return -1
	}
	return int64(seconds) / 86400
}

func userGroups(ctx context.Context, p module.Params, t module.Target, u *state.User, have state.User) error {
	all, err := readOne(ctx, t, state.Accounts{})
	if err != nil {
		return err
	}
	u.Group = groupName(all, p.StringValue("group"))
	if g, is := u.Group.Get(); is {
		if err := needGroup(ctx, t, all, u.Name, g); err != nil {
			return err
		}
	}
	if !p.Has("groups") {
		return nil
	}
	if !p.Known("groups") {
		u.Groups = state.Unknown[[]string](p.Task)
		return nil
	}
	names := map[string]bool{}
	for _, g := range p.Strings("groups") {
		if g == "" {
			continue
		}
		g = groupName(all, state.Is(g)).Or(g)
		if err := needGroup(ctx, t, all, u.Name, g); err != nil {
			return err
		}
		names[g] = true
	}
	if p.Bool("append") {
		if have.Groups.IsUnknown() {
			u.Groups = state.Unknown[[]string](have.Groups.After())
			return nil
		}
		for _, g := range have.Groups.Or(nil) {
			names[g] = true
		}
	}
	u.Groups = state.Is(sortedKeys(names))
	return nil
}

// needGroup fails where the host knows no group g, in its files or elsewhere.
func needGroup(ctx context.Context, t module.Target, all state.Accounts, user, g string) error {
	if slices.ContainsFunc(all.Groups.Or(nil), func(e state.GroupEntry) bool { return e.Name == g }) {
		return nil
	}
	found, err := readOne(ctx, t, state.Group{Name: g})
	if err != nil {
		return err
	}
	if there, is := found.Present.Get(); is && !there {
		return fmt.Errorf("cannot put %q into group %q: there is no such group", user, g)
	}
	return nil
}

func sortedKeys[V any](m map[string]V) []string {
	ks := make([]string, 0, len(m))
	for k := range m {
		ks = append(ks, k)
	}
	slices.Sort(ks)
	return ks
}

func userPassword(p module.Params, t module.Target, u *state.User, have state.User) {
	u.Locked = p.BoolValue("password_lock")
	there, is := have.Present.Get()
	if !p.Has("password") || p.String("update_password") == "on_create" && is && there {
		return
	}
	hash := p.StringValue("password")
	if h, is := hash.Get(); is {
		if rest, locked := strings.CutPrefix(h, "!"); locked {
			u.Locked = state.Is(true)
			hash = state.Is(strings.TrimLeft(rest, "!"))
		}
		if h = hash.Or(""); h != "" && h != "*" && h != "x" && !strings.HasPrefix(h, "$") && !strings.HasPrefix(h, "_") && len(h) != 13 {
			t.Warn("the password of %q does not look like a hash; nobody will be able to log in with it: use the filter password_hash", u.Name)
		}
		if h == "" && u.Locked.Or(false) {
			return
		}
	}
	u.Password = hash.Secret()
}

// makeHome makes the home directory of an account that was there without one.
// That of a new account is made with it.
func makeHome(ctx context.Context, t module.Target, u state.User, skeleton string) error {
	home, is := u.Home.Get()
	if !is || home == "" || home == "/" {
		return nil
	}
	dir, err := readOne(ctx, t, state.File{Path: home})
	if err != nil || dir.Type.Or(state.Directory) != state.Absent {
		return err
	}
	if skeleton == "" {
		skeleton = "/etc/skel"
	}
	skel, err := readOne(ctx, t, state.Walk{Path: skeleton})
	if err != nil {
		return err
	}
	defs, err := loginDefs(ctx, t)
	if err != nil {
		return err
	}
	wants := []state.State{state.File{Path: home, Type: state.Is(state.Directory), Owner: state.Is(u.Name), Group: u.Group, Mode: state.Is(homeMode(defs))}}
	for _, e := range skel.Entries.Or(nil) {
		f, err := readOne(ctx, t, state.File{Path: e.Path, Content: state.Ask[state.Content]()})
		if err != nil {
			return err
		}
		f.Path = home + strings.TrimPrefix(e.Path, strings.TrimSuffix(skeleton, "/"))
		f.Owner, f.Group, f.MTime = state.Is(u.Name), u.Group, state.Value[int64]{}
		if e.Type == state.Link {
			f.Mode = state.Value[state.Mode]{}
		}
		if e.Type != state.Regular {
			f.Content = state.Value[state.Content]{}
		}
		wants = append(wants, f)
	}
	_, err = t.Want(ctx, wants...)
	return err
}

func userResult(ctx context.Context, p module.Params, t module.Target, u state.User) (module.Result, error) {
	all, err := readOne(ctx, t, state.Accounts{})
	if err != nil {
		return nil, err
	}
	r := module.Result{
		"name": u.Name, "state": "present", "uid": result(u.UID), "home": result(u.Home), "shell": result(u.Shell),
		"comment": result(u.Comment), "append": p.Bool("append"), "create_home": p.Bool("create_home"), "move_home": p.Bool("move_home"), "system": p.Bool("system"),
	}
	r["group"] = value.Unknown{After: u.Group.After()}
	for _, g := range all.Groups.Or(nil) {
		if g.Name == u.Group.Or("") {
			r["group"] = g.GID
		}
	}
	if p.Known("groups") {
		r["groups"] = strings.Join(p.Strings("groups"), ",")
	}
	if p.Has("password") {
		r["password"] = "NOT_LOGGING_PASSWORD"
	}
	return r, nil
}

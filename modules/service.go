package modules

import (
	"context"
	"fmt"
	"strings"

	"rp/engine/module"
	"rp/engine/state"
)

func serviceArgs(more ...module.Arg) []module.Arg {
	return append([]module.Arg{
		{Name: "name", Aliases: []string{"service", "unit"}, Doc: "The service. On systemd .service is put behind a name without a suffix."},
		{Name: "state", Choices: []string{"started", "stopped", "restarted", "reloaded"}, Doc: "started and stopped change nothing that is so already; restarted and reloaded act each time."},
		{Name: "enabled", Type: module.Bool, Doc: "Whether it starts at boot (in user scope: with the user's manager)."},
		{Name: "masked", Type: module.Bool, Doc: "systemd: whether it is masked, so that nothing can start it."},
		{Name: "daemon_reload", Aliases: []string{"daemon-reload"}, Type: module.Bool, Default: false, Doc: "systemd: read unit files again first. It is done each time, so better ask for it in a handler or with when."},
		{Name: "daemon_reexec", Aliases: []string{"daemon-reexec"}, Type: module.Bool, Default: false, Doc: "systemd: run the manager's program anew first."},
		{Name: "scope", Default: "system", Choices: []string{"system", "user"}, Doc: "system: the host's manager. user: that of a user."},
		{Name: "user", Doc: "Whose manager in user scope. Not given: the user that the task runs as."},
		{Name: "linger", Type: module.Bool, Default: true, Doc: "In user scope: keep the user's manager running without a login (loginctl enable-linger), and wait for it."},
		{Name: "no_block", NotYet: true, Doc: "Do not wait for systemd's job."},
		{Name: "force", NotYet: true, Doc: "Override links."},
	}, more...)
}

const serviceDoc = `
In user scope it makes the user's manager linger, waits until it and its bus answer, and talks to it with XDG_RUNTIME_DIR and
DBUS_SESSION_BUS_ADDRESS set: no login of the user is needed.`

func serviceReturns() []module.Return {
	return []module.Return{
		{Name: "name", Type: "str", Doc: "the service"},
		{Name: "state", Type: "str", Doc: "started or stopped, as it is now"},
		{Name: "enabled", Type: "bool", Doc: "whether it is enabled now"},
	}
}

var serviceSpec = module.Spec{
	Name: "service", Builtin: true, Kind: module.States, Local: true,
	Short: "A service: running, stopped, enabled, masked",
	Doc:   `Works with what the host has: systemd, OpenRC or SysV scripts.` + serviceDoc,
	Args: serviceArgs(
		module.Arg{Name: "use", Default: "auto", Choices: []string{"auto", "systemd", "openrc", "sysv", "sysvinit"}, Doc: "The service manager. auto: what the host has."},
		module.Arg{Name: "arguments", Aliases: []string{"args"}, NotYet: true, Doc: "Arguments for the script."},
		module.Arg{Name: "pattern", NotYet: true, Doc: "What to look for among the processes."},
		module.Arg{Name: "runlevel", NotYet: true, Doc: "OpenRC's runlevel."}, module.Arg{Name: "sleep", NotYet: true, Doc: "Seconds between stop and start."},
	),
	Examples: `- name: sshd, now and at boot
  service:
    name: ssh
    state: started
    enabled: true

- name: A user's own docker
  service:
    name: docker
    scope: user
    user: rootless
    state: started
    enabled: true
`,
	Returns: serviceReturns(), Run: runService,
}

func systemdSpec(name string) module.Spec {
	return module.Spec{
		Name: name, Builtin: true, Kind: module.States, Local: true,
		Short: "A systemd unit: running, stopped, enabled, masked",
		Doc:   `The service module with systemd as the manager.` + serviceDoc,
		Args:  serviceArgs(), Returns: serviceReturns(), Run: runService,
		Examples: `- name: Unit files have changed
  ` + name + `:
    daemon_reload: true

- name: A timer
  ` + name + `:
    name: backup.timer
    state: started
    enabled: true
`,
	}
}

var systemdModule, systemdServiceSpec = systemdSpec("systemd"), systemdSpec("systemd_service")

func runService(ctx context.Context, p module.Params, t module.Target) (module.Result, error) {
	u, err := serviceUnit(ctx, p, t)
	if err != nil {
		return nil, err
	}
	if u.Scope == state.UserScope && p.Bool("linger") {
		want := state.Linger{User: u.User, Enabled: state.Is(true), Running: state.Is(true)}
		if _, err := t.Want(ctx, want); err != nil {
			return nil, err
		}
	}
	for _, e := range []struct{ arg, what string }{{"daemon_reload", "read unit files again"}, {"daemon_reexec", "run systemd anew"}} {
		if !p.Bool(e.arg) {
			continue
		}
		out, err := t.Do(ctx, state.DaemonReload{Scope: u.Scope, User: u.User, Reexec: e.arg == "daemon_reexec"})
		if err != nil || out.Failed {
			return nil, fmt.Errorf("cannot %s: %w", e.what, orFailed(err, out))
		}
	}
	r := module.Result{"name": p.String("name")}
	if u.Name == "" {
		if p.Has("state") || p.Has("enabled") || p.Has("masked") {
			return nil, fmt.Errorf("cannot work on a service: no name is given")
		}
		return r, nil
	}
	if err := bringUnit(ctx, p, t, u); err != nil {
		return nil, err
	}
	now, err := readOne(ctx, t, u)
	if err != nil {
		return nil, err
	}
	r["enabled"] = result(now.Enabled)
	r["state"] = result(state.Map(now.Active, func(on bool) string {
		if on {
			return "started"
		}
		return "stopped"
	}))
	return r, nil
}

// unitSuffixes are the types of systemd's units.
var unitSuffixes = []string{".service", ".socket", ".device", ".mount", ".automount", ".swap", ".target", ".path", ".timer", ".slice", ".scope"}

func serviceUnit(ctx context.Context, p module.Params, t module.Target) (state.Unit, error) {
	u := state.Unit{Name: p.String("name"), Scope: p.String("scope")}
	sys, err := readOne(ctx, t, state.System{})
	if err != nil {
		return u, err
	}
	switch use := p.String("use"); use {
	case "", "auto":
		u.Manager = known(sys.ServiceManager, "service manager")
	case "sysvinit":
		u.Manager = "sysv"
	default:
		u.Manager = use
	}
	if u.Manager == "" {
		return u, fmt.Errorf("cannot work on service %q: the host has none of systemd, OpenRC, SysV scripts", u.Name)
	}
	if u.Manager != "systemd" && (u.Scope == state.UserScope || p.Has("masked") || p.Bool("daemon_reload") || p.Bool("daemon_reexec")) {
		return u, fmt.Errorf("cannot work on service %q: scope user, masked, daemon_reload and daemon_reexec need systemd, and the host has %s", u.Name, u.Manager)
	}
	if u.Scope == state.UserScope {
		if u.User = p.String("user"); u.User == "" {
			u.User = known(sys.User, "user")
		}
	} else if p.Has("user") {
		return u, fmt.Errorf("cannot work on service %q: user needs scope: user", u.Name)
	}
	if u.Manager == "systemd" && u.Name != "" && !hasSuffix(u.Name, unitSuffixes) {
		u.Name += ".service"
	}
	return u, nil
}

func hasSuffix(s string, suffixes []string) bool {
	for _, x := range suffixes {
		if strings.HasSuffix(s, x) {
			return true
		}
	}
	return false
}

// bringUnit brings u to what p asks: masked, enabled, then running, as Ansible orders them.
func bringUnit(ctx context.Context, p module.Params, t module.Target, u state.Unit) error {
	have, err := readOne(ctx, t, u)
	if err != nil {
		return err
	}
	if there, is := have.Present.Get(); is && !there && !have.Masked.Or(false) {
		return fmt.Errorf("cannot work on service %q: the host has none of that name", u.Name)
	}
	mask, enable := u, u
	mask.Masked, enable.Enabled = p.BoolValue("masked"), p.BoolValue("enabled")
	if p.Has("masked") {
		if _, err := t.Want(ctx, mask); err != nil {
			return err
		}
	}
	if p.Has("enabled") {
		if _, err := t.Want(ctx, enable); err != nil {
			return err
		}
	}
	switch p.String("state") {
	case "started":
		u.Active = state.Is(true)
	case "stopped":
		u.Active = state.Is(false)
	case "restarted":
		return actOn(ctx, t, u, state.Restart)
	case "reloaded":
		if have.Active.Or(true) {
			return actOn(ctx, t, u, state.Reload)
		}
		u.Active = state.Is(true)
	default:
		return nil
	}
	_, err = t.Want(ctx, u)
	return err
}

func actOn(ctx context.Context, t module.Target, u state.Unit, action string) error {
	out, err := t.Do(ctx, state.UnitAction{Unit: u, Action: action})
	if err != nil || out.Failed {
		return fmt.Errorf("cannot %s %q: %w", action, u.Name, orFailed(err, out))
	}
	return nil
}

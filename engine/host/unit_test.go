package host

import (
	"context"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"rp/engine/state"
)

// What systemctl show of systemd 252 says of these units.
const shownUnits = `Id=ssh.service
LoadState=loaded
ActiveState=active
SubState=running
UnitFileState=enabled
Type=notify
Result=success
RemainAfterExit=no
ConditionResult=yes
InactiveEnterTimestampMonotonic=0
FragmentPath=/lib/systemd/system/ssh.service
WantedBy=multi-user.target

Id=nope.service
LoadState=not-found
ActiveState=inactive
SubState=dead
UnitFileState=

Id=masked.service
LoadState=masked
ActiveState=inactive
SubState=dead
UnitFileState=masked

Id=dbus.service
LoadState=loaded
ActiveState=active
SubState=running
UnitFileState=static
TriggeredBy=dbus.socket

Id=loop.service
LoadState=loaded
ActiveState=activating
SubState=auto-restart
UnitFileState=disabled

Id=once.service
LoadState=loaded
ActiveState=inactive
SubState=dead
UnitFileState=static
Type=oneshot
Result=success
RemainAfterExit=no
ConditionResult=yes
InactiveEnterTimestampMonotonic=12345

Id=old.service
LoadState=loaded
ActiveState=active
SubState=exited
UnitFileState=generated
SourcePath=/etc/init.d/old
`

func systemdRoot(t *testing.T, files map[string]string) *Linux {
	t.Helper()
	all := map[string]string{"/run/systemd/system/.keep": "", "/etc/rc2.d/S01old": ""}
	for p, text := range files {
		all[p] = text
	}
	return fakeRoot(t, all)
}

func flags(u state.Unit) string {
	return "present=" + u.Present.String() + " enabled=" + u.Enabled.String() + " active=" + u.Active.String() + " masked=" + u.Masked.String()
}

func TestReadUnits(t *testing.T) {
	l := systemdRoot(t, nil)
	log := fakeTools(t, map[string]string{"systemctl": script(shownUnits)})
	var asks []state.State
	for _, n := range []string{"ssh", "nope", "masked", "dbus.service", "loop", "once", "old"} {
		asks = append(asks, state.Unit{Name: n, Active: state.Is(true)})
	}
	got, err := l.Read(context.Background(), asks...)
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []string{
		"present=true enabled=true active=true masked=false", "present=false enabled=false active=false masked=false",
		"present=true enabled=false active=false masked=true", "present=true enabled=true active=true masked=false",
		"present=true enabled=false active=false masked=false", "present=true enabled=false active=true masked=false",
		"present=true enabled=true active=true masked=false",
	} {
		if s := flags(got[i].(state.Unit)); s != want {
			t.Errorf("%s: %s, want %s", got[i].Key(), s, want)
		}
	}
	if s := log(); strings.Contains(s, "\n") || !strings.HasSuffix(s, "-- ssh.service nope.service masked.service dbus.service loop.service once.service old.service") {
		t.Errorf("asked more than once, or for other names:\n%s", s)
	}
}

func TestUnitName(t *testing.T) {
	for name, want := range map[string]string{"docker": "docker.service", "a.b": "a.b.service", "x.timer": "x.timer", "getty@tty1": "getty@tty1.service", "dbus.socket": "dbus.socket"} {
		if got := unitName(name); got != want {
			t.Errorf("%s is %s, want %s", name, got, want)
		}
	}
}

func TestWriteUnit(t *testing.T) {
	is, no := state.Is(true), state.Is(false)
	for _, tc := range []struct {
		name     string
		from, to state.Unit
		log      string
	}{
		{"enabled and started", state.Unit{Enabled: no, Active: no}, state.Unit{Enabled: is, Active: is}, "show enable start show"},
		{"unmasked first", state.Unit{Masked: is, Active: no}, state.Unit{Masked: no, Active: is}, "unmask start show"},
		{"stopped and disabled", state.Unit{Enabled: is, Active: is}, state.Unit{Enabled: no, Active: no}, "show disable stop"},
		{"masked last", state.Unit{Masked: no, Active: is}, state.Unit{Masked: is, Active: no}, "stop mask"},
		{"only what differs", state.Unit{Enabled: is, Active: no}, state.Unit{Enabled: is, Active: is}, "start show"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			l := systemdRoot(t, nil)
			log := fakeTools(t, map[string]string{"systemctl": "case \"$*\" in *show*) printf 'Id=x\\nActiveState=active\\nUnitFileState=enabled\\n';; esac"})
			tc.from.Name, tc.to.Name = "x", "x"
			if err := l.Write(context.Background(), state.Change{From: tc.from, To: tc.to}); err != nil {
				t.Fatal(err)
			}
			var verbs []string
			for line := range strings.Lines(log()) {
				verbs = append(verbs, strings.Fields(line)[4])
			}
			if got := strings.Join(verbs, " "); got != tc.log {
				t.Errorf("ran %s, want %s\n%s", got, tc.log, log())
			}
		})
	}
}

func TestUnitErrors(t *testing.T) {
	start := state.Change{From: state.Unit{Name: "x", Active: state.Is(false)}, To: state.Unit{Name: "x", Active: state.Is(true)}}
	enable := state.Change{From: state.Unit{Name: "x", Enabled: state.Is(false)}, To: state.Unit{Name: "x", Enabled: state.Is(true)}}
	for name, tc := range map[string]struct {
		script string
		c      state.Change
		want   string
	}{
		"it fails":        {"case \"$*\" in *start*) echo 'Job for x.service failed.' >&2; exit 1;; esac", start, "Job for x.service failed.; it last logged:\nx: no such port"},
		"it ends at once": {"case \"$*\" in *show*) printf 'ActiveState=failed\\n';; esac", start, "it failed as soon as it had started; it last logged:\nx: no such port"},
		"a condition":     {"case \"$*\" in *show*) printf 'ActiveState=inactive\\nConditionResult=no\\n';; esac", start, "a condition in its unit file does not hold"},
		"static":          {"case \"$*\" in *show*) printf 'UnitFileState=static\\n';; esac", enable, "it cannot be enabled: its unit file has no [Install] section"},
		"there is none":   {"echo 'Failed to start x.service: Unit x.service not found.' >&2; exit 5", start, "Unit x.service not found."},
	} {
		t.Run(name, func(t *testing.T) {
			l := systemdRoot(t, nil)
			fakeTools(t, map[string]string{"systemctl": tc.script, "journalctl": "echo 'x: no such port'"})
			err := l.Write(context.Background(), tc.c)
			if err == nil || !strings.HasPrefix(err.Error(), "cannot bring unit x to its state: ") || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got %v", err)
			}
		})
	}
	absent := state.Change{From: noUnit(state.Unit{Name: "x"}), To: state.Unit{Name: "x", Active: state.Is(true)}}
	if _, err := systemdRoot(t, nil).Plan(context.Background(), absent); err == nil || !strings.Contains(err.Error(), "no unit or init script of that name") {
		t.Errorf("a unit that is not there gives %v", err)
	}
}

func TestUnitEvents(t *testing.T) {
	l := systemdRoot(t, nil)
	log := fakeTools(t, map[string]string{"systemctl": ""})
	for _, e := range []state.Event{
		state.UnitAction{Unit: state.Unit{Name: "x"}, Action: state.Restart},
		state.UnitAction{Unit: state.Unit{Name: "x.socket"}, Action: state.Reload},
		state.DaemonReload{},
		state.DaemonReload{Reexec: true},
	} {
		if _, err := l.Do(context.Background(), e); err != nil {
			t.Fatal(err)
		}
	}
	for _, want := range []string{"restart x.service", "reload x.socket", "daemon-reload", "daemon-reexec"} {
		if !strings.Contains(log()+"\n", " "+want+"\n") {
			t.Errorf("did not run %q:\n%s", want, log())
		}
	}
	if _, err := l.Do(context.Background(), state.UnitAction{Unit: state.Unit{Name: "x"}, Action: "explode"}); err == nil {
		t.Error("an action that there is not is done")
	}
}

func TestParseInstall(t *testing.T) {
	got := parseInstall("[Unit]\nWantedBy=no\n[Install]\n# WantedBy=no\nWantedBy=a.target b.target\nWantedBy=\nWantedBy=multi-user.target \\\n graphical.target\nAlias=dm.service\nAlso=x.socket\nRequiredBy=r.service\n")
	want := installSection{wantedBy: []string{"multi-user.target", "graphical.target"}, alias: []string{"dm.service"}, also: []string{"x.socket"}, requiredBy: []string{"r.service"}}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v", got)
	}
	links := strings.Join(got.links("x.service"), " ")
	if links != "dm.service graphical.target.wants/x.service multi-user.target.wants/x.service r.service.requires/x.service" {
		t.Errorf("links: %s", links)
	}
}

func TestPlanEnabledUnit(t *testing.T) {
	l := systemdRoot(t, map[string]string{
		"/etc/systemd/system/app.service":                "[Install]\nWantedBy=multi-user.target\nAlso=app.socket\n",
		"/lib/systemd/system/app.socket":                 "[Install]\nWantedBy=sockets.target\n",
		"/etc/systemd/system/sockets.target.wants/other": "",
	})
	from := state.Unit{Name: "app", Present: state.Is(true), Enabled: state.Is(false), Active: state.Is(false)}
	to := state.Unit{Name: "app", Enabled: state.Is(true)}
	c, err := l.Plan(context.Background(), state.Change{From: from, To: to})
	if err != nil {
		t.Fatal(err)
	}
	want := "file /etc/systemd/system/multi-user.target.wants type=directory owner=root group=root\n" +
		"file /etc/systemd/system/multi-user.target.wants/app.service type=link target=/etc/systemd/system/app.service owner=root group=root\n" +
		"file /etc/systemd/system/sockets.target.wants/app.socket type=link owner=root group=root\n"
	if got := withText(c); got != want {
		t.Errorf("enabling brings\n%s\nwant\n%s", got, want)
	}
	for _, link := range []string{"multi-user.target.wants/app.service", "sockets.target.wants/app.socket"} {
		full := l.path(filepath.Join("/etc/systemd/system", link))
		if err := os.MkdirAll(filepath.Dir(full), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink("/x", full); err != nil {
			t.Fatal(err)
		}
	}
	from.Enabled, to.Enabled = state.Is(true), state.Is(false)
	c, err = l.Plan(context.Background(), state.Change{From: from, To: to})
	if err != nil {
		t.Fatal(err)
	}
	want = "file /etc/systemd/system/multi-user.target.wants type=absent\nfile /etc/systemd/system/multi-user.target.wants/app.service type=absent\n" +
		"file /etc/systemd/system/sockets.target.wants/app.socket type=absent\n"
	if got := withText(c); got != want {
		t.Errorf("disabling takes away\n%s\nwant\n%s", got, want)
	}
}

// On Debian, systemctl keeps the links of an init script of that name in step.
func TestPlanUnitWithInitScript(t *testing.T) {
	l := systemdRoot(t, map[string]string{
		"/etc/init.d/app": "#!/bin/sh\n### BEGIN INIT INFO\n# Default-Start:     2 3\n# Default-Stop: 0\n", "/usr/sbin/update-rc.d": "",
		"/etc/rc2.d/K01apple": "", "/etc/rc4.d/K01app": "",
	})
	for _, p := range []string{"/etc/rc2.d/K01app", "/etc/rc3.d/S02app"} {
		if err := os.MkdirAll(filepath.Dir(l.path(p)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink("../init.d/app", l.path(p)); err != nil {
			t.Fatal(err)
		}
	}
	for on, want := range map[bool]string{
		true:  "file /etc/rc2.d/S01app type=link target=../init.d/app\nfile /etc/rc2.d/K01app type=absent\n",
		false: "file /etc/rc3.d/K02app type=link target=../init.d/app\nfile /etc/rc3.d/S02app type=absent\n",
	} {
		to := state.Unit{Name: "app", Enabled: state.Is(on)}
		c, err := l.Plan(context.Background(), state.Change{From: state.Unit{Name: "app", Present: state.Is(true), Enabled: state.Is(!on)}, To: to})
		if err != nil {
			t.Fatal(err)
		}
		got := strings.NewReplacer(" owner=0", "", " group=0", "").Replace(withText(c))
		if got != want {
			t.Errorf("enabled %v brings\n%s\nwant\n%s", on, got, want)
		}
	}
}

func TestUserUnitOffline(t *testing.T) {
	l := systemdRoot(t, map[string]string{
		"/etc/passwd": "bob:x:4242:4242::/home/bob:/bin/sh\n", "/etc/group": "bob:x:4242:\n",
		"/home/bob/.config/systemd/user/docker.service": "[Install]\nWantedBy=default.target\n",
	})
	if os.Geteuid() != 0 {
		t.Skip("only root reaches another user's services")
	}
	ask := state.Unit{Name: "docker", Scope: state.UserScope, User: "bob"}
	if got := flags(read1(t, l, ask)); got != "present=true enabled=false active=false masked=false" {
		t.Errorf("before: %s", got)
	}
	wants := l.path("/home/bob/.config/systemd/user/default.target.wants")
	if err := os.MkdirAll(wants, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("../docker.service", filepath.Join(wants, "docker.service")); err != nil {
		t.Fatal(err)
	}
	if got := flags(read1(t, l, ask)); got != "present=true enabled=true active=false masked=false" {
		t.Errorf("enabled: %s", got)
	}
	start := ask
	start.Active = state.Is(true)
	err := l.Write(context.Background(), state.Change{From: read1(t, l, start), To: start})
	if err == nil || !strings.Contains(err.Error(), `loginctl enable-linger bob`) {
		t.Errorf("starting it gives %v", err)
	}
	nobody := state.Unit{Name: "docker", Scope: state.UserScope, User: "carl"}
	if got := flags(read1(t, l, nobody)); got != "present=false enabled=false active=false masked=false" {
		t.Errorf("a user that is not there has the unit: %s", got)
	}
}

func TestImaginedUnit(t *testing.T) {
	l := systemdRoot(t, map[string]string{"/etc/systemd/system/.keep": "", "/etc/systemd/system/real.service": "[Service]\n", "/etc/passwd": "", "/etc/group": ""})
	fakeTools(t, map[string]string{"systemctl": "case \"$*\" in *real.service) printf 'Id=r\\nLoadState=loaded\\nActiveState=active\\nUnitFileState=enabled\\n';; *) printf 'Id=x\\nLoadState=not-found\\n';; esac"})
	ctx := context.Background()
	v := NewMemory().View(l, "write the unit", false)
	if got := flags(read1(t, v, state.Unit{Name: "app"})); !strings.HasPrefix(got, "present=false") {
		t.Errorf("before: %s", got)
	}
	file := state.File{Path: "/etc/systemd/system/app.service", Type: state.Is(state.Regular), Content: state.Is(state.Text("[Install]\nWantedBy=multi-user.target\n"))}
	if err := v.Write(ctx, state.Change{From: state.File{Path: file.Path, Type: state.Is(state.Absent)}, To: file}); err != nil {
		t.Fatal(err)
	}
	if got := flags(read1(t, v, state.Unit{Name: "app"})); got != "present=true enabled=false active=false masked=false" {
		t.Errorf("with a predicted file: %s", got)
	}
	c := make1(t, v, state.Unit{Name: "app", Enabled: state.Is(true), Active: state.Is(true)})
	if !strings.Contains(withText(c), "multi-user.target.wants/app.service type=link target=/etc/systemd/system/app.service") {
		t.Errorf("enabling it brings\n%s", withText(c))
	}
	if got := flags(read1(t, v, state.Unit{Name: "app"})); got != "present=true enabled=true active=true masked=false" {
		t.Errorf("after: %s", got)
	}
	gone := state.File{Path: "/etc/systemd/system/real.service", Type: state.Is(state.Absent)}
	if err := v.Write(ctx, state.Change{From: state.File{Path: gone.Path, Type: state.Is(state.Regular)}, To: gone}); err != nil {
		t.Fatal(err)
	}
	if got := read1(t, v, state.Unit{Name: "real"}); got.Present.Or(true) {
		t.Errorf("without its file: %s", flags(got))
	}
	if err := v.Write(ctx, state.Change{From: state.Package{Name: "p", Present: state.Is(false)}, To: state.Package{Name: "p", Present: state.Is(true)}}); err != nil {
		t.Fatal(err)
	}
	if got := read1(t, v, state.Unit{Name: "p"}); !got.Present.IsUnknown() {
		t.Errorf("a unit that a package may bring: %s", flags(got))
	}
}

func TestInitScripts(t *testing.T) {
	l := fakeRoot(t, map[string]string{"/etc/init.d/.keep": "", "/etc/rc3.d/S20app": ""})
	log := filepath.Join(l.o.Root, "log")
	for name, rc := range map[string]string{"app": "0", "off": "3"} {
		text := "#!/bin/sh\necho " + name + " $1 >> " + log + "\n[ $1 = status ] && exit " + rc + "\nexit 0\n"
		if err := os.WriteFile(l.path("/etc/init.d/"+name), []byte(text), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	s := &initScripts{l: l}
	s.dir = l.path("/etc/init.d")
	got, err := s.read(context.Background(), []state.Unit{{Name: "app"}, {Name: "off"}, {Name: "none"}})
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []string{"present=true enabled=true active=true masked=false", "present=true enabled=false active=false masked=false", "present=false enabled=false active=false masked=false"} {
		if s := flags(got[i]); s != want {
			t.Errorf("%s: %s, want %s", got[i].Name, s, want)
		}
	}
	tools := fakeTools(t, map[string]string{"update-rc.d": ""})
	if err := s.write(context.Background(), got[1], state.Unit{Name: "off", Enabled: state.Is(true), Active: state.Is(true)}); err != nil {
		t.Fatal(err)
	}
	if got := tools(); got != "update-rc.d off defaults\nupdate-rc.d off enable" {
		t.Errorf("ran\n%s", got)
	}
	if text, _ := os.ReadFile(log); !strings.HasSuffix(string(text), "off start\n") {
		t.Errorf("ran\n%s", text)
	}
}

func TestOpenRC(t *testing.T) {
	l := fakeRoot(t, map[string]string{"/run/openrc/softlevel": "default", "/etc/init.d/app": "", "/etc/runlevels/default/app": "", "/etc/init.d/off": ""})
	log := fakeTools(t, map[string]string{"rc-service": "[ $2 != status ] || [ $1 = app ] || exit 3", "rc-update": ""})
	if got := flags(read1(t, l, state.Unit{Name: "app"})); got != "present=true enabled=true active=true masked=false" {
		t.Errorf("app: %s", got)
	}
	make1(t, l, state.Unit{Name: "off", Enabled: state.Is(true), Active: state.Is(true)})
	make1(t, l, state.Unit{Name: "app", Enabled: state.Is(false)})
	for _, want := range []string{"rc-update add off default", "rc-service off start", "rc-update --all del app"} {
		if !strings.Contains(log(), want) {
			t.Errorf("did not run %q:\n%s", want, log())
		}
	}
	_, err := l.Read(context.Background(), state.Unit{Name: "app", Scope: state.UserScope, User: "bob"})
	if err == nil || !strings.Contains(err.Error(), "only systemd has services of a user's own") {
		t.Errorf("a user's unit gives %v", err)
	}
}

func FuzzUnitParsers(f *testing.F) {
	f.Add(shownUnits)
	f.Add("[Install]\nWantedBy=a\\\n b\n=\n")
	f.Fuzz(func(t *testing.T, text string) {
		for _, p := range parseShow(text) {
			describeUnit(state.Unit{Name: "x"}, p, func(string) bool { return false })
		}
		for _, l := range parseInstall(text).links("x.service") {
			if strings.Contains(l, "%") {
				t.Errorf("a specifier in %q", l)
			}
		}
	})
}

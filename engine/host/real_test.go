package host

import (
	"context"
	"os"
	"testing"

	"rp/engine/state"
)

// needsDisposable skips tests that change the host they run on.
func needsDisposable(t *testing.T) {
	t.Helper()
	if os.Getenv("RP_TEST_DISPOSABLE_HOST") == "" {
		t.Skip("needs a host to throw away: RP_TEST_DISPOSABLE_HOST=1")
	}
}

// bring makes each want so with the host's own tools, holds what was predicted
// against what is, and holds that asking again changes nothing.
func bring(t *testing.T, l *Linux, wants ...state.State) []state.Change {
	t.Helper()
	ctx := context.Background()
	var done []state.Change
	for _, want := range wants {
		have, err := l.Read(ctx, want)
		if err != nil {
			t.Fatal(err)
		}
		c := state.Change{From: have[0], To: want}
		if !c.Needed() {
			t.Errorf("%s is so already", want.Key())
			continue
		}
		if c, err = l.Plan(ctx, c); err != nil {
			t.Fatal(err)
		}
		if err := l.Write(ctx, c); err != nil {
			t.Fatal(err)
		}
		verify(t, l, c)
		if have, err = l.Read(ctx, want); err != nil {
			t.Fatal(err)
		}
		if ds := (state.Change{From: have[0], To: want}).Diff(); len(ds) > 0 {
			t.Errorf("%s: a second time would change %+v", want.Key(), ds)
		}
		done = append(done, c)
	}
	return done
}

// undo takes changes back and holds that what they found is there again.
func undo(t *testing.T, l *Linux, done []state.Change) {
	t.Helper()
	for i := len(done) - 1; i >= 0; i-- {
		u := done[i].Undo()
		takeBack(t, l, u)
		verify(t, l, state.Change{From: u.From, To: u.To})
	}
}

func TestRealPackages(t *testing.T) {
	needsDisposable(t)
	l := NewLinux(Options{Scratch: t.TempDir()})
	if _, err := l.Do(context.Background(), state.Refresh{LockTimeout: 60}); err != nil {
		t.Fatal(err)
	}
	pkg := func(name string) state.Package {
		return state.Package{Name: name, Present: state.Is(true), LockTimeout: 60}
	}
	pinned := pkg("nginx-light")
	pinned.Version = state.Is(state.Version("1.22*"))
	done := bring(t, l, pkg("uidmap"), pinned)
	latest := pkg("uidmap")
	latest.Latest, latest.Version = true, state.Ask[state.Version]()
	if c := plan1(t, l, latest); c.Needed() {
		t.Errorf("the newest uidmap is there, yet %+v", c.Diff())
	}
	if u := read1(t, l, state.Unit{Name: "nginx"}); !u.Present.Or(false) || !u.Active.Or(false) {
		t.Errorf("the package's unit is %+v", u)
	}
	done = append(done, bring(t, l,
		state.Unit{Name: "nginx", Active: state.Is(false), Enabled: state.Is(false)},
		state.Unit{Name: "nginx", Active: state.Is(true), Enabled: state.Is(true)},
		state.Unit{Name: "nginx", Active: state.Is(false), Masked: state.Is(true)},
		state.Unit{Name: "nginx", Masked: state.Is(false)},
		state.Unit{Name: "ssh", Enabled: state.Is(false)},
	)...)
	_, err := l.Plan(context.Background(), state.Change{From: read1(t, l, pkg("no-such-package")), To: pkg("no-such-package")})
	if err == nil {
		t.Error("a package that is not to be had is planned")
	}
	t.Log(err)
	undo(t, l, done)
}

func TestRealServices(t *testing.T) {
	needsDisposable(t)
	ctx := context.Background()
	l := NewLinux(Options{})
	unit := func(path, text, owner string) state.File {
		return state.File{Path: path, Type: state.Is(state.Regular), Content: state.Is(state.Text(text)), Owner: state.Is(owner), Group: state.Is(owner)}
	}
	dir := func(path string) state.File {
		return state.File{Path: path, Type: state.Is(state.Directory), Owner: state.Is("rpsvc"), Group: state.Is("rpsvc")}
	}
	text := "[Service]\nExecStart=/bin/sleep 1000\n[Install]\nWantedBy=default.target\n"
	user := state.Unit{Name: "rpnap", Scope: state.UserScope, User: "rpsvc", Enabled: state.Is(true), Active: state.Is(true)}
	done := bring(t, l,
		state.User{Name: "rpsvc", Present: state.Is(true), CreateHome: true},
		state.Linger{User: "rpsvc", Enabled: state.Is(true), Running: state.Is(true)},
		dir("/home/rpsvc/.config"), dir("/home/rpsvc/.config/systemd"), dir("/home/rpsvc/.config/systemd/user"),
		unit("/home/rpsvc/.config/systemd/user/rpnap.service", text, "rpsvc"),
		user,
		unit("/etc/systemd/system/rpnap.service", "[Service]\nExecStart=/bin/sleep 1000\n[Install]\nWantedBy=multi-user.target\nAlias=rpother.service\n", "root"),
		state.Unit{Name: "rpnap", Enabled: state.Is(true), Active: state.Is(true)},
		state.Sysctl{Name: "user.max_user_namespaces", Value: state.Is("28633")},
	)
	for _, e := range []state.Event{
		state.DaemonReload{Scope: state.UserScope, User: "rpsvc"},
		state.DaemonReload{},
		state.UnitAction{Unit: user, Action: state.Restart},
		state.UnitAction{Unit: state.Unit{Name: "rpnap"}, Action: state.Restart},
	} {
		if _, err := l.Do(ctx, e); err != nil {
			t.Error(err)
		}
	}
	bad := unit("/etc/systemd/system/rpbad.service", "[Service]\nType=oneshot\nExecStart=/bin/sh -c 'echo it is broken >&2; exit 3'\n", "root")
	done = append(done, bring(t, l, bad)...)
	start := state.Unit{Name: "rpbad", Active: state.Is(true)}
	err := l.Write(ctx, state.Change{From: read1(t, l, start), To: start})
	if err == nil {
		t.Error("a service that fails is started")
	}
	t.Log(err)
	undo(t, l, done)
	if _, err := l.Do(ctx, state.DaemonReload{}); err != nil {
		t.Error(err)
	}
}

// TestRealDnf needs a repository with rpalpha 1.0 and 1.1, which requires another package and provides virtualthing.
func TestRealDnf(t *testing.T) {
	needsDisposable(t)
	l := NewLinux(Options{Scratch: t.TempDir()})
	if !l.hasTool("dnf") {
		t.Skip("needs dnf")
	}
	if _, err := l.Do(context.Background(), state.Refresh{Manager: "dnf", LockTimeout: 60}); err != nil {
		t.Fatal(err)
	}
	pkg := func(version string) state.Package {
		p := state.Package{Name: "rpalpha", Manager: "dnf", Present: state.Is(true), LockTimeout: 60}
		if version != "" {
			p.Version = state.Is(state.Version(version))
		}
		return p
	}
	done := bring(t, l, pkg("1.0"))
	if len(done[0].With) != 1 {
		t.Errorf("it brings along\n%s", withText(done[0]))
	}
	latest := pkg("")
	latest.Latest, latest.Version = true, state.Ask[state.Version]()
	c := plan1(t, l, latest)
	if v := c.To.(state.Package).Version.Or(""); v != "1.1-1" {
		t.Errorf("the latest is %s", v)
	}
	if err := l.Write(context.Background(), c); err != nil {
		t.Fatal(err)
	}
	verify(t, l, c)
	if p := read1(t, l, state.Package{Name: "virtualthing", Manager: "dnf"}); !p.Present.Or(false) {
		t.Errorf("what it provides is %+v", p)
	}
	down := pkg("1.0")
	if _, err := l.Plan(context.Background(), state.Change{From: read1(t, l, down), To: down}); err == nil {
		t.Error("a downgrade is planned")
	} else {
		t.Log(err)
	}
	down.AllowDowngrade = true
	bring(t, l, down)
	no := state.Package{Name: "rpnone", Manager: "dnf", Present: state.Is(true)}
	if _, err := l.Plan(context.Background(), state.Change{From: read1(t, l, no), To: no}); err == nil {
		t.Error("a package that is not to be had is planned")
	} else {
		t.Log(err)
	}
	undo(t, l, done)
}

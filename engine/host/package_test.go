package host

import (
	"context"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	"rp/engine/state"
)

const dpkgStatusText = `Package: curl
Status: install ok installed
Architecture: amd64
Version: 7.88.1-10+deb12u14
Description: a tool
 Version: not this one

Package: exim4-daemon-light
Status: install ok installed
Architecture: amd64
Version: 4.96-15
Provides: mail-transport-agent, default-mta (= 4)

Package: nginx
Status: deinstall ok config-files
Architecture: amd64
Version: 1.18.0

Package: libc6
Status: hold ok installed
Architecture: amd64
Version: 2.36-9

Package: libc6
Status: install ok installed
Architecture: i386
Version: 2.36-8

Package: uidmap
Status: install ok half-configured
Architecture: amd64
Version: 1:4.13
`

var aptFiles = map[string]string{
	"/var/lib/dpkg/status":                     dpkgStatusText,
	"/var/lib/apt/lists/deb.example_InRelease": "Origin: x\n",
	"/usr/bin/apt-get":                         "",
}

func aptHost(t *testing.T, scripts map[string]string) (*Linux, func() string) {
	t.Helper()
	return fakeRoot(t, aptFiles), fakeTools(t, scripts)
}

func aptPackage(name string) state.Package {
	return state.Package{Name: name, Manager: "apt", Present: state.Is(true)}
}

func TestReadAptPackages(t *testing.T) {
	l, log := aptHost(t, map[string]string{"apt-cache": "[ \"$9\" = default-mta ] && printf '%s:\\n  Candidate: 1.2\\n' $9; exit 0"})
	version := func(p state.Package, v string) state.Package { p.Version = state.Is(state.Version(v)); return p }
	for _, tc := range []struct {
		ask     state.Package
		present bool
		version string
	}{
		{aptPackage("curl"), true, "7.88.1-10+deb12u14"},
		{aptPackage("nginx"), false, "-"},
		{aptPackage("nothing"), false, "-"},
		{aptPackage("uidmap"), false, "-"}, // half-configured is not installed
		{aptPackage("libc6"), true, "2.36-9"},
		{aptPackage("libc6:i386"), true, "2.36-8"},
		{aptPackage("mail-transport-agent"), true, "-"}, // purely virtual
		{aptPackage("default-mta"), false, "-"},         // a real package that another one provides
		{version(aptPackage("mail-transport-agent"), "4"), false, "-"},
	} {
		got := read1(t, l, tc.ask)
		if got.Present.Or(!tc.present) != tc.present || got.Version.String() != tc.version {
			t.Errorf("%s: present %v, version %v", tc.ask.Name, got.Present, got.Version)
		}
	}
	if n := strings.Count(log(), "apt-cache"); n != 2 {
		t.Errorf("apt-cache was asked %d times, for virtual packages only:\n%s", n, log())
	}
	if p := read1(t, l, aptPackage("nothing")); !p.Purge {
		t.Error("undoing the installation of a package of which nothing was there would leave its configuration")
	}
	if p := read1(t, l, aptPackage("nginx")); p.Purge {
		t.Error("undoing the installation of a package whose configuration was there would take that away")
	}
}

const simulated = `Reading package lists...
The following NEW packages will be installed:
  libsubid4 uidmap
Inst libsubid4 (1:4.13+dfsg1-1+deb12u2 Debian:12.15/oldstable [amd64]) [uidmap:amd64 ]
Inst curl [7.88.1-10] (7.88.1-11 Debian:12.15/oldstable, Debian-Security:12 [amd64])
Remv old-thing [2.0-1] [curl:amd64 ]
Inst uidmap (1:4.13+dfsg1-1+deb12u2 Debian:12.15/oldstable [amd64])
Conf libsubid4 (1:4.13+dfsg1-1+deb12u2 Debian:12.15/oldstable [amd64])
Purg left-over
`

func TestParseSimulation(t *testing.T) {
	want := []step{
		{Name: "libsubid4", To: "1:4.13+dfsg1-1+deb12u2"},
		{Name: "curl", From: "7.88.1-10", To: "7.88.1-11"},
		{Name: "old-thing", From: "2.0-1"},
		{Name: "uidmap", To: "1:4.13+dfsg1-1+deb12u2"},
	}
	if got := parseSimulation(simulated); !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v", got)
	}
}

func script(output string) string { return "/bin/cat <<'EOF'\n" + output + "EOF\n" }

// The packages of one task are planned one by one; what they bring along is told once, with the first.
func TestPlanPackages(t *testing.T) {
	l, log := aptHost(t, map[string]string{"apt-get": script(simulated)})
	wants := []state.State{aptPackage("uidmap"), aptPackage("libsubid4")}
	have, err := l.Read(context.Background(), wants...)
	if err != nil {
		t.Fatal(err)
	}
	var cs []state.Change
	for i, w := range wants {
		c, err := l.Plan(context.Background(), state.Change{From: have[i], To: w})
		if err != nil {
			t.Fatal(err)
		}
		cs = append(cs, c)
	}
	if v := cs[0].To.(state.Package).Version; v.Or("") != "1:4.13+dfsg1-1+deb12u2" {
		t.Errorf("the version is %v", v)
	}
	if got, want := withText(cs[0]), "package libsubid4 present=true version=1:4.13+dfsg1-1+deb12u2\npackage curl version=7.88.1-11\npackage old-thing present=false\n"; got != want {
		t.Errorf("it brings along\n%s\nwant\n%s", got, want)
	}
	if got := withText(cs[1]); got != "" {
		t.Errorf("told twice:\n%s", got)
	}
	if got := log(); strings.Count(got, "\n") != 0 || !strings.Contains(got, "apt-get -q -y -s -o Dir::Cache::pkgcache= -o Dir::Cache::srcpkgcache= -o Dir::Log::Planner= --allow-downgrades install -- uidmap libsubid4") {
		t.Errorf("asked\n%s", got)
	}
}

func TestPlanPackageRefuses(t *testing.T) {
	for name, tc := range map[string]struct {
		script string
		want   state.Package
		err    string
	}{
		"no such package": {"echo 'E: Unable to locate package nope' >&2; exit 100", aptPackage("nope"), `cannot install package "nope": E: Unable to locate package nope`},
		"held": {
			script("The following packages have unmet dependencies:\n a : Depends: b (>= 2) but 1 is to be installed\n") + "echo 'E: Unable to correct problems, you have held broken packages.' >&2; exit 100",
			aptPackage("a"), "cannot install package \"a\": The following packages have unmet dependencies:\na : Depends: b (>= 2) but 1 is to be installed\nE: Unable to correct problems, you have held broken packages.",
		},
		"downgrade": {
			script("Inst curl [7.88.1-10+deb12u14] (7.88.1-2 Debian:12 [amd64])\n"),
			state.Package{Name: "curl", Manager: "apt", Version: state.Is(state.Version("7.88.1-2"))},
			"cannot install version 7.88.1-2 of package \"curl\": the newer 7.88.1-10+deb12u14 is installed",
		},
	} {
		t.Run(name, func(t *testing.T) {
			l, _ := aptHost(t, map[string]string{"apt-get": tc.script})
			_, err := l.Plan(context.Background(), state.Change{From: read1(t, l, tc.want), To: tc.want})
			if err == nil || !strings.HasPrefix(err.Error(), tc.err) {
				t.Errorf("got %v", err)
			}
		})
	}
}

// In a dry run, a package from a repository that is only predicted is no error.
func TestPlanPackageInView(t *testing.T) {
	l, _ := aptHost(t, map[string]string{"apt-get": "echo 'E: Unable to locate package docker-ce' >&2; exit 100"})
	if err := os.MkdirAll(l.path("/etc/apt/sources.list.d"), 0o755); err != nil {
		t.Fatal(err)
	}
	ctx := context.Background()
	v := NewMemory().View(l, "add the repository", false)
	repo := state.File{Path: "/etc/apt/sources.list.d/docker.sources", Type: state.Is(state.Regular), Content: state.Is(state.Text("x"))}
	if err := v.Write(ctx, state.Change{From: state.File{Path: repo.Path, Type: state.Is(state.Absent)}, To: repo}); err != nil {
		t.Fatal(err)
	}
	c := plan1(t, v, aptPackage("docker-ce"))
	if ver := c.To.(state.Package).Version; !ver.IsUnknown() || ver.After() != "add the repository" {
		t.Errorf("the version is %v", ver)
	}
	if err := v.Write(ctx, c); err != nil {
		t.Fatal(err)
	}
	if p := read1(t, v, aptPackage("docker-ce")); !p.Present.Or(false) {
		t.Errorf("after that it is %+v", p)
	}
	if p := read1(t, v, aptPackage("containerd.io")); !p.Present.IsUnknown() {
		t.Errorf("a package that may have come along is %+v", p)
	}
	if p := read1(t, v, aptPackage("curl")); !p.Present.Or(false) {
		t.Errorf("a package that is there is %+v", p)
	}
}

func TestLatest(t *testing.T) {
	want := aptPackage("curl")
	want.Latest, want.Version = true, state.Ask[state.Version]()
	l, _ := aptHost(t, map[string]string{"apt-get": script("curl is already the newest version\n")})
	if c := plan1(t, l, want); c.Needed() {
		t.Errorf("the newest version is there, yet %+v", c.Diff())
	}
	l, _ = aptHost(t, map[string]string{"apt-get": script("Inst curl [7.88.1-10+deb12u14] (7.88.1-15 Debian:12 [amd64])\n")})
	if c := plan1(t, l, want); c.To.(state.Package).Version.Or("") != "7.88.1-15" {
		t.Errorf("an upgrade gives %+v", c.Diff())
	}
}

func TestWriteApt(t *testing.T) {
	l, log := aptHost(t, map[string]string{"apt-get": `echo "$DEBIAN_FRONTEND"`})
	pinned := aptPackage("nginx")
	pinned.Version, pinned.LockTimeout, pinned.NoRecommends = state.Is(state.Version("1.22*")), 30, true
	gone := state.Package{Name: "curl", Manager: "apt", Present: state.Is(false), Purge: true}
	a := state.Change{From: state.Package{Name: "nginx", Present: state.Is(false)}, To: pinned}
	b := state.Change{From: state.Package{Name: "curl", Present: state.Is(true)}, To: gone}
	if err := l.Write(context.Background(), a, b); err != nil {
		t.Fatal(err)
	}
	want := "apt-get -q -y -o Dpkg::Options::=--force-confdef -o Dpkg::Options::=--force-confold -o DPkg::Lock::Timeout=30 --no-install-recommends --purge install -- nginx=1.22* curl-"
	if got := log(); got != want {
		t.Errorf("ran\n%s\nwant\n%s", got, want)
	}
}

// What an installation brought along goes with it when it is undone.
func TestUndoneInstallation(t *testing.T) {
	l, _ := aptHost(t, map[string]string{"apt-get": script(simulated)})
	c := plan1(t, l, aptPackage("uidmap"))
	log := fakeTools(t, map[string]string{"apt-get": ""})
	if err := l.Write(context.Background(), c.Undo()); err != nil {
		t.Fatal(err)
	}
	if got := log(); !strings.HasSuffix(got, "remove -- uidmap libsubid4") || !strings.Contains(got, "--purge") {
		t.Errorf("ran\n%s", got)
	}
}

func TestAptErrors(t *testing.T) {
	locked := "E: Could not get lock /var/lib/dpkg/lock-frontend. It is held by process 812 (unattended-upgr)\nE: Unable to acquire the dpkg frontend lock (/var/lib/dpkg/lock-frontend), is another process using it?\n"
	l, log := aptHost(t, map[string]string{"apt-get": "echo 'Reading package lists...'; /bin/cat >&2 <<'EOF'\nW: noise\n" + locked + "EOF\nexit 100"})
	c := state.Change{From: state.Package{Name: "nginx", Present: state.Is(false)}, To: aptPackage("nginx")}
	err := l.Write(context.Background(), c)
	if want := "cannot install nginx: " + strings.TrimSpace(locked); err == nil || err.Error() != want {
		t.Errorf("got %v\nwant %s", err, want)
	}
	if strings.Count(log(), "apt-get") != 1 {
		t.Errorf("without a time to wait it tried\n%s", log())
	}
	full := aptReason("dpkg: error processing archive /x.deb (--unpack):\n cannot copy: No space left on device\nErrors were encountered\n", "E: Sub-process /usr/bin/dpkg returned an error code (1)\n", 100)
	if want := "dpkg: error processing archive /x.deb (--unpack):\ncannot copy: No space left on device\nE: Sub-process /usr/bin/dpkg returned an error code (1)"; full != want {
		t.Errorf("got %s", full)
	}
	if got := aptReason("a\nb\n", "", 9); got != "apt-get ended with status 9: a\nb" {
		t.Errorf("got %s", got)
	}
}

func TestRefresh(t *testing.T) {
	old := time.Now()
	l, _ := aptHost(t, map[string]string{"apt-get": "exit 0"})
	out, err := l.Do(context.Background(), state.Refresh{Manager: "apt"})
	if err != nil || out.Fields["cache_updated"] != true || out.Fields["cache_update_time"].(int64) < old.Unix() {
		t.Errorf("got %v %v", out, err)
	}
	if i := read1(t, l, state.PackageIndex{Manager: "apt"}); i.Updated.Or(0) < old.Unix() {
		t.Errorf("the index was fetched at %v", i.Updated)
	}
	partial := "W: Failed to fetch https://deb.example/dists/x/InRelease  Could not resolve 'deb.example'"
	l, _ = aptHost(t, map[string]string{"apt-get": "echo \"" + partial + "\" >&2; echo 'W: Some index files failed to download. They have been ignored, or old ones used instead.' >&2"})
	if _, err := l.Do(context.Background(), state.Refresh{Manager: "apt"}); err == nil || err.Error() != "cannot refresh the package index: "+partial {
		t.Errorf("an index that could not be fetched gives %v", err)
	}
	never := fakeRoot(t, map[string]string{"/var/lib/apt/lists/lock": "", "/usr/bin/apt-get": ""})
	if i := read1(t, never, state.PackageIndex{Manager: "apt"}); i.Updated.Or(1) != 0 {
		t.Errorf("without an index it was fetched at %v", i.Updated)
	}
}

func TestNoManager(t *testing.T) {
	l := fakeRoot(t, nil)
	if _, err := l.Read(context.Background(), state.Package{Name: "x"}); err == nil || !strings.Contains(err.Error(), "no package manager") {
		t.Errorf("got %v", err)
	}
}

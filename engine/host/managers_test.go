package host

import (
	"context"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"rp/engine/state"
)

const dnf4Table = `Last metadata expiration check: 0:00:01 ago on Mon.
Dependencies resolved.
================================================================================
 Package                     Arch   Version               Repository       Size
================================================================================
Installing:
 nginx                       x86_64 1:1.20.1-14.el9       appstream        36 k
Upgrading:
 openssl-libs                x86_64 1:3.0.7-25.el9        baseos          2.1 M
     replacing  compat-openssl.x86_64 1.0-1
Installing dependencies:
 a-package-with-a-name-that-is-too-long
                             noarch 6.0.0-1.el9           appstream        10 k
Removing:
 httpd                       x86_64 2.4.57-5.el9          @appstream      4.7 M

Transaction Summary
================================================================================
Install  2 Packages

Total download size: 2.1 M
Operation aborted.
`

const dnf5Table = `Package      Arch   Version            Repository      Size
Installing:
 nginx       x86_64 2:1.26.2-1.fc41    fedora     168.9 KiB
Installing dependencies:
 nginx-core  x86_64 2:1.26.2-1.fc41    fedora       2.0 MiB

Transaction Summary:
 Installing:         2 packages

Operation aborted by the user.
`

func TestParseDnfTable(t *testing.T) {
	want := []step{
		{Name: "nginx", To: "1:1.20.1-14.el9"},
		{Name: "openssl-libs", To: "1:3.0.7-25.el9"},
		{Name: "a-package-with-a-name-that-is-too-long", To: "6.0.0-1.el9"},
		{Name: "httpd", From: "2.4.57-5.el9"},
	}
	if got := parseDnfTable(dnf4Table); !reflect.DeepEqual(got, want) {
		t.Errorf("dnf 4: %+v", got)
	}
	want = []step{{Name: "nginx", To: "2:1.26.2-1.fc41"}, {Name: "nginx-core", To: "2:1.26.2-1.fc41"}}
	if got := parseDnfTable(dnf5Table); !reflect.DeepEqual(got, want) {
		t.Errorf("dnf 5: %+v", got)
	}
}

const rpmScript = `case "$2" in
--qf) printf 'bash\t(none)\t5.1.8-6.el9\tx86_64\nnginx\t1\t1.20.1-14.el9\tx86_64\nkernel\t(none)\t5.14.0-1\tx86_64\nkernel\t(none)\t5.14.0-10\tx86_64\npackage webserver is not installed\npackage none is not installed\n'; exit 2;;
--whatprovides) [ "$4" = webserver ];;
esac`

func TestReadRPM(t *testing.T) {
	l := fakeRoot(t, nil)
	fakeTools(t, map[string]string{"rpm": rpmScript, "dnf": ""})
	ask := func(name, version string) state.State {
		p := state.Package{Name: name, Manager: "dnf", Present: state.Is(true)}
		if version != "" {
			p.Version = state.Is(state.Version(version))
		}
		return p
	}
	got, err := l.Read(context.Background(), ask("bash", ""), ask("nginx", ""), ask("nginx", "1.20*"), ask("kernel", ""), ask("webserver", ""), ask("none", ""), ask("nginx.x86_64", ""))
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for _, s := range got {
		p := s.(state.Package)
		lines = append(lines, p.Name+" "+p.Present.String()+" "+p.Version.String())
	}
	want := "bash true 5.1.8-6.el9\nnginx true 1:1.20.1-14.el9\nnginx true 1.20.1-14.el9\nkernel true 5.14.0-10\nwebserver true -\nnone false -\nnginx.x86_64 true 1:1.20.1-14.el9"
	if s := strings.Join(lines, "\n"); s != want {
		t.Errorf("got\n%s\nwant\n%s", s, want)
	}
	if _, _, err := parseRPM("error: rpmdb is broken\n"); err == nil {
		t.Error("an answer that is none is taken for one")
	}
}

func TestWriteManagers(t *testing.T) {
	for name, tc := range map[string]struct {
		tool, log string
	}{
		"dnf": {"dnf", "dnf -y --setopt=exit_on_lock=True --setopt=install_weak_deps=False --setopt=clean_requirements_on_remove=false remove old\n" +
			"dnf -y --setopt=exit_on_lock=True --setopt=install_weak_deps=False --setopt=clean_requirements_on_remove=false install new-1.2*"},
		"yum": {"yum", "yum -y --setopt=exit_on_lock=True --setopt=clean_requirements_on_remove=false remove old\n" +
			"yum -y --setopt=exit_on_lock=True --setopt=clean_requirements_on_remove=false install new-1.2*"},
		"zypper": {"zypper", "zypper --non-interactive --no-color install --auto-agree-with-licenses --no-recommends new=1.2* !old"},
		"pacman": {"pacman", "pacman -R --noconfirm --noprogressbar -- old\npacman -S --needed --noconfirm --noprogressbar -- new"},
		"apk":    {"apk", "apk --no-progress del old --wait 0\napk --no-progress add new=~1.2 --wait 0"},
	} {
		t.Run(name, func(t *testing.T) {
			l := fakeRoot(t, nil)
			log := fakeTools(t, map[string]string{tc.tool: ""})
			add := state.Package{Name: "new", Manager: name, Present: state.Is(true), Version: state.Is(state.Version("1.2*")), NoRecommends: true}
			drop := state.Package{Name: "old", Manager: name, Present: state.Is(false)}
			err := l.Write(context.Background(), state.Change{From: state.Package{Name: "new"}, To: add}, state.Change{From: state.Package{Name: "old"}, To: drop})
			if err != nil || log() != tc.log {
				t.Errorf("%v, ran\n%s\nwant\n%s", err, log(), tc.log)
			}
		})
	}
}

func TestDnfErrors(t *testing.T) {
	said := "Last metadata expiration check: 0:00:01 ago.\nNo match for argument: nope\nError: Unable to find a match: nope\n"
	if got := dnfReason("dnf", said, 1); got != "No match for argument: nope\nError: Unable to find a match: nope" {
		t.Errorf("got %s", got)
	}
	said = "Error: \n Problem: conflicting requests\n  - nothing provides libx needed by a-1-1.x86_64\n(try to add '--skip-broken' to skip uninstallable packages)\n"
	if got := dnfReason("dnf", said, 1); got != "Error:\nProblem: conflicting requests\n- nothing provides libx needed by a-1-1.x86_64" {
		t.Errorf("got %s", got)
	}
}

func TestDnfSimulation(t *testing.T) {
	l := fakeRoot(t, map[string]string{"/var/cache/dnf/appstream-1/repodata/repomd.xml": "x"})
	l.o.Scratch = filepath.Join(l.o.Root, "scratch")
	rpm := `printf 'httpd\t(none)\t2.4.57-5.el9\tx86_64\nopenssl-libs\t1\t3.0.7-1.el9\tx86_64\npackage nginx is not installed\n'`
	log := fakeTools(t, map[string]string{"dnf": script(dnf4Table) + "exit 1", "rpm": rpm + "\n[ \"$2\" = --qf ]"})
	want := state.Package{Name: "nginx", Manager: "dnf", Present: state.Is(true)}
	c, err := l.Plan(context.Background(), state.Change{From: state.Package{Name: "nginx", Present: state.Is(false)}, To: want})
	if err != nil {
		t.Fatal(err)
	}
	if v := c.To.(state.Package).Version.Or(""); v != "1:1.20.1-14.el9" {
		t.Errorf("the version is %s", v)
	}
	if got := withText(c); got != "package openssl-libs version=1:3.0.7-25.el9\npackage a-package-with-a-name-that-is-too-long present=true version=6.0.0-1.el9\npackage httpd present=false\n" {
		t.Errorf("it brings along\n%s", got)
	}
	if !strings.Contains(log(), "dnf -C --assumeno --setopt=logdir="+l.o.Scratch) {
		t.Errorf("asked\n%s", log())
	}
	old := fakeRoot(t, nil)
	old.o.Scratch = l.o.Scratch
	c, err = old.Plan(context.Background(), state.Change{From: state.Package{Name: "nginx", Present: state.Is(false)}, To: want})
	if err != nil || !c.To.(state.Package).Version.IsUnknown() {
		t.Errorf("without fresh metadata the version is %v, %v", c.To.(state.Package).Version, err)
	}
}

func TestReadPacmanAndApk(t *testing.T) {
	l := fakeRoot(t, map[string]string{
		"/lib/apk/db/installed": "C:Q1\nP:curl\nV:8.5.0-r0\np:cmd:curl=8.5.0-r0\n\nP:shadow-uidmap\nV:4.14-r1\n\n",
	})
	fakeTools(t, map[string]string{"pacman": `case "$1" in -Q) printf 'bash 5.2.026-2\nuidmap 1:4.1-1\n';; -T) [ "$3" = sh ] || { echo $3; exit 127; };; esac`})
	for _, tc := range []struct{ manager, name, want string }{
		{"pacman", "bash", "true 5.2.026-2"},
		{"pacman", "sh", "true -"},
		{"pacman", "nope", "false -"},
		{"apk", "curl", "true 8.5.0-r0"},
		{"apk", "cmd:curl", "true -"},
		{"apk", "nope", "false -"},
	} {
		p := read1(t, l, state.Package{Name: tc.name, Manager: tc.manager})
		if got := p.Present.String() + " " + p.Version.String(); got != tc.want {
			t.Errorf("%s %s: %s, want %s", tc.manager, tc.name, got, tc.want)
		}
	}
}

func TestSimulateApkAndPacman(t *testing.T) {
	l := fakeRoot(t, nil)
	fakeTools(t, map[string]string{
		"apk":    script("(1/3) Installing libx (1.0-r0)\n(2/3) Upgrading curl (8.4-r0 -> 8.5-r0)\n(3/3) Purging old (1-r1)\nOK: 10 MiB\n"),
		"pacman": `case "$1" in -Q) printf 'curl 8.4-1\n';; -S) printf 'curl 8.5-1\nlibx 1.0-1\n';; esac`,
	})
	for manager, want := range map[string][]step{
		"apk":    {{Name: "libx", To: "1.0-r0", Clean: true}, {Name: "curl", From: "8.4-r0", To: "8.5-r0"}, {Name: "old", From: "1-r1"}},
		"pacman": {{Name: "curl", From: "8.4-1", To: "8.5-1"}, {Name: "libx", To: "1.0-1", Clean: true}},
	} {
		m, err := l.packages(manager)
		if err != nil {
			t.Fatal(err)
		}
		got, err := m.simulate(context.Background(), newTransaction([]state.Package{{Name: "curl", Present: state.Is(true), Latest: true}}))
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %+v, %v", manager, got, err)
		}
	}
}

func FuzzPackageParsers(f *testing.F) {
	f.Add(dpkgStatusText)
	f.Add(dnf4Table)
	f.Add(simulated)
	f.Add("(1/2) Installing a (1)\nbash 5.2\nP:a\nV:1\n")
	f.Fuzz(func(t *testing.T, text string) {
		for _, p := range parseDpkgStatus(text) {
			if p.name == "" {
				t.Error("a package without a name")
			}
		}
		for _, steps := range [][]step{parseSimulation(text), parseDnfTable(text), parseApkSteps(text)} {
			for _, s := range steps {
				if s.Name == "" || s.From == "" && s.To == "" {
					t.Errorf("a step that does nothing: %+v", s)
				}
			}
		}
		parseApkInstalled(text)
		parsePacmanQuery(text)
		_, _, _ = parseRPM(text)
		aptReason(text, text, 1)
		dnfReason("dnf", text, 1)
	})
}

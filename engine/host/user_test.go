package host

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"rp/engine/state"
)

var debianAccounts = map[string]string{
	"/etc/passwd":          "root:x:0:0:root:/root:/bin/bash\nann:x:1000:1000:Ann:/home/ann:/bin/bash\nsys:x:999:995::/:/bin/sh\n",
	"/etc/group":           "root:x:0:\nsys:x:995:\nadm:x:4:ann\naudio:x:29:\nusers:x:100:\nann:x:1000:\ntaken:x:1500:\n",
	"/etc/shadow":          "root:*:19000:0:99999:7:::\nann:!$6$salt$hash:19000:0:99999:7::20819:\nsys:!!:19000::::::\n",
	"/etc/login.defs":      "UID_MIN 1000\nUID_MAX 60000\nUMASK 022\nUSERGROUPS_ENAB yes\nSUB_UID_MIN 100000\nMAIL_DIR /var/mail\n",
	"/etc/default/useradd": "SHELL=/bin/sh\n# HOME=/home\n",
	"/etc/subuid":          "ann:100000:65536\n",
	"/etc/subgid":          "ann:100000:65536\n",
	"/etc/skel/.profile":   "# profile\n",
	"/home/ann/.profile":   "# ann's\n",
}

func TestReadUser(t *testing.T) {
	l := fakeRoot(t, debianAccounts)
	ann := read1(t, l, state.User{Name: "ann", CreateHome: true})
	if ann.UID.Or(0) != 1000 || ann.Group.Or("") != "ann" || strings.Join(ann.Groups.Or(nil), " ") != "adm" ||
		ann.Home.Or("") != "/home/ann" || ann.Shell.Or("") != "/bin/bash" || ann.Comment.Or("") != "Ann" {
		t.Errorf("ann is %+v", ann)
	}
	if ann.Password.Or("") != "$6$salt$hash" || !ann.Password.IsSecret() || !ann.Locked.Or(false) || ann.Expires.Or(0) != 20819 {
		t.Errorf("ann's password: %v, locked %v, expires %v", ann.Password, ann.Locked, ann.Expires)
	}
	if ann.CreateHome {
		t.Error("the state of an account that is there would fill its home again when it is brought back")
	}
	if sys := read1(t, l, state.User{Name: "sys"}); sys.Password.Or("x") != "" || !sys.Locked.Or(false) || sys.Expires.Or(0) != -1 {
		t.Errorf("an account without a password: %v %v %v", sys.Password, sys.Locked, sys.Expires)
	}
	if root := read1(t, l, state.User{Name: "root"}); root.Password.Or("") != "*" || root.Locked.Or(true) {
		t.Errorf("root's password: %v locked %v", root.Password, root.Locked)
	}
	if no := read1(t, l, state.User{Name: "nobody"}); no.Present.Or(true) || no.UID.IsSet() {
		t.Errorf("a user that is not there is %+v", no)
	}
	byNumber := read1(t, l, state.User{Name: "ann", Group: state.Is("1000"), Groups: state.Is([]string{"4"})})
	if byNumber.Group.Or("") != "1000" || byNumber.Groups.Or(nil)[0] != "4" {
		t.Errorf("asked by number: %v %v", byNumber.Group, byNumber.Groups)
	}
}

func TestPlanNewUser(t *testing.T) {
	for _, tc := range []struct {
		name string
		want state.User
		diff string // the user's own fields
		with string
	}{
		{
			"as useradd -m makes it",
			state.User{Name: "bob", CreateHome: true},
			"present=true uid=1001 group=bob groups=[] home=/home/bob shell=/bin/sh comment= password=(secret) locked=true expires=-1",
			`group bob present=true gid=1001 members=[]
file /etc/subuid content="ann:100000:65536\nbob:165536:65536\n"
file /etc/subgid content="ann:100000:65536\nbob:165536:65536\n"
file /home/bob type=directory owner=bob group=bob mode=0755
file /home/bob/.profile type=file content="# profile\n" owner=bob group=bob mode=0644
`,
		},
		{
			"a system account",
			state.User{Name: "svc", System: true, Home: state.Is("/srv/svc")},
			"present=true uid=998 group=svc groups=[] home=/srv/svc shell=/bin/sh comment= password=(secret) locked=true expires=-1",
			"group svc present=true gid=998 members=[]\n",
		},
		{
			"the group's number is taken",
			state.User{Name: "bob", UID: state.Is(int64(1500))},
			"present=true uid=1500 group=bob groups=[] home=/home/bob shell=/bin/sh comment= password=(secret) locked=true expires=-1",
			`group bob present=true gid=1501 members=[]
file /etc/subuid content="ann:100000:65536\nbob:165536:65536\n"
file /etc/subgid content="ann:100000:65536\nbob:165536:65536\n"
`,
		},
		{
			"a uid out of range gets no sub-ids",
			state.User{Name: "big", UID: state.Is(int64(70000)), Group: state.Is("users")},
			"present=true uid=70000 group=users groups=[] home=/home/big shell=/bin/sh comment= password=(secret) locked=true expires=-1", "",
		},
		{
			"a group of that name is there",
			state.User{Name: "taken", System: true},
			"present=true uid=998 group=users groups=[] home=/home/taken shell=/bin/sh comment= password=(secret) locked=true expires=-1", "",
		},
		{
			"directories above the home",
			state.User{Name: "svc", System: true, CreateHome: true, Home: state.Is("/srv/a/b"), Skeleton: "/none", Group: state.Is("users"), Password: state.Is("$6$x$y").Secret()},
			"present=true uid=998 group=users groups=[] home=/srv/a/b shell=/bin/sh comment= password=(secret) locked=false expires=-1",
			"file /srv type=directory owner=root group=root mode=0755\nfile /srv/a type=directory owner=root group=root mode=0755\nfile /srv/a/b type=directory owner=svc group=users mode=0755\n",
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			l := fakeRoot(t, debianAccounts)
			c := plan1(t, l, tc.want)
			var own []string
			for _, d := range c.Diff() {
				own = append(own, strings.ToLower(d.Field)+"="+d.To)
			}
			if got := strings.Join(own, " "); got != tc.diff {
				t.Errorf("got  %s\nwant %s", got, tc.diff)
			}
			if got := withText(c); got != tc.with {
				t.Errorf("it brings along\n%s\nwant\n%s", got, tc.with)
			}
		})
	}
}

func TestPlanRefuses(t *testing.T) {
	l := fakeRoot(t, debianAccounts)
	for want, u := range map[string]state.User{
		`cannot create user "bob": there is no group "nope"`: {Name: "bob", Groups: state.Is([]string{"nope"})},
		`cannot change user "ann": there is no group "nope"`: {Name: "ann", Group: state.Is("nope")},
		`cannot create user "eve": it has no password`:       {Name: "eve", Locked: state.Is(false)},
		`cannot change user "sys": it has no password`:       {Name: "sys", Locked: state.Is(false)},
	} {
		_, err := l.Plan(context.Background(), state.Change{From: read1(t, l, u), To: u})
		if err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}

func TestPlanMailSpool(t *testing.T) {
	files := map[string]string{"/var/mail/ann": "", "/etc/default/useradd": "CREATE_MAIL_SPOOL=yes\n"}
	for k, v := range debianAccounts {
		if _, ok := files[k]; !ok {
			files[k] = v
		}
	}
	files["/etc/group"] += "mail:x:8:\n"
	got := withText(plan1(t, fakeRoot(t, files), state.User{Name: "bob"}))
	if !strings.HasSuffix(got, "file /var/mail/bob type=file content=\"\" owner=bob group=mail mode=0660\n") {
		t.Errorf("it brings along\n%s", got)
	}
}

func TestPlanRemovedUser(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can give a home to another user")
	}
	l := fakeRoot(t, debianAccounts)
	for _, p := range []string{"/home/ann", "/home/ann/.profile"} {
		if err := os.Chown(l.path(p), 1000, 1000); err != nil {
			t.Fatal(err)
		}
	}
	got := withText(plan1(t, l, state.User{Name: "ann", Present: state.Is(false), Remove: true}))
	want := "group ann present=false\nfile /etc/subuid content=\"\"\nfile /etc/subgid content=\"\"\n" +
		"file /home/ann type=absent\nfile /home/ann/.profile type=absent\n"
	if got != want {
		t.Errorf("it takes away\n%s\nwant\n%s", got, want)
	}
	got = withText(plan1(t, l, state.User{Name: "ann", Group: state.Is("users")}))
	if want := "file /home/ann group=users\nfile /home/ann/.profile group=users\n"; got != want {
		t.Errorf("a new primary group changes\n%s\nwant\n%s", got, want)
	}
	got = withText(plan1(t, l, state.User{Name: "ann", Home: state.Is("/home/new"), MoveHome: true}))
	if want := "file /home/new type=directory owner=ann group=ann mode=0755\nfile /home/new/.profile type=file owner=ann group=ann mode=0644\nfile /home/ann type=absent\n"; got != want {
		t.Errorf("a moved home changes\n%s\nwant\n%s", got, want)
	}
}

func TestWriteUser(t *testing.T) {
	for _, tc := range []struct {
		name string
		want state.User
		log  string
	}{
		{
			"all is told",
			state.User{Name: "bob", CreateHome: true, Groups: state.Is([]string{"adm", "audio"}), Comment: state.Is("Bob B."), Password: state.Is("$6$s$h").Secret()},
			"groupadd -g 1001 bob\nuseradd -u 1001 -g bob -G adm,audio -d /home/bob -s /bin/sh -c Bob B. -e  -m bob\nchpasswd -e < bob:$6$s$h",
		},
		{
			"no home, no password",
			state.User{Name: "svc", System: true, Shell: state.Is("/bin/false"), Expires: state.Is(int64(20819))},
			"groupadd -g 998 -r svc\nuseradd -r -u 998 -g svc -d /home/svc -s /bin/false -c  -e 2027-01-01 -M svc",
		},
		{
			"a locked password",
			state.User{Name: "bob", Group: state.Is("users"), Skeleton: "/etc/s", CreateHome: true, Password: state.Is("$6$s$h").Secret(), Locked: state.Is(true)},
			"useradd -u 1001 -g users -d /home/bob -s /bin/sh -c  -e  -m -k /etc/s bob\nchpasswd -e < bob:!$6$s$h",
		},
		{
			"fields change",
			state.User{Name: "ann", UID: state.Is(int64(1010)), Groups: state.Is([]string{}), Shell: state.Is("/bin/sh"), Expires: state.Is(int64(-1))},
			"usermod -u 1010 -G  -s /bin/sh -e  ann",
		},
		{"the home moves", state.User{Name: "ann", Home: state.Is("/srv/ann"), MoveHome: true, Comment: state.Is("Ann")}, "usermod -d /srv/ann -m ann"},
		{"unlocked", state.User{Name: "ann", Locked: state.Is(false)}, "usermod -U ann"},
		{"a new hash keeps the lock", state.User{Name: "ann", Password: state.Is("$y$n").Secret()}, "chpasswd -e < ann:!$y$n"},
		{"locked", state.User{Name: "root", Locked: state.Is(true)}, "usermod -L root"},
		{"removed", state.User{Name: "ann", Present: state.Is(false), Remove: true, Force: true}, "userdel -r -f ann"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			l := fakeRoot(t, debianAccounts)
			tools := map[string]string{}
			for _, n := range []string{"useradd", "usermod", "userdel", "groupadd", "groupdel", "chpasswd"} {
				tools[n] = ""
			}
			log := fakeTools(t, tools)
			make1(t, l, tc.want)
			if got := log(); got != tc.log {
				t.Errorf("got\n%s\nwant\n%s", got, tc.log)
			}
		})
	}
}

// A user that an undo brings back gets an empty home: the files come by their own changes.
func TestUndoneRemoval(t *testing.T) {
	l := fakeRoot(t, debianAccounts)
	c := plan1(t, l, state.User{Name: "ann", Present: state.Is(false), Remove: true, Force: true})
	log := fakeTools(t, map[string]string{"useradd": "", "groupadd": "", "chpasswd": ""})
	if err := l.Write(context.Background(), c.Undo()); err != nil {
		t.Fatal(err)
	}
	want := "groupadd -g 1000 ann\nuseradd -u 1000 -g ann -G adm -d /home/ann -s /bin/bash -c Ann -e 2027-01-01 -m -k /dev/null ann\nchpasswd -e < ann:!$6$salt$hash"
	if got := log(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestFailedUseraddLeavesNoGroup(t *testing.T) {
	l := fakeRoot(t, debianAccounts)
	log := fakeTools(t, map[string]string{"useradd": "echo 'useradd: cannot lock /etc/passwd; try again later.' >&2; exit 1", "groupadd": "", "groupdel": ""})
	c := plan1(t, l, state.User{Name: "bob"})
	err := l.Write(context.Background(), c)
	if err == nil || !strings.Contains(err.Error(), `cannot create user "bob"`) || !strings.Contains(err.Error(), "cannot lock /etc/passwd") {
		t.Errorf("got %v", err)
	}
	if got := log(); !strings.HasSuffix(got, "groupdel bob") {
		t.Errorf("ran\n%s", got)
	}
}

func TestPasswordHashIsChecked(t *testing.T) {
	l := fakeRoot(t, debianAccounts)
	fakeTools(t, map[string]string{"useradd": "", "chpasswd": ""})
	u := state.User{Name: "ann", Password: state.Is("two\nlines").Secret()}
	err := l.Write(context.Background(), state.Change{From: read1(t, l, u), To: u})
	if err == nil || strings.Contains(err.Error(), "two") {
		t.Errorf("got %v", err)
	}
}

func TestTouchedByUser(t *testing.T) {
	l := fakeRoot(t, debianAccounts)
	got := strings.Join(l.Touches(plan1(t, l, state.User{Name: "bob", CreateHome: true})), " ")
	for _, p := range []string{"/etc/passwd-", "/etc/gshadow", "/etc/subuid-", "/etc/subgid-", "/etc/.pwd.lock"} {
		if !strings.Contains(" "+got+" ", " "+p+" ") {
			t.Errorf("%s is not among %s", p, got)
		}
	}
}

// TestRealAccounts makes, changes and removes accounts with the host's own tools
// and holds what was planned against what they did. It needs a host to throw away.
func TestRealAccounts(t *testing.T) {
	if os.Getenv("RP_TEST_DISPOSABLE_HOST") == "" {
		t.Skip("needs a host to throw away: RP_TEST_DISPOSABLE_HOST=1")
	}
	ctx := context.Background()
	l := NewLinux(Options{})
	kept := map[string]string{}
	for _, p := range []string{"/etc/passwd", "/etc/shadow", "/etc/group", "/etc/gshadow", "/etc/subuid", "/etc/subgid"} {
		text, err := os.ReadFile(p)
		if err != nil && !os.IsNotExist(err) {
			t.Fatal(err)
		}
		kept[p] = string(text)
	}
	var done []state.Change
	for _, want := range []state.State{
		state.Group{Name: "rptest", System: true},
		state.Group{Name: "rptest", GID: state.Is(int64(4321))},
		state.User{Name: "rpsys", System: true},
		state.User{Name: "rpbob", CreateHome: true, Groups: state.Is([]string{"audio", "rptest"}), Password: state.Is("$6$s$h").Secret()},
		state.User{Name: "rpbig", UID: state.Is(int64(4321))},
		state.User{Name: "rpbig2", UID: state.Is(int64(70001)), CreateHome: true, Home: state.Is("/srv/rp/big")},
		state.User{Name: "rpbob", Locked: state.Is(true), Shell: state.Is("/bin/false"), Group: state.Is("rptest"), Groups: state.Is([]string{"audio"})},
		state.User{Name: "rpbob", Home: state.Is("/srv/rpbob"), MoveHome: true, Expires: state.Is(int64(20819))},
		state.Group{Name: "rptest", Members: state.Is([]string{"rpbig"})},
		state.User{Name: "rpbig2", Present: state.Is(false), Remove: true},
	} {
		have, err := l.Read(ctx, want)
		if err != nil {
			t.Fatal(err)
		}
		c, err := l.Plan(ctx, state.Change{From: have[0], To: want})
		if err != nil {
			t.Fatal(err)
		}
		if err := l.Write(ctx, c); err != nil {
			t.Fatal(err)
		}
		verify(t, l, c)
		done = append(done, c)
	}
	for i := len(done) - 1; i >= 0; i-- {
		takeBack(t, l, done[i].Undo())
	}
	for p, was := range kept {
		text, _ := os.ReadFile(p)
		if filepath.Base(p) != "shadow" && string(text) != was {
			t.Errorf("%s is\n%s\nand was\n%s", p, text, was)
		}
	}
}

func verify(t *testing.T, l *Linux, c state.Change) {
	t.Helper()
	now, err := l.Read(context.Background(), c.To)
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range state.Disagreement(c.To, now[0]) {
		t.Errorf("%s: %s was predicted as %s and is %s", c.To.Key(), d.Field, d.To, d.From)
	}
	for _, w := range c.With {
		verify(t, l, w)
	}
}

// takeBack undoes as the journal does: the tool first, then what it left; files before their directories.
func takeBack(t *testing.T, l *Linux, u state.Change) {
	t.Helper()
	ctx := context.Background()
	if err := l.Write(ctx, u); err != nil {
		t.Fatalf("undo %s: %v", u.To.Key(), err)
	}
	for _, w := range u.With {
		now, err := l.Read(ctx, w.To)
		if err != nil {
			t.Fatal(err)
		}
		if back := (state.Change{From: now[0], To: w.To}); back.Needed() {
			if err := l.Write(ctx, back); err != nil {
				t.Fatalf("undo %s: %v", w.To.Key(), err)
			}
		}
	}
}

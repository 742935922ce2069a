package host

import (
	"reflect"
	"slices"
	"strings"
	"testing"

	"rp/engine/state"
)

func TestParseAccountFiles(t *testing.T) {
	users := parsePasswd("root:x:0:0:root:/root:/bin/bash\n# no\n+nis::::::\nshort:x:1\nbad:x:one:1::/:/bin/sh\n" +
		"bob:x:1001:1002:Bob,,,:/home/bob:/bin/sh\nlast:x:5:6:::")
	want := []state.Account{
		{Name: "root", Home: "/root", Shell: "/bin/bash", Comment: "root"},
		{Name: "bob", UID: 1001, GID: 1002, Home: "/home/bob", Shell: "/bin/sh", Comment: "Bob,,,"},
		{Name: "last", UID: 5, GID: 6},
	}
	if !reflect.DeepEqual(users, want) {
		t.Errorf("passwd: got %+v", users)
	}
	groups := parseGroup("adm:x:4:syslog,bob, ann,bob\nempty:x:5:\nbroken:x::\n")
	wantGroups := []state.GroupEntry{{Name: "adm", GID: 4, Members: []string{"ann", "bob", "syslog"}}, {Name: "empty", GID: 5}}
	if !reflect.DeepEqual(groups, wantGroups) {
		t.Errorf("group: got %+v", groups)
	}
	shadow := parseShadow("root:*:19000:0:99999:7:::\nbob:!$6$a$b:19000:0:99999:7::20819:\nbob:second::::::1:\n")
	if got := shadow["bob"]; got != (shadowEntry{"!$6$a$b", 20819}) {
		t.Errorf("shadow: bob is %+v", got)
	}
	if got := shadow["root"]; got.expires != -1 || got.password != "*" {
		t.Errorf("shadow: root is %+v", got)
	}
}

func TestOtherServices(t *testing.T) {
	for text, want := range map[string][]string{
		"passwd: files systemd\n":                               nil,
		"passwd:\tcompat # sss\ngroup: files sss\n":             nil,
		"passwd: files [SUCCESS=merge] sss ldap\n":              {"sss", "ldap"},
		"hosts: files dns\npasswd: sss files [!UNAVAIL=return]": {"sss"},
	} {
		if got := otherServices(text, "passwd"); !slices.Equal(got, want) {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
}

func FuzzParseAccountFiles(f *testing.F) {
	f.Add("root:x:0:0:root:/root:/bin/bash\nbob:x:1:2:::\n")
	f.Add("::::::\n\n:::")
	f.Fuzz(func(t *testing.T, text string) {
		for _, u := range parsePasswd(text) {
			if !strings.Contains(text, u.Name+":") {
				t.Errorf("user %q is not in the text", u.Name)
			}
		}
		for _, g := range parseGroup(text) {
			if !slices.IsSorted(g.Members) {
				t.Errorf("members %q are not sorted", g.Members)
			}
		}
		parseShadow(text)
		otherServices(text, "passwd")
	})
}

func TestImaginedAccounts(t *testing.T) {
	l := fakeRoot(t, map[string]string{
		"/etc/passwd":     "root:x:0:0:root:/root:/bin/sh\nann:x:1000:1000::/home/ann:/bin/sh\n",
		"/etc/group":      "root:x:0:\nann:x:1000:\nadm:x:4:ann\n",
		"/etc/login.defs": "USERGROUPS_ENAB yes\n", "/etc/default/useradd": "SHELL=/bin/sh\n",
	})
	m := NewMemory()
	v := m.View(l, "make bob", false)
	want := state.User{Name: "bob", Groups: state.Is([]string{"adm"})}
	make1(t, v, want)
	a := read1(t, v, state.Accounts{})
	bob := slices.IndexFunc(a.Users.Or(nil), func(u state.Account) bool { return u.Name == "bob" })
	if bob < 0 || a.Users.Or(nil)[bob].UID != 1001 || a.Users.Or(nil)[bob].GID != 1001 {
		t.Fatalf("after a predicted user the accounts are %+v", a)
	}
	for _, g := range a.Groups.Or(nil) {
		if g.Name == "adm" && !slices.Equal(g.Members, []string{"ann", "bob"}) {
			t.Errorf("adm has %q", g.Members)
		}
	}
	make1(t, v, state.User{Name: "carl"})
	if u := read1(t, v, state.User{Name: "carl"}); u.UID.Or(0) != 1002 {
		t.Errorf("the second predicted user gets uid %v", u.UID)
	}
	make1(t, v, state.User{Name: "ann", Present: state.Is(false)})
	if a := read1(t, v, state.Accounts{}); slices.ContainsFunc(a.Users.Or(nil), func(u state.Account) bool { return u.Name == "ann" }) {
		t.Errorf("a removed user is still among %+v", a.Users)
	}
}

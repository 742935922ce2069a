package host

import (
	"testing"

	"rp/engine/state"
)

// The choices of useradd and groupadd of shadow 4.13 on Debian 12.
func TestNextID(t *testing.T) {
	for _, tc := range []struct {
		name   string
		used   []int64
		lo, hi int64
		system bool
		want   int64
	}{
		{"first user", []int64{0, 65534}, 1000, 60000, false, 1000},
		{"above the highest", []int64{1000, 5000, 65534}, 1000, 60000, false, 5001},
		{"the highest is taken", []int64{1000, 60000}, 1000, 60000, false, 1001},
		{"first system user", nil, 101, 999, true, 999},
		{"below the lowest", []int64{998, 997, 996, 100}, 101, 999, true, 995},
		{"the lowest is taken", []int64{101, 998, 997, 996}, 101, 999, true, 999},
		{"and the highest too", []int64{101, 999, 998, 997, 996}, 101, 999, true, 995},
	} {
		used := map[int64]bool{}
		for _, u := range tc.used {
			used[u] = true
		}
		if got, ok := nextID(used, tc.lo, tc.hi, tc.system); !ok || got != tc.want {
			t.Errorf("%s: got %d %v, want %d", tc.name, got, ok, tc.want)
		}
	}
	if got, ok := nextID(map[int64]bool{1: true}, 1, 1, false); ok {
		t.Errorf("a full range gave %d", got)
	}
}

func TestAccountDefaults(t *testing.T) {
	d := &accountDefaults{
		known: true, accountsKnown: true,
		login:   parseLoginDefs("# UID_MIN 5\nUID_MIN\t\t\t 500\nUMASK 027\nUSERGROUPS_ENAB yes\nMAIL_DIR \"/var/spool/mail\"\nSUB_UID_COUNT 0x10\n"),
		useradd: parseUseraddDefaults("# HOME=/x\nGROUP=100\nSHELL=/bin/bash\nEXPIRE=2027-01-01\n"),
		groups:  []state.GroupEntry{{Name: "users", GID: 100}, {Name: "own", GID: 600}},
	}
	if lo, hi := d.idRange("UID", false); lo != 500 || hi != 60000 {
		t.Errorf("uids go from %d to %d", lo, hi)
	}
	if lo, hi := d.idRange("UID", true); lo != 101 || hi != 499 {
		t.Errorf("system uids go from %d to %d", lo, hi)
	}
	if d.homeMode() != 0o750 || d.number("SUB_UID_COUNT", 1) != 16 || d.login["MAIL_DIR"] != "/var/spool/mail" {
		t.Errorf("mode %v, count %d, mail %q", d.homeMode(), d.number("SUB_UID_COUNT", 1), d.login["MAIL_DIR"])
	}
	d.login["HOME_MODE"] = "0700"
	if d.homeMode() != 0o700 {
		t.Errorf("HOME_MODE 0700 gives %v", d.homeMode())
	}
	if d.defaultGroup() != "users" || d.useraddOr("HOME", "/home") != "/home" || d.defaultExpires().Or(0) != 20819 {
		t.Errorf("group %q, home %q, expires %v", d.defaultGroup(), d.useraddOr("HOME", "/home"), d.defaultExpires())
	}
	for prefer, want := range map[int64]int64{-1: 1000, 600: 1000, 700: 700, 5000: 5000, 70000: 1000} {
		d.login["GID_MIN"] = "601"
		d.groups[1].GID = 999
		if got := d.nextGID(false, prefer); got.Or(0) != want && prefer != 600 {
			t.Errorf("preferring %d gives gid %v, want %d", prefer, got, want)
		}
	}
	d.known, d.unsure = false, "install passwd"
	if got := d.nextUID(false); !got.IsUnknown() || got.After() != "install passwd" {
		t.Errorf("with login.defs unknown the uid is %v", got)
	}
}

func FuzzParseLoginDefs(f *testing.F) {
	f.Add("UID_MIN\t1000\n#x\nA \"b c\"", "HOME=/home\n")
	f.Fuzz(func(t *testing.T, login, useradd string) {
		d := accountDefaults{login: parseLoginDefs(login), useradd: parseUseraddDefaults(useradd), known: true, accountsKnown: true}
		if d.homeMode() > 0o7777 {
			t.Errorf("mode %o", d.homeMode())
		}
		d.defaultExpires()
		d.defaultGroup()
	})
}

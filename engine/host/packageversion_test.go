package host

import (
	"testing"

	"rp/engine/state"
)

func TestCompareDebian(t *testing.T) {
	for _, tc := range []struct {
		a, b string
		want int
	}{
		{"1.0", "1.0", 0},
		{"1.0", "1.0-0", 0},
		{"1.0-1", "1.0-2", -1},
		{"1:1.0", "2.0", 1},
		{"0:1", "1", 0},
		{"1.10", "1.9", 1},
		{"1.0~rc1", "1.0", -1},
		{"1.0~~", "1.0~", -1},
		{"1.0+b1", "1.0", 1},
		{"1.0a", "1.0+", -1},
		{"1.0a", "1.0.1", -1},
		{"1.02", "1.2", 0},
		{"2:4.13+dfsg1-1+deb12u2", "2:4.13+dfsg1-1+deb12u10", -1},
		{"1.2.3-4", "1.2.3-4ubuntu1", -1},
		{"99999999999999999999999", "99999999999999999999998", 1},
	} {
		if got := compareDebian(tc.a, tc.b); got != tc.want {
			t.Errorf("%s against %s: %d, want %d", tc.a, tc.b, got, tc.want)
		}
		if got := compareDebian(tc.b, tc.a); got != -tc.want {
			t.Errorf("%s against %s: %d, want %d", tc.b, tc.a, got, -tc.want)
		}
	}
}

// The cases are those of rpm-version(7) and rpm's own documentation of ~ and ^.
func TestCompareRPM(t *testing.T) {
	for _, tc := range []struct {
		a, b string
		want int
	}{
		{"1.0", "1.0", 0},
		{"1.0", "2.0", -1},
		{"2.0.1a", "2.0.1", 1},
		{"5.5p1", "5.5p10", -1},
		{"10xyz", "10.1xyz", -1},
		{"xyz10", "xyz10.1", -1},
		{"1.0_1", "1.0.1", 0},
		{"1.0~rc1", "1.0", -1},
		{"1.0~rc1", "1.0~rc2", -1},
		{"1.0^git1", "1.0", 1},
		{"1.0^git1", "1.0.1", -1},
		{"1.0^", "1.0^git1", -1},
		{"1.0~rc1^git1", "1.0~rc1", 1},
		{"1a", "1.1", -1},
		{"1:1.0-1", "2.0-1", 1},
		{"1.20.1-14.el9", "1.20.1-2.el9", 1},
		{"1.20.1", "1.20.1-2.el9", 0},
		{"6.0.rc1", "6.0", 1},
	} {
		if got := compareRPM(tc.a, tc.b); got != tc.want {
			t.Errorf("%s against %s: %d, want %d", tc.a, tc.b, got, tc.want)
		}
		if got := compareRPM(tc.b, tc.a); got != -tc.want {
			t.Errorf("%s against %s: %d, want %d", tc.b, tc.a, got, -tc.want)
		}
	}
}

func TestShowVersion(t *testing.T) {
	for _, tc := range []struct {
		have, want string
		satisfied  bool
		tell       string // what the package manager is told; "" for nothing
	}{
		{"1:4.13-1", "4.13*", true, "4.13*"},
		{"1:4.13-1", "1:4.13-1", true, "1:4.13-1"},
		{"1:4.13-1", "4.13", true, "4.13"},
		{"4.13-1", "4.1", false, "4.1"},
		{"1.2", "=1.2", true, "1.2"},
		{"1.2", ">=1.10", false, ""},
		{"1.10", ">=1.2", true, ""},
		{"2:1.0", ">= 1:9", true, ""},
		{"1.3", "<1.2", false, ""},
	} {
		want := state.Package{Version: state.Is(state.Version(tc.want))}
		have := state.Package{Version: showVersion(tc.have, want.Version, compareDebian)}
		if got := !(state.Change{From: have, To: want}).Needed(); got != tc.satisfied {
			t.Errorf("%s for %s: satisfied %v", tc.have, tc.want, got)
		}
		if got, ok := exactVersion(want); got != tc.tell && ok {
			t.Errorf("for %s the package manager is told %q", tc.want, got)
		}
	}
}

func FuzzCompareVersions(f *testing.F) {
	f.Add("1:1.0~rc1-1", "1.0^git-2")
	f.Add("", "~")
	f.Fuzz(func(t *testing.T, a, b string) {
		for name, compare := range map[string]func(a, b string) int{"deb": compareDebian, "rpm": compareRPM} {
			if x, y := compare(a, b), compare(b, a); x != -y {
				t.Errorf("%s: %q against %q is %d, the other way round %d", name, a, b, x, y)
			}
			if compare(a, a) != 0 {
				t.Errorf("%s: %q is not like itself", name, a)
			}
		}
	})
}

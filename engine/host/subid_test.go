package host

import (
	"slices"
	"strings"
	"testing"

	"rp/engine/state"
)

const (
	subLo, subHi, subCount = 100000, 600100000, 65536
)

// What useradd of shadow 4.13 (Debian 12) made of these files.
func TestAddSubRange(t *testing.T) {
	for _, tc := range []struct{ name, before, after string }{
		{"empty", "", "bob:100000:65536\n"},
		{"after the last", "ann:100000:65536\n", "ann:100000:65536\nbob:165536:65536\n"},
		{"sorted, comment last", "zed:900000:10\n# c\nann:100000:65536\n", "ann:100000:65536\nzed:900000:10\n# c\nbob:165536:65536\n"},
		{
			"what is no range changes places", "# one\nzed:900000:10\n# two\n\nann:100000:65536\n# three\nbad:1\nn:: \n",
			"ann:100000:65536\nzed:900000:10\nn:: \nbad:1\n# three\n\n# two\n# one\nbob:165536:65536\n",
		},
		{"no newline at the end", "ann:100000:65536", "ann:100000:65536\nbob:165536:65536\n"},
		{"a hole too small", "a:100000:10\nb:120000:10\n", "a:100000:10\nb:120000:10\nbob:120010:65536\n"},
		{"a hole large enough", "a:300000:10\nb:100000:10\n", "b:100000:10\na:300000:10\nbob:100010:65536\n"},
		{"below the range", "low:1000:10\n", "low:1000:10\nbob:100000:65536\n"},
		{"overlapping", "a:100000:100000\nb:150000:10\n", "a:100000:100000\nb:150000:10\nbob:200000:65536\n"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got, ok := addSubRange(tc.before, "bob", subLo, subHi, subCount)
			if !ok || got != tc.after {
				t.Errorf("got %v\n%s\nwant\n%s", ok, got, tc.after)
			}
		})
	}
	if got, ok := addSubRange("a:100000:600000000\n", "bob", subLo, subHi, subCount); ok {
		t.Errorf("a full range gave %q", got)
	}
}

func TestDropSubRanges(t *testing.T) {
	got := dropSubRanges("# bob:1:2:3\nzed:9:1\nbob:1:2\nann:3:4\nbob:5:6\nbobby:7:8\n", "bob")
	if want := "# bob:1:2:3\nzed:9:1\nann:3:4\nbobby:7:8\n"; got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestReadSubIDs(t *testing.T) {
	l := fakeRoot(t, map[string]string{
		"/etc/passwd": "bob:x:1001:1001::/home/bob:/bin/sh\n",
		"/etc/subuid": "bob:100000:65536\n1001:900000:5\nann:1:2\nbob:nonsense:1\n",
	})
	if got := read1(t, l, state.SubIDs{User: "bob"}); !slices.Equal(got.Ranges.Or(nil), []state.SubRange{{Start: 100000, Count: 65536}, {Start: 900000, Count: 5}}) {
		t.Errorf("subuid of bob: %v", got.Ranges)
	}
	if got := read1(t, l, state.SubIDs{User: "bob", Groups: true}); !got.Ranges.IsKnown() || len(got.Ranges.Or(nil)) != 0 {
		t.Errorf("without a file: %v", got.Ranges)
	}
}

func TestParseGetsubids(t *testing.T) {
	got := parseGetsubids("0: bob 100000 65536\n1: bob 900000 5\nError fetching ranges\n")
	if !slices.Equal(got, []state.SubRange{{Start: 100000, Count: 65536}, {Start: 900000, Count: 5}}) {
		t.Errorf("got %v", got)
	}
}

func TestImaginedSubIDs(t *testing.T) {
	l := fakeRoot(t, map[string]string{
		"/etc/passwd": "root:x:0:0::/root:/bin/sh\n", "/etc/group": "root:x:0:\n",
		"/etc/subuid": "ann:100000:65536\n", "/etc/login.defs": "USERGROUPS_ENAB yes\n",
	})
	v := NewMemory().View(l, "make bob", false)
	make1(t, v, state.User{Name: "bob"})
	if got := read1(t, v, state.SubIDs{User: "bob"}); !slices.Equal(got.Ranges.Or(nil), []state.SubRange{{Start: 165536, Count: 65536}}) {
		t.Errorf("predicted ranges: %v", got.Ranges)
	}
	if got := read1(t, v, state.SubIDs{User: "bob", Groups: true}); len(got.Ranges.Or([]state.SubRange{{}})) != 0 {
		t.Errorf("there is no /etc/subgid, yet bob gets %v", got.Ranges)
	}
}

func FuzzSubIDs(f *testing.F) {
	f.Add("ann:100000:65536\n# c\nzed:1:2", "bob")
	f.Add(":::\n\n-1:-1:-1", "")
	f.Fuzz(func(t *testing.T, text, name string) {
		if name == "" || strings.ContainsAny(name, ":\n") {
			return
		}
		after, ok := addSubRange(text, name, subLo, subHi, subCount)
		if !ok {
			return
		}
		ls := parseSubIDs(after)
		mine := ls[len(ls)-1]
		for _, l := range ls[:len(ls)-1] {
			if l.ok && l.Count > 0 && l.Start < mine.Start+mine.Count && mine.Start < l.Start+l.Count && l.Start+l.Count > 0 {
				t.Fatalf("%v overlaps %v", mine.SubRange, l.SubRange)
			}
		}
	})
}

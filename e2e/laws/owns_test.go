package laws

import (
	"strings"
	"testing"
)

func TestUnexplained(t *testing.T) {
	made := []Event{
		{Event: "change", Kind: "file", Name: "/etc/motd"},
		{Event: "change", Kind: "user", Name: "ann"},
		{Event: "result", Kind: "file", Name: "/etc/no-change"},
	}
	for _, c := range []struct {
		d         Difference
		explained bool
	}{
		{Difference{Path: "/etc/motd", Field: "sha256"}, true},
		{Difference{Path: "/etc", Field: "dir-mtime"}, true},
		{Difference{Path: "/etc", Field: "mode"}, false},
		{Difference{Path: "/etc/passwd-", Field: "mtime"}, true},
		{Difference{Path: "live:shadow/ann", Field: "exists"}, true},
		{Difference{Path: "live:shadow/bob", Field: "exists"}, false},
		{Difference{Path: "/home/ann/.profile", Field: "exists"}, false},
		{Difference{Path: "/etc/no-change", Field: "sha256"}, false},
		{Difference{Path: "/usr", Field: "dir-mtime"}, false},
	} {
		ds := []Difference{c.d, {Path: "/etc/motd", Field: "exists"}}
		var left strings.Builder
		for _, d := range Unexplained(ds, made) {
			left.WriteString(d.Path + " " + d.Field + "\n")
		}
		if explained := !strings.Contains(left.String(), c.d.Path+" "+c.d.Field+"\n"); explained != c.explained {
			t.Errorf("%s %s: explained is %v", c.d.Path, c.d.Field, explained)
		}
	}
}

func TestCommandExplainsEverything(t *testing.T) {
	ds := []Difference{{Path: "/etc/x", Field: "exists"}, {Path: "/home/a/b", Field: "exists"}}
	if left := Unexplained(ds, []Event{{Event: "change", Kind: "command", Name: "make", IsEvent: true}}); len(left) > 0 {
		t.Errorf("left %v", left)
	}
}

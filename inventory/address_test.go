package inventory

import (
	"slices"
	"strings"
	"testing"
)

func TestSplitPort(t *testing.T) {
	for _, c := range []struct {
		in, host string
		port     int64
	}{
		{"web1", "web1", -1},
		{"web1:22", "web1", 22},
		{"web[1:3]:22", "web[1:3]", 22},
		{"10.0.0.1:2222", "10.0.0.1", 2222},
		{"[2001:db8::1]:22", "2001:db8::1", 22},
		{"[2001:db8::[1:3]]:22", "2001:db8::[1:3]", 22},
		{"2001:db8::1", "2001:db8::1", -1},
		{"2001:db8::22", "2001:db8::22", -1},
		{"web1:abc", "web1:abc", -1},
		{"a:b:22", "a:b:22", -1},
		{"we b:22", "we b:22", -1},
		{"-web:22", "-web:22", -1},
		{"größe.example:22", "größe.example", 22},
		{":22", ":22", -1},
		{"h:99999999999999999999", "h:99999999999999999999", -1},
	} {
		host, port := splitPort(c.in)
		if host != c.host || port != c.port {
			t.Errorf("splitPort(%q) = %q, %d; want %q, %d", c.in, host, port, c.host, c.port)
		}
	}
}

func TestExpand(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"web", "web"},
		{"web[1:3]", "web1 web2 web3"},
		{"web[01:10:3].x", "web01.x web04.x web07.x web10.x"},
		{"web[:2]", "web0 web1 web2"},
		{"web[8:11]", "web8 web9 web10 web11"},
		{"web[3:1]", ""},
		{"db-[a:c]", "db-a db-b db-c"},
		{"db-[y:B]", "db-y db-z db-A db-B"},
		{"db-[a:e:2]", "db-a db-c db-e"},
		{"r[1:2]n[a:b]", "r1na r1nb r2na r2nb"},
		{"web[]", "! must be begin:end"},
		{"web[1]", "! must be begin:end"},
		{"web[1:2:3:4]", "! must be begin:end"},
		{"web[1:", "! no closing ]"},
		{"web[1:]", "! has no end"},
		{"web[01:100]", "! as many digits"},
		{"web[aa:ac]", "! two numbers or two letters"},
		{"web[-1:2]", "! two numbers or two letters"},
		{"web[c:a]", "! must not end before"},
		{"web[1:5:0]", "! step"},
		{"web[1:5:x]", "! step"},
		{"web[1:400000]", "! more than"},
		{"web[1:1000][1:1000]", "! more than"},
	} {
		got, err := expand(c.in)
		if want, bad := strings.CutPrefix(c.want, "! "); bad {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("expand(%q): error %v, want one with %q", c.in, err, want)
			}
			continue
		}
		if err != nil || !slices.Equal(got, strings.Fields(c.want)) {
			t.Errorf("expand(%q) = %q, %v; want %q", c.in, got, err, c.want)
		}
	}
}

func TestSplitWords(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"a b=1", "a|b=1"},
		{"a\tb  c ", "a|b|c"},
		{`a="b c"`, "a=b c"},
		{`a='b "c" \'`, `a=b "c" \`},
		{`a="b \"c\" \\ \n"`, `a=b "c" \ \n`},
		{`a=b\ c`, "a=b c"},
		{"a # b", "a"},
		{"a=b#c d", "a=b"},
		{`a="#" b`, "a=#|b"},
		{`a=''b""c`, "a=bc"},
		{`""`, ""},
		{`a="b`, "! not closed"},
		{`a=b\`, "! escapes nothing"},
	} {
		words, err := splitWords(c.in)
		if want, bad := strings.CutPrefix(c.want, "! "); bad {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("splitWords(%q): error %v, want one with %q", c.in, err, want)
			}
			continue
		}
		var got []string
		for _, w := range words {
			got = append(got, w.text)
		}
		if err != nil || strings.Join(got, "|") != c.want {
			t.Errorf("splitWords(%q) = %q, %v; want %q", c.in, got, err, c.want)
		}
	}
}

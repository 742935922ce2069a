package remote

import (
	"bufio"
	"context"
	"io"
	"strings"
	"testing"
	"time"
)

func TestStartLocal(t *testing.T) {
	p, err := StartLocal(context.Background(), "/proc/self/exe", "__helper", "x")
	if err != nil {
		t.Fatal(err)
	}
	out := bufio.NewReader(p.Stdout)
	if got := readLine(t, out); got != "hello [x]\n" {
		t.Errorf("got %q", got)
	}
	if _, err := io.WriteString(p.Stdin, "ping\n"); err != nil {
		t.Fatal(err)
	}
	if got := readLine(t, out); got != "got ping\n" {
		t.Errorf("got %q", got)
	}
	if err := p.Stdin.Close(); err != nil {
		t.Fatal(err)
	}
	if exit, err := p.Wait(); exit != 0 || err != nil {
		t.Errorf("exit %d, %v", exit, err)
	}
}

func TestStartLocalHowItEnds(t *testing.T) {
	cases := []struct {
		script string
		exit   int
		err    string
		stderr string
	}{
		{"exit 3", 3, "", ""},
		{"echo oops >&2; exit 1", 1, "", "oops\n"},
		{"kill -9 $$", -1, "signal: killed", ""},
		{"(sleep 30 >/dev/null) & exit 0", 0, "", ""}, // holds stderr open
		{"test -t 0 && echo tty >&2; ps -o sid= -p $$ | grep -qw $$ && exit 7", 7, "", ""},
	}
	for _, tc := range cases {
		start := time.Now()
		p, err := StartLocal(context.Background(), "/bin/sh", "-c", tc.script)
		if err != nil {
			t.Fatal(err)
		}
		exit, err := p.Wait()
		if exit != tc.exit || (err == nil) != (tc.err == "") || err != nil && !strings.Contains(err.Error(), tc.err) || p.StderrTail() != tc.stderr {
			t.Errorf("%s: exit %d, %v, stderr %q", tc.script, exit, err, p.StderrTail())
		}
		if time.Since(start) > 5*time.Second {
			t.Errorf("%s: took %s", tc.script, time.Since(start))
		}
		p.Close()
	}
	if _, err := StartLocal(context.Background(), "/no/such/program"); err == nil || !strings.Contains(err.Error(), `cannot start "/no/such/program"`) {
		t.Errorf("got %v", err)
	}
}

// The end of the context is the end of the streams, not of the program.
func TestStartLocalIsNotKilled(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	p, err := StartLocal(ctx, "/bin/sh", "-c", "cat; sleep 0.3; exit 4")
	if err != nil {
		t.Fatal(err)
	}
	cancel()
	if exit, err := p.Wait(); exit != 4 || err != nil {
		t.Errorf("exit %d, %v", exit, err)
	}
}

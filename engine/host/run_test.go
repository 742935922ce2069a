package host

import (
	"context"
	"errors"
	"os"
	"strings"
	"testing"
	"time"
)

func TestRun(t *testing.T) {
	l := NewLinux(Options{})
	t.Setenv("LC_ALL", "de_DE.UTF-8")
	ctx := WithEnv(context.Background(), map[string]string{"http_proxy": "http://p", "LC_ALL": "fr_FR"})
	r, err := l.run(ctx, call{argv: []string{"sh", "-c", "cat; echo $LC_ALL $http_proxy $X; pwd; exit 4"}, stdin: []byte("in "), env: []string{"X=1"}})
	if err != nil || r.rc != 4 || string(r.stdout) != "in C http://p 1\n/\n" {
		t.Errorf("rc %d, %q, %v", r.rc, r.stdout, err)
	}
}

func TestRunFails(t *testing.T) {
	l := NewLinux(Options{})
	for _, c := range []struct {
		c    call
		must bool
		want string
	}{
		{call{argv: []string{"no-such-tool"}}, false, "there is no such tool"},
		{call{argv: []string{"/no/such/tool"}}, false, "there is no such tool"},
		{call{argv: []string{"sh", "-c", "echo bad >&2; exit 9"}}, true, "cannot run sh -c echo bad >&2; exit 9: exit status 9: bad"},
		{call{argv: []string{"sh", "-c", "echo on stdout; exit 1"}}, true, "exit status 1: on stdout"},
		{call{argv: []string{"sh", "-c", "kill -15 $$"}}, true, "killed by signal terminated"},
		{call{argv: []string{"sleep", "10"}, timeout: 50 * time.Millisecond}, false, "no end after 50ms"},
		{call{argv: []string{"yes"}}, false, "more than 8 MiB"},
		{call{argv: []string{"true"}, dir: "/none"}, false, "no such file"},
		{call{argv: []string{"sh", "-c", strings.Repeat("x", 1000)}}, true, "…"},
	} {
		f := l.run
		if c.must {
			f = l.must
		}
		_, err := f(context.Background(), c.c)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v: error %v, want %q in it", c.c.argv, err, c.want)
		}
		if strings.Contains(c.want, "no such tool") && !errors.Is(err, errNoTool) {
			t.Errorf("%v is not errNoTool", err)
		}
	}
}

// A grandchild that holds the pipes does not hold us up.
func TestRunDoesNotWaitForDaemons(t *testing.T) {
	start := time.Now()
	r, err := NewLinux(Options{}).run(context.Background(), call{argv: []string{"sh", "-c", "sleep 20 & echo x"}})
	if err != nil || string(r.stdout) != "x\n" || time.Since(start) > 5*time.Second {
		t.Errorf("after %s: %q, %v", time.Since(start), r.stdout, err)
	}
}

func TestRunAsUser(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can")
	}
	r, err := NewLinux(Options{}).run(context.Background(), call{
		argv: []string{"sh", "-c", "echo $(id -u) $(id -G) $HOME $USER"}, asUser: &cred{uid: 65534, gid: 65534, groups: []uint32{65534, 7}, name: "nobody", home: "/h"},
	})
	if err != nil || string(r.stdout) != "65534 65534 7 /h nobody\n" {
		t.Errorf("%q, %v", r.stdout, err)
	}
}

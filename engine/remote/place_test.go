package remote

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// place starts the helper, says a line to it and ends it.
func place(t *testing.T, c *Conn, o PlaceOptions) *Helper {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	t.Cleanup(cancel)
	h, err := Place(ctx, c, only{self()}, o)
	if err != nil {
		t.Fatal(err)
	}
	out := bufio.NewReader(h.Stdout)
	if got := readLine(t, out); got != fmt.Sprintf("hello %v\n", o.Args) {
		t.Errorf("the helper says %q", got)
	}
	line := strings.TrimSpace(string(o.First))
	if line == "" {
		line = "ping"
		if _, err := h.Stdin.Write([]byte("ping\n")); err != nil {
			t.Fatal(err)
		}
	}
	if got := readLine(t, out); got != "got "+line+"\n" {
		t.Errorf("the helper answers %q", got)
	}
	if err := h.Stdin.Close(); err != nil {
		t.Fatal(err)
	}
	if exit, err := h.Wait(); exit != 0 || err != nil {
		t.Errorf("the helper ended with %d, %v, %q", exit, err, h.StderrTail())
	}
	return h
}

func TestPlacePushesOnceAndFindsItThen(t *testing.T) {
	shells := map[string]string{
		"the user's own":   "",
		"sh":               `ForceCommand /bin/sh -c "$SSH_ORIGINAL_COMMAND"`,
		"tcsh":             `ForceCommand tcsh -c "$SSH_ORIGINAL_COMMAND"`,
		"fish":             `ForceCommand fish -c "$SSH_ORIGINAL_COMMAND"`,
		"busybox":          `ForceCommand busybox sh -c "$SSH_ORIGINAL_COMMAND"`,
		"noisy":            `ForceCommand echo "Welcome to web1"; printf "and no newline"; exec /bin/sh -c "$SSH_ORIGINAL_COMMAND"`,
		"noisy on stderr":  `ForceCommand echo "Welcome" >&2; exec /bin/sh -c "$SSH_ORIGINAL_COMMAND"`,
		"no gzip in PATH":  `ForceCommand PATH=DIR/bin; export PATH; exec /bin/sh -c "$SSH_ORIGINAL_COMMAND"`,
		"ls with a colour": `ForceCommand export TIME_STYLE=long-iso LC_ALL=C.UTF-8; exec /bin/sh -c "$SSH_ORIGINAL_COMMAND"`,
	}
	for name, line := range shells {
		t.Run(name, func(t *testing.T) {
			if name == "tcsh" || name == "fish" || name == "busybox" {
				if _, err := exec.LookPath(name); err != nil {
					t.Skipf("there is no %s here", name)
				}
			}
			s := startSSHD(t, line)
			if name == "no gzip in PATH" {
				linkTools(t, filepath.Join(s.dir, "bin"))
			}
			c := dial(t, newDialer(t, options(t, s.known())), s.target())
			dir := filepath.Join(t.TempDir(), "deep", "rp")
			for _, first := range []string{"", "first\n"} {
				o := PlaceOptions{Dirs: []string{dir}, Args: []string{"--run", "a b"}, First: []byte(first)}
				if h := place(t, c, o); !h.Pushed && first == "" || h.Path != filepath.Join(dir, "rp-helper-"+self().SHA256) {
					t.Errorf("first: pushed %v to %s", h.Pushed, h.Path)
				}
				h := place(t, c, o)
				if h.Pushed || h.SHA256 != self().SHA256 || h.Arch != testArch {
					t.Errorf("second: pushed %v, %s %s", h.Pushed, h.Arch, h.SHA256)
				}
				if name == "noisy" && h.Noise != "Welcome to web1\nand no newline" {
					t.Errorf("noise is %q", h.Noise)
				}
			}
			if fi, err := os.Stat(dir); err != nil || fi.Mode().Perm()&0o022 != 0 {
				t.Errorf("the directory is %v, %v", fi.Mode(), err)
			}
		})
	}
}

// linkTools makes a PATH of what the script needs, gzip aside.
func linkTools(t *testing.T, bin string) {
	t.Helper()
	if err := os.MkdirAll(bin, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, tool := range []string{"uname", "id", "ls", "mkdir", "chmod", "rm", "mv", "head", "dd", "find", "sha256sum"} {
		path, err := exec.LookPath(tool)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(path, filepath.Join(bin, tool)); err != nil {
			t.Fatal(err)
		}
	}
}

// What was sent ahead for a helper that is not there must not end up in it.
func TestPlaceSendsFirstAgainAfterPushing(t *testing.T) {
	s := startSSHD(t)
	c := dial(t, newDialer(t, options(t, s.known())), s.target())
	h := place(t, c, PlaceOptions{Dirs: []string{t.TempDir()}, First: []byte(strings.Repeat("x", 5000) + "\n")})
	if !h.Pushed || h.Sent == 0 {
		t.Errorf("pushed %v, sent %d", h.Pushed, h.Sent)
	}
}

func TestPlaceTakesTheNextDirectory(t *testing.T) {
	s := startSSHD(t)
	c := dial(t, newDialer(t, options(t, s.known())), s.target())
	base := t.TempDir()
	good := filepath.Join(base, "good")
	write(t, filepath.Join(base, "file"), "")
	h := place(t, c, PlaceOptions{Dirs: []string{filepath.Join(base, "file", "rp"), "/proc/rp", good}})
	if filepath.Dir(h.Path) != good {
		t.Errorf("placed at %s", h.Path)
	}
}

func TestPlaceDoesNotTrustWhatOthersCanWrite(t *testing.T) {
	s := startSSHD(t)
	c := dial(t, newDialer(t, options(t, s.known())), s.target())
	dir := t.TempDir()
	planted := filepath.Join(dir, "rp-helper-"+self().SHA256)
	write(t, planted, "#!/bin/sh\necho planted\n")
	for name, mode := range map[string]os.FileMode{"of another size": 0o700, "others can write": 0o777} {
		if err := os.Chmod(planted, mode); err != nil {
			t.Fatal(err)
		}
		if name == "others can write" {
			if err := os.Truncate(planted, self().Size); err != nil {
				t.Fatal(err)
			}
		}
		if h := place(t, c, PlaceOptions{Dirs: []string{dir}}); !h.Pushed {
			t.Errorf("%s: took what was planted", name)
		}
	}
	if err := os.Chmod(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	h := place(t, c, PlaceOptions{Dirs: []string{dir}})
	if fi, err := os.Stat(dir); !h.Pushed || err != nil || fi.Mode().Perm() != 0o755 {
		t.Errorf("a directory open to all: pushed %v, then %v", h.Pushed, fi.Mode())
	}
}

func TestPlaceRemovesOldCopies(t *testing.T) {
	s := startSSHD(t)
	c := dial(t, newDialer(t, options(t, s.known())), s.target())
	dir := t.TempDir()
	for i, name := range []string{"rp-helper-old3", "rp-helper-old2", "rp-helper-old1", "notes.txt"} {
		path := filepath.Join(dir, name)
		write(t, path, "x")
		when := time.Now().Add(time.Duration(i-10) * time.Hour)
		if err := os.Chtimes(path, when, when); err != nil {
			t.Fatal(err)
		}
	}
	place(t, c, PlaceOptions{Dirs: []string{dir}})
	got := strings.Fields(run(t, c, "ls -A "+dir))
	want := "notes.txt rp-helper-" + self().SHA256 + " rp-helper-old1"
	if strings.Join(got, " ") != want {
		t.Errorf("left are %v, want %s", got, want)
	}
}

func TestPlaceSaysWhyNot(t *testing.T) {
	broken := self()
	broken.SHA256 = strings.Repeat("0", 64)
	foreign := self()
	foreign.Arch = "s390x"
	cases := []struct {
		name, sshd string
		image      Image
		o          PlaceOptions
		want       []string
	}{
		{"nologin", `ForceCommand echo "This account is currently not available."; exit 1`, self(), PlaceOptions{}, []string{"login shell refuses commands", "This account is currently not available."}},
		{"false", `ForceCommand /bin/false`, self(), PlaceOptions{}, []string{"login shell refuses commands: exit status 1, and nothing was said"}},
		{"hangs", `ForceCommand echo "Choose a menu item:"; sleep 60`, self(), PlaceOptions{Timeout: time.Second}, []string{"no answer within 1s", "Choose a menu item:"}},
		{"endless", `ForceCommand yes`, self(), PlaceOptions{}, []string{"1048576 bytes before"}},
		{"other architecture", "", foreign, PlaceOptions{}, []string{"no helper for the architecture", "s390x"}},
		{"damaged", "", broken, PlaceOptions{Dirs: []string{"$HOME/.rp-test-a", "/proc/x"}}, []string{"no directory may hold and execute", "the helper does not run", "/proc/x: cannot be made"}},
		{"nowhere", "", self(), PlaceOptions{Dirs: []string{"/proc/a", "/proc/b"}}, []string{"/proc/a: cannot be made", "/proc/b: cannot be made"}},
		{"quote", "", self(), PlaceOptions{Args: []string{"it's"}}, []string{"cannot pass \"it's\""}},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			s := startSSHD(t, tc.sshd, "SetEnv HOME="+t.TempDir())
			c := dial(t, newDialer(t, options(t, s.known())), s.target())
			_, err := Place(context.Background(), c, only{tc.image}, tc.o)
			var u *ErrUnreachable
			if !errors.As(err, &u) || u.Stage != StagePlace {
				t.Fatalf("got %v", err)
			}
			for _, w := range tc.want {
				if !strings.Contains(err.Error(), w) {
					t.Errorf("%q is not in %q", w, err)
				}
			}
			if strings.Contains(err.Error(), "\n") {
				t.Errorf("more than one line: %q", err)
			}
		})
	}
}

// On a file system mounted noexec the first directory is passed over.
func TestPlaceOnNoexec(t *testing.T) {
	dir := t.TempDir()
	mnt := filepath.Join(dir, "noexec")
	if err := os.Mkdir(mnt, 0o755); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("mount", "-t", "tmpfs", "-o", "noexec", "rp-test", mnt).CombinedOutput(); err != nil {
		t.Skipf("cannot mount here: %s", out)
	}
	t.Cleanup(func() { _ = exec.Command("umount", mnt).Run() })
	s := startSSHD(t)
	c := dial(t, newDialer(t, options(t, s.known())), s.target())
	h := place(t, c, PlaceOptions{Dirs: []string{filepath.Join(mnt, "rp"), filepath.Join(dir, "rp")}})
	if filepath.Dir(h.Path) != filepath.Join(dir, "rp") {
		t.Errorf("placed at %s", h.Path)
	}
	_, err := Place(context.Background(), c, only{self()}, PlaceOptions{Dirs: []string{mnt + "/rp"}})
	if err == nil || !strings.Contains(err.Error(), mnt+"/rp: may not execute programs (noexec)") {
		t.Errorf("got %v", err)
	}
}

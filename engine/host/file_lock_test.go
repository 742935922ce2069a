package host

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"rp/engine/state"
)

// The test binary itself holds a record lock when it is started so: locks of fcntl(2)
// do not keep a process from itself.
func TestMain(m *testing.M) {
	if path := os.Getenv("RP_TEST_HOLD"); path != "" {
		f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE, 0o600)
		if err == nil {
			err = unix.FcntlFlock(f.Fd(), unix.F_SETLK, &unix.Flock_t{Type: unix.F_WRLCK})
		}
		fmt.Println("held", err)
		time.Sleep(time.Minute)
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func hold(t *testing.T, path string) (pid int, release func()) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), "RP_TEST_HOLD="+path)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, 100)
	n, _ := out.Read(buf)
	if !strings.HasPrefix(string(buf[:n]), "held <nil>") {
		t.Fatalf("cannot hold the lock: %s", buf[:n])
	}
	release = func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	}
	t.Cleanup(release)
	return cmd.Process.Pid, release
}

func subuidWant() state.File {
	return state.File{Path: "/etc/subuid", Content: state.Is(state.Text("bob:1:2\n")), Lock: "shadow"}
}

func TestShadowLocks(t *testing.T) {
	l := fakeRoot(t, map[string]string{"/etc/subuid": "ann:1:2\n"})
	etc := l.path("/etc")
	short := func() context.Context {
		ctx, cancel := context.WithTimeout(context.Background(), 300*time.Millisecond)
		t.Cleanup(cancel)
		return ctx
	}

	// nobody holds them: both are taken, and given back
	if _, err := write1(l, subuidWant()); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(etc, "subuid.lock")); err == nil {
		t.Error("the lock is left behind")
	}

	// somebody holds FILE.lock
	pid, release := hold(t, filepath.Join(t.TempDir(), "other"))
	put(t, filepath.Join(etc, "subuid.lock"), strconv.Itoa(pid)+"\x00", 0o600)
	_, err := l.lockShadow(short(), "/etc/subuid")
	if want := fmt.Sprintf("is locked by process %d (subuid.lock)", pid); err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("error %v, want %q in it", err, want)
	}

	// its process is no more
	release()
	unlock, err := l.lockShadow(short(), "/etc/subuid")
	if err != nil {
		t.Fatalf("a stale lock is not taken over: %v", err)
	}
	if mine := text(t, filepath.Join(etc, "subuid.lock")); mine != strconv.Itoa(os.Getpid())+"\x00" {
		t.Errorf("the lock says %q", mine)
	}
	unlock()

	// somebody holds the record lock
	pid, release = hold(t, filepath.Join(etc, ".pwd.lock"))
	_, err = l.lockShadow(short(), "/etc/subuid")
	if want := fmt.Sprintf(".pwd.lock is locked by process %d", pid); err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("error %v, want %q in it", err, want)
	}
	release()
	if unlock, err = l.lockShadow(short(), "/etc/subuid"); err != nil {
		t.Fatal(err)
	}
	unlock()
	es, _ := os.ReadDir(etc)
	for _, e := range es {
		if n := e.Name(); n != "subuid" && n != ".pwd.lock" {
			t.Errorf("%s is left behind", n)
		}
	}
}

// What another tool wrote between our read and our lock is not overwritten.
func TestLockedFileThatChangedIsLeftAlone(t *testing.T) {
	l := fakeRoot(t, map[string]string{"/etc/subuid": "ann:1:2\n"})
	ctx := context.Background()
	c := state.Change{From: read1(t, l, subuidWant()), To: subuidWant()}
	put(t, l.path("/etc/subuid"), "ann:1:2\ncarl:3:4\n", 0o644)
	if err := l.Write(ctx, c); err == nil || !strings.Contains(err.Error(), "another program changed it") {
		t.Errorf("error %v", err)
	}
	if got := text(t, l.path("/etc/subuid")); !strings.Contains(got, "carl") {
		t.Errorf("carl is lost: %q", got)
	}
}

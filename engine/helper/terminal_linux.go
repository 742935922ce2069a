package helper

import (
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"strconv"
	"strings"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
)

// terminal is a pseudo-terminal that is a child's controlling terminal and
// nothing else; nil is none.
type terminal struct {
	master, slave *os.File

	mu   sync.Mutex
	text []byte
}

// terminal gives cmd a session of its own and, when it is wanted, a controlling terminal.
func (a *attempt) terminal(cmd *exec.Cmd, wanted bool) (*terminal, error) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if !wanted {
		return nil, nil //nolint:nilnil // no terminal is no error
	}
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		return nil, fmt.Errorf("cannot get a terminal: %w", err)
	}
	fd := int(master.Fd())
	if err := unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0); err != nil {
		return nil, fmt.Errorf("cannot unlock a terminal: %w", err)
	}
	n, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err != nil {
		return nil, fmt.Errorf("cannot name a terminal: %w", err)
	}
	slave, err := os.OpenFile("/dev/pts/"+strconv.Itoa(n), os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		return nil, fmt.Errorf("cannot open a terminal: %w", err)
	}
	cmd.ExtraFiles = []*os.File{slave} // file 3 of the child
	cmd.SysProcAttr.Setctty, cmd.SysProcAttr.Ctty = true, 3
	return &terminal{master: master, slave: slave}, nil
}

// started closes our end of what the child has now.
func (t *terminal) started() {
	if t != nil {
		_ = t.slave.Close() // the child has its own
	}
}

func (t *terminal) close() {
	if t != nil {
		_ = t.master.Close() // nothing more is said on it
	}
}

// watch shows what is said on the terminal.
func (t *terminal) watch(f func([]byte, bool)) {
	if t == nil {
		return
	}
	go func() {
		buf := make([]byte, 1024)
		for {
			n, err := t.master.Read(buf)
			if err != nil {
				return
			}
			t.mu.Lock()
			t.text = append(t.text, buf[:n]...)
			said := append([]byte(nil), t.text...)
			t.mu.Unlock()
			f(said, true)
		}
	}()
}

func (t *terminal) write(s string) {
	_, _ = t.master.WriteString(s) // a child that ended is found out by its silence
}

func (t *terminal) said() string {
	if t == nil {
		return ""
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	return string(t.text)
}

// credentials are u's uid, gid and groups for a child's start.
func credentials(u *user.User) (*syscall.SysProcAttr, error) {
	uid, err1 := strconv.ParseUint(u.Uid, 10, 32)
	gid, err2 := strconv.ParseUint(u.Gid, 10, 32)
	if err1 != nil || err2 != nil {
		return nil, fmt.Errorf("cannot understand the ids of %s: %s:%s", u.Username, u.Uid, u.Gid)
	}
	names, err := u.GroupIds()
	if err != nil {
		return nil, fmt.Errorf("cannot tell the groups of %s: %w", u.Username, err)
	}
	groups := make([]uint32, 0, len(names))
	for _, g := range names {
		if n, err := strconv.ParseUint(g, 10, 32); err == nil {
			groups = append(groups, uint32(n))
		}
	}
	return &syscall.SysProcAttr{
		Setsid:     true,
		Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid), Groups: groups},
	}, nil
}

// shellOf is the login shell that /etc/passwd gives name.
func shellOf(name string) string {
	text, err := os.ReadFile("/etc/passwd")
	if err != nil {
		return "/bin/sh"
	}
	for line := range strings.Lines(string(text)) {
		if f := strings.Split(strings.TrimSpace(line), ":"); len(f) == 7 && f[0] == name && f[6] != "" {
			return f[6]
		}
	}
	return "/bin/sh"
}

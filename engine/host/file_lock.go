package host

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

const (
	// shadowWait is how long shadow's own tools wait for a lock (lckpwdf(3)).
	shadowWait = 15 * time.Second
	shadowPoll = 200 * time.Millisecond
)

// shadowMu keeps two writers of this process apart: fcntl(2)'s locks are the process's.
var shadowMu sync.Mutex

// lockShadow takes the two locks under which useradd and its family write path:
// the record lock on /etc/.pwd.lock of lckpwdf(3), and path.lock, a hard link to a file that
// holds the owner's process id. The function that it gives releases both.
func (l *Linux) lockShadow(ctx context.Context, path string) (unlock func(), err error) {
	ctx, cancel := context.WithTimeout(ctx, shadowWait)
	defer cancel()
	shadowMu.Lock()
	pwd, err := lockRecord(ctx, l.path("/etc/.pwd.lock"))
	if err != nil {
		shadowMu.Unlock()
		return nil, err
	}
	unlockFile, err := lockFile(ctx, l.path(path))
	if err != nil {
		_ = pwd.Close()
		shadowMu.Unlock()
		return nil, err
	}
	return func() {
		unlockFile()
		_ = pwd.Close() // closing releases the record lock
		shadowMu.Unlock()
	}, nil
}

func lockRecord(ctx context.Context, path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("cannot lock the accounts: %w", err)
	}
	for {
		lock := unix.Flock_t{Type: unix.F_WRLCK}
		err := unix.FcntlFlock(f.Fd(), unix.F_SETLK, &lock)
		if err == nil {
			return f, nil
		}
		if !errors.Is(err, unix.EAGAIN) && !errors.Is(err, unix.EACCES) {
			_ = f.Close()
			return nil, fmt.Errorf("cannot lock %s: %w", path, err)
		}
		if !pause(ctx, shadowPoll) {
			holder := unix.Flock_t{Type: unix.F_WRLCK}
			_ = unix.FcntlFlock(f.Fd(), unix.F_GETLK, &holder)
			_ = f.Close()
			return nil, fmt.Errorf("%s is locked by process %d", path, holder.Pid)
		}
	}
}

// lockFile takes path.lock as shadow's commonio does: a file with our process id, linked
// to the lock's name. A lock whose process is no more is taken over.
func lockFile(ctx context.Context, path string) (func(), error) {
	lock, mine := path+".lock", path+"."+strconv.Itoa(os.Getpid())
	if err := os.WriteFile(mine, []byte(strconv.Itoa(os.Getpid())+"\x00"), 0o600); err != nil {
		return nil, fmt.Errorf("cannot lock %s: %w", path, err)
	}
	defer os.Remove(mine) //nolint:errcheck // its other name is the lock
	for {
		err := os.Link(mine, lock)
		if err == nil {
			return func() { _ = os.Remove(lock) }, nil
		}
		if !errors.Is(err, fs.ErrExist) {
			return nil, fmt.Errorf("cannot lock %s: %w", path, err)
		}
		pid, stale := lockHolder(lock)
		if stale {
			if err := os.Remove(lock); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return nil, fmt.Errorf("cannot take over the lock of %s: %w", path, err)
			}
			continue
		}
		if !pause(ctx, shadowPoll) {
			return nil, fmt.Errorf("%s is locked by process %d (%s)", path, pid, filepath.Base(lock))
		}
	}
}

// lockHolder is whose lock it is; stale when that process is no more.
func lockHolder(lock string) (pid int, stale bool) {
	text, err := readBounded(lock, 64)
	if err != nil {
		return 0, false
	}
	pid, err = strconv.Atoi(strings.TrimRight(string(text), "\x00\n "))
	if err != nil || pid <= 0 {
		return 0, true // shadow takes such a lock over, too
	}
	return pid, errors.Is(unix.Kill(pid, 0), syscall.ESRCH)
}

// pause waits for d; false when ctx ended first.
func pause(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

package helper

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"sync"
	"time"

	"rp/engine/wire"
)

// lockName is an abstract socket (unix(7)): the kernel lets one process hold it
// and frees it when that process ends, however it ends. It belongs to the
// host's network namespace and needs no file that somebody could leave behind.
const lockName = "@rp.run"

// runLock lets one run at a time write to a host. It is taken before the first
// write and never by a prediction. Helpers of one run on one host (the
// controller's own beside a local host's) share it: one holds it, the others
// ask before each write whether it is still held for their run.
type runLock struct {
	name  string
	hello wire.Hello

	mu sync.Mutex
	ln net.Listener
}

// newRunLock is the lock name, the machine's own where it is empty.
func newRunLock(name string, hello wire.Hello) *runLock {
	if name == "" {
		name = lockName
	}
	return &runLock{name: name, hello: hello}
}

// holder is what the one who has the lock says of itself.
type holder struct {
	Run, Host, User string
	Pid             int
	Since           time.Time
}

// endingHolder is how long a holder is waited for that does not say who it is.
const endingHolder = 2 * time.Second

// take gets the lock, waiting for another run's end as long as the controller allowed.
func (l *runLock) take() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.ln != nil {
		return nil
	}
	begun := time.Now()
	deadline := begun.Add(time.Duration(l.hello.Wait) * time.Second)
	for {
		ln, err := net.Listen("unix", l.name)
		if err == nil {
			l.ln = ln
			go l.answer(ln)
			return nil
		}
		h, err := l.ask()
		if err == nil && h.Run == l.hello.Run {
			return nil
		}
		// who holds it and does not say so is about to end: a process that a run before has just forked
		if time.Now().After(deadline) && (err == nil || time.Since(begun) > endingHolder) {
			return fmt.Errorf("cannot write to this host: %s", sentence(h, err))
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// answer tells whoever asks who holds the lock.
func (l *runLock) answer(ln net.Listener) {
	me := holder{Run: l.hello.Run, Host: l.hello.Host, User: l.hello.User, Pid: os.Getpid(), Since: time.Now()}
	for {
		c, err := ln.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			continue
		}
		_ = c.SetDeadline(time.Now().Add(time.Second)) // an asker that does not read is not waited for
		_ = json.NewEncoder(c).Encode(me)
		_ = c.Close()
	}
}

var (
	errMute   = errors.New("another run holds its lock")
	errNotOne = errors.New("another process holds its lock")
)

// ask is what the holder says of itself.
func (l *runLock) ask() (h holder, err error) {
	c, err := net.DialTimeout("unix", l.name, time.Second)
	if err != nil {
		return h, errMute
	}
	defer c.Close() //nolint:errcheck // only read
	_ = c.SetDeadline(time.Now().Add(time.Second))
	if err := json.NewDecoder(c).Decode(&h); err != nil {
		return h, errNotOne
	}
	return h, nil
}

// sentence is what to tell who may not write.
func sentence(h holder, err error) string {
	if err != nil {
		return err.Error()
	}
	return fmt.Sprintf("run %s, started by %s, is writing to it since %s (helper's process %d); wait for it, or give --wait-lock SECONDS",
		h.Run, h.User, h.Since.Format(time.RFC3339), h.Pid)
}

func (l *runLock) release() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.ln != nil {
		_ = l.ln.Close() // the kernel frees it with the process anyway
		l.ln = nil
	}
}

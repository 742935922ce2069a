// Package helper is the process that rp starts on a host. It runs modules where
// the files are.
//
// [Serve] speaks package wire over two streams. Tasks come in lanes (one for
// each inventory host whose play they belong to); a lane runs its tasks in
// order, one at a time. A task that failed drops what follows it in its lane:
// the controller decides what comes next and sends it under a new epoch.
//
// A task runs as the login user or as another: then a second helper, started
// once through sudo, su, doas or setuid, reads and writes as that user
// ([ServeChild]), while modules, predictions and the queue stay in the first.
// Every write goes through a journal, under a kernel lock that one run at a
// time holds.
//
// When the stream ends, the helper begins nothing new, finishes the change
// under way and ends. It must not import anything of the controller.
package helper

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"os/user"
	"path/filepath"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"

	"rp/engine/host"
	"rp/engine/journal"
	"rp/engine/module"
	"rp/engine/wire"
)

// Options say how a helper runs.
type Options struct {
	// Find looks a module up by its canonical name.
	Find func(name string) (*module.Spec, bool)
	// Lock names the socket that is the host's lock, JournalDir is where the journal lies. They
	// are for several hosts in one process; empty, they are this machine's.
	Lock, JournalDir string
}

// journalDir is where the journal of this helper's user lies.
func (o Options) journalDir() (string, error) {
	if o.JournalDir != "" {
		return o.JournalDir, nil
	}
	return journal.Dir()
}

// server is one helper with all its lanes and peers.
type server struct {
	conn  *wire.Conn
	opt   Options
	hello wire.Hello
	stop  context.Context // ends when nothing new is to be begun

	blobs   *blobStore
	memory  *host.Memory
	journal *journal.Journal
	lock    *runLock
	scratch string

	mu    sync.Mutex
	lanes map[string]*lane
	peers map[wire.Become]*peer
	work  sync.WaitGroup
}

// Serve is a helper's life: it returns when in ends and all that was begun is finished.
func Serve(in io.Reader, out io.Writer, o Options) error {
	// a lost connection must not cut a change in the middle
	signal.Ignore(syscall.SIGHUP, syscall.SIGPIPE)
	stop, cancel := context.WithCancel(context.Background())
	defer cancel()
	s := &server{
		conn: wire.NewConn(in, out), opt: o, stop: stop,
		memory: host.NewMemory(), lanes: map[string]*lane{}, peers: map[wire.Become]*peer{},
	}
	if err := s.open(); err != nil {
		return errors.Join(err, s.conn.Send(wire.TFatal, wire.Fatal{Msg: err.Error()}))
	}
	err := s.receive()
	cancel()
	s.closeLanes()
	s.work.Wait()
	s.close()
	return err
}

// open answers the controller's hello.
func (s *server) open() error {
	t, payload, err := s.conn.Receive()
	if err != nil {
		return fmt.Errorf("cannot read the controller's hello: %w", err)
	}
	if err := json.Unmarshal(payload, &s.hello); err != nil || t != wire.THello {
		return fmt.Errorf("cannot understand the controller's hello: %w", err)
	}
	if s.hello.Version != wire.Version {
		return fmt.Errorf("the controller speaks version %d of the protocol and this helper version %d", s.hello.Version, wire.Version)
	}
	dir, err := s.opt.journalDir()
	if err != nil {
		return err
	}
	s.journal = journal.Open(dir, s.hello.Run)
	s.lock = newRunLock(s.opt.Lock, s.hello)
	if s.scratch, err = scratchDir(); err != nil {
		return err
	}
	s.blobs = newBlobStore(s.scratch, s.conn)
	exe, err := os.Executable()
	if err != nil {
		return fmt.Errorf("cannot tell where the helper lies: %w", err)
	}
	return s.conn.Send(wire.TReady, wire.Ready{
		Version: wire.Version, UID: int64(os.Getuid()), User: userName(), Arch: runtime.GOARCH, Path: exe,
	})
}

// scratchDir names a directory of this process's own for downloads and spooled
// contents. A dry run may use it too: it is rp's own and goes with the process.
func scratchDir() (string, error) {
	base := os.TempDir()
	if fi, err := os.Stat("/dev/shm"); err == nil && fi.IsDir() {
		base = "/dev/shm"
	}
	return filepath.Join(base, ".rp-"+strconv.Itoa(os.Getpid())+"-"+strconv.FormatInt(scratches.Add(1), 10)), nil
}

// scratches counts the scratch directories of this process.
var scratches atomic.Int64

func (s *server) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, p := range s.peers {
		p.close()
	}
	_ = s.journal.Close()       // every record was synced when it was written
	_ = os.RemoveAll(s.scratch) // in memory or in /tmp: nothing that is missed
	s.lock.release()
}

func userName() string {
	if u, err := user.LookupId(strconv.Itoa(os.Getuid())); err == nil {
		return u.Username
	}
	return strconv.Itoa(os.Getuid())
}

// receive hands each frame to whom it concerns until the stream ends.
func (s *server) receive() error {
	for {
		t, payload, err := s.conn.Receive()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if t == wire.TEnd {
			return nil
		}
		if err := s.frame(t, payload); err != nil {
			return errors.Join(err, s.conn.Send(wire.TFatal, wire.Fatal{Msg: err.Error()}))
		}
	}
}

func (s *server) frame(t wire.Type, payload []byte) error {
	switch t {
	case wire.TTask:
		var m wire.Task
		if err := json.Unmarshal(payload, &m); err != nil {
			return fmt.Errorf("cannot understand a task: %w", err)
		}
		s.lane(m.Lane).add(m)
	case wire.TGo:
		var m wire.Go
		if err := json.Unmarshal(payload, &m); err != nil {
			return fmt.Errorf("cannot understand a go: %w", err)
		}
		s.lane(m.Lane).release(m)
	case wire.TDrop:
		var m wire.Drop
		if err := json.Unmarshal(payload, &m); err != nil {
			return fmt.Errorf("cannot understand a drop: %w", err)
		}
		s.lane(m.Lane).drop(m.Epoch)
	case wire.TBlob:
		h, piece, err := wire.ParseBlob(payload)
		if err != nil {
			return err
		}
		return s.blobs.receive(h, piece)
	case wire.TUndo:
		var m wire.Undo
		if err := json.Unmarshal(payload, &m); err != nil {
			return fmt.Errorf("cannot understand an undo: %w", err)
		}
		s.work.Go(func() { s.undo(m) })
	default:
		return fmt.Errorf("cannot understand a frame of type %q", t)
	}
	return nil
}

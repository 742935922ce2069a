// Package journal writes down every change at the host before it is made, with
// what it replaces, so that it can be taken back, and so that the next run
// knows what was under way when a connection or a machine died.
//
// [Wrap] puts a journal before a [host.Host]: each Write becomes two synced
// records, the intent (From and To, the replaced contents kept by hash, the
// paths that the tools will touch) before it and the end (what was read back,
// or the error) after it. [Undo] takes one entry back. A run that changes
// nothing writes nothing, not even the directory.
//
// It runs on the target and must not import anything of the controller.
package journal

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"rp/engine/state"
)

// Entry is one write of one task: what was replaced by what.
type Entry struct {
	// Seq orders all entries of a run on a host, whoever wrote them.
	Seq  int64
	Run  string
	Task string
	Pos  string
	// User is as whom it was done; "" for the journal's own user.
	User    string `json:",omitempty"`
	At      time.Time
	Changes []state.Change `json:",omitempty"`
	// Event is what was done, for an event: it has no inverse.
	Event string `json:",omitempty"`
	// Touched are the paths that the write touched, as they were before and after.
	Touched []Touch `json:",omitempty"`
	// Lost says which contents were too large to keep.
	Lost []string `json:",omitempty"`

	// Done: the end was written. An entry that is not done was under way when something died.
	Done bool   `json:",omitempty"`
	Err  string `json:",omitempty"`
	// Undone is the run that took it back.
	Undone string `json:",omitempty"`
}

// record is a line of the file: an intent, or the end of an earlier one.
type record struct {
	Intent *Entry  `json:"intent,omitempty"`
	End    *ending `json:"end,omitempty"`
	Undone *undone `json:"undone,omitempty"`
}

type ending struct {
	Seq     int64
	Err     string         `json:",omitempty"`
	After   []state.Box    `json:",omitempty"`
	Touched []Touch        `json:",omitempty"`
	Changes []state.Change `json:",omitempty"`
}

type undone struct {
	Seq int64
	By  string
}

// KeepMax is the size in bytes up to which a replaced content is kept.
const KeepMax = 64 << 20

// Journal is one user's journal on one host. The zero value is not usable; see [Open].
type Journal struct {
	dir string
	run string

	mu   sync.Mutex
	file *os.File
	last int64
}

// Open names the journal of run below dir; nothing is made until the first write.
func Open(dir, run string) *Journal { return &Journal{dir: dir, run: run} }

// DirVariable is the environment variable that names another directory than [Dir]'s
// default, as an absolute path.
const DirVariable = "RP_JOURNAL_DIR"

// Dir is where the journal of the calling process's user lies: /var/lib/rp for
// root, the state directory of the XDG Base Directory Specification otherwise;
// $RP_JOURNAL_DIR where that is set.
func Dir() (string, error) {
	if d := os.Getenv(DirVariable); filepath.IsAbs(d) {
		return d, nil
	}
	if os.Geteuid() == 0 {
		return "/var/lib/rp", nil
	}
	if d := os.Getenv("XDG_STATE_HOME"); filepath.IsAbs(d) {
		return filepath.Join(d, "rp"), nil
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return "", fmt.Errorf("cannot place the journal: %w", err)
	}
	return filepath.Join(home, ".local/state/rp"), nil
}

func (j *Journal) path(run string) string { return filepath.Join(j.dir, "journal", run+".jsonl") }

func (j *Journal) blob(sum string) string { return filepath.Join(j.dir, "blobs", sum) }

// begin writes e's intent and gives it its number.
func (j *Journal) begin(e *Entry) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	now := time.Now()
	e.Seq, e.Run, e.At = max(now.UnixNano(), j.last+1), j.run, now.UTC()
	j.last = e.Seq
	return j.append(record{Intent: e})
}

func (j *Journal) end(e ending) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.append(record{End: &e})
}

// MarkUndone notes that the entry seq of this journal's run was taken back by run by.
func (j *Journal) MarkUndone(seq int64, by string) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.append(record{Undone: &undone{seq, by}})
}

func (j *Journal) append(r record) error {
	line, err := json.Marshal(r)
	if err != nil {
		return fmt.Errorf("cannot encode a journal record: %w", err)
	}
	if err := j.open(); err != nil {
		return err
	}
	if _, err := j.file.Write(append(line, '\n')); err != nil {
		return fmt.Errorf("cannot write the journal %s: %w", j.file.Name(), err)
	}
	if err := j.file.Sync(); err != nil {
		return fmt.Errorf("cannot sync the journal %s: %w", j.file.Name(), err)
	}
	return nil
}

func (j *Journal) open() error {
	if j.file != nil {
		return nil
	}
	if err := makeDirs(j.dir); err != nil {
		return err
	}
	f, err := os.OpenFile(j.path(j.run), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("cannot open the journal: %w", err)
	}
	j.file = f
	return nil
}

// makeDirs makes dir with its journal and blobs, readable by their owner alone.
// root's /var/lib/rp itself is 0755: the helper in it is run by other users.
func makeDirs(dir string) error {
	mode := fs.FileMode(0o700)
	if os.Geteuid() == 0 {
		mode = 0o755
	}
	if err := os.MkdirAll(dir, mode); err != nil {
		return fmt.Errorf("cannot make the journal's directory: %w", err)
	}
	for _, sub := range []string{"journal", "blobs"} {
		if err := os.MkdirAll(filepath.Join(dir, sub), 0o700); err != nil {
			return fmt.Errorf("cannot make the journal's directory: %w", err)
		}
	}
	return nil
}

// Close ends writing.
func (j *Journal) Close() error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.file == nil {
		return nil
	}
	return j.file.Close()
}

// Load reads the entries of run, oldest first. A run that left no journal here gives none.
func (j *Journal) Load(run string) ([]Entry, error) {
	f, err := os.Open(j.path(run))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("cannot read the journal: %w", err)
	}
	defer f.Close() //nolint:errcheck // only read
	return parse(f)
}

func parse(r io.Reader) ([]Entry, error) {
	var es []Entry
	index := map[int64]int{}
	in := bufio.NewReaderSize(r, 1<<20)
	for n := 1; ; n++ {
		line, err := in.ReadBytes('\n')
		if errors.Is(err, io.EOF) { // a line without its end was being written when something died
			return es, nil
		}
		if err != nil {
			return nil, fmt.Errorf("cannot read the journal: %w", err)
		}
		var rec record
		if err := json.Unmarshal(line, &rec); err != nil {
			return nil, fmt.Errorf("cannot read line %d of the journal: %w", n, err)
		}
		apply(&es, index, rec)
	}
}

func apply(es *[]Entry, index map[int64]int, rec record) {
	switch {
	case rec.Intent != nil:
		index[rec.Intent.Seq] = len(*es)
		*es = append(*es, *rec.Intent)
	case rec.End != nil:
		if i, ok := index[rec.End.Seq]; ok {
			e := &(*es)[i]
			e.Done, e.Err = true, rec.End.Err
			mergeAfter(e.Touched, rec.End.Touched)
			if rec.End.Changes != nil {
				e.Changes = rec.End.Changes
			}
		}
	case rec.Undone != nil:
		if i, ok := index[rec.Undone.Seq]; ok {
			(*es)[i].Undone = rec.Undone.By
		}
	}
}

func mergeAfter(before, after []Touch) {
	for i := range before {
		if k := slices.IndexFunc(after, func(t Touch) bool { return t.Path == before[i].Path }); k >= 0 {
			before[i].After = after[k].After
		}
	}
}

// Run is one run that left a journal here.
type Run struct {
	ID      string
	Entries int
	Last    time.Time
	Undone  bool
	// Open: it was cut off in the middle of a change.
	Open bool
}

// Runs lists the runs that have a journal here, oldest first.
func (j *Journal) Runs() ([]Run, error) {
	files, err := os.ReadDir(filepath.Join(j.dir, "journal"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("cannot list the journals: %w", err)
	}
	var runs []Run
	for _, f := range files {
		id, ok := strings.CutSuffix(f.Name(), ".jsonl")
		if !ok {
			continue
		}
		es, err := j.Load(id)
		if err != nil {
			return nil, err
		}
		r := Run{ID: id, Entries: len(es), Undone: len(es) > 0}
		for _, e := range es {
			r.Last = e.At
			r.Undone = r.Undone && e.Undone != ""
			r.Open = r.Open || !e.Done
		}
		runs = append(runs, r)
	}
	return runs, nil
}

type infoKey struct{}

// Info says on whose behalf a write is made.
type Info struct{ Task, Pos, User string }

// With puts i into ctx for the writes below it.
func With(ctx context.Context, i Info) context.Context { return context.WithValue(ctx, infoKey{}, i) }

// InfoOf is what With put there.
func InfoOf(ctx context.Context) Info { i, _ := ctx.Value(infoKey{}).(Info); return i }

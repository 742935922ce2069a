// Package record keeps what the controller knows of past runs: which playbooks
// ran where, when, and how they ended, one file a run in the user's state
// directory. The changes themselves are journalled at the hosts; a record says
// at which hosts, and as which users, so that `rp undo` and `rp history` find them.
//
// Records hold no variable, no password and no output. The package imports wire
// and the standard library.
package record

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"rp/engine/wire"
)

// Run is one run.
type Run struct {
	ID             string
	Started, Ended time.Time
	// Command is what was run: the playbooks, or exec's module.
	Command []string
	// Dir is where rp was started, Inventory what was given with -i, made absolute.
	Dir       string
	Inventory []string
	// User, Connection, Keys and SSHArgs are the connection flags (-u, -c, --private-key,
	// --ssh-common-args), which undo needs again.
	User       string   `json:",omitempty"`
	Connection string   `json:",omitempty"`
	Keys       []string `json:",omitempty"`
	SSHArgs    string   `json:",omitempty"`
	Check      bool     `json:",omitempty"`
	Code       int
	Hosts      map[string]Host
	Undoes     string `json:",omitempty"` // the run that this one took back
}

// Host is how a run ended on one host.
type Host struct {
	OK, Changed, Failed, Unreachable int           `json:",omitempty"`
	As                               []wire.Become `json:",omitempty"`
}

// Dir is where records lie: $XDG_STATE_HOME/rp/runs, by default ~/.local/state/rp/runs.
func Dir() (string, error) {
	base := os.Getenv("XDG_STATE_HOME")
	if !filepath.IsAbs(base) {
		home, err := os.UserHomeDir()
		if err != nil {
			return "", fmt.Errorf("cannot place the records of runs: %w", err)
		}
		base = filepath.Join(home, ".local", "state")
	}
	return filepath.Join(base, "rp", "runs"), nil
}

// Keep is how many records are kept.
const Keep = 500

// Save writes r, aside and renamed, and removes the oldest records above Keep.
func Save(dir string, r Run) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("cannot keep the run's record: %w", err)
	}
	text, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return fmt.Errorf("cannot keep the run's record: %w", err)
	}
	tmp := filepath.Join(dir, "."+r.ID)
	if err := os.WriteFile(tmp, append(text, '\n'), 0o600); err != nil {
		return fmt.Errorf("cannot keep the run's record: %w", err)
	}
	if err := os.Rename(tmp, filepath.Join(dir, r.ID+".json")); err != nil {
		return fmt.Errorf("cannot keep the run's record: %w", err)
	}
	return prune(dir)
}

func prune(dir string) error {
	ids, err := list(dir)
	if err != nil || len(ids) <= Keep {
		return err
	}
	for _, id := range ids[:len(ids)-Keep] {
		if err := os.Remove(filepath.Join(dir, id+".json")); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("cannot remove an old record: %w", err)
		}
	}
	return nil
}

// list are the ids of all records, oldest first: an id begins with the time.
func list(dir string) ([]string, error) {
	files, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("cannot list the records: %w", err)
	}
	var ids []string
	for _, f := range files {
		if id, ok := strings.CutSuffix(f.Name(), ".json"); ok {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return ids, nil
}

// Load reads the record of the run called id; "last" is the newest that may have
// changed something: no dry run, no undo, and not one that ended well with changed=0.
func Load(dir, id string) (Run, error) {
	if id != "last" {
		return load(dir, id)
	}
	all, err := All(dir)
	if err != nil {
		return Run{}, err
	}
	for _, r := range slices.Backward(all) {
		if !r.Check && r.Undoes == "" && (r.Code != 0 || r.changed()) {
			return r, nil
		}
	}
	return Run{}, errors.New("no run is on record")
}

// changed reports whether the recap of r counted a change.
func (r Run) changed() bool {
	for _, h := range r.Hosts {
		if h.Changed > 0 {
			return true
		}
	}
	return false
}

func load(dir, id string) (Run, error) {
	var r Run
	text, err := os.ReadFile(filepath.Join(dir, filepath.Base(id)+".json"))
	if errors.Is(err, fs.ErrNotExist) {
		return r, fmt.Errorf("no run %q is on record (see rp history)", id)
	}
	if err != nil {
		return r, fmt.Errorf("cannot read the record of run %q: %w", id, err)
	}
	if err := json.Unmarshal(text, &r); err != nil {
		return r, fmt.Errorf("cannot read the record of run %q: %w", id, err)
	}
	return r, nil
}

// All are all records in the order in which the runs began. One that cannot be read is an error.
func All(dir string) ([]Run, error) {
	ids, err := list(dir)
	if err != nil {
		return nil, err
	}
	runs := make([]Run, 0, len(ids))
	for _, id := range ids {
		r, err := load(dir, id)
		if err != nil {
			return nil, err
		}
		runs = append(runs, r)
	}
	slices.SortStableFunc(runs, func(a, b Run) int { return a.Started.Compare(b.Started) }) // ids of one second say no order
	return runs, nil
}

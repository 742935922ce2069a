package wire

import (
	"encoding/json"

	"rp/engine/state"
)

// Hello opens a conversation.
type Hello struct {
	Version int
	// Run names the run; all its helpers and delegated tasks share the host's lock under it.
	Run string
	// Host is the inventory name, User who runs rp on the controller and where: for a lock's holder.
	Host, User string
	// Predict makes every task a prediction: nothing is written.
	Predict bool `json:",omitempty"`
	// Wait is how many seconds to wait for another run's lock; 0: fail at once.
	Wait int `json:",omitempty"`
}

// Ready answers Hello.
type Ready struct {
	Version int
	UID     int64
	User    string
	Arch    string
	Path    string // of the helper itself
}

// Become says as whom a task runs on the host. The zero Become is the login user.
type Become struct {
	User   string `json:",omitempty"`
	Method string `json:",omitempty"` // sudo, su, doas
	Flags  string `json:",omitempty"`
	Exe    string `json:",omitempty"`
	// Password is sent to the method's prompt, never put on a command line.
	Password string `json:",omitempty"`
}

// Task is one task, or one item of a task's loop.
type Task struct {
	ID   int64
	Lane string // the inventory host whose play it belongs to
	// Epoch: a Drop of a later epoch in the same lane forgets the task if it has not begun.
	Epoch int
	// Group is the same for the items of a loop: a failed task drops the later ones of other groups.
	Group  int64
	Name   string
	Pos    string // file:line:col
	Module string
	// Params are the bound arguments, as value.Encode writes a mapping; Secret names those not to be shown.
	Params json.RawMessage
	Secret []string          `json:",omitempty"`
	As     Become            `json:",omitzero"`
	Env    map[string]string `json:",omitempty"`
	// Hold: stop before the first write and say Held.
	Hold bool `json:",omitempty"`
	// May: a condition is not known yet, so the task may run or not (only in a prediction).
	May bool `json:",omitempty"`
	// Predict: imagine this task although the run is real (check_mode: true). Real: do it
	// although the run is a prediction (check_mode: false).
	Predict bool `json:",omitempty"`
	Real    bool `json:",omitempty"`
	// Diff asks for the texts of changed files.
	Diff bool `json:",omitempty"`
	// NoLog keeps everything of this task out of what the helper says of it.
	NoLog bool `json:",omitempty"`
	// Timeout in seconds; 0: none.
	Timeout int `json:",omitempty"`
}

// Go lets a held task write, and the later tasks of its group in the same lane without asking.
type Go struct {
	ID    int64
	Lane  string
	Group int64
}

// Drop forgets all tasks of Lane before Epoch that have not begun, held ones included.
type Drop struct {
	Lane  string
	Epoch int
}

// Dropped names tasks that were forgotten before they began.
type Dropped struct{ IDs []int64 }

// Blob heads a piece of a large content.
type Blob struct {
	Sum  string
	Off  int64
	Last bool   `json:",omitempty"`
	Err  string `json:",omitempty"` // the content cannot be had
}

// Need asks for a large content.
type Need struct{ Sum string }

// Change is one change as it is shown: predicted, or made.
type Change struct {
	ID     int64 // the task's
	Kind   string
	Name   string
	Deltas []state.Delta `json:",omitempty"`
	// Before and After are a file's texts, where a diff was asked for and both are text.
	Before *string  `json:",omitempty"`
	After  *string  `json:",omitempty"`
	With   []Change `json:",omitempty"`
	// Event: something done, not a state.
	Event bool `json:",omitempty"`
	// Status is predicted, may, done or failed.
	Status string
}

// The values of Change.Status.
const (
	Predicted = "predicted"
	MayChange = "may"
	Done      = "done"
	Failed    = "failed"
)

// Held says that a task would write and waits for Go.
type Held struct{ ID int64 }

// Result ends a task.
type Result struct {
	ID      int64
	Changed bool   `json:",omitempty"`
	Failed  bool   `json:",omitempty"`
	Skipped bool   `json:",omitempty"`
	Msg     string `json:",omitempty"`
	// May: a prediction cannot tell whether this task changes anything.
	May bool `json:",omitempty"`
	// Unknown: a prediction cannot tell what this task does, after the task named.
	Unknown bool            `json:",omitempty"`
	After   string          `json:",omitempty"`
	Fields  json.RawMessage `json:",omitempty"` // a mapping, value.Encode
	Warn    []string        `json:",omitempty"`
	// Micros is how long it took on the host.
	Micros int64
}

// Undo asks for a run's changes to be listed (List) or taken back.
type Undo struct {
	Run  string
	List bool
	// Force takes back what can be although something is in the way.
	Force bool
	As    []Become // users whose journals are to be looked at besides the login user's
}

// UndoItem is one change of a run as undo sees it.
type UndoItem struct {
	Task   string
	Pos    string
	User   string
	Change Change
	// State is undone, redundant (the host has it already), blocked (the host no longer has
	// what the run left), impossible (there is no inverse), failed or pending.
	State string
	Why   string `json:",omitempty"`
}

// Undone answers Undo.
type Undone struct {
	Items  []UndoItem
	Failed bool   `json:",omitempty"`
	Msg    string `json:",omitempty"`
}

// Fatal ends the conversation.
type Fatal struct{ Msg string }

// Call is a request to a child that runs as another user; Op is read, plan, write, do or journal.
type Call struct {
	Seq     int64
	Op      string
	States  []state.Box       `json:",omitempty"`
	Changes []state.Change    `json:",omitempty"`
	Event   state.EventBox    `json:",omitzero"`
	Env     map[string]string `json:",omitempty"`
	Entry   json.RawMessage   `json:",omitempty"` // the journal entry's task, or a journal request
	Timeout int64             `json:",omitempty"`
}

// Reply answers a Call.
type Reply struct {
	Seq     int64
	States  []state.Box     `json:",omitempty"`
	Change  *state.Change   `json:",omitempty"`
	Outcome *state.Outcome  `json:",omitempty"`
	Data    json.RawMessage `json:",omitempty"`
	Err     string          `json:",omitempty"`
}

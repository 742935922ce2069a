package state

import (
	"encoding/json"
	"strings"
)

// An Event is what is done to a host rather than true of it. It has no From
// and cannot be undone; it is reported changed each time.
type Event interface{ EventKey() Key }

// Outcome is what doing an event gave, under the names its module returns. In
// a dry run nothing was done and Unknown is set.
type Outcome struct {
	Unknown bool           `json:",omitempty"`
	Failed  bool           `json:",omitempty"`
	Fields  map[string]any `json:",omitempty"`
}

// Command is a program that is run. Its fields are the command module's.
type Command struct {
	// Argv is run as it is; when Shell is set, Argv is one element: the text given to the shell.
	Argv       []string
	Shell      bool              `json:",omitempty"`
	Executable string            `json:",omitempty"` // the shell, default /bin/sh
	Dir        string            `json:",omitempty"`
	Env        map[string]string `json:",omitempty"`
	// Stdin is given to the program; nil is /dev/null.
	Stdin *string `json:",omitempty"`
	// StripEmptyEnds takes the newlines at the ends of stdout and stderr away, as Ansible does.
	StripEmptyEnds bool `json:",omitempty"`
	// Timeout is in seconds; 0 for none.
	Timeout int  `json:",omitempty"`
	Secret  bool `json:",omitempty"` // the command line is not shown
	// As is the user whom the program runs as, with that user's groups, HOME, USER and
	// LOGNAME; empty: the reader itself. Only root can name another.
	As string `json:",omitempty"`
	// ExpandVars replaces $NAME and ${NAME} in the words of Argv, and a ~ at their start, by
	// the program's environment; what is not set stays as it is. Not with Shell.
	ExpandVars bool `json:",omitempty"`
	// Script is the text of a program. The host puts it into a file of its own (mode 0700, readable
	// by As), runs that (through Executable where one is named, by its #! line otherwise) with
	// Argv as arguments, and removes it.
	Script []byte `json:",omitempty"`
	// Title is shown instead of the command line.
	Title string `json:",omitempty"`
}

// Line is the command as a shell would take it, for a report.
func (c Command) Line() string {
	if c.Title != "" {
		return c.Title
	}
	if c.Shell || len(c.Argv) == 1 {
		return strings.Join(c.Argv, " ")
	}
	words := make([]string, len(c.Argv))
	for i, w := range c.Argv {
		words[i] = w
		if w == "" || strings.ContainsAny(w, " \t\n'\"\\$`|&;<>()*?[]#~!{}") {
			words[i] = "'" + strings.ReplaceAll(w, "'", `'"'"'`) + "'"
		}
	}
	return strings.Join(words, " ")
}

// The actions on a unit.
const (
	Restart = "restart"
	Reload  = "reload"
)

// UnitAction restarts or reloads a unit.
type UnitAction struct {
	Unit   Unit
	Action string
}

// DaemonReload makes a service manager read its unit files again.
type DaemonReload struct {
	Scope, User string
	Reexec      bool `json:",omitempty"`
}

// Refresh fetches the package manager's index anew.
type Refresh struct {
	Manager     string `json:",omitempty"`
	LockTimeout int    `json:",omitempty"` // seconds
	// Reason says why, for the report.
	Reason string `json:",omitempty"`
}

// HTTPRequest is a request that may change something where it goes.
type HTTPRequest struct {
	URL, Method string
	Headers     map[string]string `json:",omitempty"`
	Body        []byte            `json:",omitempty"`
	User        string            `json:",omitempty"`
	Password    string            `json:",omitempty"`
	Insecure    bool              `json:",omitempty"`
	// Redirects is all, safe (default), none.
	Redirects string `json:",omitempty"`
	Timeout   int    `json:",omitempty"` // seconds; 0 for 30
	// Unix is the path of a socket to connect to instead of the URL's host.
	Unix          string `json:",omitempty"`
	ForceBasic    bool   `json:",omitempty"`
	ReturnContent bool   `json:",omitempty"`
	CAPath        string `json:",omitempty"`
}

// EventKey implements [Event].
func (c Command) EventKey() Key {
	if c.Secret {
		return Key{"command", "(secret)"}
	}
	return Key{"command", c.Line()}
}

// EventKey implements [Event].
func (e UnitAction) EventKey() Key { return Key{e.Action, e.Unit.Key().Name} }

// EventKey implements [Event].
func (e DaemonReload) EventKey() Key {
	if e.Scope == UserScope {
		return Key{"daemon-reload", "of " + e.User}
	}
	return Key{"daemon-reload", ""}
}

// EventKey implements [Event].
func (e Refresh) EventKey() Key { return Key{"refresh", "package index"} }

// EventKey implements [Event].
func (e HTTPRequest) EventKey() Key { return Key{"http", e.Method + " " + e.URL} }

// UnmarshalJSON reads an outcome; whole numbers in Fields are int64 again.
func (o *Outcome) UnmarshalJSON(text []byte) error {
	type plain Outcome
	if err := json.Unmarshal(text, (*plain)(o)); err != nil {
		return err
	}
	whole(o.Fields)
	return nil
}

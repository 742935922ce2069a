package state

import (
	"fmt"
	"strings"
)

// A State is a wanted or observed condition of one thing on a host. Its
// [Value] fields are the condition; its other fields name the thing or say how
// a tool is to be used, and are never compared.
type State interface{ Key() Key }

// Key names one thing on a host.
type Key struct {
	Kind string `json:"kind"`
	Name string `json:"name"`
}

func (k Key) String() string { return k.Kind + " " + k.Name }

// The types of a file, as stat(2) has them, and Absent where there is none.
const (
	Absent    = "absent"
	Regular   = "file"
	Directory = "directory"
	Link      = "link"
	Fifo      = "fifo"
	Socket    = "socket"
	CharDev   = "char"
	BlockDev  = "block"
)

// Mode is a file's permission bits with set-uid, set-gid and sticky, 0 to 07777.
type Mode uint32

func (m Mode) String() string { return fmt.Sprintf("%04o", uint32(m)) }

// File is a path and what is there.
type File struct {
	Path string
	// Type is one of the constants above. A wanted Link has Target, a wanted Regular may have Content.
	Type Value[string] `json:",omitzero"`
	// Content is read only when it was asked for (Ask, or a wanted content).
	Content Value[Content] `json:",omitzero"`
	// Target is what a symbolic link holds.
	Target Value[string] `json:",omitzero"`
	// Owner and Group are names, or decimal numbers where the host has no name.
	Owner Value[string] `json:",omitzero"`
	Group Value[string] `json:",omitzero"`
	Mode  Value[Mode]   `json:",omitzero"`
	// MTime is in nanoseconds since 1970. It is read only when it was asked for.
	MTime Value[int64] `json:",omitzero"`

	// Lock is "shadow" for a file of /etc/passwd's family and the sub-id files: it is
	// written under the lock files that shadow's tools take (lckpwdf(3), FILE.lock).
	Lock string `json:",omitempty"`
	// Backup keeps the replaced file beside it as PATH.PID.DATE~, as Ansible names it.
	Backup bool `json:",omitempty"`
	// Validate is a command line that must succeed on the new content (%s is its path) before it is put in place.
	Validate string `json:",omitempty"`
	// Recurse lets a directory be removed with all that is in it.
	Recurse bool `json:",omitempty"`
	// InPlace writes through the existing inode instead of renaming over it (unsafe_writes, bind-mounted files).
	InPlace bool `json:",omitempty"`
}

// User is a login account: passwd(5), shadow(5) and its supplementary groups.
type User struct {
	Name    string
	Present Value[bool]   `json:",omitzero"`
	UID     Value[int64]  `json:",omitzero"`
	Group   Value[string] `json:",omitzero"` // primary group's name
	// Groups are the supplementary groups, sorted.
	Groups  Value[[]string] `json:",omitzero"`
	Home    Value[string]   `json:",omitzero"`
	Shell   Value[string]   `json:",omitzero"`
	Comment Value[string]   `json:",omitzero"`
	// Password is the crypt(5) hash without a lock mark; always secret. Read only by root.
	Password Value[string] `json:",omitzero"`
	Locked   Value[bool]   `json:",omitzero"`
	// Expires is the account's last day, in days since 1970; -1 for never.
	Expires Value[int64] `json:",omitzero"`

	// How useradd, usermod and userdel are to be used.
	System     bool   `json:",omitempty"` // a system account: uid from SYS_UID_MIN, no sub-ids
	CreateHome bool   `json:",omitempty"` // make the home directory from Skeleton when it is not there
	MoveHome   bool   `json:",omitempty"` // move the old home directory's content
	Skeleton   string `json:",omitempty"` // default /etc/skel
	NonUnique  bool   `json:",omitempty"`
	Remove     bool   `json:",omitempty"` // with the account, remove home and mail spool
	Force      bool   `json:",omitempty"`
}

// Group is an entry of group(5).
type Group struct {
	Name    string
	Present Value[bool]  `json:",omitzero"`
	GID     Value[int64] `json:",omitzero"`
	// Members are the users that list it as supplementary, sorted.
	Members Value[[]string] `json:",omitzero"`

	System    bool `json:",omitempty"`
	NonUnique bool `json:",omitempty"`
	Force     bool `json:",omitempty"`
}

// Version is a package's version; a wanted one may be a prefix with a final "*",
// or start with a relation: "=1.2", ">=1.2".
type Version string

// SatisfiedBy reports whether have is what v asks for, by text. What takes an order of
// versions (">=1.2") is told by the host, which knows its package manager's.
func (v Version) SatisfiedBy(have Version) bool {
	v = Version(strings.TrimPrefix(string(v), "="))
	if p, ok := strings.CutSuffix(string(v), "*"); ok {
		return strings.HasPrefix(string(have), p)
	}
	// rpm's version-release: a wanted version alone accepts every release
	return v == have || strings.HasPrefix(string(have), string(v)+"-")
}

// Package is installed software.
type Package struct {
	Name    string
	Present Value[bool]    `json:",omitzero"`
	Version Value[Version] `json:",omitzero"`

	// Latest asks for the newest version that the manager's index offers.
	Latest bool `json:",omitempty"`
	// Manager is apt, dnf, yum, zypper, pacman or apk; empty: what the host has.
	Manager string `json:",omitempty"`
	// LockTimeout is how many seconds to wait for the manager's lock.
	LockTimeout    int  `json:",omitempty"`
	AllowDowngrade bool `json:",omitempty"`
	Purge          bool `json:",omitempty"`
	AutoRemove     bool `json:",omitempty"`
	NoRecommends   bool `json:",omitempty"` // apt: --no-install-recommends
}

// Sysctl is a live kernel parameter. Value is in canonical form: fields separated by one space.
type Sysctl struct {
	Name    string        // dotted, as sysctl(8) prints it
	Present Value[bool]   `json:",omitzero"` // the kernel has it
	Value   Value[string] `json:",omitzero"`
}

// The scopes of a unit.
const (
	SystemScope = "system"
	UserScope   = "user"
)

// Unit is a service as the host's service manager knows it.
type Unit struct {
	Name  string // with its suffix on systemd: docker.service
	Scope string `json:",omitempty"` // SystemScope (also when empty) or UserScope
	User  string `json:",omitempty"` // whose manager, in UserScope
	// Present: there is a unit file or init script of that name.
	Present Value[bool] `json:",omitzero"`
	Enabled Value[bool] `json:",omitzero"`
	Active  Value[bool] `json:",omitzero"`
	Masked  Value[bool] `json:",omitzero"`
	// Manager is systemd, openrc or sysv; empty: what the host has.
	Manager string `json:",omitempty"`
}

// Linger keeps a user's service manager running without a login: loginctl enable-linger.
type Linger struct {
	User    string
	Enabled Value[bool] `json:",omitzero"`
	// Running: the user's manager (user@UID.service) runs and its bus answers.
	Running Value[bool] `json:",omitzero"`
}

// Key implements [State].
func (s File) Key() Key { return Key{"file", s.Path} }

// Key implements [State].
func (s User) Key() Key { return Key{"user", s.Name} }

// Key implements [State].
func (s Group) Key() Key { return Key{"group", s.Name} }

// Key implements [State].
func (s Package) Key() Key { return Key{"package", s.Name} }

// Key implements [State].
func (s Sysctl) Key() Key { return Key{"sysctl", s.Name} }

// Key implements [State].
func (s Unit) Key() Key {
	if s.Scope == UserScope {
		return Key{"unit", s.Name + " of " + s.User}
	}
	return Key{"unit", s.Name}
}

// Key implements [State].
func (s Linger) Key() Key { return Key{"linger", s.User} }

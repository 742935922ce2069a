package state

// What follows is only read, never wanted.

// Stat is all that stat(2) says of a path, and checksums, under Ansible's names
// (the stat module's return values). Info has "exists" at least. In a dry run its
// entries may be of type value.Unknown.
type Stat struct {
	Path     string
	Follow   bool                  `json:",omitempty"`
	Checksum string                `json:",omitempty"` // md5, sha1, sha224, sha256, sha384, sha512; empty: none
	Info     Value[map[string]any] `json:",omitzero"`
}

// Entry is one file that a Walk found.
type Entry struct {
	Path string
	Type string
	Mode Mode
	UID  int64
	GID  int64
	Size int64
	// MTime, ATime and CTime are in nanoseconds since 1970.
	MTime, ATime, CTime int64
	// Predicted names, in a dry run, the task that makes or replaces the file: its times are
	// not known then, nor its Size, UID and GID where they are -1.
	Predicted string `json:",omitempty"`
}

// Walk lists what lies below a directory, without the directory itself.
type Walk struct {
	Path string
	// Depth is how many levels to go down; 0 for all.
	Depth int `json:",omitempty"`
	// Follow goes through symbolic links to directories.
	Follow  bool           `json:",omitempty"`
	Entries Value[[]Entry] `json:",omitzero"`
}

// Account is one line of passwd(5); GroupEntry one of group(5).
type Account struct {
	Name, Home, Shell, Comment string
	UID, GID                   int64
}

// GroupEntry is one line of group(5).
type GroupEntry struct {
	Name    string
	GID     int64
	Members []string `json:",omitempty"`
}

// Accounts are all local accounts and groups, in the files' order.
type Accounts struct {
	Users  Value[[]Account]    `json:",omitzero"`
	Groups Value[[]GroupEntry] `json:",omitzero"`
}

// SubIDs asks the host's own source of subordinate ids for a user's ranges:
// getsubids(1) where there is one (it knows NSS), the file otherwise.
type SubIDs struct {
	User   string
	Groups bool              `json:",omitempty"` // subgid instead of subuid
	Ranges Value[[]SubRange] `json:",omitzero"`
}

// SubRange is a range of subordinate ids.
type SubRange struct{ Start, Count int64 }

// Tool is an executable found in the PATH of the reader.
type Tool struct {
	Name string
	Path Value[string] `json:",omitzero"` // "" where there is none
}

// Download is what a URL gives. Content's bytes lie in a file of the host's own scratch space.
type Download struct {
	URL     string
	Headers map[string]string `json:",omitempty"`
	User    string            `json:",omitempty"`
	// Password goes as basic authentication and is never shown.
	Password string `json:",omitempty"`
	Insecure bool   `json:",omitempty"` // do not check the server's certificate
	// Timeout is in seconds; 0 for 10.
	Timeout int `json:",omitempty"`
	// Content is fetched when it was asked for; otherwise only Info is (a HEAD request).
	Content Value[Content]        `json:",omitzero"`
	Info    Value[map[string]any] `json:",omitzero"` // status, url, msg, headers
}

// HTTP is a request that only looks (GET, HEAD, OPTIONS) and its answer, under the uri module's names.
type HTTP struct {
	Request HTTPRequest
	Answer  Value[map[string]any] `json:",omitzero"`
}

// Facts are the setup module's facts, under Ansible's names without the ansible_ prefix.
type Facts struct {
	// Subsets are gather_subset's words: all, min, network, hardware, virtual, !hardware …
	Subsets []string              `json:",omitempty"`
	Timeout int                   `json:",omitempty"` // seconds a fact may take; 0 for 10
	Path    string                `json:",omitempty"` // fact_path; default /etc/ansible/facts.d
	Info    Value[map[string]any] `json:",omitzero"`
}

// Port is whether a TCP port accepts a connection.
type Port struct {
	Host    string // default 127.0.0.1
	Port    int
	Timeout int         `json:",omitempty"` // seconds for the connection; 0 for 5
	Open    Value[bool] `json:",omitzero"`
	// Active is the number of connections that are not closed (state drained).
	Active Value[int] `json:",omitzero"`
	// Search is a regular expression (RE2) that must be found in what the peer sends within
	// Timeout for the port to count as open; empty: none.
	Search string `json:",omitempty"`
}

// Archive lists what a tar (plain, gzip, bzip2) or zip archive holds.
type Archive struct {
	// Source is the archive: its From names a file of the host ("path:/…") or the sender's store ("blob:").
	Source Content
	// Format is "tar" or "zip", as it was found; "" where Source is neither.
	Format  Value[string]         `json:",omitzero"`
	Entries Value[[]ArchiveEntry] `json:",omitzero"`
}

// ArchiveEntry is one member of an archive.
type ArchiveEntry struct {
	// Name is the member's path as it is in the archive, cleaned and relative; never with "..".
	Name string
	// Type is Regular, Directory or Link, or another of File's types, which cannot be unpacked.
	Type string
	Mode Mode
	// Owner and Group are the names that the archive has; "" for none (zip).
	Owner string `json:",omitempty"`
	Group string `json:",omitempty"`
	UID   int64  `json:",omitempty"`
	GID   int64  `json:",omitempty"`
	// Target is what a symbolic link holds.
	Target string `json:",omitempty"`
	// Content is a regular member's, its From "tar:…" or "zip:…".
	Content Content `json:",omitzero"`
	// MTime is in nanoseconds since 1970.
	MTime int64 `json:",omitempty"`
}

// Guard is a command that only looks, whose exit status answers a question (unless, onlyif).
type Guard struct {
	Command Command
	RC      Value[int] `json:",omitzero"`
}

// PackageIndex says what the package manager's index knows.
type PackageIndex struct {
	Manager string `json:",omitempty"`
	// Updated is when it was last refreshed, in seconds since 1970; 0 for never.
	Updated Value[int64] `json:",omitzero"`
}

// System is what most modules need to know before anything else, cheap to read.
type System struct {
	// PackageManager is apt, dnf, yum, zypper, pacman, apk or "".
	PackageManager Value[string] `json:",omitzero"`
	// ServiceManager is systemd, openrc, sysv or "".
	ServiceManager Value[string] `json:",omitzero"`
	// OSRelease is /etc/os-release, by key (os-release(5)).
	OSRelease Value[map[string]string] `json:",omitzero"`
	Arch      Value[string]            `json:",omitzero"` // uname -m
	Kernel    Value[string]            `json:",omitzero"` // uname -r
	UID       Value[int64]             `json:",omitzero"` // of the reader
	User      Value[string]            `json:",omitzero"` // of the reader
	Group     Value[string]            `json:",omitzero"` // of the reader
	Home      Value[string]            `json:",omitzero"` // of the reader
	Umask     Value[Mode]              `json:",omitzero"` // of the reader
	Now       Value[int64]             `json:",omitzero"` // nanoseconds since 1970
}

// Key implements [State].
func (s Stat) Key() Key { return Key{"stat", s.Path} }

// Key implements [State].
func (s Walk) Key() Key { return Key{"walk", s.Path} }

// Key implements [State].
func (s Accounts) Key() Key { return Key{"accounts", ""} }

// Key implements [State].
func (s SubIDs) Key() Key {
	if s.Groups {
		return Key{"subids", "subgid " + s.User}
	}
	return Key{"subids", "subuid " + s.User}
}

// Key implements [State].
func (s Tool) Key() Key { return Key{"tool", s.Name} }

// Key implements [State].
func (s Download) Key() Key { return Key{"download", s.URL} }

// Key implements [State].
func (s HTTP) Key() Key { return Key{"http", s.Request.URL} }

// Key implements [State].
func (s Facts) Key() Key { return Key{"facts", ""} }

// Key implements [State].
func (s Port) Key() Key { return Key{"port", s.Host} }

// Key implements [State].
func (s Archive) Key() Key {
	if s.Source.From == "blob:" || s.Source.From == "" {
		return Key{"archive", s.Source.String()}
	}
	return Key{"archive", s.Source.From}
}

// Key implements [State].
func (s Guard) Key() Key { return Key{"guard", s.Command.Line()} }

// Key implements [State].
func (s PackageIndex) Key() Key { return Key{"index", s.Manager} }

// Key implements [State].
func (s System) Key() Key { return Key{"system", ""} }

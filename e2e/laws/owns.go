package laws

import (
	"path/filepath"
	"slices"
	"strings"
)

// accounts are the files that shadow's tools write, whatever the account; what they do besides is announced.
var accounts = []string{
	"/etc/passwd", "/etc/passwd-", "/etc/shadow", "/etc/shadow-", "/etc/group", "/etc/group-", "/etc/gshadow", "/etc/gshadow-",
	"/etc/subuid", "/etc/subuid-", "/etc/subgid", "/etc/subgid-", "/etc/.pwd.lock",
}

// units is what a service manager shows of a unit, and the processes of it.
var units = []string{"live:unit/**", "live:unit-file/**", "live:process/**", "live:mount/**"}

// Owned are the globs of what a change of the kind may touch on a host. A package and a command are opaque: what
// they do is bounded only as DESIGN has it (a package by its files and scripts, a command by nothing).
func Owned(e Event) []string {
	name := e.Name
	switch e.Kind {
	case "file":
		return []string{name, name + "/**"}
	case "user":
		return append([]string{"live:*/" + name, "live:group/*", "live:gshadow/*"}, accounts...) // it is a member of groups
	case "group":
		return append([]string{"live:*/" + name}, accounts...)
	case "sysctl":
		return []string{"live:sysctl/" + name}
	case "linger":
		return append([]string{"/var/lib/systemd/linger/" + name, "live:linger/" + name}, units...)
	case "unit", "started", "stopped", "restarted", "reloaded", "daemon-reload":
		return append([]string{"/etc/systemd/**", "/home/*/.config/systemd/**", "/var/lib/systemd/**", "/run/**"}, units...)
	case "package":
		return append([]string{"/bin/**", "/boot/**", "/etc/**", "/lib*/**", "/opt/**", "/sbin/**", "/srv/**", "/usr/**", "/var/**", "live:**"}, units...)
	case "refresh":
		return []string{"/var/lib/apt/**", "/var/cache/apt/**", "/tmp", "/var/lib", "/var/cache"}
	case "http":
		return nil
	}
	if e.IsEvent {
		return []string{"**"} // a command: anything
	}
	return nil
}

// Unexplained leaves of what a run changed on the host the differences that no change of it accounts for.
func Unexplained(ds []Difference, made []Event) []Difference {
	var globs [][]string
	for _, e := range made {
		if e.Event == "change" {
			for _, g := range Owned(e) {
				globs = append(globs, strings.Split(g, "/"))
			}
		}
	}
	touched := map[string]bool{} // directories in which something was made or removed
	for _, d := range ds {
		if d.Field == "exists" || d.Field == "mtime" || d.Field == "dir-mtime" {
			touched[filepath.Dir(d.Path)] = true
		}
	}
	return slices.DeleteFunc(slices.Clone(ds), func(d Difference) bool {
		if d.Field == "dir-mtime" && touched[d.Path] {
			return true
		}
		parts := strings.Split(d.Path, "/")
		return slices.ContainsFunc(globs, func(g []string) bool { return match(g, parts) })
	})
}

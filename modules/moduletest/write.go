package moduletest

import (
	"context"
	"crypto/sha1" //nolint:gosec // the stat module's default
	"crypto/sha256"
	"crypto/sha512"
	"fmt"
	"strings"

	"rp/engine/state"
)

// Plan implements host.Host; the machine's tools choose nothing in advance.
func (m *Machine) Plan(_ context.Context, c state.Change) (state.Change, error) { return c, nil }

// Write implements host.Host.
func (m *Machine) Write(_ context.Context, cs ...state.Change) error {
	for _, c := range cs {
		if err := m.write(c); err != nil {
			return err
		}
	}
	return nil
}

func (m *Machine) write(c state.Change) error {
	k := c.To.Key()
	if there, known := state.Present(c.To); known && !there {
		if f, ok := c.To.(state.File); ok {
			for _, p := range m.files(f.Path) {
				delete(m.States, state.Key{Kind: "file", Name: p})
			}
		}
		delete(m.States, k)
		return nil
	}
	have := c.From
	if all, there := m.States[k]; there {
		have = all // with the fields that are read only when they are asked for
	}
	switch after := state.Merge(have, c.To, "").(type) {
	case state.File:
		return m.writeFile(after)
	case state.User:
		m.States[k] = m.newUser(after)
	case state.Group:
		if !after.GID.IsKnown() {
			after.GID = state.Is(m.freeID())
		}
		m.States[k] = after
	case state.Package:
		if v, known := after.Version.Get(); !known {
			after.Version = state.Is(state.Version("1.0-1"))
		} else {
			after.Version = state.Is(state.Version(strings.TrimSuffix(string(v), "*")))
		}
		m.States[k] = after
	default:
		m.States[k] = after
	}
	return nil
}

func (m *Machine) writeFile(f state.File) error {
	if d, ok := m.States[state.Key{Kind: "file", Name: parentOf(f.Path)}].(state.File); !ok || d.Type.Or("") != state.Directory {
		return fmt.Errorf("cannot write %s: there is no directory %s", f.Path, parentOf(f.Path))
	}
	if !f.Owner.IsKnown() {
		f.Owner = m.System.User
	}
	if !f.Group.IsKnown() {
		f.Group = m.System.User
	}
	if !f.Mode.IsKnown() {
		f.Mode = state.Is(map[string]state.Mode{state.Directory: 0o755, state.Link: 0o777}[f.Type.Or("")])
		if f.Type.Or("") == state.Regular {
			f.Mode = state.Is(state.Mode(0o644))
		}
	}
	if !f.MTime.IsKnown() {
		f.MTime = m.System.Now
	}
	if f.Type.Or("") == state.Regular && !f.Content.IsKnown() {
		f.Content = state.Is(state.Text(""))
	}
	m.States[f.Key()] = f
	return nil
}

func (m *Machine) freeID() int64 {
	id := int64(1000)
	for _, s := range m.States {
		if g, ok := s.(state.Group); ok {
			id = max(id, g.GID.Or(0)+1)
		}
	}
	return id
}

// newUser fills in what useradd chooses.
func (m *Machine) newUser(u state.User) state.User {
	id := m.freeID()
	if !u.UID.IsKnown() {
		u.UID = state.Is(id)
	}
	if !u.Group.IsKnown() {
		u.Group = state.Is(u.Name)
		m.Put(state.Group{Name: u.Name, Present: state.Is(true), GID: state.Is(id)})
	}
	if !u.Home.IsKnown() {
		u.Home = state.Is("/home/" + u.Name)
	}
	if !u.Shell.IsKnown() {
		u.Shell = state.Is("/bin/sh")
	}
	if !u.Comment.IsKnown() {
		u.Comment = state.Is("")
	}
	if !u.Locked.IsKnown() {
		u.Locked = state.Is(true)
	}
	if !u.Expires.IsKnown() {
		u.Expires = state.Is(int64(-1))
	}
	if !u.Password.IsKnown() {
		u.Password = state.Is("").Secret()
	}
	if u.Groups.IsUnknown() {
		u.Groups = state.Is([]string(nil))
	}
	home := u.Home.Or("")
	if _, there := m.States[state.Key{Kind: "file", Name: home}]; u.CreateHome && !there {
		m.Put(state.File{Path: home, Type: state.Is(state.Directory), Owner: state.Is(u.Name), Group: u.Group, Mode: state.Is(state.Mode(0o700))})
	}
	return u
}

// Do implements host.Host: it notes e and gives the outcome that the test has for it.
func (m *Machine) Do(_ context.Context, e state.Event) (state.Outcome, error) {
	m.Done = append(m.Done, e)
	if m.Effects != nil {
		m.Effects(m, e)
	}
	if out, ok := m.Outcomes[e.EventKey()]; ok {
		return out, nil
	}
	if _, ok := e.(state.Refresh); ok {
		m.Updated = m.System.Now.Or(0) / 1e9
	}
	return state.Outcome{Fields: map[string]any{"rc": 0, "stdout": "", "stderr": "", "start": "", "end": "", "delta": ""}}, nil
}

// stat is what the stat module says of a path, as far as modules use it.
func (m *Machine) stat(q state.Stat) state.Stat {
	p := q.Path
	f, ok := m.States[state.Key{Kind: "file", Name: p}].(state.File)
	for range 10 {
		if target, is := f.Target.Get(); ok && q.Follow && is && f.Type.Or("") == state.Link {
			if !strings.HasPrefix(target, "/") {
				target = parentOf(p) + "/" + target
			}
			p = target
			f, ok = m.States[state.Key{Kind: "file", Name: p}].(state.File)
		}
	}
	if !ok {
		q.Info = state.Is(map[string]any{"exists": false})
		return q
	}
	c := f.Content.Or(state.Content{})
	inode := p
	if same, linked := m.Hard[p]; linked {
		inode = same
	}
	info := map[string]any{"exists": true, "path": q.Path, "mode": f.Mode.Or(0).String(), "size": c.Size, "pw_name": f.Owner.Or(""), "gr_name": f.Group.Or(""), "nlink": int64(1), "inode": inode, "dev": int64(1)}
	for name, t := range map[string]string{"isreg": state.Regular, "isdir": state.Directory, "islnk": state.Link} {
		info[name] = f.Type.Or("") == t
	}
	acc := m.accounts()
	for _, u := range acc.Users.Or(nil) {
		if u.Name == f.Owner.Or("") {
			info["uid"] = u.UID
		}
	}
	for _, g := range acc.Groups.Or(nil) {
		if g.Name == f.Group.Or("") {
			info["gid"] = g.GID
		}
	}
	if f.Type.Or("") == state.Regular {
		switch q.Checksum {
		case "sha1":
			info["checksum"] = fmt.Sprintf("%x", sha1.Sum(c.Data)) //nolint:gosec // see the import
		case "sha256":
			info["checksum"] = fmt.Sprintf("%x", sha256.Sum256(c.Data))
		case "sha512":
			info["checksum"] = fmt.Sprintf("%x", sha512.Sum512(c.Data))
		}
	}
	q.Info = state.Is(info)
	return q
}

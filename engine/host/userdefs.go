package host

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"rp/engine/state"
)

// accountDefaults is what shadow's tools decide by when they are not told:
// login.defs(5), /etc/default/useradd (useradd(8) -D) and the accounts there are.
type accountDefaults struct {
	login, useradd map[string]string
	// unsure names the earlier task after which the files are known; "" with known set.
	known  bool
	unsure string
	users  []state.Account
	groups []state.GroupEntry
	// accountsKnown: users and groups are known.
	accountsKnown bool
}

func readAccountDefaults(ctx context.Context, r Reader) (*accountDefaults, error) {
	texts, err := readTexts(ctx, r, "/etc/login.defs", "/etc/default/useradd")
	if err != nil {
		return nil, err
	}
	got, err := r.Read(ctx, state.Accounts{})
	if err != nil {
		return nil, err
	}
	d := &accountDefaults{known: true}
	for i, t := range texts {
		text, ok := t.Get()
		if !ok {
			d.known, d.unsure = false, t.After()
		}
		if i == 0 {
			d.login = parseLoginDefs(text)
		} else {
			d.useradd = parseUseraddDefaults(text)
		}
	}
	a := got[0].(state.Accounts)
	users, ok1 := a.Users.Get()
	groups, ok2 := a.Groups.Get()
	d.users, d.groups, d.accountsKnown = users, groups, ok1 && ok2
	if !d.accountsKnown && d.unsure == "" {
		d.unsure = a.Users.After()
	}
	return d, nil
}

// readTexts is the content of small files through r: "" where there is none,
// unknown where an earlier task may have written it.
func readTexts(ctx context.Context, r Reader, paths ...string) ([]state.Value[string], error) {
	ss := make([]state.State, len(paths))
	for i, p := range paths {
		ss[i] = state.File{Path: p, Content: state.Ask[state.Content]()}
	}
	got, err := r.Read(ctx, ss...)
	if err != nil {
		return nil, err
	}
	out := make([]state.Value[string], len(paths))
	for i, s := range got {
		f, ok := s.(state.File)
		if !ok {
			return nil, fmt.Errorf("cannot read %s: got a %T", paths[i], s)
		}
		out[i] = textOf(f)
	}
	return out, nil
}

func textOf(f state.File) state.Value[string] {
	typ, ok := f.Type.Get()
	if !ok {
		return state.Unknown[string](f.Type.After())
	}
	if typ != state.Regular {
		return state.Is("")
	}
	c, ok := f.Content.Get()
	if !ok || !c.AtHand() {
		return state.Unknown[string](f.Content.After())
	}
	return state.Is(string(c.Data))
}

// parseLoginDefs reads login.defs(5): NAME value, # comments, values perhaps in quotes.
func parseLoginDefs(text string) map[string]string {
	m := map[string]string{}
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		name, val, _ := strings.Cut(strings.ReplaceAll(line, "\t", " "), " ")
		m[name] = strings.Trim(strings.TrimSpace(val), `"`)
	}
	return m
}

// parseUseraddDefaults reads /etc/default/useradd: NAME=value.
func parseUseraddDefaults(text string) map[string]string {
	m := map[string]string{}
	for line := range strings.Lines(text) {
		if name, val, ok := strings.Cut(strings.TrimRight(line, "\n"), "="); ok && !strings.HasPrefix(name, "#") {
			m[name] = strings.Trim(strings.TrimSpace(val), `"`)
		}
	}
	return m
}

// number is a value of login.defs as shadow reads it (octal with a leading 0), or def.
func (d *accountDefaults) number(name string, def int64) int64 {
	if n, err := strconv.ParseInt(d.login[name], 0, 64); err == nil {
		return n
	}
	return def
}

func (d *accountDefaults) yes(name string) bool { return strings.EqualFold(d.login[name], "yes") }

func (d *accountDefaults) useraddOr(name, def string) string {
	if v, ok := d.useradd[name]; ok {
		return v
	}
	return def
}

// idRange is where useradd and groupadd look for a free id; kind is UID or GID.
func (d *accountDefaults) idRange(kind string, system bool) (lo, hi int64) {
	if !system {
		return d.number(kind+"_MIN", 1000), d.number(kind+"_MAX", 60000)
	}
	return d.number("SYS_"+kind+"_MIN", 101), d.number("SYS_"+kind+"_MAX", d.number(kind+"_MIN", 1000)-1)
}

func (d *accountDefaults) unknownID() state.Value[int64] { return state.Unknown[int64](d.unsure) }

// nextUID is the uid that useradd would choose.
func (d *accountDefaults) nextUID(system bool) state.Value[int64] {
	if !d.known || !d.accountsKnown {
		return d.unknownID()
	}
	used := map[int64]bool{}
	for _, u := range d.users {
		used[u.UID] = true
	}
	lo, hi := d.idRange("UID", system)
	return d.found(nextID(used, lo, hi, system))
}

// nextGID is the gid that groupadd would choose: prefer (the uid of the user
// that the group is for) if it is in range and free; -1 prefers none.
func (d *accountDefaults) nextGID(system bool, prefer int64) state.Value[int64] {
	if !d.known || !d.accountsKnown {
		return d.unknownID()
	}
	used := map[int64]bool{}
	for _, g := range d.groups {
		used[g.GID] = true
	}
	lo, hi := d.idRange("GID", system)
	if prefer >= lo && prefer <= hi && !used[prefer] {
		return state.Is(prefer)
	}
	return d.found(nextID(used, lo, hi, system))
}

func (d *accountDefaults) found(id int64, ok bool) state.Value[int64] {
	if !ok { // the tool will say that there is none left
		return d.unknownID()
	}
	return state.Is(id)
}

// nextID chooses as shadow does: one above the highest id in use; for a system
// account one below the lowest; where that is out of range, the first free one from that end.
func nextID(used map[int64]bool, lo, hi int64, system bool) (int64, bool) {
	if system {
		id := hi
		for u := range used {
			if u >= lo && u <= id {
				id = u - 1
			}
		}
		for ; id >= lo; id-- {
			if !used[id] {
				return id, true
			}
		}
		for id = hi; id >= lo; id-- {
			if !used[id] {
				return id, true
			}
		}
		return 0, false
	}
	id := lo
	for u := range used {
		if u <= hi && u >= id {
			id = u + 1
		}
	}
	for ; id <= hi; id++ {
		if !used[id] {
			return id, true
		}
	}
	for id = lo; id <= hi; id++ {
		if !used[id] {
			return id, true
		}
	}
	return 0, false
}

// homeMode is the mode that useradd gives a new home directory.
func (d *accountDefaults) homeMode() state.Mode {
	umask := d.number("UMASK", 0o22)
	return state.Mode(d.number("HOME_MODE", 0o777&^umask) & 0o7777)
}

// defaultExpires is useradd's EXPIRE in days since 1970, -1 for never.
func (d *accountDefaults) defaultExpires() state.Value[int64] {
	v := d.useraddOr("EXPIRE", "")
	if v == "" {
		return state.Is(int64(-1))
	}
	t, err := time.Parse(time.DateOnly, v)
	if err != nil {
		return d.unknownID()
	}
	return state.Is(t.Unix() / 86400)
}

// defaultGroup is the group of users who get no group of their own: GROUP of
// /etc/default/useradd, a number or a name, 100 where it is not set.
func (d *accountDefaults) defaultGroup() string {
	g := d.useraddOr("GROUP", "100")
	for _, e := range d.groups {
		if strconv.FormatInt(e.GID, 10) == g {
			return e.Name
		}
	}
	return g
}

func (d *accountDefaults) hasGroup(name string) bool {
	for _, g := range d.groups {
		if g.Name == name {
			return true
		}
	}
	return false
}

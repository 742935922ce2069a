package host

import (
	"context"
	"crypto/md5"  //nolint:gosec // a checksum that the stat module offers
	"crypto/sha1" //nolint:gosec // the stat module's default
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"fmt"
	"hash"
	"io"
	"maps"
	"os"

	"rp/engine/state"
	"rp/engine/value"
)

func init() {
	register("stat", kind{read: readStats, imagine: imagineStat})
}

func readStats(ctx context.Context, l *Linux, ss []state.State) ([]state.State, error) {
	n := newNames(l)
	out := make([]state.State, len(ss))
	for i, s := range ss {
		st := s.(state.Stat)
		info, err := l.stat(ctx, n, st)
		if err != nil {
			return nil, fmt.Errorf("cannot look at %s: %w", st.Path, bare(err))
		}
		st.Info = state.Is(info)
		out[i] = st
	}
	return out, nil
}

func (l *Linux) stat(ctx context.Context, n *names, st state.Stat) (map[string]any, error) {
	path := l.path(st.Path)
	look := os.Lstat
	if st.Follow {
		look = os.Stat
	}
	fi, err := look(path)
	if isAbsent(err) {
		return map[string]any{"exists": false}, nil
	}
	if err != nil {
		return nil, err
	}
	info := map[string]any{"exists": true, "path": st.Path, "size": fi.Size()}
	typeInfo(info, typeOf(fi.Mode()))
	modeInfo(info, modeOf(fi.Mode()))
	inodeInfo(info, fi)
	uid, gid := ownerOf(fi)
	info["uid"], info["gid"] = uid, gid
	if info["pw_name"], err = n.user(ctx, uid, ""); err != nil {
		return nil, err
	}
	if info["gr_name"], err = n.group(ctx, gid, ""); err != nil {
		return nil, err
	}
	accessInfo(info, path)
	if info["islnk"] == true {
		if t, err := os.Readlink(path); err == nil {
			info["lnk_target"] = t
		}
		info["lnk_source"] = realPath(path, true, func(p string) (string, bool) {
			t, err := os.Readlink(p)
			return t, err == nil
		})
	}
	if st.Checksum != "" && info["isreg"] == true && info["readable"] == true {
		if info["checksum"], err = checksumFile(ctx, path, st.Checksum); err != nil {
			return nil, err
		}
	}
	return info, nil
}

func typeInfo(info map[string]any, t string) {
	for name, is := range map[string]string{
		"isreg": state.Regular, "isdir": state.Directory, "islnk": state.Link, "isfifo": state.Fifo,
		"issock": state.Socket, "ischr": state.CharDev, "isblk": state.BlockDev,
	} {
		info[name] = t == is
	}
}

func modeInfo(info map[string]any, m state.Mode) {
	info["mode"] = m.String()
	for name, bit := range map[string]state.Mode{
		"rusr": 0o400, "wusr": 0o200, "xusr": 0o100, "rgrp": 0o40, "wgrp": 0o20, "xgrp": 0o10,
		"roth": 4, "woth": 2, "xoth": 1, "isuid": 0o4000, "isgid": 0o2000,
	} {
		info[name] = m&bit != 0
	}
}

// newHash is the hash function that goes by name in the stat and get_url modules; nil for none.
func newHash(name string) hash.Hash {
	switch name {
	case "md5":
		return md5.New() //nolint:gosec // see the import
	case "sha1":
		return sha1.New() //nolint:gosec // see the import
	case "sha224":
		return sha256.New224()
	case "sha256":
		return sha256.New()
	case "sha384":
		return sha512.New384()
	case "sha512":
		return sha512.New()
	}
	return nil
}

func checksumFile(ctx context.Context, path, algorithm string) (string, error) {
	h := newHash(algorithm)
	if h == nil {
		return "", fmt.Errorf("there is no checksum named %q", algorithm)
	}
	f, err := openRegular(path)
	if err != nil {
		return "", err
	}
	defer f.Close() //nolint:errcheck // only read
	if _, err := io.Copy(h, during{ctx, f}); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// imagineStat makes of a predicted file what stat(2) will say of it.
func imagineStat(ctx context.Context, v *View, asked, base state.State) (state.State, error) {
	st := asked.(state.Stat)
	ask := state.File{Path: st.Path, MTime: state.Ask[int64]()}
	e, written := v.mem.get(ask.Key())
	if written {
		ask.Content = state.Ask[state.Content]()
	}
	got, err := v.Read(ctx, ask)
	if err != nil {
		return nil, err
	}
	f := got[0].(state.File)
	typ, known := f.Type.Get()
	was, _ := base.(state.Stat).Info.Get()
	switch {
	case !known:
		st.Info = state.Unknown[map[string]any](f.Type.After())
	case typ == state.Absent:
		st.Info = state.Is(map[string]any{"exists": false})
	case !written:
		st.Info = base.(state.Stat).Info
		ownerInfo(ctx, v, was, f)
		if end, doubt, predicted := v.predicts(ctx, st.Path); typ == state.Link && predicted {
			was["lnk_source"] = end
			if doubt != "" {
				was["lnk_source"] = value.Unknown{After: doubt}
			}
			for _, k := range []string{"readable", "writeable", "executable"} { // access(2) follows links
				was[k] = value.Unknown{After: v.mem.lastTask()}
			}
		}
	default:
		st.Info = state.Is(v.predictedInfo(ctx, st, f, e, was))
	}
	return st, nil
}

func (v *View) predictedInfo(ctx context.Context, st state.Stat, f state.File, e entry, was map[string]any) map[string]any {
	unsure := value.Unknown{After: e.task}
	info := map[string]any{"exists": true, "path": st.Path}
	kept := !e.fresh && was["exists"] == true
	if kept {
		info = maps.Clone(was)
	}
	for _, k := range []string{"ctime", "readable", "writeable", "version", "attributes"} {
		info[k] = unsure
	}
	if !kept || !f.MTime.IsKnown() { // it is another inode, or a directory with other entries
		for _, k := range []string{"inode", "dev", "nlink", "blocks", "block_size", "device_type", "atime", "mtime", "size"} {
			info[k] = unsure
		}
	}
	if t, ok := f.MTime.Get(); ok {
		info["mtime"] = seconds(t)
	}
	typeInfo(info, f.Type.Or(""))
	if f.Target.IsSet() {
		info["lnk_target"], info["lnk_source"], info["size"] = unsure, unsure, unsure
	}
	if t, ok := f.Target.Get(); ok {
		info["lnk_target"], info["size"] = t, int64(len(t))
		if end, doubt, _ := v.predicts(ctx, st.Path); doubt == "" {
			info["lnk_source"] = end
		}
	}
	predictedMode(info, f, unsure)
	contentInfo(info, st, f, unsure)
	ownerInfo(ctx, v, info, f)
	return info
}

func predictedMode(info map[string]any, f state.File, unsure value.Unknown) {
	m, ok := f.Mode.Get()
	if !ok {
		modeInfo(info, 0)
		for _, k := range []string{"mode", "rusr", "wusr", "xusr", "rgrp", "wgrp", "xgrp", "roth", "woth", "xoth", "isuid", "isgid", "executable"} {
			info[k] = unsure
		}
		return
	}
	modeInfo(info, m)
	switch x := m & 0o111; {
	case x == 0:
		info["executable"] = false
	case x == 0o111 && f.Type.Or("") != state.Link:
		info["executable"] = true
	default:
		info["executable"] = unsure
	}
}

func contentInfo(info map[string]any, st state.Stat, f state.File, unsure value.Unknown) {
	if f.Type.Or("") != state.Regular {
		delete(info, "checksum")
		return
	}
	c, ok := f.Content.Get()
	info["size"] = unsure
	if ok && c.Size >= 0 {
		info["size"] = c.Size
	}
	if st.Checksum == "" {
		return
	}
	info["checksum"] = unsure
	if h := newHash(st.Checksum); ok && h != nil && c.AtHand() {
		h.Write(c.Data)
		info["checksum"] = hex.EncodeToString(h.Sum(nil))
	} else if ok && st.Checksum == "sha256" {
		info["checksum"] = c.Sum
	}
}

// ownerInfo says who owns f, by the predicted accounts.
func ownerInfo(ctx context.Context, v *View, info map[string]any, f state.File) {
	if info == nil || info["pw_name"] == f.Owner.Or("") && info["gr_name"] == f.Group.Or("") {
		return
	}
	got, err := v.Read(ctx, state.Accounts{})
	if err != nil {
		return
	}
	a := got[0].(state.Accounts)
	info["pw_name"], info["uid"] = nameAndID(f.Owner, state.Map(a.Users, userIDs))
	info["gr_name"], info["gid"] = nameAndID(f.Group, state.Map(a.Groups, groupIDs))
}

func nameAndID(name state.Value[string], ids state.Value[[]idName]) (shown, id any) {
	n, ok := name.Get()
	if !ok {
		return value.Unknown{After: name.After()}, value.Unknown{After: name.After()}
	}
	all, known := ids.Get()
	if i, found := idOf(n, all); found && (known || isNumber(n)) {
		return n, i
	}
	return n, value.Unknown{After: ids.After()}
}

// seconds is a time in nanoseconds as the stat module gives it.
func seconds(ns int64) float64 { return float64(ns) / 1e9 }

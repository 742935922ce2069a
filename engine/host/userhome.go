package host

import (
	"context"
	"path"
	"slices"
	"strings"

	"rp/engine/state"
)

// homeMax bounds how many files of a home directory are listed one by one in a
// change; of a larger home only the directory is named.
const homeMax = 10000

const defaultSkeleton = "/etc/skel"

// home adds the home directory that useradd -m makes: the directories above it
// that are missing, itself, and what the skeleton holds. A home that exists is left alone.
func (p *userPlan) home(ctx context.Context) error {
	home, ok := p.to.Home.Get()
	if !ok {
		return nil
	}
	above, err := p.missingAbove(ctx, home)
	if err != nil || above == nil {
		return err
	}
	for _, dir := range above[:len(above)-1] {
		p.add(makeFile(dir, state.Directory, state.File{Owner: state.Is("root"), Group: state.Is("root"), Mode: state.Is(state.Mode(0o755))}))
	}
	p.add(makeFile(home, state.Directory, state.File{Owner: state.Is(p.to.Name), Group: p.to.Group, Mode: p.homeMode()}))
	return p.copySkeleton(ctx, home)
}

func (p *userPlan) homeMode() state.Value[state.Mode] {
	if !p.d.known {
		return state.Unknown[state.Mode](p.d.unsure)
	}
	return state.Is(p.d.homeMode())
}

// missingAbove lists home and those directories above it that are absent, outermost first; nil where home exists.
func (p *userPlan) missingAbove(ctx context.Context, home string) ([]string, error) {
	var dirs []string
	for dir := path.Clean(home); dir != "/" && dir != "."; dir = path.Dir(dir) {
		dirs = append(dirs, dir)
	}
	ss := make([]state.State, len(dirs))
	for i, d := range dirs {
		ss[i] = state.File{Path: d}
	}
	got, err := p.r.Read(ctx, ss...)
	if err != nil {
		return nil, err
	}
	n := 0
	for n < len(got) && got[n].(state.File).Type.Or("") == state.Absent {
		n++
	}
	if n == 0 {
		return nil, nil
	}
	missing := dirs[:n]
	slices.Reverse(missing)
	return missing, nil
}

func makeFile(name, typ string, f state.File) state.Change {
	f.Path, f.Type = name, state.Is(typ)
	return state.Change{From: state.File{Path: name, Type: state.Is(state.Absent)}, To: f}
}

func (p *userPlan) skeleton() string {
	if p.to.Skeleton != "" {
		return p.to.Skeleton
	}
	return p.d.useraddOr("SKEL", defaultSkeleton)
}

// copySkeleton adds what useradd copies: modes, contents and link targets stay, the owner is the user.
func (p *userPlan) copySkeleton(ctx context.Context, home string) error {
	skel := path.Clean(p.skeleton())
	got, err := p.r.Read(ctx, state.Walk{Path: skel})
	if err != nil {
		return err
	}
	entries, ok := got[0].(state.Walk).Entries.Get()
	if !ok || len(entries) == 0 || len(entries) > homeMax {
		return nil
	}
	files, err := p.readEntries(ctx, entries, true)
	if err != nil {
		return err
	}
	for _, f := range files {
		to := state.File{Owner: state.Is(p.to.Name), Group: p.to.Group, Mode: f.Mode}
		switch f.Type.Or("") {
		case state.Regular:
			to.Content = f.Content
		case state.Link: // a target inside the skeleton is moved into the home
			to.Mode = state.Value[state.Mode]{}
			to.Target = state.Map(f.Target, func(t string) string {
				if rest, in := strings.CutPrefix(t, skel); in {
					return home + rest
				}
				return t
			})
		case state.Directory:
		default:
			continue
		}
		p.add(makeFile(home+strings.TrimPrefix(f.Path, skel), f.Type.Or(""), to))
	}
	return nil
}

// readEntries reads the files that a walk found, directories before what is in them.
func (p *userPlan) readEntries(ctx context.Context, es []state.Entry, content bool) ([]state.File, error) {
	es = slices.Clone(es)
	slices.SortFunc(es, func(a, b state.Entry) int { return strings.Compare(a.Path, b.Path) })
	ss := make([]state.State, len(es))
	for i, e := range es {
		f := state.File{Path: e.Path}
		if content && e.Type == state.Regular {
			f.Content = state.Ask[state.Content]()
		}
		ss[i] = f
	}
	got, err := p.r.Read(ctx, ss...)
	if err != nil {
		return nil, err
	}
	fs := make([]state.File, len(got))
	for i, s := range got {
		fs[i] = s.(state.File)
	}
	return fs, nil
}

// tree is dir and what is below it, outermost first; nil where dir is no directory,
// and only dir where there is too much to list.
func (p *userPlan) tree(ctx context.Context, dir string) ([]state.File, error) {
	got, err := p.r.Read(ctx, state.File{Path: dir}, state.Walk{Path: dir})
	if err != nil {
		return nil, err
	}
	top := got[0].(state.File)
	if top.Type.Or("") != state.Directory {
		return nil, nil
	}
	entries, ok := got[1].(state.Walk).Entries.Get()
	if !ok || len(entries) > homeMax {
		return []state.File{top}, nil
	}
	below, err := p.readEntries(ctx, entries, false)
	return append([]state.File{top}, below...), err
}

// regroup: usermod -g gives the files of the home that belong to the old primary group to the new one.
func (p *userPlan) regroup(ctx context.Context, group string) error {
	files, err := p.tree(ctx, p.from.Home.Or(""))
	if err != nil || len(files) == 0 || files[0].Owner.Or("") != p.to.Name {
		return err
	}
	for _, f := range files {
		if old, ok := p.from.Group.Get(); ok && f.Group.Or("") == old {
			p.add(state.Change{From: f, To: state.File{Path: f.Path, Type: f.Type, Group: state.Is(group)}})
		}
	}
	return nil
}

// moveHome: usermod -d -m moves the old home's files to the new place, if that is free.
func (p *userPlan) moveHome(ctx context.Context, from, to string) error {
	files, err := p.tree(ctx, from)
	if err != nil || len(files) == 0 {
		return err
	}
	got, err := p.r.Read(ctx, state.File{Path: to})
	if err != nil || got[0].(state.File).Type.Or("") != state.Absent {
		return err
	}
	for _, f := range files {
		moved := state.File{Owner: f.Owner, Group: f.Group, Mode: f.Mode, Target: f.Target}
		if f.Type.Or("") == state.Link {
			moved.Mode = state.Value[state.Mode]{}
		}
		p.add(makeFile(to+strings.TrimPrefix(f.Path, from), f.Type.Or(""), moved))
	}
	p.add(state.Change{From: files[0], To: state.File{Path: from, Type: state.Is(state.Absent), Recurse: true}})
	return nil
}

// removeHome: userdel -r removes the home directory if it belongs to the user, and the mail spool.
func (p *userPlan) removeHome(ctx context.Context) error {
	home := p.from.Home.Or("")
	if home != "" && path.Clean(home) != "/" {
		files, err := p.tree(ctx, home)
		if err != nil {
			return err
		}
		if len(files) > 0 && (files[0].Owner.Or("") == p.to.Name || p.to.Force) {
			for _, f := range files {
				p.add(state.Change{From: f, To: state.File{Path: f.Path, Type: state.Is(state.Absent), Recurse: f.Type.Or("") == state.Directory}})
			}
		}
	}
	got, err := p.r.Read(ctx, state.File{Path: p.spool()})
	if err != nil {
		return err
	}
	if spool := got[0].(state.File); spool.Type.Or(state.Absent) == state.Regular {
		p.add(state.Change{From: spool, To: state.File{Path: spool.Path, Type: state.Is(state.Absent)}})
	}
	return nil
}

package modules

import (
	"context"
	"fmt"
	"strings"

	"rp/engine/module"
	"rp/engine/state"
	"rp/engine/value"
)

var subidSpec = module.Spec{
	Name: "subid", Kind: module.States, Local: true,
	Short: "Subordinate user and group ids",
	Doc: `Gives a user ranges of subordinate ids in /etc/subuid and /etc/subgid (subuid(5)), which rootless containers need. A range that
the user already has and that is large enough is taken, wherever it comes from (getsubids(1) knows NSS). A new range begins at start
or at the lowest number, from SUB_UID_MIN of login.defs(5) on, from which nobody's range and no account overlaps it; the same
number is used for both files where it is free in both. All other lines are kept, even those that make no sense. A range that
overlaps somebody else's is refused, with their name.`,
	Args: []module.Arg{
		{Name: "user", Aliases: []string{"name"}, Required: true, Doc: "Whose ids."},
		{Name: "count", Type: module.Int, Default: int64(65536), Doc: "How many."},
		{Name: "start", Type: module.Int, Doc: "The first. Not given: the range that the user has, or the next that is free."},
		{Name: "kind", Default: "both", Choices: []string{"both", "uid", "gid"}, Doc: "User ids, group ids, or both."},
		{Name: "state", Default: "present", Choices: []string{"present", "absent"}, Doc: "absent takes all of the user's lines out."},
	},
	Examples: `- name: Ids for the containers of rootless
  subid:
    user: rootless

- name: A range of one's own choosing
  subid:
    user: ci
    start: 200000
    count: 131072
`,
	Returns: []module.Return{
		{Name: "subuid", Type: "list", Doc: "the user's ranges of user ids: start and count"},
		{Name: "subgid", Type: "list", Doc: "the user's ranges of group ids"},
	},
	Run: runSubid,
}

// subidFile is one of the two files while subid works on it.
type subidFile struct {
	groups bool
	ranges state.Value[[]state.SubRange] // the user's, by the host's own source
	file   state.File
	lines  []subLine
	needed bool
}

func runSubid(ctx context.Context, p module.Params, t module.Target) (module.Result, error) {
	user, count := p.String("user"), p.Int("count")
	if count <= 0 {
		return nil, fmt.Errorf("cannot give %q %d ids: count must be positive", user, count)
	}
	acc, err := readOne(ctx, t, state.Accounts{})
	if err != nil {
		return nil, err
	}
	own := subOwner{name: user, uid: -1}
	for _, a := range acc.Users.Or(nil) {
		if a.Name == user {
			own.uid = a.UID
		}
	}
	var fs []*subidFile
	for _, groups := range []bool{false, true} {
		if k := p.String("kind"); k == "uid" && groups || k == "gid" && !groups {
			continue
		}
		f, err := readSubids(ctx, t, own, groups)
		if err != nil {
			return nil, err
		}
		fs = append(fs, f)
	}
	if p.String("state") == "absent" {
		return module.Result{}, removeSubids(ctx, t, own, fs)
	}
	if err := placeSubids(ctx, p, t, own, acc, fs); err != nil {
		return nil, err
	}
	return subidResult(ctx, t, user, fs)
}

func readSubids(ctx context.Context, t module.Target, own subOwner, groups bool) (*subidFile, error) {
	f := &subidFile{groups: groups}
	name := "/etc/subuid"
	if groups {
		name = "/etc/subgid"
	}
	ids, err := readOne(ctx, t, state.SubIDs{User: own.name, Groups: groups})
	if err != nil {
		return nil, err
	}
	f.ranges = ids.Ranges
	if f.file, err = realPath(ctx, t, name, true); err != nil {
		return nil, err
	}
	body, err := text(f.file)
	f.lines = parseSubLines(body)
	return f, err
}

// placeSubids finds a range for each file that lacks one and wants it written.
func placeSubids(ctx context.Context, p module.Params, t module.Target, own subOwner, acc state.Accounts, fs []*subidFile) error {
	var todo []*subidFile
	for _, f := range fs {
		if !sufficient(known(f.ranges, "ranges of "+own.name), p) {
			f.needed = true
			todo = append(todo, f)
		}
	}
	if len(todo) == 0 {
		return nil
	}
	defs, err := loginDefs(ctx, t)
	if err != nil {
		return err
	}
	start, count := p.Int("start"), p.Int("count")
	if !p.Has("start") {
		if start, err = freeStart(own, todo, fs, acc, defs, count); err != nil {
			return err
		}
	}
	for _, f := range todo {
		r := state.SubRange{Start: start, Count: count}
		if who := overlapping(own, r, f.lines, acc, f.groups); who != "" {
			return fmt.Errorf("cannot give %q the ids %d-%d in %s: they overlap %s", own.name, start, start+count-1, f.file.Path, who)
		}
		if err := f.write(ctx, t, withRange(own, f.lines, r)); err != nil {
			return err
		}
	}
	return nil
}

func sufficient(have []state.SubRange, p module.Params) bool {
	for _, r := range have {
		if p.Has("start") {
			if r.Start <= p.Int("start") && p.Int("start")+p.Int("count") <= r.Start+r.Count {
				return true
			}
		} else if r.Count >= p.Int("count") {
			return true
		}
	}
	return false
}

func (f *subidFile) write(ctx context.Context, t module.Target, lines []subLine) error {
	want := state.File{Path: f.file.Path, Type: state.Is(state.Regular), Content: state.Is(state.Text(formatSubLines(lines))), Lock: "shadow"}
	if f.file.Type.Or("") == state.Absent {
		want.Mode, want.Owner, want.Group = state.Is(state.Mode(0o644)), state.Is("root"), state.Is("root")
	}
	_, err := t.Want(ctx, want)
	return err
}

func removeSubids(ctx context.Context, t module.Target, own subOwner, fs []*subidFile) error {
	for _, f := range fs {
		kept := withoutOwner(own, f.lines)
		if len(kept) == len(f.lines) {
			if len(f.ranges.Or(nil)) > 0 {
				return fmt.Errorf("cannot take the subordinate ids of %q away: they do not come from %s", own.name, f.file.Path)
			}
			continue
		}
		if err := f.write(ctx, t, kept); err != nil {
			return err
		}
	}
	return nil
}

func subidResult(ctx context.Context, t module.Target, user string, fs []*subidFile) (module.Result, error) {
	r := module.Result{}
	for _, f := range fs {
		ids, err := readOne(ctx, t, state.SubIDs{User: user, Groups: f.groups})
		if err != nil {
			return nil, err
		}
		key := "subuid"
		if f.groups {
			key = "subgid"
		}
		ranges, is := ids.Ranges.Get()
		if !is {
			r[key] = value.Unknown{After: ids.Ranges.After()}
			continue
		}
		if f.needed && len(ranges) == 0 {
			return nil, fmt.Errorf("cannot give %q subordinate ids: the host does not take them from %s (see subid in nsswitch.conf(5))", user, f.file.Path)
		}
		var list []any
		for _, s := range ranges {
			list = append(list, map[string]any{"start": s.Start, "count": s.Count})
		}
		r[key] = list
	}
	return r, nil
}

func formatSubLines(lines []subLine) string {
	var b strings.Builder
	for _, l := range lines {
		b.WriteString(l.text + "\n")
	}
	return b.String()
}

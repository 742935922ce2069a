package host

import (
	"context"
	"fmt"
	"reflect"

	"rp/engine/state"
)

// View is a host as one user's task sees it in a dry run: the real machine with
// what is predicted laid over it. It implements [Host]; what is written to it
// goes to its [Memory] only.
//
// What it shows as known is what the run will find. An answer is unknown where
// the prediction leaves it open, and where something whose effects cannot be
// told (a package's scripts, a command, a task that only may run) can influence it:
//
//   - after a predicted package: units, tools, accounts, and files outside of
//     users' own and temporary directories that are not there yet; after the
//     change or removal of one, also units, tools and the system's own files that are there
//   - after a predicted command: units and tools that are not there yet
//   - after any prediction: what is blind (other commands, requests to this host)
type View struct {
	base Reader
	mem  *Memory
	task string
	may  bool
}

// View gives the host base as the task named task sees it through m. With may
// set it is not known whether the task will run: what it writes may be so or not.
func (m *Memory) View(base Reader, task string, may bool) *View {
	return &View{base: base, mem: m, task: task, may: may}
}

// Read implements [Reader].
func (v *View) Read(ctx context.Context, ss ...state.State) ([]state.State, error) {
	if v.mem.Len() == 0 {
		return v.base.Read(ctx, ss...)
	}
	asks, doubts, err := v.toBase(ctx, ss)
	if err != nil {
		return nil, err
	}
	based := v.tolerant(ctx, asks)
	out := make([]state.State, len(ss))
	for i, s := range ss {
		switch {
		case asks[i] == nil: // blind
			out[i] = state.Obscure(s, v.mem.lastTask())
		case doubts[i] != "":
			out[i] = state.Obscure(s, doubts[i])
		default:
			if based[i] == nil { // what is asked may not be there before an earlier task made it
				based[i] = state.Obscure(asks[i], v.mem.lastTask())
			}
			if out[i], err = v.answer(ctx, s, asks[i], based[i]); err != nil {
				return nil, err
			}
		}
	}
	return out, nil
}

// toBase is what the real machine is to be asked for ss: nil for what it cannot
// answer, paths where they lead in the prediction; and, by index, the tasks that decide that where it is not known.
func (v *View) toBase(ctx context.Context, ss []state.State) (asks []state.State, doubts map[int]string, err error) {
	asks = make([]state.State, len(ss))
	for i, s := range ss {
		k, err := kindOf(s)
		if err != nil {
			return nil, nil, err
		}
		if !k.blind {
			asks[i] = s
		}
	}
	if v.mem.has("file") {
		doubts = v.resolve(ctx, asks)
	}
	return asks, doubts, nil
}

// tolerant reads asks from the real machine; what cannot be read is nil: in a
// prediction that is no error, an earlier task may bring what is missing.
func (v *View) tolerant(ctx context.Context, asks []state.State) []state.State {
	var batch []state.State
	var at []int
	for i, s := range asks {
		if s != nil {
			batch, at = append(batch, s), append(at, i)
		}
	}
	out := make([]state.State, len(asks))
	if len(batch) == 0 {
		return out
	}
	if got, err := v.base.Read(ctx, batch...); err == nil {
		for j, i := range at {
			out[i] = got[j]
		}
		return out
	}
	for j, i := range at {
		if got, err := v.base.Read(ctx, batch[j]); err == nil {
			out[i] = got[0]
		}
	}
	return out
}

// answer is what the view shows for s. real is s as it was put to the machine, base what that said.
func (v *View) answer(ctx context.Context, s, real, base state.State) (state.State, error) {
	if f, ok := s.(state.File); ok {
		return v.file(ctx, f, real.(state.File), base.(state.File))
	}
	k, err := kindOf(s)
	if err != nil {
		return nil, err
	}
	if k.imagine != nil {
		if base, err = k.imagine(ctx, v, real, base); err != nil {
			return nil, err
		}
		base = withPath(base, pathOf(s))
	}
	e, written := v.mem.get(s.Key())
	if written {
		base = e.over(base)
	}
	if g, ok := base.(state.Group); ok && v.mem.has("user") {
		if base, err = v.membersOf(ctx, g); err != nil {
			return nil, err
		}
	}
	return v.doubt(base, e.seq), nil
}

// membersOf is g with the members that it has when the predicted users have joined and left.
func (v *View) membersOf(ctx context.Context, g state.Group) (state.State, error) {
	if present, known := g.Present.Get(); known && !present {
		return g, nil
	}
	got, err := v.Read(ctx, state.Accounts{})
	if err != nil {
		return nil, err
	}
	groups := got[0].(state.Accounts).Groups
	all, known := groups.Get()
	if !known {
		g.Members = state.Unknown[[]string](groups.After())
	}
	for _, e := range all {
		if e.Name == g.Name {
			g.Members = state.Is(e.Members)
		}
	}
	return g, nil
}

// over lays what is predicted over what the machine has.
func (e entry) over(base state.State) state.State {
	present, known := state.Present(e.s)
	switch {
	case hasPresence(e.s) && !known && e.fresh:
		return state.Obscure(e.s, e.task)
	case hasPresence(e.s) && known && !present, e.fresh:
		return e.s
	}
	out := state.Lay(base, e.s)
	if _, known := state.Present(out); hasPresence(out) && !known {
		return state.Obscure(out, e.task)
	}
	return out
}

// hasPresence reports whether states of s's kind say whether the thing is there.
func hasPresence(s state.State) bool {
	t := reflect.TypeOf(s)
	if _, ok := t.FieldByName("Present"); ok {
		return true
	}
	_, isFile := s.(state.File)
	return isFile
}

// doubt makes unknown what a deed later than the prediction number seq may have changed.
func (v *View) doubt(s state.State, seq int) state.State {
	kind := s.Key().Kind
	var there, gone []string // the deeds after which what is there, and what is not, is in doubt
	switch kind {
	case "unit", "tool":
		there, gone = []string{"removal"}, []string{"package", "removal", "Command"}
	case "user", "group":
		gone = []string{"package", "removal"}
	case "sysctl":
		gone = []string{"package", "Command"}
	case "index":
		there, gone = []string{"Refresh"}, []string{"Refresh"}
	default:
		return s
	}
	deeds := gone
	if presentOrUnsure(s) {
		deeds = there
	}
	if d, ok := v.mem.deed(deeds...); ok && d.seq > seq {
		return state.Obscure(s, d.task)
	}
	return s
}

func presentOrUnsure(s state.State) bool {
	if t, ok := s.(state.Tool); ok {
		return t.Path.Or("?") != ""
	}
	p, known := state.Present(s)
	return p || !known
}

// Plan implements [Host].
func (v *View) Plan(ctx context.Context, c state.Change) (state.Change, error) {
	return planThrough(ctx, v, c)
}

// Write implements [Host]: it remembers what cs will leave.
func (v *View) Write(ctx context.Context, cs ...state.Change) error {
	for _, c := range cs {
		k, err := kindOf(c.To)
		if err != nil {
			return err
		}
		if k.write == nil {
			return fmt.Errorf("cannot write %s: this kind is only read", c.To.Key())
		}
		if f, ok := c.To.(state.File); ok && !v.may {
			from, _ := c.From.(state.File)
			if err := v.writable(ctx, from, f); err != nil {
				return err
			}
		}
		v.remember(ctx, c)
	}
	return nil
}

// remember puts c and what its tool does besides into the memory.
func (v *View) remember(ctx context.Context, c state.Change) {
	if p, ok := c.To.(state.Package); ok {
		v.installed(c, p)
	}
	if f, ok := c.To.(state.File); ok {
		v.rememberFile(ctx, c, f)
	} else {
		after := assumeThere(state.Merge(c.From, c.To, v.task))
		v.mem.put(v.perhaps(c.From, after), v.task, replaces(c) && !v.may)
	}
	for _, w := range c.With {
		v.remember(ctx, w)
	}
}

// assumeThere says of what was written without being told to be there that it is:
// otherwise writing it fails.
func assumeThere(s state.State) state.State {
	out := reflect.New(reflect.TypeOf(s)).Elem()
	out.Set(reflect.ValueOf(s))
	if p := out.FieldByName("Present"); p.IsValid() {
		if v, ok := p.Interface().(state.Value[bool]); ok && !v.IsKnown() {
			p.Set(reflect.ValueOf(state.Is(true)))
		}
	}
	return out.Interface().(state.State)
}

// perhaps is after, or what have and after agree on where the task only may run.
func (v *View) perhaps(have, after state.State) state.State {
	if v.may {
		return state.MayBe(have, after, v.task)
	}
	return after
}

// replaces reports whether c makes or removes its thing, or makes it one of another type.
func replaces(c state.Change) bool {
	from, knownFrom := state.Present(c.From)
	to, knownTo := state.Present(c.To)
	if knownTo && !to || knownFrom && !from {
		return true
	}
	f, _ := c.From.(state.File)
	t, isFile := c.To.(state.File)
	return isFile && knownFrom && knownTo && f.Type.Or("") != t.Type.Or("")
}

func (v *View) installed(c state.Change, p state.Package) {
	v.mem.did("package", v.task)
	from, known := state.Present(c.From)
	if known && !from && !p.Latest {
		return
	}
	v.mem.did("removal", v.task)
}

// Do implements [Host]: it remembers that something was done.
func (v *View) Do(ctx context.Context, e state.Event) (state.Outcome, error) {
	name := reflect.TypeOf(e).Name()
	if _, ok := eventsByName[name]; !ok {
		return state.Outcome{}, fmt.Errorf("cannot do events of type %T", e)
	}
	v.mem.did(name, v.task)
	switch e := e.(type) {
	case state.UnitAction:
		return state.Outcome{}, v.acted(ctx, e)
	case state.DaemonReload, state.Refresh: // their outcome has nothing that is not known before
		return state.Outcome{}, nil
	}
	return state.Outcome{Unknown: true}, nil
}

// acted: a unit that was restarted runs.
func (v *View) acted(ctx context.Context, e state.UnitAction) error {
	have, err := v.Read(ctx, e.Unit)
	if err != nil || e.Action != state.Restart {
		return err
	}
	want := e.Unit
	want.Present, want.Active = state.Is(true), state.Is(true)
	want.Enabled, want.Masked = state.Value[bool]{}, state.Value[bool]{}
	v.remember(ctx, state.Change{From: have[0], To: want})
	return nil
}

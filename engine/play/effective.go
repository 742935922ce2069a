package play

import (
	"fmt"
	"slices"

	"rp/engine/value"
)

// Effective is what holds for t of an inherited keyword: what is said nearest
// to it, from the task outwards through its blocks, imports and roles to the
// play. ok is false where nobody says anything. A name that is not an inherited
// keyword is a mistake in the program and panics.
func (t *Task) Effective(name string) (s Setting, ok bool) {
	if k := byName[name]; k == nil || !k.Inherited {
		panic(fmt.Sprintf("play: %q is no inherited keyword", name))
	}
	for l := range t.outwards {
		if s, ok := l.Settings[name]; ok {
			return s, true
		}
	}
	return Setting{}, false
}

// Effective is what holds for what is inside b; see [Task.Effective].
func (b *Block) Effective(name string) (Setting, bool) {
	t := Task{Parent: b, Play: b.Play}
	return t.Effective(name)
}

// outwards gives the levels around t from the task itself to the play.
func (t *Task) outwards(yield func(*Level) bool) {
	if !yield(&t.Level) {
		return
	}
	for b := t.Parent; b != nil; b = b.Parent {
		if !yield(&b.Level) {
			return
		}
	}
	if t.Play != nil {
		yield(&t.Play.Level)
	}
}

// inwards are the levels around t from the play to the task itself.
func (t *Task) inwards() []*Level {
	levels := slices.Collect(t.outwards)
	slices.Reverse(levels)
	return levels
}

// AllWhen are the conditions under which t runs, the outermost first.
func (t *Task) AllWhen() []Cond {
	var all []Cond
	for _, l := range t.inwards() {
		all = append(all, l.When...)
	}
	return all
}

// AllTags are t's tags and those of everything around it, each once, outermost first.
func (t *Task) AllTags() []string {
	var all []string
	for _, l := range t.inwards() {
		for _, tag := range l.Tags {
			if !slices.Contains(all, tag) {
				all = append(all, tag)
			}
		}
	}
	return all
}

// AllLateTags are the templates among t's tags and those of everything around it.
func (t *Task) AllLateTags() []value.Template {
	var all []value.Template
	for _, l := range t.inwards() {
		all = append(all, l.LateTags...)
	}
	return all
}

// AllEnvironment are the environments around t, outermost first: mappings and
// templates that give one. Where two set a variable the later one wins.
func (t *Task) AllEnvironment() []any {
	var all []any
	for _, l := range t.inwards() {
		all = append(all, l.Environment...)
	}
	return all
}

// AllNotify is whom t notifies: what it says itself, or the nearest block that says it.
func (t *Task) AllNotify() []any {
	for l := range t.outwards {
		if l.Notify != nil {
			return l.Notify
		}
	}
	return nil
}

// VarLevel is the variables of one level around a task.
type VarLevel struct {
	Vars *value.Dict
	// Params: the level is an include (not an import). Its variables then rank above
	// facts and registered results (Ansible's "include params") besides ranking as block variables.
	Params bool
}

// VarLevels are the variables of the blocks around t and of t itself, outermost
// first; a later one wins. The play's own and the role's are not among them.
func (t *Task) VarLevels() []VarLevel {
	var levels []VarLevel
	for b := t.Parent; b != nil; b = b.Parent {
		if b.Vars != nil {
			levels = append(levels, VarLevel{b.Vars, b.Kind == Included})
		}
	}
	slices.Reverse(levels)
	if t.Vars != nil {
		levels = append(levels, VarLevel{t.Vars, t.Include != nil})
	}
	return levels
}

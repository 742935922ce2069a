package play

import (
	"iter"
	"slices"
)

// All are the play's tasks in the order in which they stand, blocks entered:
// block, then rescue, then always. Handlers are not among them.
func (p *Play) All() iter.Seq[*Task] {
	return func(yield func(*Task) bool) {
		for _, section := range p.Sections() {
			if !each(section, yield) {
				return
			}
		}
	}
}

// All are the tasks in b, as Play.All gives them.
func (b *Block) All() iter.Seq[*Task] {
	return func(yield func(*Task) bool) { each([]Node{b}, yield) }
}

func each(nodes []Node, yield func(*Task) bool) bool {
	for _, n := range nodes {
		switch n := n.(type) {
		case *Task:
			if !yield(n) {
				return false
			}
		case *Block:
			if !each(n.Body, yield) || !each(n.Rescue, yield) || !each(n.Always, yield) {
				return false
			}
		}
	}
	return true
}

// TaskTags are the tags of all tasks of the play, each once, sorted: what --list-tags shows.
func (p *Play) TaskTags() []string {
	var tags []string
	for t := range p.All() {
		tags = append(tags, t.AllTags()...)
	}
	slices.Sort(tags)
	return slices.Compact(tags)
}

package engine

import (
	"slices"

	"rp/engine/play"
)

// section is which part of a block a frame runs.
type section int

const (
	body section = iota
	rescue
	always
)

// frame is one list of nodes that a host is in the middle of.
type frame struct {
	nodes []play.Node
	i     int   // the next node
	at    place // of the list
	block *play.Block
	sec   section
	// pending is the failure that goes on when an always section has run.
	pending *failure
	// rescuing is the failure that a rescue section looks at.
	rescuing *failure
	// flush: when the list is done, the notified handlers run.
	flush bool
	// only, when not nil, are those of the nodes that are met: notified handlers.
	only map[*play.Task]bool
}

// failure is a task that failed for good.
type failure struct {
	entry *entry
	end   taskEnd
	// resume: it was let pass (ignore_errors), but what was sent ahead of its verdict is to be sent again.
	resume bool
	// onward: it has been through an always section and goes on from where the walk is.
	onward bool
}

// cursor is where a host is in its play, as a value: a copy is kept with every
// task that is under way, so that the host can go back to where it failed.
type cursor struct{ frames []frame }

// newCursor stands before the first of a play's sections.
func newCursor(sections [][]play.Node) cursor {
	var c cursor
	for i := len(sections) - 1; i >= 0; i-- {
		c.push(frame{nodes: sections[i], at: place{i}, flush: true})
	}
	return c
}

func (c *cursor) clone() cursor { return cursor{slices.Clone(c.frames)} }

func (c *cursor) push(f frame) { c.frames = append(c.frames, f) }

func (c *cursor) pop() { c.frames = c.frames[:len(c.frames)-1] }

// stop is what next came to.
type stop struct {
	task *play.Task
	at   place
	// flush: a section is over, and its handlers are to run.
	flush bool
	// again is the failure that went through an always section and goes on.
	again *failure
	// role is the RoleBody block that is about to begin or has just ended.
	begins, ends *play.Block
}

// next goes on to the next task, the end of a section, or the beginning or end
// of a role's own tasks. The zero stop: the play is over.
func (c *cursor) next() stop {
	for len(c.frames) > 0 {
		f := &c.frames[len(c.frames)-1]
		if f.i >= len(f.nodes) {
			ended := *f
			c.pop()
			if s := c.endSection(ended); s != nil {
				return *s
			}
			continue
		}
		n := f.nodes[f.i]
		f.i++
		at := append(slices.Clone(f.at), f.i)
		b, isBlock := n.(*play.Block)
		if !isBlock {
			t := n.(*play.Task) //nolint:forcetypeassert // a Node is a *Block or a *Task
			if f.only != nil && !f.only[t] {
				continue
			}
			return stop{task: t, at: at}
		}
		c.push(frame{nodes: b.Body, at: append(slices.Clone(at), int(body)), block: b, sec: body, rescuing: f.rescuing})
		if b.Kind == play.RoleBody {
			return stop{at: at, begins: b}
		}
	}
	return stop{}
}

// endSection goes on to the block's always section, or lets a failure go on after it.
func (c *cursor) endSection(f frame) *stop {
	at := append(slices.Clone(f.at), f.i+1)
	switch {
	case f.flush:
		return &stop{at: at, flush: true}
	case f.block == nil:
	case f.sec == always && f.pending != nil:
		return &stop{at: at, again: f.pending}
	case f.sec != always && len(f.block.Always) > 0:
		c.push(f.to(always))
	case f.block.Kind == play.RoleBody:
		return &stop{at: at, ends: f.block}
	}
	return nil
}

// to is the frame of another section of f's block.
func (f frame) to(s section) frame {
	g := frame{block: f.block, sec: s, at: slices.Clone(f.at), rescuing: f.rescuing}
	g.at[len(g.at)-1] = int(s)
	g.nodes = f.block.Always
	if s == rescue {
		g.nodes = f.block.Rescue
	}
	return g
}

// fail goes to where fl is taken care of: the nearest rescue section around, by
// way of always sections. rescued: there is one. goesOn: there is something left to do.
func (c *cursor) fail(fl *failure) (rescued, goesOn bool) {
	rescued = c.rescues()
	for len(c.frames) > 0 {
		f := c.frames[len(c.frames)-1]
		c.pop()
		if f.block == nil || f.sec == always {
			continue
		}
		if f.sec == body && len(f.block.Rescue) > 0 {
			g := f.to(rescue)
			g.rescuing = fl
			c.push(g)
			return true, true
		}
		if len(f.block.Always) > 0 {
			g := f.to(always)
			g.pending = fl
			c.push(g)
			return rescued, true
		}
	}
	return false, false
}

// rescues reports whether a rescue section waits for a failure here.
func (c *cursor) rescues() bool {
	return slices.ContainsFunc(c.frames, func(f frame) bool {
		return f.block != nil && f.sec == body && len(f.block.Rescue) > 0
	})
}

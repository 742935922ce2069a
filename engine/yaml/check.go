package yaml

import (
	"fmt"
	"strings"

	yaml3 "gopkg.in/yaml.v3"

	"rp/engine/diag"
)

// Expanded, the aliases of a document may make it this much larger, and this
// many nodes in any case. Real files stay far below; a "billion laughs" does not.
const (
	maxGrowth   = 100
	maxExpanded = 1_000_000
)

// checker looks through a document once for what the scanner lets pass.
type checker struct {
	name  string
	text  source
	ds    *diag.List
	nodes int
	// size is the expanded size of each node, underWay while it is counted.
	size map[*Node]int
}

const underWay = -1

// check reports whether the document under root is fit to be walked.
func (c *checker) check(root *Node) bool {
	before := len(*c.ds)
	total := c.walk(root)
	if total > maxExpanded && total/maxGrowth > c.nodes {
		c.ds.Errorf(PosOf(c.name, root), "the aliases of this document expand to more than %d values", maxExpanded)
	}
	return !(*c.ds)[before:].Failed()
}

func (c *checker) walk(n *Node) int {
	if s, seen := c.size[n]; seen {
		if s == underWay {
			c.ds.Errorf(PosOf(c.name, n), "the anchor %q contains itself", n.Anchor)
			return 1
		}
		return s
	}
	c.nodes++
	c.size[n] = underWay
	total := 1
	switch n.Kind {
	case yaml3.AliasNode:
		total += c.walk(n.Alias)
	case yaml3.ScalarNode:
		c.text.settle(n)
	case yaml3.MappingNode:
		c.keys(n)
		fallthrough
	default:
		for _, e := range n.Content {
			// Saturate: the product of nested aliases passes any integer.
			total = min(total+c.walk(e), 1<<40)
		}
	}
	c.size[n] = total
	return total
}

// keys reports what is wrong with the keys of the mapping n.
func (c *checker) keys(n *Node) {
	seen := make(map[string]*Node, len(n.Content)/2)
	for i := 0; i+1 < len(n.Content); i += 2 {
		k := n.Content[i]
		if k.Kind == yaml3.AliasNode {
			k = k.Alias
		}
		if k.Kind != yaml3.ScalarNode {
			c.badKey(n, k)
			continue
		}
		if isMerge(k) {
			c.merge(n.Content[i+1])
			continue
		}
		v, _ := resolve(k)
		id := fmt.Sprintf("%T:%v", v, v)
		if first := seen[id]; first != nil {
			c.ds.Warnf(PosOf(c.name, k), "duplicate key %q: the value here replaces the one on line %d", k.Value, first.Line).
				Hintf("keep one of the two")
		}
		seen[id] = k
	}
}

func (c *checker) badKey(parent, k *Node) {
	pos := PosOf(c.name, k)
	if k.Kind == yaml3.MappingNode && k.Style&yaml3.FlowStyle != 0 && parent.Style&yaml3.FlowStyle != 0 &&
		parent.Line == k.Line && parent.Column+1 == k.Column {
		// {{ x }} unquoted reads as a mapping whose key is a mapping.
		c.ds.Errorf(PosOf(c.name, parent), "an unquoted {{ }} is read as a mapping, not as a template").
			Hintf("put the whole value in quotes: %s", quoted(c.text.line(parent.Line), parent.Column))
		return
	}
	c.ds.Errorf(pos, "a mapping's key must be a single value, not a %s", kindName(k))
}

// merge reports a << that merges what is no mapping.
func (c *checker) merge(v *Node) {
	for _, m := range mergeSources(v) {
		if m.Kind != yaml3.MappingNode {
			c.ds.Errorf(PosOf(c.name, v), "<< merges mappings, not a %s", kindName(m))
		}
	}
}

// quoted is the value at column col of line, in double quotes.
func quoted(line string, col int) string {
	runes := []rune(line)
	if col < 1 || col > len(runes) {
		return `"{{ … }}"`
	}
	value := strings.TrimRight(string(runes[col-1:]), " ,")
	if strings.Contains(value, `"`) {
		return "'" + strings.ReplaceAll(value, "'", "''") + "'"
	}
	return `"` + value + `"`
}

func kindName(n *Node) string {
	switch n.Kind {
	case yaml3.MappingNode:
		return "mapping"
	case yaml3.SequenceNode:
		return "list"
	case yaml3.AliasNode:
		return kindName(n.Alias)
	}
	return "scalar"
}

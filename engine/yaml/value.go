package yaml

import (
	"encoding/base64"
	"strings"

	yaml3 "gopkg.in/yaml.v3"

	"rp/engine/diag"
	"rp/engine/value"
)

// Options say what text becomes.
type Options struct {
	// Templates makes text with {{, {% or {# in it a value.Template, placed.
	// Keys are never templates.
	Templates bool
	// Vault opens the text of a !vault scalar. When nil, such a scalar is an error.
	Vault func(text string, pos diag.Pos) (any, error)
}

// Pair is one entry of a mapping. Its nodes are never aliases.
type Pair struct{ Key, Value *Node }

// Pairs are the entries of the mapping n, merged (<<) ones first. Of those with
// the same key the last has to be taken: a mapping's own entries come after all
// that it merges, and what it merges first comes after what it merges later.
func Pairs(n *Node) []Pair {
	n = Target(n)
	var merged, own []Pair
	for i := 0; i+1 < len(n.Content); i += 2 {
		k, v := Target(n.Content[i]), Target(n.Content[i+1])
		if !isMerge(k) {
			own = append(own, Pair{k, v})
			continue
		}
		sources := mergeSources(v)
		for j := len(sources) - 1; j >= 0; j-- {
			if sources[j].Kind == yaml3.MappingNode {
				merged = append(merged, Pairs(sources[j])...)
			}
		}
	}
	return append(merged, own...)
}

// Target is n, or what n stands for if it is an alias.
func Target(n *Node) *Node {
	for n != nil && n.Kind == yaml3.AliasNode {
		n = n.Alias
	}
	return n
}

func mergeSources(v *Node) []*Node {
	v = Target(v)
	if v.Kind != yaml3.SequenceNode {
		return []*Node{v}
	}
	var out []*Node
	for _, e := range v.Content {
		out = append(out, Target(e))
	}
	return out
}

// HasTemplate reports whether s holds the start of an expression, a statement
// or a comment of Jinja2.
func HasTemplate(s string) bool {
	for i := strings.IndexByte(s, '{'); i >= 0 && i+1 < len(s); {
		switch s[i+1] {
		case '{', '%', '#':
			return true
		}
		next := strings.IndexByte(s[i+1:], '{')
		if next < 0 {
			return false
		}
		i += 1 + next
	}
	return false
}

// Value is n as a value: nil, bool, int64, *big.Int, float64, string, a
// value.Template, a *value.List or a *value.Dict. n comes from a File that
// Parse found nothing wrong with; what rp's tags hold is checked here.
func Value(name string, n *Node, o Options) (any, diag.List) {
	c := constructor{name: name, o: o}
	v := c.value(n)
	return v, c.ds
}

type constructor struct {
	name string
	o    Options
	ds   diag.List
}

func (c *constructor) value(n *Node) any {
	n = Target(n)
	switch n.Kind {
	case yaml3.MappingNode:
		return c.mapping(n)
	case yaml3.SequenceNode:
		return c.sequence(n)
	case yaml3.ScalarNode:
		return c.scalar(n)
	}
	return nil
}

func (c *constructor) mapping(n *Node) any {
	if tag := explicitTag(n); tag != "" && tag != "!!map" && tag != "!!set" && tag != "!!omap" && tag != "!unsafe" {
		c.ds.Errorf(PosOf(c.name, n), "unknown tag %q", tag)
	}
	in := c.inside(n)
	d := value.NewDict()
	for _, p := range Pairs(n) {
		k, _ := resolve(p.Key)
		d.Set(k, in.value(p.Value))
	}
	c.ds = in.ds
	return d
}

func (c *constructor) sequence(n *Node) any {
	if tag := explicitTag(n); tag != "" && tag != "!!seq" && tag != "!!pairs" && tag != "!!omap" && tag != "!unsafe" {
		c.ds.Errorf(PosOf(c.name, n), "unknown tag %q", tag)
	}
	in := c.inside(n)
	l := &value.List{Items: make([]any, 0, len(n.Content))}
	for _, e := range n.Content {
		l.Append(in.value(e))
	}
	c.ds = in.ds
	return l
}

// inside is the constructor for what n holds: below !unsafe nothing is a template.
func (c *constructor) inside(n *Node) *constructor {
	in := *c
	if explicitTag(n) == "!unsafe" {
		in.o.Templates = false
	}
	return &in
}

func (c *constructor) scalar(n *Node) any {
	switch tag := explicitTag(n); tag {
	case "", "!!str", "!!int", "!!float", "!!bool", "!!null", "!!timestamp", "!!merge", "!!value":
	case "!unsafe":
		return n.Value
	case "!vault", "!vault-encrypted":
		return c.vault(n)
	case "!!binary":
		data, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(n.Value), ""))
		if err != nil {
			c.ds.Errorf(PosOf(c.name, n), "cannot decode !!binary: %v", err)
		}
		return string(data)
	default:
		c.ds.Errorf(PosOf(c.name, n), "unknown tag %q", tag).Hintf("the tags known here are !unsafe and !vault; put text that starts with ! in quotes")
		return n.Value
	}
	v, text := resolve(n)
	if tag := explicitTag(n); text && (tag == "!!int" || tag == "!!float" || tag == "!!bool") {
		c.ds.Errorf(PosOf(c.name, n), "%q is no %s", n.Value, strings.TrimPrefix(tag, "!!"))
	}
	if text && c.o.Templates && HasTemplate(n.Value) {
		return value.Template{Source: n.Value, Pos: ContentPos(c.name, n)}
	}
	return v
}

func (c *constructor) vault(n *Node) any {
	pos := PosOf(c.name, n)
	if c.o.Vault == nil {
		c.ds.Errorf(pos, "!vault is not supported yet")
		return nil
	}
	v, err := c.o.Vault(n.Value, pos)
	if err != nil {
		c.ds.Errorf(pos, "cannot open this vaulted value: %v", err)
		return nil
	}
	return v
}

func explicitTag(n *Node) string {
	if n.Style&yaml3.TaggedStyle == 0 {
		return ""
	}
	return n.ShortTag()
}

// Kind tells what a node is, its aliases followed.
type Kind uint8

// The kinds of nodes.
const (
	Scalar Kind = iota
	Mapping
	Sequence
)

// KindOf is what n is, or stands for.
func KindOf(n *Node) Kind {
	switch Target(n).Kind {
	case yaml3.MappingNode:
		return Mapping
	case yaml3.SequenceNode:
		return Sequence
	}
	return Scalar
}

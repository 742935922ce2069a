// Package yaml reads YAML 1.1 as Ansible's loader reads it, keeping the place
// of everything.
//
// [Parse] turns text into nodes (gopkg.in/yaml.v3 does the scanning) and
// reports what is wrong with the text: syntax, duplicate keys, an unquoted
// {{ }}, aliases that expand without bound. [Value] makes a value of a node by
// YAML 1.1's rules: yes and off are booleans, 0644 is octal, 1:30 is
// sexagesimal, << merges. [Load] does both for a file of one document.
// [Pairs] walks a mapping for those who need its keys' places.
//
// What a playbook or an inventory means is not known here. The package imports
// engine/value and engine/diag of rp, and nothing else of it.
package yaml

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"

	yaml3 "gopkg.in/yaml.v3"

	"rp/engine/diag"
)

// Node is a node of a document: a scalar, a sequence, a mapping or an alias.
type Node = yaml3.Node

// File is the documents of one text, each its root node. A document that holds
// nothing at all is not among them.
type File struct {
	Name string
	Docs []*Node
}

// Parse reads data; name is what places are reported under. On a syntax error
// the documents before it are given. A File without errors is safe to walk:
// its aliases have no cycles and a bounded expansion, and its keys are scalars.
func Parse(name string, data []byte) (*File, diag.List) {
	f := &File{Name: name}
	var ds diag.List
	data = plainJSON(data)
	text := newSource(data)
	dec := yaml3.NewDecoder(bytes.NewReader(data))
	for {
		var doc Node
		err := dec.Decode(&doc)
		if errors.Is(err, io.EOF) {
			return f, ds
		}
		if err != nil {
			if mended, ok := mendSlashes(data, err); ok {
				return Parse(name, mended)
			}
			syntaxError(&ds, name, text, data, err)
			return f, ds
		}
		if doc.Kind != yaml3.DocumentNode || len(doc.Content) == 0 {
			continue
		}
		c := checker{name: name, text: text, ds: &ds, size: map[*Node]int{}}
		if c.check(doc.Content[0]) {
			f.Docs = append(f.Docs, doc.Content[0])
		}
	}
}

// plainJSON makes JSON indented with tabs into YAML, which has none. Ansible
// tries JSON before YAML.
func plainJSON(data []byte) []byte {
	start := bytes.TrimLeft(data, " \t\r\n")
	if len(start) == 0 || (start[0] != '{' && start[0] != '[') || !bytes.ContainsRune(data, '\t') || !json.Valid(data) {
		return data
	}
	// A tab inside a JSON string is always written \t, so each raw one is indentation.
	return bytes.ReplaceAll(data, []byte{'\t'}, []byte{' '})
}

// PosOf is where n starts: the opening quote of a quoted scalar, the first
// line of text of a block scalar, the value itself behind a tag or an anchor.
func PosOf(name string, n *Node) diag.Pos {
	if n == nil {
		return diag.Pos{File: name}
	}
	return diag.Pos{File: name, Line: n.Line, Col: n.Column}
}

// ContentPos is where the text of the scalar n starts: behind the opening
// quote of a quoted one, PosOf for every other node.
func ContentPos(name string, n *Node) diag.Pos {
	p := PosOf(name, n)
	if n != nil && n.Kind == yaml3.ScalarNode && n.Style&(yaml3.SingleQuotedStyle|yaml3.DoubleQuotedStyle) != 0 {
		p.Col++
	}
	return p
}

// Load reads the first document of data as a value. An empty text is nil.
func Load(name string, data []byte, o Options) (any, diag.List) {
	f, ds := Parse(name, data)
	if ds.Failed() || len(f.Docs) == 0 {
		return nil, ds
	}
	v, more := Value(name, f.Docs[0], o)
	return v, append(ds, more...)
}

package jinja

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/user"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"

	"rp/engine/diag"
	"rp/engine/value"
)

// corpusCase is one template with the answer of ansible-core 2.19.
type corpusCase struct {
	Category string          `json:"category"`
	Template string          `json:"template"`
	Value    json.RawMessage `json:"value"`
	Type     string          `json:"type"`
	Error    string          `json:"error"`
}

// corpusDiffers are the templates whose answer is another one here, and why.
var corpusDiffers = map[string]string{
	"{{ l.count(3) }}":                      "2.19 counts 0 in a list that it has not templated yet; 2 is right",
	"{{ l | symmetric_difference([3,8]) }}": "the order of a Python set; here the items stand in order of appearance",
}

func TestCorpus(t *testing.T) {
	text, err := os.ReadFile("testdata/expressions.json")
	if err != nil {
		t.Fatal(err)
	}
	var cases []corpusCase
	if err := json.Unmarshal(text, &cases); err != nil {
		t.Fatal(err)
	}
	if len(cases) != 300 {
		t.Fatalf("the corpus has %d cases, not 300", len(cases))
	}
	vars := corpusVars(t)
	for i, c := range cases {
		t.Run(fmt.Sprintf("%s/%d", c.Category, i), func(t *testing.T) {
			got, err := evalString(vars(), c.Template)
			ok := corpusAgrees(t, c, got, err)
			reason, differs := corpusDiffers[c.Template]
			if ok && differs {
				t.Errorf("%s agrees with the corpus: take it off the list (%s)", c.Template, reason)
			}
			if !ok && !differs {
				t.Errorf("%s\n got %s %s, error %v\nwant %s %s, error %q", c.Template, pyType(got), Repr(got), err, c.Type, c.Value, c.Error)
			}
		})
	}
}

func corpusAgrees(t *testing.T, c corpusCase, got any, err error) bool {
	t.Helper()
	if c.Error != "" || err != nil {
		return c.Error != "" && err != nil
	}
	want, decodeErr := value.Decode(c.Value)
	if decodeErr != nil {
		t.Fatal(decodeErr)
	}
	if home, ok := homeDir(); ok && c.Template == "{{ lookup('env', 'HOME') }}" {
		want = home
	}
	return pyType(got) == c.Type && Equal(got, want)
}

func homeDir() (string, bool) {
	home, ok := os.LookupEnv("HOME")
	return home, ok
}

func pyType(v any) string { return strings.ToLower(TypeName(v)) }

// corpusVars gives the corpus's variables anew each time: templates may change them.
func corpusVars(t *testing.T) func() MapVars {
	t.Helper()
	text, err := os.ReadFile("testdata/expressions-vars.yml")
	if err != nil {
		t.Fatal(err)
	}
	return func() MapVars {
		var n yaml.Node
		if err := yaml.Unmarshal(text, &n); err != nil {
			t.Fatal(err)
		}
		d, ok := testValue(n.Content[0]).(*value.Dict)
		if !ok {
			t.Fatal("the corpus's variables are no mapping")
		}
		vars := MapVars{}
		for k, v := range d.All() {
			vars[Str(k)] = v
		}
		return vars
	}
}

// testValue reads YAML for tests: text with Jinja2 in it is a template.
func testValue(n *yaml.Node) any {
	switch n.Kind {
	case yaml.SequenceNode:
		l := &value.List{}
		for _, c := range n.Content {
			l.Append(testValue(c))
		}
		return l
	case yaml.MappingNode:
		d := value.NewDict()
		for i := 0; i+1 < len(n.Content); i += 2 {
			d.Set(testValue(n.Content[i]), testValue(n.Content[i+1]))
		}
		return d
	}
	var v any
	if err := n.Decode(&v); err != nil {
		panic(err)
	}
	if s, ok := v.(string); ok && HasTemplate(s) {
		return value.Template{Source: s, Pos: diag.Pos{File: "vars.yml", Line: n.Line, Col: n.Column}}
	}
	return value.FromGo(v)
}

// testEnv has the lookups that the corpus uses.
var testEnv = &Env{
	Lookup: func(ctx context.Context, name string, terms []any, _ *value.Dict, vars Vars) ([]any, error) {
		var out []any
		for _, term := range terms {
			switch name {
			case "env":
				out = append(out, os.Getenv(Str(term)))
			case "items":
				if l, ok := term.(*value.List); ok {
					out = append(out, l.Items...)
					continue
				}
				out = append(out, term)
			case "file":
				text, err := os.ReadFile(Str(term))
				if err != nil {
					return nil, err
				}
				out = append(out, strings.TrimRight(string(text), "\n"))
			case "vars":
				v, err := Render(ctx, nil, vars, value.Template{Source: "{{ " + Str(term) + " }}"})
				if err != nil {
					return nil, err
				}
				out = append(out, v)
			default:
				return nil, fmt.Errorf("the lookup plugin %q is not found", name)
			}
		}
		return out, nil
	},
}

// evalString evaluates a template as a playbook holds it.
func evalString(vars Vars, src string) (any, error) {
	tmpl, err := Parse(src, diag.Pos{File: "site.yml", Line: 1, Col: 1}, PlaybookOptions())
	if err != nil {
		return nil, err
	}
	return tmpl.Eval(context.Background(), testEnv, vars)
}

func TestExpanduserOfOthers(t *testing.T) {
	u, err := user.Lookup("root")
	if err != nil {
		t.Skip("no user root here")
	}
	got, err := evalString(nil, "{{ '~root/x' | expanduser }}")
	if err != nil || got != u.HomeDir+"/x" {
		t.Errorf("got %v, %v", got, err)
	}
}

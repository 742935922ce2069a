package yaml_test

import (
	"bytes"
	"flag"
	"fmt"
	"math"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"rp/engine/diag"
	"rp/engine/value"
	"rp/engine/yaml"
)

var update = flag.Bool("update", false, "write the golden files anew")

// load reads text that must have nothing wrong with it.
func load(t *testing.T, text string, o yaml.Options) any {
	t.Helper()
	v, ds := yaml.Load("t.yml", []byte(text), o)
	if len(ds) > 0 {
		t.Fatalf("%q: %v", text, ds)
	}
	return v
}

func TestScalars(t *testing.T) {
	huge, _ := new(big.Int).SetString("123456789012345678901234567890", 10)
	for text, want := range map[string]any{
		"yes": true, "On": true, "TRUE": true, "no": false, "off": false, "y": "y", "yEs": "yEs",
		"'yes'": "yes", `"no"`: "no", "!!str yes": "yes", "!!str 012": "012",
		"~": nil, "null": nil, "": nil, "nULL": "nULL",
		"0": int64(0), "-0": int64(0), "0644": int64(420), "0o644": "0o644", "08": "08", "+12": int64(12), "-17": int64(-17),
		"1_000": int64(1000), "0x1F": int64(31), "0b101": int64(5), "0x_": "0x_", "1:30": int64(90), "1:30:00": int64(5400),
		"22:61": "22:61", "0:30": "0:30", "123456789012345678901234567890": huge,
		"1.5": 1.5, ".5": .5, "-.5": "-.5", "1.": 1.0, "1e5": "1e5", "1.0e+5": 100000.0, "1.0e5": "1.0e5", "1:30.5": 90.5,
		"-.inf": math.Inf(-1), "1.2.3": "1.2.3", "!!float 3": 3.0, "!!int 0x10": int64(16),
		"2024-02-29": "2024-02-29", "2024-02-30": "2024-02-30", "2001-12-14t21:59:43.1-05:00": "2001-12-14T21:59:43.100000-05:00",
		"2001-1-2 3:04:05Z": "2001-01-02T03:04:05+00:00", "!!binary aGVs bG8=": "hello", "=": "=", ".": ".",
		"12e03": "12e03", "+.inf": math.Inf(1), "1_0.5": 10.5, "0b": "0b", "190:20:30": int64(685230), "-1:30": int64(-90), "0o17": "0o17", "1__2": int64(12),
	} {
		if got := load(t, "v: "+text, yaml.Options{}); !equal(got, value.DictOf("v", want)) {
			t.Errorf("%s: got %#v, want %#v", text, show(got), want)
		}
	}
}

func equal(a, b any) bool { return show(a) == show(b) }

// show is v as one line that tells every type apart.
func show(v any) string {
	switch v := v.(type) {
	case *value.Dict:
		var parts []string
		for k, e := range v.All() {
			parts = append(parts, show(k)+": "+show(e))
		}
		return "{" + strings.Join(parts, ", ") + "}"
	case *value.List:
		var parts []string
		for _, e := range v.Items {
			parts = append(parts, show(e))
		}
		return "[" + strings.Join(parts, ", ") + "]"
	case value.Template:
		return fmt.Sprintf("template(%q at %d:%d)", v.Source, v.Pos.Line, v.Pos.Col)
	case string:
		return fmt.Sprintf("%q", v)
	case nil:
		return "null"
	}
	return fmt.Sprintf("%T(%v)", v, v)
}

func TestCollections(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"b: 1\na: {x: [yes, no]}", `{"b": int64(1), "a": {"x": [bool(true), bool(false)]}}`},
		{"on: 1\n80: web\n'80': text", `{bool(true): int64(1), int64(80): "web", "80": "text"}`},
		{"x: &x {a: 1, b: 2}\ny: {<<: *x, b: 3}", `{"x": {"a": int64(1), "b": int64(2)}, "y": {"a": int64(1), "b": int64(3)}}`},
		{"x: &x {a: 1}\nz: &z {a: 2, c: 3}\ny:\n  d: 4\n  <<: [*x, *z]", `{"x": {"a": int64(1)}, "z": {"a": int64(2), "c": int64(3)}, "y": {"a": int64(1), "c": int64(3), "d": int64(4)}}`},
		{"- &a [1]\n- *a", `[[int64(1)], [int64(1)]]`},
		{"{\n\t\"a\": [1,\n\t\t\"x\\ty\"]\n}", `{"a": [int64(1), "x\ty"]}`},
		{`{"a": "x\/y", "b": "\\/\/"}`, `{"a": "x/y", "b": "\\//"}`},
		{"a: 1\nb: \"\\/bin\"\nc: \\/", `{"a": int64(1), "b": "/bin", "c": "\\/"}`},
		{"- !!set {a, b}\n- !!omap [a: 1]", `[{"a": null, "b": null}, [{"a": int64(1)}]]`},
		{"a: |-\n  x\n  y\nb: >\n  one\n  two\nc: 'it''s'", `{"a": "x\ny", "b": "one two\n", "c": "it's"}`},
		{"# nothing\n", "null"},
		{"---\na: 1\n---\nb: 2\n", `{"a": int64(1)}`},
		{"\ufeffa: 1\r\nb: 2\r\n", `{"a": int64(1), "b": int64(2)}`},
	} {
		if got := show(load(t, c.text, yaml.Options{})); got != c.want {
			t.Errorf("%q\n got %s\nwant %s", c.text, got, c.want)
		}
	}
}

func TestTemplatesHaveTheirPlace(t *testing.T) {
	text := strings.Join([]string{
		`a: x {{ one }}`,
		`b: "{{ two }}"`,
		`c: |`,
		``,
		`    {% if three %}y{% endif %}`,
		`d: !unsafe "{{ four }}"`,
		`e: &five "{# five #}"`,
		`f: {g: ["{{ six }}", "{ {"]}`,
		`h: !unsafe ["{{ seven }}"]`,
		`"{{ eight }}": plain`,
		`é: "{{ nine }}"`,
	}, "\n")
	want := `{"a": template("x {{ one }}" at 1:4), "b": template("{{ two }}" at 2:5), ` +
		`"c": template("\n{% if three %}y{% endif %}\n" at 4:5), "d": "{{ four }}", ` +
		`"e": template("{# five #}" at 7:11), "f": {"g": [template("{{ six }}" at 8:10), "{ {"]}, ` +
		`"h": ["{{ seven }}"], "{{ eight }}": "plain", "é": template("{{ nine }}" at 11:5)}`
	if got := show(load(t, text, yaml.Options{Templates: true})); got != want {
		t.Errorf("\n got %s\nwant %s", got, want)
	}
	if got := show(load(t, `a: "{{ x }}"`, yaml.Options{})); got != `{"a": "{{ x }}"}` {
		t.Errorf("without Templates: %s", got)
	}
}

func TestVault(t *testing.T) {
	open := func(text string, pos diag.Pos) (any, error) {
		if !strings.HasPrefix(text, "$ANSIBLE_VAULT") {
			return nil, fmt.Errorf("no vault at %v", pos)
		}
		return value.Secret{V: "s"}, nil
	}
	got := load(t, "p: !vault |\n  $ANSIBLE_VAULT;1.1;AES256\n  3361\n", yaml.Options{Vault: open})
	if v, _ := got.(*value.Dict).Get("p"); v != (value.Secret{V: "s"}) {
		t.Errorf("got %v", v)
	}
	if _, ds := yaml.Load("t.yml", []byte("p: !vault |\n  nothing\n"), yaml.Options{Vault: open}); !ds.Failed() {
		t.Error("what cannot be opened is no error")
	}
}

// Each archive holds files; "want" holds what is said of them.
func TestDiagnostics(t *testing.T) {
	archives, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(archives) == 0 {
		t.Fatalf("no golden files: %v", err)
	}
	for _, path := range archives {
		t.Run(filepath.Base(path), func(t *testing.T) {
			a, err := txtar.ParseFile(path)
			if err != nil {
				t.Fatal(err)
			}
			var out bytes.Buffer
			for _, f := range a.Files {
				if f.Name != "want" {
					_, ds := yaml.Load(f.Name, f.Data, yaml.Options{Templates: true})
					ds.Print(&out, false, func(string) ([]byte, error) { return f.Data, nil })
				}
			}
			golden(t, path, a, out.Bytes())
		})
	}
}

func golden(t *testing.T, path string, a *txtar.Archive, got []byte) {
	t.Helper()
	for i := range a.Files {
		if a.Files[i].Name != "want" {
			continue
		}
		if *update {
			a.Files[i].Data = got
			if err := os.WriteFile(path, txtar.Format(a), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if d := cmp.Diff(string(a.Files[i].Data), string(got)); d != "" {
			t.Errorf("diagnostics (-want +got):\n%s", d)
		}
		return
	}
	t.Fatalf("%s has no file want", path)
}

func TestAliasesAreBounded(t *testing.T) {
	bomb := "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
	for i := 1; i < 12; i++ {
		bomb += fmt.Sprintf("a%d: &a%d [%s]\n", i, i, strings.Repeat(fmt.Sprintf("*a%d, ", i-1), 10))
	}
	for _, c := range []struct{ text, want string }{
		{bomb, "expand to more than 1000000 values"},
		{"a: &a [*a]", `the anchor "a" contains itself`},
		{"a: &a\n  <<: *a", `the anchor "a" contains itself`},
	} {
		_, ds := yaml.Load("t.yml", []byte(c.text), yaml.Options{})
		if !ds.Failed() || !strings.Contains(ds.Error(), c.want) {
			t.Errorf("%.30q: got %v, want %q", c.text, ds, c.want)
		}
	}
}

func FuzzLoad(f *testing.F) {
	for _, s := range []string{
		"a: {{ x }}", "a: &a [*a]", "<<: [*a]", "x: &x {a: 1}\ny: {<<: *x}", "- |\n  {{ x }}\n", "!!binary x", "? [a]\n: b",
		"a: !vault |\n  1\n", "{\"a\":\t1}", "a: b: c", "\tx", "a: \"\\/\"", "&a !!str |", "%TAG ! x", "2001-12-14t21:59:43.1-05:00",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		v, ds := yaml.Load("f.yml", data, yaml.Options{Templates: true})
		if v == nil && !ds.Failed() && len(bytes.TrimSpace(data)) > 0 && bytes.HasPrefix(data, []byte("x: 1\n")) {
			t.Errorf("a mapping read as nothing: %q", data)
		}
		for _, d := range ds {
			if d.Pos.File != "f.yml" || d.Pos.Line < 1 {
				t.Errorf("a diagnostic without a place: %v", d)
			}
		}
		ds.Print(&bytes.Buffer{}, false, func(string) ([]byte, error) { return data, nil })
	})
}

func TestPairsMergeInOrder(t *testing.T) {
	f, ds := yaml.Parse("t.yml", []byte("base: &b {x: 1, y: 2}\nthis:\n  z: 3\n  <<: *b\n  y: 4\n"))
	if len(ds) > 0 {
		t.Fatal(ds)
	}
	this := yaml.Pairs(f.Docs[0])[1].Value
	var got []string
	for _, p := range yaml.Pairs(this) {
		got = append(got, fmt.Sprintf("%s=%s@%v", p.Key.Value, p.Value.Value, yaml.PosOf("", p.Key)))
	}
	want := "x=1@:1:11 y=2@:1:17 z=3@:3:3 y=4@:5:3"
	if s := strings.Join(got, " "); s != want {
		t.Errorf("got %s, want %s", s, want)
	}
	if yaml.KindOf(this) != yaml.Mapping || yaml.KindOf(f.Docs[0].Content[0]) != yaml.Scalar {
		t.Error("kinds are mixed up")
	}
}

func TestHasTemplate(t *testing.T) {
	for s, want := range map[string]bool{
		"{{ x }}": true, "a {% if %}": true, "{# c #}": true, "{": false, "a{b{": false, "{ {": false, "{{{": true, "": false, "%}": false, "x{y{{": true,
	} {
		if yaml.HasTemplate(s) != want {
			t.Errorf("%q: got %v", s, !want)
		}
	}
}

func TestDocuments(t *testing.T) {
	f, ds := yaml.Parse("t.yml", []byte("---\na: 1\n...\n---\n- 2\n--- text\n"))
	if len(ds) > 0 || len(f.Docs) != 3 {
		t.Fatalf("%d documents, %v", len(f.Docs), ds)
	}
	f, ds = yaml.Parse("t.yml", []byte("a: 1\n---\nb: [\n"))
	if !ds.Failed() || len(f.Docs) != 1 {
		t.Errorf("before the error stand %d documents, %v", len(f.Docs), ds)
	}
}

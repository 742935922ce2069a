package main

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/cobra"

	"rp/engine"
	"rp/engine/jinja"
	"rp/engine/play"
	"rp/modules"
)

var update = flag.Bool("update", false, "write golden files and the generated pages of docs/ anew (make docs)")

func nonEmpty(text string) []string {
	var out []string
	for l := range strings.Lines(text) {
		if l = strings.TrimSpace(l); l != "" {
			out = append(out, l)
		}
	}
	return out
}

func cutSpace(s string) (before, after string, found bool) { return strings.Cut(s, " ") }

// page compares a page of docs/ with what it is made from.
func page(t *testing.T, name, want string) {
	t.Helper()
	path := filepath.Join("..", "..", "docs", name)
	if *update {
		if err := os.WriteFile(path, []byte(want), 0o644); err != nil { //nolint:gosec // a page for all
			t.Fatal(err)
		}
		return
	}
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(want, string(got)); d != "" {
		t.Errorf("docs/%s is not what rp says (-rp +page); `make docs` writes it anew:\n%s", name, d)
	}
}

func TestCommandsPage(t *testing.T) {
	var b strings.Builder
	b.WriteString("# Commands\n\nWhat `rp help COMMAND` prints, made by `make docs`.\n")
	root := newRoot()
	root.InitDefaultHelpCmd()
	root.InitDefaultCompletionCmd()
	describe(t, &b, root)
	page(t, "commands.md", b.String())
}

func describe(t *testing.T, b *strings.Builder, c *cobra.Command) {
	t.Helper()
	if c.Name() == "help" || c.Hidden || c.HasParent() && c.Parent().Name() == "completion" {
		return
	}
	if c.HasParent() {
		var out bytes.Buffer
		root := newRoot()
		root.SetOut(&out)
		root.SetArgs(append([]string{"help"}, strings.Fields(c.CommandPath())[1:]...))
		if err := root.Execute(); err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(b, "\n## %s\n\n```\n%s\n```\n", c.CommandPath(), strings.TrimSpace(out.String()))
	}
	for _, sub := range c.Commands() {
		describe(t, b, sub)
	}
}

func TestModulesPage(t *testing.T) {
	var b strings.Builder
	if err := modules.Markdown(&b, modules.All()); err != nil {
		t.Fatal(err)
	}
	page(t, "modules.md", b.String())
}

// The table of keywords stands between two marks in a page that is otherwise written by hand.
func TestLanguagePage(t *testing.T) {
	const begin, end = "<!-- keywords: made by `make docs` -->\n", "<!-- end of keywords -->\n"
	text, err := os.ReadFile(filepath.Join("..", "..", "docs", "language.md"))
	if err != nil {
		t.Fatal(err)
	}
	head, rest, ok := strings.Cut(string(text), begin)
	_, tail, ok2 := strings.Cut(rest, end)
	if !ok || !ok2 {
		t.Fatalf("docs/language.md lacks the marks %q and %q", begin, end)
	}
	page(t, "language.md", head+begin+keywordTable()+end+tail)
}

func keywordTable() string {
	var b strings.Builder
	b.WriteString("| keyword | play | role | block | task | handler | |\n|---|---|---|---|---|---|---|\n")
	for _, k := range play.Keywords() {
		fmt.Fprintf(&b, "| %s |", k.Name)
		for _, w := range []play.Where{play.InPlay, play.InRole, play.InBlock, play.InTask, play.InHandler} {
			if k.Where&w != 0 {
				b.WriteString(" ✓ |")
			} else {
				b.WriteString(" |")
			}
		}
		var notes []string
		if k.NotYet {
			notes = append(notes, "**not yet**")
		}
		if k.Inherited {
			notes = append(notes, "inherited")
		}
		if len(k.Choices) > 0 {
			notes = append(notes, strings.Join(k.Choices, ", "))
		}
		if len(k.Later) > 0 {
			notes = append(notes, "not yet: "+strings.Join(k.Later, ", "))
		}
		fmt.Fprintf(&b, " %s |\n", strings.Join(notes, "; "))
	}
	words := func(what string, names []string) { fmt.Fprintf(&b, "\n%s: %s.\n", what, strings.Join(names, ", ")) }
	words("Loops, as `with_NAME`, besides `loop`", engine.LoopNames())
	words("Lookups", engine.LookupNames())
	words("Filters", jinja.FilterNames())
	words("Tests", jinja.TestNames())
	words("Functions", jinja.FunctionNames())
	return b.String()
}

// The playbook of the readme is run by testdata/script/readme.txtar.
func TestReadmePlaybook(t *testing.T) {
	readme, err := os.ReadFile(filepath.Join("..", "..", "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	script, err := os.ReadFile(filepath.Join("testdata", "script", "readme.txtar"))
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(readme), "```yaml\n")
	text, _, ok := strings.Cut(rest, "```\n")
	if !ok || !strings.Contains(string(script), "-- first.yml --\n"+text) {
		t.Errorf("testdata/script/readme.txtar runs another playbook than the readme has:\n%s", text)
	}
}

// Every flag says what it is for, and no two commands have one of the same name with another meaning.
func TestFlagsAreExplained(t *testing.T) {
	for _, c := range newRoot().Commands() {
		if c.Short == "" || strings.HasSuffix(c.Short, ".") {
			t.Errorf("%s: the short help is %q", c.Name(), c.Short)
		}
		if !c.HasExample() && c.Name() != "version" && c.Name() != "history" {
			t.Errorf("%s has no example", c.Name())
		}
	}
}

package engine_test

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"rp/engine"
	"rp/engine/play"
	"rp/inventory"
)

var update = flag.Bool("update", false, "write what the playbooks of testdata give into them")

// TestLanguage runs the playbooks of testdata. The comment of each says what it
// is about; lines of it that begin with "run:" are runs of the playbook one
// after the other, with words:
//
//	check              a dry run
//	tags=X skip=X      --tags, --skip-tags
//	start=X            --start-at-task, underscores for spaces
//	limit=X            --limit
//	force              --force-handlers
//	lost=X             this host cannot be reached
//
// What they give is in the file "want".
func TestLanguage(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatal(err, "no playbooks")
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			t.Parallel()
			golden(t, file)
		})
	}
}

func golden(t *testing.T, file string) {
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	ar := txtar.Parse(text)
	want, rest := "", []txtar.File{}
	for _, f := range ar.Files {
		if f.Name == "want" {
			want = string(f.Data)
			continue
		}
		rest = append(rest, f)
	}
	l := newLab(t, string(txtar.Format(&txtar.Archive{Files: rest})))
	lines := runLines(string(ar.Comment))
	var got bytes.Buffer
	for _, line := range lines {
		if len(lines) > 1 {
			fmt.Fprintf(&got, "$ run %s\n", strings.Join(line, " "))
		}
		l.apply(line)
		c, _, err := l.config()
		if err != nil {
			fmt.Fprintf(&got, "%s\n", strings.ReplaceAll(err.Error(), l.dir, "DIR"))
			continue
		}
		_ = c
		o := l.run()
		got.WriteString(o.text)
		if o.Err != nil {
			fmt.Fprintf(&got, "ERROR %s\n", strings.ReplaceAll(strings.TrimSpace(o.Err.Error()), l.dir, "DIR"))
		}
		if code := o.Code(); code != 0 {
			fmt.Fprintf(&got, "EXIT %d\n", code)
		}
	}
	if got.String() == want {
		return
	}
	if !*update {
		t.Errorf("%s\ngot:\n%s\nwant:\n%s", strings.TrimSpace(string(ar.Comment)), got.String(), want)
		return
	}
	ar.Files = append(rest, txtar.File{Name: "want", Data: got.Bytes()})
	if err := os.WriteFile(file, txtar.Format(ar), 0o644); err != nil {
		t.Fatal(err)
	}
}

// runLines are the runs that a comment asks for: one, where it says nothing.
func runLines(comment string) [][]string {
	var lines [][]string
	for line := range strings.Lines(comment) {
		if words, ok := strings.CutPrefix(line, "run:"); ok {
			lines = append(lines, strings.Fields(words))
		}
	}
	if lines == nil {
		lines = [][]string{nil}
	}
	return lines
}

// apply makes the next run the one that words ask for.
func (l *lab) apply(words []string) {
	l.unreachable = map[string]bool{}
	var only, skip []string
	l.set = func(c *engine.Config) { c.Tags = play.Select(only, skip) }
	for _, w := range words {
		name, arg, _ := strings.Cut(w, "=")
		before := l.set
		switch name {
		case "check":
			l.set = func(c *engine.Config) { before(c); c.Check = true }
		case "force":
			l.set = func(c *engine.Config) { before(c); c.Force = true }
		case "start":
			l.set = func(c *engine.Config) { before(c); c.StartAt = strings.ReplaceAll(arg, "_", " ") }
		case "limit":
			l.set = func(c *engine.Config) { before(c); c.Limit, _ = inventory.ParseLimit(arg); c.LimitText = arg }
		case "tags":
			only = strings.Split(arg, ",")
		case "skip":
			skip = strings.Split(arg, ",")
		case "lost":
			l.unreachable[arg] = true
		default:
			l.t.Fatalf("there is no word %q for a run", w)
		}
	}
}

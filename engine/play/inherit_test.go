package play_test

import (
	"fmt"
	"strings"
	"testing"

	"rp/engine/play"
)

const nested = `
-- play.yml --
- hosts: all
  become: yes
  become_user: play
  vars: {level: play}
  environment: {A: play, B: play}
  tags: [p]
  tasks:
    - block:
        - block:
            - command: inner
              become_user: task
              vars: {level: task}
              environment: {C: task}
              when: three
              tags: [t, p]
          when: two
          vars: {level: inner}
          no_log: true
      when: one
      vars: {level: outer}
      become_user: block
      notify: [block]
      tags: [b, "{{ late }}"]
    - command: plain
    - import_tasks: more.yml
      vars: {level: import}
      become: no
      when: imported
      tags: i
    - include_tasks: more.yml
      vars: {level: include, more: 1}
      when: included
      tags: n
    - include_tasks:
        file: more.yml
        apply: {become: no, tags: applied, when: applied, vars: {level: apply}}
  handlers:
    - name: block
      command: handler
-- more.yml --
- command: more
  vars: {own: 1}
`

func TestWhatATaskInherits(t *testing.T) {
	l, pb := load(t, nested)
	ts := tasks(pb)
	for _, task := range ts[3:] {
		inc, ds := l.LoadTasks(task, "more.yml", nil)
		if len(ds) > 0 {
			t.Fatal(ds)
		}
		for in := range inc.Block.All() {
			ts = append(ts, in)
		}
	}
	for i, want := range []string{
		"become=true become_user=task no_log=true when=[one two three] tags=[p b t] late=1 notify=[block] env=[{A: \"play\", B: \"play\"} {C: \"task\"}] vars=outer,inner,task",
		"become=true become_user=play no_log=- when=[] tags=[p] late=0 notify=[] env=[{A: \"play\", B: \"play\"}] vars=",
		"become=false become_user=play no_log=- when=[imported] tags=[p i] late=0 notify=[] env=[{A: \"play\", B: \"play\"}] vars=import,-",
		"become=true become_user=play no_log=- when=[included] tags=[p n] late=0 notify=[] env=[{A: \"play\", B: \"play\"}] vars=include!",
		"become=true become_user=play no_log=- when=[] tags=[p] late=0 notify=[] env=[{A: \"play\", B: \"play\"}] vars=",
		// What was included: of the include's own keywords only its variables reach it.
		"become=true become_user=play no_log=- when=[] tags=[p] late=0 notify=[] env=[{A: \"play\", B: \"play\"}] vars=include!,-",
		"become=false become_user=play no_log=- when=[applied] tags=[p applied] late=0 notify=[] env=[{A: \"play\", B: \"play\"}] vars=apply!,-",
	} {
		if got := effective(ts[i]); got != want {
			t.Errorf("task %d\n got %s\nwant %s", i, got, want)
		}
	}
}

func effective(t *play.Task) string {
	get := func(name string) string {
		if s, ok := t.Effective(name); ok {
			return show(s.Value)
		}
		return "-"
	}
	var when, env, vars []string
	for _, c := range t.AllWhen() {
		when = append(when, fmt.Sprint(c.Source))
	}
	for _, e := range t.AllEnvironment() {
		env = append(env, show(e))
	}
	for _, l := range t.VarLevels() {
		v, ok := l.Vars.Get("level")
		if !ok {
			v = "-"
		}
		mark := ""
		if l.Params {
			mark = "!"
		}
		vars = append(vars, fmt.Sprint(v, mark))
	}
	return fmt.Sprintf("become=%s become_user=%s no_log=%s when=%v tags=%v late=%d notify=%v env=%v vars=%s",
		get("become"), strings.Trim(get("become_user"), `"`), get("no_log"), when, t.AllTags(), len(t.AllLateTags()), t.AllNotify(), env, strings.Join(vars, ","))
}

func TestSelection(t *testing.T) {
	for _, c := range []struct{ tags, only, skip, want string }{
		{"", "", "", "runs"},
		{"a", "", "", "runs"},
		{"never", "", "", ""},
		{"never a", "", "", ""},
		{"never a", "a", "", "runs"},
		{"never", "never", "", "runs"},
		{"always never", "", "", "runs"},
		{"", "a", "", ""},
		{"b", "a", "", ""},
		{"b a", "a", "", "runs"},
		{"always", "a", "", "runs"},
		{"a", "tagged", "", "runs"},
		{"", "tagged", "", ""},
		{"never a", "tagged", "", ""},
		{"", "untagged", "", "runs"},
		{"a", "untagged", "", ""},
		{"always", "untagged", "", "runs"},
		{"a", "", "a", ""},
		{"b", "", "a", "runs"},
		{"a b", "b", "a", ""},
		{"always", "", "always", ""},
		{"always", "", "all", "runs"},
		{"always", "", "all always", ""},
		{"a", "", "all", ""},
		{"a", "", "tagged", ""},
		{"", "", "tagged", "runs"},
		{"", "", "untagged", ""},
		{"a", "all", "", "runs"},
	} {
		s := play.Select(strings.Fields(c.only), strings.Fields(c.skip))
		if got := s.Takes(strings.Fields(c.tags)); got != (c.want == "runs") {
			t.Errorf("tags [%s] with --tags [%s] --skip-tags [%s]: runs=%v", c.tags, c.only, c.skip, got)
		}
	}
}

func TestTaskTags(t *testing.T) {
	_, pb := load(t, nested)
	if got := strings.Join(pb.Plays[0].TaskTags(), " "); got != "b i n p t" {
		t.Errorf("got %q", got)
	}
}

package engine_test

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"rp/engine"
	"rp/engine/report"
)

// TestFatalWhileOthersAreAhead: b has read far ahead when a fails; nothing of that is told or written.
func TestFatalWhileOthersAreAhead(t *testing.T) {
	lines := []string{
		`{look: {` + hostArgs + `, name: t0}, name: t0}`,
		`{look: {` + hostArgs + `, name: t1, gate: "{{ 'a' if inventory_hostname == 'a' else '' }}", fail: "{{ inventory_hostname == 'a' }}"}, any_errors_fatal: true, name: t1}`,
	}
	for i := 2; i < 8; i++ {
		lines = append(lines, fmt.Sprintf(`{look: {%s, name: t%d}, name: t%d}`, hostArgs, i, i))
	}
	lines = append(lines, `{write: {`+hostArgs+`, name: w, path: "{{ here }}/x", text: x}}`)
	l := newLab(t, "-- hosts --\na\nb\n"+tasks(lines...))
	g := &gates{}
	l.script(g)
	done := make(chan outcome)
	go func() { done <- l.run() }()
	l.until("look b t7")
	g.open("a")
	o := <-done
	l.never("wrote b w")
	for _, e := range o.events {
		if e.Type == report.Result && e.Task > "t1" {
			t.Errorf("%s of %s is told", e.Task, e.Host)
		}
	}
	if s := *o.Stats["b"]; s.OK != 2 || s.Failed != 0 || o.Code() != engine.ExitFailed {
		t.Errorf("%+v %d", s, o.Code())
	}
}

// TestOneFork: with one host at work at a time nobody waits for ever.
func TestOneFork(t *testing.T) {
	l := newLab(t, "-- hosts --\na\nb\nc\n"+tasks(
		`{act: {`+hostArgs+`, name: all}}`,
		`{act: {`+hostArgs+`, name: once}, run_once: true}`,
		`{write: {`+hostArgs+`, name: w, path: "{{ here }}/x", text: x}}`,
		`{look: {`+hostArgs+`, name: there}, delegate_to: c}`,
		`{look: {`+hostArgs+`, name: "{{ hostvars.a.inventory_hostname }}"}}`,
		`{block: [{act: {`+hostArgs+`, name: x, fail: "{{ inventory_hostname == 'b' }}"}}], rescue: [{look: {`+hostArgs+`, name: r}}]}`,
		`{write: {`+hostArgs+`, name: v, path: "{{ here }}/y", text: x}}`,
	))
	l.script(&gates{})
	l.set = func(c *engine.Config) { c.Forks = 1 }
	o := l.run()
	for h, want := range map[string]report.Stats{"a": {OK: 7, Changed: 2}, "b": {OK: 6, Changed: 2, Rescued: 1}, "c": {OK: 6, Changed: 2}} {
		if got := *o.Stats[h]; got != want {
			t.Errorf("%s: %+v and not %+v", h, got, want)
		}
	}
}

// TestRunOnceWithoutTheFirstHost: the first host that comes by runs it.
func TestRunOnceWithoutTheFirstHost(t *testing.T) {
	l := newLab(t, "-- hosts --\na\nb\nc\n"+tasks(
		`{block: [{look: {`+hostArgs+`, name: fails, fail: "{{ inventory_hostname == 'a' }}"}}, {look: {`+hostArgs+`, name: once, value: "{{ inventory_hostname }}"}, run_once: true, register: r}], rescue: [{look: {`+hostArgs+`, name: rescue}}]}`,
		`{look: {`+hostArgs+`, name: "{{ r.value | default('none') }}"}}`,
	))
	l.script(&gates{})
	o := l.run()
	l.order("look b once", "look b b")
	l.order("look a rescue", "look a none")
	l.never("look c once")
	if o.Stats["c"].OK != 2 {
		t.Errorf("%+v\n%s", o.Stats["c"], o.text)
	}
}

// TestHostvarsInAFile: a template that turns out to use another host's variables waits for that host.
func TestHostvarsInAFile(t *testing.T) {
	l := newLab(t, "-- hosts --\na\nb\n-- page.j2 --\n{% for h in groups.all %}{{ hostvars[h].r.value }} {% endfor %}\n"+tasks(
		`{look: {`+hostArgs+`, name: x, value: "{{ inventory_hostname }}", delay: "{{ 0.05 if inventory_hostname == 'b' else 0 }}"}, register: r}`,
		`{template: {src: page.j2, dest: "{{ here }}/page"}}`,
		`{set_fact: {indirect: "{{ other }}"}, vars: {other: "{{ hostvars.b.r.value }}"}}`,
		`{look: {`+hostArgs+`, name: "{{ indirect }}"}}`,
	))
	l.script(&gates{})
	o := l.run()
	for _, h := range []string{"a", "b"} {
		if got := l.read(l.on(h, "page")); got != "a b \n" {
			t.Errorf("%s has %q\n%s", h, got, o.text)
		}
		l.order("look "+h+" x", "look "+h+" b")
	}
}

// TestOneRunTwoHelpersOneMachine: the controller's own helper and a host's share the lock of the machine they are on.
func TestOneRunTwoHelpersOneMachine(t *testing.T) {
	l := newLab(t, "-- hosts --\na\nb\n"+tasks(
		`{copy: {content: "x {{ inventory_hostname }}\n", dest: "{{ here }}/f"}}`,
		`{fetch: {src: "{{ here }}/f", dest: "{{ lab }}/fetched/{{ inventory_hostname }}", flat: true}}`,
		`{file: {path: "{{ here }}/f", mode: "0600"}}`,
	))
	l.lock = "@rp.test.shared" + l.dir
	o := l.run()
	if o.Code() != 0 {
		t.Fatal(o.text)
	}
	for _, h := range []string{"a", "b"} {
		if got := l.read(l.dir + "/fetched/" + h); got != "x "+h+"\n" {
			t.Errorf("%s: %q", h, got)
		}
	}
}

// TestAnotherRunHoldsTheLock: the task that would write fails and says who is there; what only reads does not.
func TestAnotherRunHoldsTheLock(t *testing.T) {
	l := newLab(t, tasks(
		`{file: {path: "{{ here }}/x", state: directory}}`,
		`{look: {`+hostArgs+`, name: waits, gate: a}}`,
	))
	g := &gates{}
	l.script(g)
	done := make(chan outcome)
	go func() { done <- l.run() }()
	l.until("look a waits")
	l.write(l.dir+"/play.yml", strings.TrimPrefix(tasks(`stat: {path: "{{ here }}"}`, `file: {path: "{{ here }}/y", state: directory}`), "-- play.yml --\n"))
	o := l.run()
	if s := o.Stats["a"]; s.OK != 1 || s.Failed != 1 || !strings.Contains(o.text, "started by tester, is writing to it since") {
		t.Errorf("%s", o.text)
	}
	g.open("a")
	<-done
	if o := l.run(); o.Code() != 0 {
		t.Errorf("the lock is still held:\n%s", o.text)
	}
}

// TestSecretsAreMasked: what a module's argument says is secret is given to the mask.
func TestSecretsAreMasked(t *testing.T) {
	var masked []string
	l := newLab(t, "-- hosts --\na ansible_become_password=become-secret\n"+tasks(`{stat: {path: "{{ here }}"}, become: true, become_user: "{{ lookup('pipe', 'id -un') }}"}`))
	l.set = func(c *engine.Config) { c.Mask = func(s string) { masked = append(masked, s) } }
	o := l.run()
	if o.Code() != 0 || !strings.Contains(strings.Join(masked, " "), "become-secret") {
		t.Errorf("masked %q\n%s", masked, o.text)
	}
	for _, as := range o.As["a"] {
		if as.Password != "" {
			t.Error("the summary has a password")
		}
	}
}

// TestLargeFile: a large content goes to the host in pieces, once, and only when it has to.
func TestLargeFile(t *testing.T) {
	l := newLab(t, tasks(`copy: {src: big, dest: "{{ here }}/big"}`))
	text := strings.Repeat("0123456789", 500_000)
	l.write(l.dir+"/files/big", text)
	first := l.run()
	if got := l.read(l.on("a", "big")); got != text {
		t.Fatalf("%d bytes\n%s", len(got), first.text)
	}
	second := l.run()
	if s := second.Stats["a"]; s.Changed != 0 || s.OK != 1 {
		t.Errorf("%s", second.text)
	}
	if p := second.Profile.Hosts["a"]; p.Sent > 100_000 {
		t.Errorf("%d bytes were sent again", p.Sent)
	}
}

// TestTimes: what a host says of how long a task took is told.
func TestTimes(t *testing.T) {
	l := newLab(t, tasks(`{look: {`+hostArgs+`, name: x, delay: 0.03}}`))
	l.script(&gates{})
	for _, e := range l.run().events {
		if e.Type == report.Result && e.Took < 20*time.Millisecond {
			t.Errorf("it took %s", e.Took)
		}
	}
}

// TestManyHosts: fifty hosts go through a hundred tasks in step.
func TestManyHosts(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes some time")
	}
	var lines []string
	for i := range 100 {
		lines = append(lines, fmt.Sprintf(`{look: {%s, name: t%d}}`, hostArgs, i))
	}
	l := newLab(t, "-- hosts --\nh[1:50]\n"+tasks(lines...))
	l.script(&gates{})
	o := l.run()
	for h, s := range o.Stats {
		if s.OK != 100 {
			t.Errorf("%s: %+v", h, *s)
		}
	}
	if _, err := os.Stat(l.on("h1", ".journal")); err == nil {
		t.Error("there is a journal of nothing")
	}
}

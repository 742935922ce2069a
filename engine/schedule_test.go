package engine_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"rp/engine"
	"rp/engine/report"
)

// hostArgs are the arguments that each task of the made playbooks has.
const hostArgs = `host: "{{ inventory_hostname }}"`

// tasks makes a playbook of one play.
func tasks(lines ...string) string {
	return "-- play.yml --\n- hosts: all\n  gather_facts: false\n  tasks:\n    - " + strings.Join(lines, "\n    - ") + "\n"
}

// TestRoundTrips holds that what a run costs does not grow with the number of
// its independent tasks, and grows by one with each task that uses the result
// of the one before it.
func TestRoundTrips(t *testing.T) {
	const constant = 2 // the helper's start, and the end of what was sent ahead
	for _, chain := range []int{0, 3, 10} {
		for _, independent := range []int{10, 100, 1000} {
			t.Run(fmt.Sprintf("%d tasks and a chain of %d", independent, chain), func(t *testing.T) {
				var lines []string
				for i := range independent {
					lines = append(lines, fmt.Sprintf("look: {%s, name: t%d}", hostArgs, i))
				}
				for i := range chain {
					line := fmt.Sprintf("{look: {%s, name: c%d, value: \"{{ r%d.value | default('') }}x\"}, register: r%d}", hostArgs, i, i-1, i)
					lines = append(lines, strings.Replace(line, "r-1.value", "none", 1))
				}
				l := newLab(t, tasks(lines...))
				l.script(&gates{})
				o := l.run()
				if got := o.Stats["a"].OK; got != independent+chain {
					t.Fatalf("%d tasks were ok, and not %d", got, independent+chain)
				}
				want := constant + max(chain-1, 0)
				if got := o.Profile.Hosts["a"].RoundTrips; got != want {
					t.Errorf("%d round trips, and not %d", got, want)
				}
			})
		}
	}
}

// TestRoundTripsOfRealTasks holds the same for rp's own modules that change nothing, on two hosts.
func TestRoundTripsOfRealTasks(t *testing.T) {
	var lines []string
	for i := range 50 {
		lines = append(lines, fmt.Sprintf("file: {path: '{{ here }}/f%d', state: directory}", i), "stat: {path: '{{ here }}'}", "debug: {msg: '{{ inventory_hostname }}'}")
	}
	l := newLab(t, "-- hosts --\na\nb\n"+tasks(lines...))
	l.script(&gates{})
	first, second := l.run(), l.run()
	if first.Stats["a"].Changed != 50 || second.Stats["b"].Changed != 0 || second.Stats["b"].OK != 150 {
		t.Fatalf("%+v %+v", first.Stats["a"], second.Stats["b"])
	}
	for _, host := range []string{"a", "b"} {
		if got := second.Profile.Hosts[host].RoundTrips; got > 3 {
			t.Errorf("%s: %d round trips for a run that changes nothing", host, got)
		}
	}
}

// order fails the test unless the notes are in this order.
func (l *lab) order(notes ...string) {
	l.t.Helper()
	log, at := l.noted(), -1
	for _, n := range notes {
		i := slices.Index(log, n)
		if i < 0 || i <= at {
			l.t.Fatalf("%q is not where it belongs (%q) in\n%s", n, notes, strings.Join(log, "\n"))
		}
		at = i
	}
}

func (l *lab) never(note string) {
	l.t.Helper()
	if log := l.noted(); slices.Contains(log, note) {
		l.t.Fatalf("%q is in\n%s", note, strings.Join(log, "\n"))
	}
}

// TestReadsGoAheadAndWritesWait: host b reads its later tasks while a is still at
// its first one, and writes none of them.
func TestReadsGoAheadAndWritesWait(t *testing.T) {
	l := newLab(t, "-- hosts --\na\nb\n"+tasks(
		`{look: {`+hostArgs+`, name: first, gate: "{{ 'a' if inventory_hostname == 'a' else '' }}"}}`,
		`{write: {`+hostArgs+`, name: second, path: "{{ here }}/second", text: x}}`,
		`{look: {`+hostArgs+`, name: third}}`,
	))
	g := &gates{}
	l.script(g)
	done := make(chan outcome)
	go func() { done <- l.run() }()
	l.until("read b second")
	time.Sleep(50 * time.Millisecond)
	l.never("wrote b second")
	g.open("a")
	o := <-done
	l.order("look a first", "wrote b second")
	if s := o.Stats["b"]; s.Changed != 1 || s.OK != 3 {
		t.Errorf("%+v", s)
	}
}

// until waits for a note.
func (l *lab) until(note string) {
	l.t.Helper()
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(time.Millisecond) {
		if slices.Contains(l.noted(), note) {
			return
		}
	}
	l.t.Fatalf("%q never came:\n%s", note, strings.Join(l.noted(), "\n"))
}

// TestWriteWaitsForVerdict: the helper's own answer is not the verdict where
// failed_when has a say, so what was sent ahead is not written before.
func TestWriteWaitsForVerdict(t *testing.T) {
	l := newLab(t, tasks(
		`{look: {`+hostArgs+`, name: judged, value: bad}, register: r, failed_when: r.value == 'bad'}`,
		`{write: {`+hostArgs+`, name: after, path: "{{ here }}/x", text: x}}`,
	))
	l.script(&gates{})
	o := l.run()
	l.never("wrote a after")
	if o.Code() != engine.ExitFailed || o.Stats["a"].Failed != 1 {
		t.Errorf("%d %+v", o.Code(), o.Stats["a"])
	}
	if got := l.read(l.on("a", "x")); got == "x" {
		t.Error("it was written all the same")
	}
}

// TestBarriers: what is not local begins on all hosts together.
func TestBarriers(t *testing.T) {
	for _, task := range []string{
		`{act: {` + hostArgs + `, name: act}}`,
		`{look: {` + hostArgs + `, name: act, value: "{{ hostvars.a.inventory_hostname }}"}}`,
		`{look: {` + hostArgs + `, name: act}, register: r, until: r is success}`,
		`{look: {` + hostArgs + `, name: act}, delegate_to: a}`,
	} {
		t.Run(task, func(t *testing.T) {
			l := newLab(t, "-- hosts --\na\nb\n"+tasks(
				`{look: {`+hostArgs+`, name: first, gate: "{{ 'a' if inventory_hostname == 'a' else '' }}"}}`, task))
			g := &gates{}
			l.script(g)
			done := make(chan outcome)
			go func() { done <- l.run() }()
			l.until("look b first")
			time.Sleep(30 * time.Millisecond)
			kind := strings.TrimPrefix(task[:strings.Index(task, ":")], "{")
			l.never(kind + " b act")
			g.open("a")
			if o := <-done; o.Stats["b"].OK != 2 {
				t.Errorf("%+v", o.Stats["b"])
			}
			l.order("look a first", kind+" b act")
		})
	}
}

// TestFreeHasNoBarriers: with strategy free nobody waits.
func TestFreeHasNoBarriers(t *testing.T) {
	l := newLab(t, "-- hosts --\na\nb\n"+strings.Replace(tasks(
		`{act: {`+hostArgs+`, name: first, gate: "{{ 'a' if inventory_hostname == 'a' else '' }}"}}`,
		`{write: {`+hostArgs+`, name: second, path: "{{ here }}/x", text: x}}`,
	), "gather_facts: false", "gather_facts: false\n  strategy: free", 1))
	g := &gates{}
	l.script(g)
	done := make(chan outcome)
	go func() { done <- l.run() }()
	l.until("wrote b second")
	g.open("a")
	<-done
	l.order("wrote b second", "end a first")
}

// TestVerdictsInTaskOrder: results are told in the order of the tasks whatever host comes first.
func TestVerdictsInTaskOrder(t *testing.T) {
	var lines []string
	for i := range 20 {
		lines = append(lines, fmt.Sprintf("{look: {%s, name: t%d, delay: \"{{ 0.002 if inventory_hostname == 'a' else 0 }}\"}, name: t%02d}", hostArgs, i, i))
	}
	l := newLab(t, "-- hosts --\na\nb\nc\n"+tasks(lines...))
	l.script(&gates{})
	at := ""
	for _, e := range l.run().events {
		if e.Type == report.Result {
			if e.Task < at {
				t.Fatalf("%s of %s came after %s", e.Task, e.Host, at)
			}
			at = e.Task
		}
	}
	if at != "t19" {
		t.Errorf("the last task told of is %q", at)
	}
}

// TestResume: what was sent ahead of a failure that is ignored was forgotten by the host, and is sent again.
func TestResume(t *testing.T) {
	lines := []string{`{look: {` + hostArgs + `, name: fails, fail: true}, ignore_errors: true}`}
	for i := range 10 {
		lines = append(lines, fmt.Sprintf("{write: {%s, name: t%d, path: '{{ here }}/t%d', text: x}}", hostArgs, i, i))
	}
	l := newLab(t, tasks(lines...))
	l.script(&gates{})
	o := l.run()
	if s := *o.Stats["a"]; s.Changed != 10 || s.Ignored != 1 || s.OK != 11 {
		t.Errorf("%+v", s)
	}
	count := 0
	for _, n := range l.noted() {
		if strings.HasPrefix(n, "wrote ") {
			count++
		}
	}
	if count != 10 {
		t.Errorf("%d writes:\n%s", count, strings.Join(l.noted(), "\n"))
	}
}

// TestLoopGoesOnAfterAFailedItem, also where items are run one by one.
func TestLoopGoesOnAfterAFailedItem(t *testing.T) {
	for _, extra := range []string{"", ", delegate_to: b", ", retries: 0, until: true", ", loop_control: {pause: 0}"} {
		l := newLab(t, "-- hosts --\na\n[other]\nb\n"+strings.Replace(tasks(
			`{look: {`+hostArgs+`, name: "{{ item }}", fail: "{{ item == 2 }}"}, loop: [1, 2, 3], ignore_errors: true`+extra+`}`,
			`{look: {`+hostArgs+`, name: after}}`), "hosts: all", "hosts: a", 1))
		l.script(&gates{})
		o := l.run()
		if s := *o.Stats["a"]; s.OK != 2 || s.Ignored != 1 {
			t.Errorf("%s: %+v\n%s", extra, s, o.text)
		}
		l.order("look a 1", "look a 2", "look a 3", "look a after")
	}
}

// TestForks: no more hosts are at work at once than forks say, and none starves.
func TestForks(t *testing.T) {
	l := newLab(t, "-- hosts --\nh[1:12]\n"+tasks(
		`{act: {`+hostArgs+`, name: one, delay: 0.005}}`, `{write: {`+hostArgs+`, name: w, path: "{{ here }}/x", text: x}}`, `{act: {`+hostArgs+`, name: two}}`))
	l.script(&gates{})
	l.set = func(c *engine.Config) { c.Forks = 2 }
	o := l.run()
	if len(o.Stats) != 12 {
		t.Errorf("%d hosts", len(o.Stats))
	}
	for h, s := range o.Stats {
		if s.OK != 3 || s.Changed != 1 {
			t.Errorf("%s: %+v", h, *s)
		}
	}
	running, most := 0, 0
	for _, n := range l.noted() {
		switch {
		case strings.HasPrefix(n, "act ") && strings.HasSuffix(n, " one"):
			running++
		case strings.HasPrefix(n, "end ") && strings.HasSuffix(n, " one"):
			running--
		}
		most = max(most, running)
	}
	if most > 2 {
		t.Errorf("%d hosts were at work at once", most)
	}
}

// TestInterrupt: after the stop channel is closed, the task under way is finished and told, and no other is begun.
func TestInterrupt(t *testing.T) {
	l := newLab(t, "-- hosts --\na\nb\n"+tasks(
		`{write: {`+hostArgs+`, name: first, path: "{{ here }}/first", text: x, gate: "{{ 'a' if inventory_hostname == 'a' else '' }}"}}`,
		`{write: {`+hostArgs+`, name: second, path: "{{ here }}/second", text: x}}`,
		`{act: {`+hostArgs+`, name: third}}`,
	))
	g := &gates{}
	l.script(g)
	l.stop = make(chan struct{})
	done := make(chan outcome)
	go func() { done <- l.run() }()
	l.until("wrote a first")
	close(l.stop)
	time.Sleep(20 * time.Millisecond)
	g.open("a")
	o := <-done
	if !o.Interrupted || o.Code() != engine.ExitInterrupted {
		t.Errorf("interrupted=%v code=%d", o.Interrupted, o.Code())
	}
	for _, n := range []string{"wrote a second", "wrote b second", "act a third", "act b third"} {
		l.never(n)
	}
	if o.Stats["a"].Changed != 1 || l.read(l.on("a", "first")) != "x" {
		t.Errorf("what was under way was not finished: %+v\n%s", o.Stats["a"], o.text)
	}
	l.ended()
}

// TestInterruptWhileWaiting: neither a task that is tried again nor a pause is waited for.
func TestInterruptWhileWaiting(t *testing.T) {
	for name, task := range map[string]string{
		"until": `{look: {` + hostArgs + `, name: x, fail: true}, retries: 100, delay: 30}`,
		"pause": `{pause: {seconds: 60}}`,
	} {
		t.Run(name, func(t *testing.T) {
			l := newLab(t, tasks(`{look: {`+hostArgs+`, name: start}}`, task, `{look: {`+hostArgs+`, name: never}}`))
			l.script(&gates{})
			l.stop = make(chan struct{})
			done := make(chan outcome)
			go func() { done <- l.run() }()
			l.until("look a start")
			time.Sleep(50 * time.Millisecond)
			close(l.stop)
			select {
			case o := <-done:
				if o.Code() != engine.ExitInterrupted {
					t.Errorf("code %d", o.Code())
				}
				l.never("look a never")
			case <-time.After(10 * time.Second):
				t.Fatal("it is still waited for")
			}
		})
	}
}

// ended fails the test unless all helpers have ended.
func (l *lab) ended() {
	l.t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	for host, ks := range l.links {
		for _, k := range ks {
			select {
			case <-k.ended:
			case <-time.After(5 * time.Second):
				l.t.Errorf("the helper of %s is still there", host)
			}
		}
	}
}

// TestHardStop: when the context ends nothing is waited for.
func TestHardStop(t *testing.T) {
	l := newLab(t, tasks(`{act: {`+hostArgs+`, name: long, gate: never}}`))
	g := &gates{}
	l.script(g)
	ctx, cancel := context.WithCancel(t.Context())
	l.ctx = ctx
	done := make(chan outcome)
	go func() { done <- l.run() }()
	l.until("act a long")
	cancel()
	select {
	case o := <-done:
		if !o.Interrupted {
			t.Error("the run does not say that it was interrupted")
		}
	case <-time.After(20 * time.Second):
		t.Fatal("the run goes on")
	}
	g.open("never")
}

// TestLostHelper: a host whose helper dies is unreachable from there on, with what was done told; the others go on.
func TestLostHelper(t *testing.T) {
	l := newLab(t, "-- hosts --\na\nb\n"+tasks(
		`{write: {`+hostArgs+`, name: first, path: "{{ here }}/x", text: x}}`,
		`{act: {`+hostArgs+`, name: dies, gate: "{{ 'a' if inventory_hostname == 'a' else '' }}"}}`,
		`{act: {`+hostArgs+`, name: last}}`,
	))
	g := &gates{}
	l.script(g)
	done := make(chan outcome)
	go func() { done <- l.run() }()
	l.until("act a dies")
	l.mu.Lock()
	k := l.links["a"][0]
	l.mu.Unlock()
	k.cut()
	o := <-done
	if a, b := *o.Stats["a"], *o.Stats["b"]; a.Unreachable != 1 || a.Changed != 1 || b.OK != 3 {
		t.Errorf("a %+v b %+v\n%s", a, b, o.text)
	}
	if o.Code() != engine.ExitUnreachable {
		t.Errorf("code %d", o.Code())
	}
	l.never("act a last")
	g.open("a")
}

// TestIgnoreUnreachable: the host is tried again with the next task.
func TestIgnoreUnreachable(t *testing.T) {
	l := newLab(t, tasks(`{look: {`+hostArgs+`, name: one}, ignore_unreachable: true}`, `{look: {`+hostArgs+`, name: two}, ignore_unreachable: true, name: "{{ now() }}"}`))
	l.script(&gates{})
	l.unreachable["a"] = true
	o := l.run()
	if s := *o.Stats["a"]; s.Unreachable != 2 {
		t.Errorf("%+v\n%s", s, o.text)
	}
}

// TestPanickingModule: it fails the task, and the helper goes on.
func TestPanickingModule(t *testing.T) {
	l := newLab(t, tasks(`{look: {`+hostArgs+`, name: bad, panic: true}, ignore_errors: true}`, `{look: {`+hostArgs+`, name: good}}`))
	l.script(&gates{})
	o := l.run()
	if !strings.Contains(o.text, "module look broke off: as told") || o.Stats["a"].OK != 2 {
		t.Errorf("%s", o.text)
	}
}

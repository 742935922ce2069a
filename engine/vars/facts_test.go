package vars

import (
	"context"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"rp/engine/value"
)

func TestFacts(t *testing.T) {
	st, inv := store(t, "w1 ansible_user=bob\n", Run{})
	h := inv.Host("w1")
	st.Update(h, func(s *State) *State {
		s = s.WithFacts(value.DictOf("ansible_distribution", "Debian", "ansible_local", value.DictOf("x", "y"), "ansible_user", "evil", "services", int64(1), "ansible_python_interpreter", "evil", "ansible_ssh_host_key_rsa_public", "k"))
		s = s.WithFacts(value.DictOf("ansible_distribution_version", "12"))
		return s.WithSet(value.DictOf("mine", int64(1)), true).WithSet(value.DictOf("notmine", int64(2)), false)
	})
	s := st.Scope(h, nil)
	wantVar(t, s, "ansible_distribution", "Debian")
	wantVar(t, s, "services", int64(1))
	wantVar(t, s, "ansible_user", "bob")
	wantVar(t, s, "ansible_python_interpreter", "(not set)")
	wantVar(t, s, "ansible_ssh_host_key_rsa_public", "k")
	wantVar(t, s, "ansible_facts", map[string]any{
		"distribution": "Debian", "distribution_version": "12", "ansible_local": map[string]any{"x": "y"}, "user": "evil", "services": int64(1),
		"python_interpreter": "evil", "ssh_host_key_rsa_public": "k", "mine": int64(1),
	})
	st.Update(h, (*State).WithoutFacts)
	s = st.Scope(h, nil)
	wantVar(t, s, "ansible_distribution", "(not set)")
	wantVar(t, s, "mine", int64(1))
	wantVar(t, s, "ansible_facts", map[string]any{})

	bare := New(inv, Run{BareFacts: true}, nil)
	bare.Update(h, func(s *State) *State { return s.WithFacts(value.DictOf("ansible_x", int64(1))) })
	wantVar(t, bare.Scope(h, nil), "ansible_x", "(not set)")
	wantVar(t, bare.Scope(h, nil), "ansible_facts", map[string]any{"x": int64(1)})
}

func wait(t *testing.T, v any) any {
	t.Helper()
	p, ok := v.(*value.Pending)
	if !ok {
		t.Fatalf("%v is not pending", v)
	}
	got, err := p.Wait(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func lookup(t *testing.T, s *Scope, name string) any {
	t.Helper()
	v, ok := s.Lookup(name)
	if !ok {
		t.Fatalf("%s is not set", name)
	}
	return v
}

func TestFactsToCome(t *testing.T) {
	st, inv := store(t, "w1 ansible_given=inventory plain=1\n", Run{})
	h := inv.Host("w1")
	setup, services := value.NewPending(), value.NewPending()
	st.Update(h, func(s *State) *State {
		s = s.WithFacts(value.DictOf("ansible_old", "old", "ansible_os", "old")).WithFactsToCome(setup, nil)
		s = s.WithFactsToCome(services, func(name string) bool { return name == "services" })
		return s.WithFacts(value.DictOf("ansible_new", "new")).With("ansible_set", int64(1))
	})
	s := st.Scope(h, nil)
	wantVar(t, s, "plain", int64(1))
	wantVar(t, s, "ansible_new", "new")
	wantVar(t, s, "ansible_set", int64(1))
	var waiting []any
	for _, name := range []string{"ansible_os", "ansible_old", "ansible_given", "ansible_nothing", "ansible_facts"} {
		waiting = append(waiting, lookup(t, s, name))
	}
	svc := lookup(t, s, "services")
	setup.Resolve(value.DictOf("ansible_os", "Debian"), nil)
	services.Resolve(value.DictOf("services", int64(5)), nil)
	for i, want := range []any{"Debian", "old", "inventory", value.Undefined{Name: "ansible_nothing"}, map[string]any{"old": "old", "os": "Debian", "new": "new", "services": int64(5)}} {
		if d := cmp.Diff(want, plain(wait(t, waiting[i]))); d != "" {
			t.Errorf("waiting %d: %s", i, d)
		}
	}
	if got := wait(t, svc); got != int64(5) {
		t.Errorf("services is %v", got)
	}
	// Once the answers are there nothing waits any more.
	wantVar(t, s, "ansible_os", "Debian")
	wantVar(t, s, "ansible_given", "inventory")
	wantVar(t, s, "ansible_nothing", "(not set)")
	wantVar(t, s, "ansible_facts", map[string]any{"old": "old", "os": "Debian", "new": "new", "services": int64(5)})
	settled := st.Update(h, func(s *State) *State { return s.WithFacts(value.DictOf("ansible_more", int64(1))) })
	if settled.facts.below != nil || settled.facts.coming != nil {
		t.Error("layers of facts that have come pile up")
	}
	wantVar(t, st.Scope(h, nil), "ansible_os", "Debian")
	wantVar(t, st.Scope(h, nil), "ansible_new", "new")
}

func TestFactsThatNeverCome(t *testing.T) {
	st, inv := store(t, "w1\n", Run{})
	h := inv.Host("w1")
	p, broken := value.NewPending(), errors.New("unreachable")
	st.Update(h, func(s *State) *State { return s.WithFactsToCome(p, nil) })
	v, all := lookup(t, st.Scope(h, nil), "ansible_x"), lookup(t, st.Scope(h, nil), "ansible_facts")
	p.Resolve(nil, broken)
	for _, v := range []any{v, all, lookup(t, st.Scope(h, nil), "ansible_x")} {
		if _, err := v.(*value.Pending).Wait(context.Background()); !errors.Is(err, broken) {
			t.Errorf("error %v", err)
		}
	}
	unknown := value.Unknown{After: "Gathering Facts"}
	st.Update(h, func(*State) *State { return (*State)(nil).WithFactsToCome(unknown, nil) })
	wantVar(t, st.Scope(h, nil), "ansible_x", unknown)
	wantVar(t, st.Scope(h, nil), "ansible_facts", unknown)
	wantVar(t, st.Scope(h, nil), "plain", "(not set)")
}

package jinja

import (
	"context"
	"testing"

	"rp/engine/diag"
	"rp/engine/value"
)

// BenchmarkEval is what a loop over items costs: 100,000 a second is the aim.
func BenchmarkEval(b *testing.B) {
	vars := MapVars{"item": value.DictOf("name", "alabama")}
	src := "{{ item.name | default('x') | regex_replace('a', 'b') }}"
	ctx := context.Background()
	b.ReportAllocs()
	for b.Loop() {
		t, err := Parse(src, diag.Pos{}, PlaybookOptions())
		if err != nil {
			b.Fatal(err)
		}
		if v, err := t.Eval(ctx, nil, vars); err != nil || v != "blbbbmb" {
			b.Fatal(v, err)
		}
	}
}

// BenchmarkTemplate is a template file of a thousand lines.
func BenchmarkTemplate(b *testing.B) {
	items := &value.List{}
	for i := range 1000 {
		items.Append(value.DictOf("name", "host", "port", int64(i), "on", i%2 == 0))
	}
	src := "{% for i in items %}\nserver {{ i.name }}:{{ i.port }}{% if i.on %} up{% endif %};\n{% endfor %}\n"
	t, err := Parse(src, diag.Pos{}, FileOptions())
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := t.RenderString(context.Background(), nil, MapVars{"items": items}); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkCondition is a when.
func BenchmarkCondition(b *testing.B) {
	vars := MapVars{"ansible_facts": value.DictOf("os_family", "Debian"), "r": value.DictOf("rc", int64(0))}
	for b.Loop() {
		t, err := Condition(context.Background(), nil, vars, "ansible_facts['os_family'] == 'Debian' and r is not failed")
		if err != nil || !t.IsTrue() {
			b.Fatal(t, err)
		}
	}
}

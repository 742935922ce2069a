package jinja

import (
	"strings"

	"rp/engine/value"
)

// Tests of a task's result. They read one key of it, which may be unknown.
func init() {
	result := func(name string, ask func(o value.Object) Truth, alias ...string) {
		addTest(define(name, "", shallow, func(c *call) (any, error) {
			o := c.mapping(c.self, "The '"+c.b.name+"' test expects a dictionary")
			return ask(o).value(), nil
		}), alias...)
	}
	failed := func(o value.Object) Truth { return keyTruth(o, "failed") }
	not := func(f func(value.Object) Truth) func(value.Object) Truth {
		return func(o value.Object) Truth { return f(o).Not() }
	}
	result("failed", failed, "failure")
	result("success", not(failed), "succeeded", "successful")
	result("changed", changed, "change")
	result("skipped", func(o value.Object) Truth { return keyTruth(o, "skipped") }, "skip")
	unreachable := func(o value.Object) Truth { return keyTruth(o, "unreachable") }
	result("unreachable", unreachable)
	result("reachable", not(unreachable))
	result("timedout", func(o value.Object) Truth {
		v, ok := o.Get("timedout")
		if d, isDict := asMapping(v); ok && isDict {
			return keyTruth(d, "period")
		}
		return keyTruth(o, "timedout")
	})
	result("started", func(o value.Object) Truth { return keyTruthOr(o, "started", True) })
	result("finished", func(o value.Object) Truth { return keyTruthOr(o, "finished", True) })
	addTest(define("truthy", "convert_bool=false", shallow, func(c *call) (any, error) { return c.truthyTest(), nil }))
	addTest(define("falsy", "convert_bool=false", shallow, func(c *call) (any, error) {
		t, isBool := c.truthyTest().(bool)
		if !isBool {
			return c.truthyTest(), nil
		}
		return !t, nil
	}))
	addTest(define("vault_encrypted", "", 0, func(c *call) (any, error) {
		s, ok := c.self.(string)
		return ok && strings.HasPrefix(s, "$ANSIBLE_VAULT;"), nil
	}))
	addTest(define("vaulted_file", "", 0, func(c *call) (any, error) { return c.vaultedFile() }))
}

// keyTruth is whether o's key counts as true; a missing one does not.
func keyTruth(o value.Object, key string) Truth { return keyTruthOr(o, key, False) }

func keyTruthOr(o value.Object, key string, missing Truth) Truth {
	v, ok := o.Get(key)
	if !ok {
		return missing
	}
	return Truthy(v)
}

// changed is a result's own word, or that of the items of its loop.
func changed(o value.Object) Truth {
	if _, ok := o.Get("changed"); ok {
		return keyTruth(o, "changed")
	}
	results, _ := o.Get("results")
	l, ok := results.(*value.List)
	if !ok {
		return False
	}
	out := False
	for _, e := range l.Items {
		if d, ok := asMapping(e); ok {
			out = out.Or(keyTruth(d, "changed"))
		}
	}
	return out
}

// truthyTest is whether c's value counts as true; with convert_bool text that
// says yes or no counts as what it says.
func (c *call) truthyTest() any {
	if s, ok := c.self.(string); ok && c.bool(0) {
		switch strings.ToLower(strings.TrimSpace(s)) {
		case "yes", "on", "1", "true", "y", "t":
			return true
		case "no", "off", "0", "false", "n", "f":
			return false
		}
	}
	return Truthy(c.self).value()
}

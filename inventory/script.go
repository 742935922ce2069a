package inventory

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"time"

	"rp/engine/diag"
	"rp/engine/value"
)

const (
	defaultScriptTimeout = 5 * time.Minute
	maxComplaint         = 2000 // bytes of a script's stderr that are shown
)

// script runs an executable inventory: it prints groups for --list, and the
// variables of all hosts under _meta.hostvars or of one host for --host NAME.
// The error is that it could not be run or did not print JSON; what its JSON
// has wrong is reported in l.ds.
func (l *loader) script(path string, from source) error {
	out, err := l.run(path, "--list")
	if err != nil {
		return err
	}
	v, err := value.Decode(out)
	if err != nil {
		return fmt.Errorf("what it prints for --list is not JSON: %w", err)
	}
	groups, ok := v.(*value.Dict)
	if !ok {
		return errors.New("what it prints for --list is not a JSON object")
	}
	r := scriptReader{loader: l, path: path, from: from, seen: map[*Host]bool{}}
	for name, g := range groups.All() {
		if name != "_meta" {
			r.group(fmt.Sprint(name), g)
		}
	}
	return r.hostVars(groups)
}

func (l *loader) run(path string, args ...string) ([]byte, error) {
	limit := l.inv.o.ScriptTimeout
	if limit == 0 {
		limit = defaultScriptTimeout
	}
	ctx, cancel := context.WithTimeoutCause(l.ctx, limit, fmt.Errorf("it took longer than %v", limit))
	defer cancel()
	var out, complaint bytes.Buffer
	cmd := exec.CommandContext(ctx, absolute(path), args...) //nolint:gosec // running it is what the user asked for
	cmd.Stdout, cmd.Stderr = &out, &complaint
	cmd.WaitDelay = 2 * time.Second
	err := cmd.Run()
	if err == nil {
		return out.Bytes(), nil
	}
	if cause := context.Cause(ctx); cause != nil {
		return nil, cause
	}
	var exit *exec.ExitError
	if !errors.As(err, &exit) {
		return nil, err
	}
	said := strings.TrimSpace(complaint.String())
	if len(said) > maxComplaint {
		said = said[:maxComplaint] + " …"
	}
	return nil, fmt.Errorf("%s: %w: %s", strings.Join(args, " "), err, said)
}

type scriptReader struct {
	*loader
	path  string
	from  source
	hosts []*Host // as named
	seen  map[*Host]bool
}

func (r *scriptReader) pos() diag.Pos { return diag.Pos{File: r.path} }

func (r *scriptReader) host(name string, g *Group) {
	h := r.inv.addHost(name, r.from)
	r.inv.put(g, h)
	if !r.seen[h] {
		r.seen[h] = true
		r.hosts = append(r.hosts, h)
	}
}

// group reads one group: a list of hosts; or hosts, vars and children; or, with
// none of these, the variables of the one host that has the group's name.
func (r *scriptReader) group(name string, v any) {
	g := r.inv.addGroup(name)
	d, ok := v.(*value.Dict)
	if !ok {
		d = value.DictOf("hosts", v)
	}
	hosts, hasHosts := d.Get("hosts")
	vars, hasVars := d.Get("vars")
	children, hasChildren := d.Get("children")
	if !hasHosts && !hasVars && !hasChildren {
		hosts, vars = value.NewList(name), d
	}
	for _, h := range r.names(name, "hosts", hosts) {
		r.host(h, g)
	}
	for _, c := range r.names(name, "children", children) {
		if err := r.inv.link(g, r.inv.addGroup(c)); err != nil {
			r.ds.Errorf(r.pos(), "%v", err)
		}
	}
	dict, ok := dictOf(vars)
	if !ok {
		r.ds.Errorf(r.pos(), "vars of the group %q must be an object, not %s", name, describe(vars))
		return
	}
	if dict != nil {
		for k, v := range dict.All() {
			g.set(fmt.Sprint(k), templated(v, r.pos()), r.pos(), &r.ds)
		}
	}
}

func (r *scriptReader) names(group, what string, v any) []string {
	if v == nil {
		return nil
	}
	l, ok := v.(*value.List)
	if !ok {
		r.ds.Errorf(r.pos(), "%s of the group %q must be a list, not %s", what, group, describe(v))
		return nil
	}
	var out []string
	for _, e := range l.Items {
		name, ok := e.(string)
		if !ok {
			r.ds.Errorf(r.pos(), "%s of the group %q must be names, not %s", what, group, describe(e))
			continue
		}
		out = append(out, name)
	}
	return out
}

func (r *scriptReader) hostVars(groups *value.Dict) error {
	meta, given := (*value.Dict)(nil), false
	if m, ok := groups.Get("_meta"); ok {
		if md, ok := m.(*value.Dict); ok {
			hv, _ := md.Get("hostvars")
			meta, given = hv.(*value.Dict)
		}
		if !given {
			return errors.New("the _meta that it prints for --list has no object hostvars")
		}
	}
	for _, h := range r.hosts {
		vars, err := r.varsOf(h.Name, meta)
		if err != nil {
			return err
		}
		dict, ok := dictOf(vars)
		if !ok {
			r.ds.Errorf(r.pos(), "the variables of the host %q must be an object, not %s", h.Name, describe(vars))
		}
		if ok && dict != nil {
			for k, v := range dict.All() {
				h.set(fmt.Sprint(k), templated(v, r.pos()), r.pos())
			}
		}
	}
	return nil
}

// varsOf asks the script about one host, unless it has told of all.
func (r *scriptReader) varsOf(host string, meta *value.Dict) (any, error) {
	if meta != nil {
		v, _ := meta.Get(host)
		return v, nil
	}
	out, err := r.run(r.path, "--host", host)
	if err != nil {
		return nil, err
	}
	if len(bytes.TrimSpace(out)) == 0 {
		return nil, nil
	}
	v, err := value.Decode(out)
	if err != nil {
		return nil, fmt.Errorf("what it prints for --host %s is not JSON: %w", host, err)
	}
	return v, nil
}

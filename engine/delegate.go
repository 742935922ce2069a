package engine

import (
	"context"
	"errors"
	"fmt"

	"rp/engine/jinja"
	"rp/engine/module"
	"rp/engine/play"
	"rp/engine/value"
	"rp/inventory"
)

// hostSession is the conversation with the worker's own host.
func (w *worker) hostSession(ctx context.Context, j *job, it *item) (*session, error) {
	if w.session != nil && !w.session.isLost() {
		return w.session, nil
	}
	s, err := w.r.sessionFor(ctx, w.host, func() (inventory.Connection, error) { return w.r.connection(w.ctx, w.host, j.t, it.vars) })
	if err != nil {
		return nil, err
	}
	w.mu.Lock()
	w.session = s
	w.mu.Unlock()
	return s, nil
}

// connection says how h is reached: its variables, then the keywords around the task.
func (r *run) connection(ctx context.Context, h *inventory.Host, t *play.Task, sc scope) (inventory.Connection, error) {
	var failed error
	look := func(name string) (any, bool) {
		v, ok := sc.Lookup(name)
		if !ok {
			return nil, false
		}
		v, err := jinja.Render(ctx, r.Env, sc, v)
		if err != nil {
			failed = errors.Join(failed, fmt.Errorf("%s: %w", name, err))
			return nil, false
		}
		return v, true
	}
	c, ds := inventory.Connect(h.Name, look)
	if err := errors.Join(failed, ds.Err()); err != nil {
		return c, err
	}
	if _, set := sc.Lookup("ansible_connection"); !set {
		k, err := r.textKeyword(ctx, t, "connection", sc)
		if err != nil {
			return c, err
		}
		if k == "local" || k == "ansible.builtin.local" {
			c.Kind = inventory.Local
		}
	}
	if c.User == "" {
		u, err := r.textKeyword(ctx, t, "remote_user", sc)
		if err != nil {
			return c, err
		}
		c.User = u
	}
	if c.Port == 0 {
		v, err := r.keyword(ctx, t, "port", sc)
		if err != nil {
			return c, err
		}
		if n, ok := v.(int64); ok {
			c.Port = int(n)
		}
	}
	if c.Password != "" {
		r.Mask(string(c.Password))
	}
	return c, nil
}

// delegate is the host that the item really runs on: the worker's own, unless delegate_to names another.
func (j *job) delegate(ctx context.Context, it *item) (*inventory.Host, error) {
	name, err := j.w.r.textKeyword(ctx, j.t, "delegate_to", it.vars)
	if err != nil {
		return nil, err
	}
	if name == "" || name == j.w.host.Name {
		return j.w.host, nil
	}
	if h := j.w.r.Inventory.Host(name); h != nil {
		return h, nil
	}
	// as in Ansible: a name that is in no inventory is a host all the same
	h, _, ds := j.w.r.Inventory.AddHost(name, nil, nil)
	return h, ds.Err()
}

// sessionOf is the conversation with whichever host the item runs on.
func (j *job) sessionOf(ctx context.Context, it *item) (*session, *inventory.Host, error) {
	h, err := j.delegate(ctx, it)
	if err != nil {
		return nil, nil, err
	}
	if h == j.w.host {
		s, err := j.w.hostSession(ctx, j, it)
		return s, h, err
	}
	sc := j.w.r.hostScope(h, j.w.play)
	s, err := j.w.r.sessionFor(ctx, h, func() (inventory.Connection, error) { return j.w.r.connection(ctx, h, j.t, sc) })
	return s, h, err
}

// onController runs a module on the machine that rp runs on.
func (j *job) onController(ctx context.Context, it *item, spec *module.Spec, p module.Params, may *value.Unknown) (itemEnd, error) {
	w := j.w
	h := w.r.Inventory.Host("localhost")
	if h == nil {
		return itemEnd{}, errors.New("there is no localhost")
	}
	s, err := w.r.sessionFor(ctx, controllerHost, func() (inventory.Connection, error) {
		return inventory.Connection{Kind: inventory.Local, Host: "localhost"}, nil
	})
	if err != nil {
		return itemEnd{}, err
	}
	m, err := j.message(ctx, it, spec, p)
	if err != nil {
		return itemEnd{}, err
	}
	m.As.User = "" // what an action does on the controller, it does as whoever runs rp
	m.May = may != nil
	// one after the other: the hosts' lanes would make the same directories at once
	w.r.local.Lock()
	r, err := s.wait(ctx, s.send(m))
	w.r.local.Unlock()
	if err != nil {
		return itemEnd{}, err
	}
	e := fromReply(r, may != nil)
	if may != nil {
		e.after = may.After
	}
	return e, nil
}

// controllerHost is the machine that rp runs on, whatever the inventory says of localhost.
var controllerHost = &inventory.Host{Name: "localhost (the controller)"}

func unreachableItem(err error) itemEnd {
	return itemEnd{unreachable: true, failed: true, msg: err.Error(), fields: value.NewDict()}
}

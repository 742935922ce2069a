package main

import (
	"context"
	"fmt"
	"os"
	"strings"
	"sync"
	"time"

	"rp/engine"
	"rp/engine/remote"
	"rp/engine/remote/images"
	"rp/inventory"
)

// connector reaches hosts: over SSH with one dialer for the whole run, or this
// machine by starting rp a second time.
type connector struct {
	f        *flags
	dialer   *remote.Dialer
	images   *images.Set
	password string
	warn     func(string)

	dynamic sync.Once
}

func newConnector(f *flags, warn func(string)) (*connector, error) {
	c := &connector{f: f, images: images.New(), warn: warn}
	if f.askPass {
		p, err := askSecret("SSH password: ")
		if err != nil {
			return nil, err
		}
		c.password = p
	}
	o := remote.Options{
		HostKeyCheck: f.hostKeys, KeyFiles: f.keys, Warn: warn, ConnectTimeout: time.Duration(f.timeout) * time.Second,
	}
	if interactive() {
		o.Prompt = func(_ remote.PromptKind, text string) (string, error) { return askSecret(text + ": ") }
	}
	d, err := remote.New(o)
	if err != nil {
		return nil, err
	}
	c.dialer = d
	return c, nil
}

// target is how c's host is dialled.
func (c *connector) target(h *inventory.Host, s inventory.Connection) remote.Target {
	t := remote.Target{
		Name: h.Name, Address: s.Host, Port: s.Port, User: s.User, Password: string(s.Password),
		SSHCommonArgs: strings.TrimSpace(c.f.commonArgs + " " + s.SSHText), Timeout: s.ConnectTimeout,
	}
	if t.User == "" {
		t.User = c.f.user
	}
	if t.Password == "" {
		t.Password = c.password
	}
	if s.KeyFile != "" {
		t.KeyFiles = []string{s.KeyFile}
	}
	if on := s.HostKeyChecking; on != nil && !*on { // ansible_host_key_checking: false
		t.SSHExtraArgs = "-o StrictHostKeyChecking=no"
	}
	return t
}

func (c *connector) isLocal(s inventory.Connection) bool {
	return s.Kind == inventory.Local || c.f.connection == "local"
}

// connect starts a helper on h and gives it hello.
func (c *connector) connect(ctx context.Context, h *inventory.Host, s inventory.Connection, hello []byte) (engine.Link, error) {
	if c.isLocal(s) {
		return c.local(ctx, hello)
	}
	conn, err := c.dialer.Dial(ctx, c.target(h, s))
	if err != nil {
		return engine.Link{}, err
	}
	place := remote.PlaceOptions{First: hello}
	if s.RemoteTmp != "" { // ansible_remote_tmp: where the helper is to lie
		place.Dirs = []string{strings.Replace(s.RemoteTmp, "~", "$HOME", 1)}
	}
	p, err := remote.Place(ctx, conn, c.images, place)
	if err != nil {
		_ = conn.Close() // the reason is in err
		return engine.Link{}, err
	}
	if p.Dynamic {
		c.dynamic.Do(func() {
			c.warn("this rp was built dynamically and may not run on the hosts: build it with CGO_ENABLED=0 go build ./cmd/rp")
		})
	}
	return engine.Link{In: p.Stdin, Out: p.Stdout, Pushed: p.Pushed, Close: func() {
		_ = p.Stdin.Close() // the helper ends when it has finished what it is doing
		waitBriefly(p.Process)
		_ = conn.Close()
	}}, nil
}

func (c *connector) local(ctx context.Context, hello []byte) (engine.Link, error) {
	exe, err := os.Executable()
	if err != nil {
		return engine.Link{}, fmt.Errorf("cannot start rp on this machine: %w", err)
	}
	p, err := remote.StartLocal(ctx, exe, "__helper")
	if err != nil {
		return engine.Link{}, err
	}
	if _, err := p.Stdin.Write(hello); err != nil {
		p.Close()
		return engine.Link{}, fmt.Errorf("cannot start rp on this machine: %w", err)
	}
	return engine.Link{In: p.Stdin, Out: p.Stdout, Close: func() {
		_ = p.Stdin.Close() // it ends when it has finished what it is doing
		waitBriefly(p)
	}}, nil
}

// waitBriefly gives a helper that was told to end the time to do so.
func waitBriefly(p *remote.Process) {
	done := make(chan struct{})
	go func() {
		_, _ = p.Wait() // how it ended does not matter any more
		close(done)
	}()
	select {
	case <-done:
	case <-time.After(5 * time.Second):
		p.Close()
	}
}

// confirmHostKeys shows the keys of all hosts that are not known yet, once, and
// asks once whether to trust them. Without a terminal nothing is asked, and
// connecting refuses them one by one.
func (c *connector) confirmHostKeys(ctx context.Context, targets []remote.Target) error {
	if !interactive() || c.f.hostKeys == remote.CheckOff || c.f.hostKeys == remote.CheckAcceptNew || len(targets) == 0 {
		return nil
	}
	for { // hosts behind a jump host show their keys once that one's is known
		keys, err := c.dialer.ScanHostKeys(ctx, targets)
		if err != nil || len(keys) == 0 {
			return err
		}
		trusted := false
		console.aside(func() { trusted, err = c.askKeys(keys) })
		if err != nil || !trusted {
			return err
		}
	}
}

// askKeys shows keys, asks whether to trust them, and writes them down if so.
func (c *connector) askKeys(keys []remote.UnknownKey) (trusted bool, err error) {
	say("The keys of these hosts are not known:\n")
	for _, k := range keys {
		say(fmt.Sprintf("  %-24s %s %s\n", k.Target, k.Type, k.Fingerprint))
	}
	say("Trust all of them and write them down? [y/N] ")
	line, err := readLine()
	if err != nil {
		return false, fmt.Errorf("cannot read the answer: %w", err)
	}
	if a := strings.ToLower(strings.TrimSpace(line)); a != "y" && a != "yes" {
		return false, nil
	}
	return true, c.dialer.Accept(keys)
}

func (c *connector) close() { c.dialer.Close() }

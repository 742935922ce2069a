package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"rp/engine"
	"rp/engine/play"
	"rp/engine/record"
	"rp/engine/value"
	"rp/modules"
)

// runPlaybooks is `rp run` and `rp check`.
func runPlaybooks(cmd *cobra.Command, f *flags, paths []string) error {
	ctx, stop, done := signals(cmd.Context())
	defer done()
	s, err := newSetup(ctx, f)
	if err != nil {
		return err
	}
	pb, ds := s.loader.Load(paths...)
	if err := s.printDiagnostics(ds); err != nil {
		return err
	}
	if f.syntax {
		return nil
	}
	if f.listHosts || f.listTasks || f.listTags {
		return s.list(cmd.OutOrStdout(), pb)
	}
	if err := s.connect(); err != nil {
		return err
	}
	defer s.close()
	c, err := s.config(pb)
	if err != nil {
		return err
	}
	if err := s.confirm(ctx, c); err != nil {
		return err
	}
	return s.finish(c, append([]string{"run"}, paths...), engine.Run(ctx, c, stop))
}

// config is what the engine is given.
func (s *setup) config(pb *play.Playbook) (engine.Config, error) {
	f := s.f
	c := engine.Config{
		ID: newRunID(), Playbook: pb, Inventory: s.inv, Loader: s.loader, ExtraVars: s.extra, Env: s.env,
		Find: modules.Find, Connect: s.conn.connect, Sink: s.sink, Files: play.OS(), Mask: func(secret string) { s.masker.AddText(secret) },
		Check: f.check, Diff: f.diff, Forks: f.forks, Tags: play.Select(splitTags(f.tags), splitTags(f.skipTags)),
		Limit: s.limit, LimitText: f.limit, StartAt: f.startAt, Verbosity: f.verbosity, WaitLock: f.waitLock,
		User: whoami(), Force: f.force, Become: engine.BecomeFlags{On: f.become, User: f.becomeUser, Method: f.becomeHow},
	}
	if f.askBecome {
		p, err := askSecret("BECOME password: ")
		if err != nil {
			return c, err
		}
		c.Become.Password = p
		s.masker.AddText(p)
	}
	if interactive() {
		c.Prompt = promptUser
	}
	if s.extra == nil {
		c.ExtraVars = value.NewDict()
	}
	return c, nil
}

// finish keeps the run's record, says what went wrong outside of tasks, and gives the exit code.
func (s *setup) finish(c engine.Config, command []string, sum engine.Summary) error {
	s.closeSink()
	if err := s.keep(c, command, sum); err != nil {
		fmt.Fprintln(os.Stderr, "rp:", err)
	}
	if sum.Err != nil {
		fmt.Fprintln(os.Stderr, "rp:", s.masker.Mask(sum.Err.Error()))
	}
	if sum.Interrupted {
		fmt.Fprintln(os.Stderr, "rp: interrupted; what was done stays done: see it or take it back with: rp undo --list", c.ID)
	}
	if code := sum.Code(); code != engine.ExitOK {
		return exitCode(code)
	}
	return nil
}

// keep writes the run's record.
func (s *setup) keep(c engine.Config, command []string, sum engine.Summary) error {
	dir, err := record.Dir()
	if err != nil {
		return err
	}
	cwd, err := os.Getwd()
	if err != nil {
		return fmt.Errorf("cannot keep the run's record: %w", err)
	}
	r := record.Run{
		ID: c.ID, Started: time.Now().Add(-sum.Profile.Wall).UTC(), Ended: time.Now().UTC(), Command: command, Dir: cwd,
		Inventory: absolutes(s.f.inventory), User: s.f.user, Connection: s.f.connection, Keys: absolutes(s.f.keys),
		SSHArgs: s.f.commonArgs, Check: c.Check, Code: sum.Code(), Hosts: map[string]record.Host{},
	}
	for name, st := range sum.Stats {
		r.Hosts[name] = record.Host{OK: st.OK, Changed: st.Changed, Failed: st.Failed, Unreachable: st.Unreachable, As: sum.As[name]}
	}
	for name, as := range sum.As { // a host that was only delegated to
		if _, ok := r.Hosts[name]; !ok {
			r.Hosts[name] = record.Host{As: as}
		}
	}
	return record.Save(dir, r)
}

// absolutes are inventory sources, or files, as they can be named from anywhere.
func absolutes(sources []string) []string {
	out := make([]string, len(sources))
	for i, src := range sources {
		out[i] = src
		if strings.Contains(src, ",") {
			continue
		}
		if abs, err := filepath.Abs(src); err == nil {
			out[i] = abs
		}
	}
	return out
}

// signals makes the first Ctrl-C close stop and the second end ctx.
func signals(parent context.Context) (ctx context.Context, stop <-chan struct{}, done func()) {
	if parent == nil {
		parent = context.Background()
	}
	ctx, cancel := context.WithCancel(parent)
	soft := make(chan struct{})
	sig := make(chan os.Signal, 2)
	signal.Notify(sig, os.Interrupt, syscall.SIGTERM)
	go func() {
		first := true
		for {
			select {
			case <-sig:
			case <-ctx.Done():
				return
			}
			if !first {
				cancel()
				return
			}
			first = false
			close(soft)
			console.aside(func() {
				fmt.Fprintln(os.Stderr, "\nrp: finishing the changes under way; once more stops at once")
			})
		}
	}()
	return ctx, soft, func() { signal.Stop(sig); cancel() }
}

package main

import (
	"errors"
	"strings"

	"github.com/spf13/cobra"

	"rp/engine"
	"rp/engine/diag"
	"rp/engine/play"
	"rp/engine/value"
	"rp/engine/yaml"
	"rp/modules"
)

func newExec() *cobra.Command {
	f := &flags{}
	var name, args string
	cmd := &cobra.Command{
		Use:   "exec PATTERN -m MODULE [-a ARGS]",
		Short: "Run one module on hosts, without a playbook",
		Example: "  rp exec all -i hosts -m ping\n  rp exec web -i hosts -a 'uptime'\n" +
			"  rp exec web -i hosts -b -m service -a 'name=nginx state=restarted'",
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, pattern []string) error { return runExec(cmd, f, pattern[0], name, args) },
	}
	f.inventoryFlags(cmd.Flags())
	f.connectFlags(cmd.Flags())
	f.becomeFlags(cmd.Flags())
	f.outputFlags(cmd.Flags())
	cmd.Flags().StringVarP(&name, "module-name", "m", "command", "the module")
	cmd.Flags().StringVarP(&args, "args", "a", "", "its arguments: key=value words, or JSON, or a command line")
	cmd.Flags().BoolVarP(&f.check, "check", "C", false, "predict what would change and change nothing")
	cmd.Flags().BoolVarP(&f.diff, "diff", "D", false, "show what changes, and how")
	return cmd
}

func runExec(cmd *cobra.Command, f *flags, pattern, name, args string) error {
	if f.verbosity == 0 {
		f.verbosity = 1 // an ad-hoc command's result is what it is run for
	}
	return onePlay(cmd, f, pattern, name, args)
}

// onePlay runs one module as a playbook of one task.
func onePlay(cmd *cobra.Command, f *flags, pattern, name, args string) error {
	ctx, stop, done := signals(cmd.Context())
	defer done()
	s, err := newSetup(ctx, f)
	if err != nil {
		return err
	}
	p, ds := adHoc(pattern, name, args)
	if err := s.printDiagnostics(ds); err != nil {
		return err
	}
	if err := s.connect(); err != nil {
		return err
	}
	defer s.close()
	c, err := s.config(&play.Playbook{Plays: []*play.Play{p}})
	if err != nil {
		return err
	}
	if err := s.confirm(ctx, c); err != nil {
		return err
	}
	sum := engine.Run(ctx, c, stop)
	return s.finish(c, []string{"exec", pattern, "-m", name}, sum)
}

// adHoc makes a play of one module on the hosts of pattern.
func adHoc(pattern, name, args string) (*play.Play, diag.List) {
	at := diag.Pos{File: "command line"}
	var ds diag.List
	m, ok := table{}.Find(name)
	if !ok {
		d := ds.Errorf(at, "there is no module %q", name)
		if near := diag.Suggest(name, modules.Names()); near != "" {
			d.Hintf("did you mean %q?", near)
		}
		return nil, ds
	}
	d, err := adHocArgs(m, args)
	if err != nil {
		ds.Errorf(at, "cannot read the arguments %q: %v", args, err)
		return nil, ds
	}
	ds = append(ds, table{}.Check(m.Name, d, func(string) diag.Pos { return at }, at)...)
	p := &play.Play{Dir: ".", Hosts: pattern, GatherFacts: false}
	p.Name = "rp exec"
	t := &play.Task{Module: m.Name, Action: name, Args: d, Play: p}
	t.Pos, t.Name = at, name
	p.Tasks = []play.Node{t}
	return p, ds
}

func adHocArgs(m play.Module, args string) (*value.Dict, error) {
	args = strings.TrimSpace(args)
	if strings.HasPrefix(args, "{") {
		v, ds := yaml.Load("--args", []byte(args), yaml.Options{Templates: true})
		d, ok := v.(*value.Dict)
		if !ok && !ds.Failed() {
			return nil, errors.New("not a mapping")
		}
		return d, ds.Err()
	}
	return play.TextArgs(m, args, diag.Pos{File: "--args"})
}

func newFacts() *cobra.Command {
	f := &flags{}
	var filter string
	cmd := &cobra.Command{
		Use: "facts [PATTERN] -i INVENTORY", Short: "Show what is known of hosts: the facts that playbooks see", Args: cobra.MaximumNArgs(1),
		Example: "  rp facts -i hosts\n  rp facts web1 -i hosts --filter 'distribution*'",
		RunE: func(cmd *cobra.Command, args []string) error {
			pattern, spec := "all", ""
			if len(args) > 0 {
				pattern = args[0]
			}
			if filter != "" {
				spec = "filter=" + filter
			}
			f.verbosity = max(f.verbosity, 1)
			return onePlay(cmd, f, pattern, "setup", spec)
		},
	}
	f.inventoryFlags(cmd.Flags())
	f.connectFlags(cmd.Flags())
	f.becomeFlags(cmd.Flags())
	f.outputFlags(cmd.Flags())
	cmd.Flags().StringVar(&filter, "filter", "", "only facts whose names match this pattern")
	return cmd
}

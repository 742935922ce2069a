package main

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// flags are the flags of all commands that work on hosts, with Ansible's names
// where Ansible has one.
type flags struct {
	inventory  []string
	limit      string
	tags       []string
	skipTags   []string
	extraVars  []string
	check      bool
	diff       bool
	forks      int
	user       string
	keys       []string
	askPass    bool
	become     bool
	becomeUser string
	becomeHow  string
	askBecome  bool
	startAt    string
	listHosts  bool
	listTasks  bool
	listTags   bool
	syntax     bool
	verbosity  int
	output     string
	profile    bool
	hostKeys   string
	timeout    int
	commonArgs string
	connection string
	waitLock   int
	force      bool
	colour     string
	onHosts    bool // the command has the flags of connectFlags
}

// sourceFlags are -i.
func (f *flags) sourceFlags(fs *pflag.FlagSet) {
	fs.StringArrayVarP(&f.inventory, "inventory", "i", nil, "inventory: a file, a directory, a program, or \"host1,host2,\" (repeatable)")
}

// inventoryFlags are -i, -e and --limit.
func (f *flags) inventoryFlags(fs *pflag.FlagSet) {
	f.sourceFlags(fs)
	fs.StringArrayVarP(&f.extraVars, "extra-vars", "e", nil, "variables: key=value, JSON, YAML or @FILE (repeatable)")
	fs.StringVarP(&f.limit, "limit", "l", "", "work only on the hosts that this pattern names (@FILE reads it from a file)")
}

// connectFlags say how hosts are reached and as whom.
func (f *flags) connectFlags(fs *pflag.FlagSet) {
	f.onHosts = true
	fs.IntVarP(&f.forks, "forks", "f", 50, "how many hosts are worked on at once")
	fs.StringVarP(&f.user, "user", "u", "", "log in as this user")
	fs.StringArrayVar(&f.keys, "private-key", nil, "log in with this key file (repeatable)")
	fs.SetNormalizeFunc(func(_ *pflag.FlagSet, name string) pflag.NormalizedName {
		if name == "key-file" { // Ansible's other name for it
			name = "private-key"
		}
		return pflag.NormalizedName(name)
	})
	fs.BoolVarP(&f.askPass, "ask-pass", "k", false, "ask for the login password")
	fs.StringVarP(&f.connection, "connection", "c", "", "how to reach the hosts: ssh or local")
	fs.IntVarP(&f.timeout, "timeout", "T", 0, "seconds for connecting to a host (default 10)")
	fs.StringVar(&f.commonArgs, "ssh-common-args", "", "options of ssh to honour: -o Name=value, -J, -i, -p, -l, -F")
	fs.StringVar(&f.hostKeys, "host-key-check", "", "strict: refuse unknown host keys (after asking once for all, on a terminal); accept-new: write them down; off: take any")
	fs.BoolVarP(&f.askBecome, "ask-become-pass", "K", false, "ask for the become method's password")
	fs.IntVar(&f.waitLock, "wait-lock", 0, "seconds to wait when another run is writing to a host")
}

// becomeFlags say as whom tasks run that do not say it themselves.
func (f *flags) becomeFlags(fs *pflag.FlagSet) {
	fs.BoolVarP(&f.become, "become", "b", false, "run tasks as another user")
	fs.StringVar(&f.becomeUser, "become-user", "root", "the user to become")
	fs.StringVar(&f.becomeHow, "become-method", "sudo", "how: sudo, su or doas")
}

// outputFlags say what is told.
func (f *flags) outputFlags(fs *pflag.FlagSet) {
	f.formFlags(fs)
	fs.CountVarP(&f.verbosity, "verbose", "v", "tell more: -v results, -vv places too, -vvv without the live view")
	fs.BoolVar(&f.profile, "profile", false, "tell what the run cost: round trips, bytes, time")
}

// formFlags say in which form things are told.
func (f *flags) formFlags(fs *pflag.FlagSet) {
	fs.StringVar(&f.output, "output", "text", "text, or json for one object a line")
	fs.StringVar(&f.colour, "color", "auto", "colours: auto, always or never")
}

// runFlags are those of run and check.
func (f *flags) runFlags(fs *pflag.FlagSet) {
	f.inventoryFlags(fs)
	f.connectFlags(fs)
	f.becomeFlags(fs)
	f.outputFlags(fs)
	fs.StringSliceVarP(&f.tags, "tags", "t", nil, "run only tasks with one of these tags")
	fs.StringSliceVar(&f.skipTags, "skip-tags", nil, "leave out tasks with one of these tags")
	fs.StringVar(&f.startAt, "start-at-task", "", "begin with the task of this name")
	fs.BoolVar(&f.force, "force-handlers", false, "run notified handlers of a host although a task failed on it")
	fs.BoolVar(&f.listHosts, "list-hosts", false, "list the hosts of each play and do nothing else")
	fs.BoolVar(&f.listTasks, "list-tasks", false, "list the tasks that would run and do nothing else")
	fs.BoolVar(&f.listTags, "list-tags", false, "list the tags and do nothing else")
	fs.BoolVar(&f.syntax, "syntax-check", false, "check the playbooks and do nothing else")
}

// valid checks what pflag cannot.
func (f *flags) valid() error {
	switch {
	case f.output != "text" && f.output != "json" && f.output != "":
		return fmt.Errorf("--output is %q and must be text or json", f.output)
	case f.colour != "auto" && f.colour != "always" && f.colour != "never" && f.colour != "":
		return fmt.Errorf("--color is %q and must be auto, always or never", f.colour)
	case f.onHosts && f.forks < 1:
		return fmt.Errorf("--forks is %d and must be at least 1", f.forks)
	case f.timeout < 0 || f.waitLock < 0:
		return errors.New("--timeout and --wait-lock are seconds and cannot be negative")
	case f.connection != "" && f.connection != "ssh" && f.connection != "local" && f.connection != "smart":
		return fmt.Errorf("--connection %q is not supported yet (ssh and local are)", f.connection)
	}
	for _, m := range []string{"sudo", "su", "doas"} {
		if f.becomeHow == m || f.becomeHow == "" {
			return nil
		}
	}
	return fmt.Errorf("--become-method %q is not supported yet (sudo, su and doas are)", f.becomeHow)
}

// useColour decides by --color, NO_COLOR (no-color.org) and whether stdout is a terminal.
func (f *flags) useColour(terminal bool) bool {
	switch f.colour {
	case "always":
		return true
	case "never":
		return false
	}
	return terminal && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"
}

// wantsLive decides whether hosts at work are shown below the results.
func (f *flags) wantsLive(terminal bool) bool {
	return terminal && f.output != "json" && f.verbosity < 3 && os.Getenv("TERM") != "dumb"
}

// splitTags takes tags given as one word with commas.
func splitTags(in []string) []string {
	var out []string
	for _, s := range in {
		for _, t := range strings.Split(s, ",") {
			if t = strings.TrimSpace(t); t != "" {
				out = append(out, t)
			}
		}
	}
	return out
}

func newRun() *cobra.Command {
	f := &flags{}
	cmd := &cobra.Command{
		Use:   "run PLAYBOOK... -i INVENTORY",
		Short: "Run playbooks",
		Long: `Run playbooks on the hosts of an inventory; with no inventory, on this machine without SSH.

Exit codes: 0 all is well, 1 a mistake in what was given, 2 tasks failed on hosts, 4 hosts
could not be reached (4 wins), 130 interrupted. Ctrl-C once finishes the changes under way;
twice stops at once.`,
		Example: "  rp run playbooks/rootless.yml -i hosts\n  rp run site.yml -i hosts --limit web --tags nginx\n  rp run site.yml -i web1,web2, -u admin -b -K",
		Args:    cobra.MinimumNArgs(1),
		RunE:    func(cmd *cobra.Command, args []string) error { return runPlaybooks(cmd, f, args) },
	}
	f.runFlags(cmd.Flags())
	cmd.Flags().BoolVarP(&f.check, "check", "C", false, "predict what would change and change nothing")
	cmd.Flags().BoolVarP(&f.diff, "diff", "D", false, "show what changes, and how")
	return cmd
}

func newCheck() *cobra.Command {
	f := &flags{}
	cmd := &cobra.Command{
		Use:     "check PLAYBOOK... -i INVENTORY",
		Short:   "Predict what a run would change, with diffs (run --check --diff)",
		Example: "  rp check playbooks/rootless.yml -i hosts",
		Args:    cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			f.check, f.diff = true, true
			return runPlaybooks(cmd, f, args)
		},
	}
	f.runFlags(cmd.Flags())
	return cmd
}

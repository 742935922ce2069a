// Command rp brings machines to the state that a playbook asks for.
//
// One file a command. What all commands that work on hosts share (inventory,
// connections, variables, output) is set up in setup.go; the work is done in
// package engine. Called as a helper (by rp itself, on a host) it is one.
package main

import (
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"rp/engine"
	"rp/engine/helper"
	"rp/modules"
)

// version is set by the build.
var version = "0.1.0-dev"

func main() { os.Exit(realMain()) }

// realMain is main for tests: it returns the exit code.
func realMain() int {
	if code, handled := helper.Main(os.Args[1:], helper.Options{Find: modules.Find}); handled {
		return code
	}
	root := newRoot()
	err := root.Execute()
	var code exitCode
	switch {
	case err == nil:
		return engine.ExitOK
	case errors.As(err, &code):
		return int(code)
	}
	fmt.Fprintln(os.Stderr, "rp:", err)
	return engine.ExitUsage
}

// exitCode ends the program with a code when all has been said.
type exitCode int

func (c exitCode) Error() string { return fmt.Sprintf("exit %d", int(c)) }

func newRoot() *cobra.Command {
	root := &cobra.Command{
		Use:   "rp",
		Short: "Ansible's language in one binary, with nothing to install on the hosts",
		Long: `rp brings machines to the state that a playbook asks for. It reads Ansible's
playbooks, roles and inventories, works over SSH, and needs nothing on the hosts.

  rp check PLAYBOOK -i hosts     what a run would change, and how
  rp run PLAYBOOK -i hosts       do it
  rp undo RUN -i hosts           take it back`,
		SilenceUsage:  true,
		SilenceErrors: true,
		Version:       version,
	}
	root.SetVersionTemplate("rp {{.Version}}\n")
	root.AddCommand(newRun(), newCheck(), newUndo(), newHistory(), newExec(), newInventory(), newFacts(), newDoc(), newVersion())
	return root
}

func newVersion() *cobra.Command {
	return &cobra.Command{
		Use: "version", Short: "Print rp's version", Args: cobra.NoArgs,
		Run: func(cmd *cobra.Command, _ []string) { fmt.Fprintln(cmd.OutOrStdout(), "rp "+version) },
	}
}

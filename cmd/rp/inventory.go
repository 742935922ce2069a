package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"
)

func newInventory() *cobra.Command {
	f := &flags{}
	var list, graph, withVars bool
	var host, dir string
	cmd := &cobra.Command{
		Use: "inventory [GROUP] -i INVENTORY (--list | --host NAME | --graph)", Short: "Show the inventory", Args: cobra.MaximumNArgs(1),
		Long:    "Show the hosts, groups and variables of an inventory, in the forms that ansible-inventory prints.",
		Example: "  rp inventory -i hosts --graph\n  rp inventory -i hosts --host web1\n  rp inventory -i hosts --list",
		RunE: func(cmd *cobra.Command, args []string) error {
			s, err := newSetup(cmd.Context(), f)
			if err != nil {
				return err
			}
			if dir != "" {
				if err := s.printDiagnostics(s.inv.AddPlaybookDir(dir)); err != nil {
					return err
				}
			}
			var out []byte
			switch {
			case host != "":
				out, err = s.inv.HostJSON(host, dir)
			case graph:
				top := "all"
				if len(args) > 0 {
					top = args[0]
				}
				out, err = s.inv.Graph(top, withVars, dir)
			case list:
				out = s.inv.ListJSON(dir)
			default:
				return errors.New("say what to show: --list, --host NAME or --graph")
			}
			if err != nil {
				return err
			}
			fmt.Fprint(cmd.OutOrStdout(), string(out))
			return nil
		},
	}
	f.sourceFlags(cmd.Flags())
	cmd.Flags().BoolVar(&list, "list", false, "all of it, as JSON")
	cmd.Flags().BoolVar(&graph, "graph", false, "groups and hosts as a tree")
	cmd.Flags().BoolVar(&withVars, "vars", false, "with --graph: variables too")
	cmd.Flags().StringVar(&host, "host", "", "one host's variables, as JSON")
	cmd.Flags().StringVar(&dir, "playbook-dir", "", "read group_vars and host_vars beside playbooks in this directory too")
	return cmd
}

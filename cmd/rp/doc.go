package main

import (
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"rp/engine/diag"
	"rp/modules"
)

func newDoc() *cobra.Command {
	var markdown bool
	cmd := &cobra.Command{
		Use: "doc [MODULE...]", Short: "Explain modules: arguments, results, examples, where they were tested",
		Long:    "Explain modules, from the same table that arguments are checked against. Without a name: list them.",
		Example: "  rp doc\n  rp doc copy service",
		RunE: func(cmd *cobra.Command, args []string) error {
			w := cmd.OutOrStdout()
			if markdown {
				return modules.Markdown(w, modules.All())
			}
			if len(args) == 0 {
				for _, s := range modules.All() {
					if !strings.HasPrefix(s.Name, "rp.") {
						fmt.Fprintf(w, "%-22s %s\n", s.Name, s.Short)
					}
				}
				return nil
			}
			for _, name := range args {
				s, ok := modules.Find(name)
				if !ok {
					if near := diag.Suggest(name, modules.Names()); near != "" {
						return fmt.Errorf("there is no module %q; did you mean %q?", name, near)
					}
					return fmt.Errorf("there is no module %q", name)
				}
				if err := modules.Text(w, s, columns()); err != nil {
					return err
				}
			}
			return nil
		},
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			return modules.Names(), cobra.ShellCompDirectiveNoFileComp
		},
	}
	cmd.Flags().BoolVar(&markdown, "markdown", false, "all modules as one Markdown page")
	return cmd
}

// columns is the terminal's width, within what can be read.
func columns() int {
	if n, _, err := term.GetSize(int(os.Stdout.Fd())); err == nil { //nolint:gosec // a file descriptor
		return min(max(n, 60), 120)
	}
	return 100
}

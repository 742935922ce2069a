package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"rp/engine/record"
)

func newHistory() *cobra.Command {
	var n int
	cmd := &cobra.Command{
		Use: "history", Short: "List past runs", Args: cobra.NoArgs,
		Long: "List past runs, the newest last: id, when, how it ended, hosts and changes. A run's id is what rp undo takes.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			dir, err := record.Dir()
			if err != nil {
				return err
			}
			runs, err := record.All(dir)
			if err != nil {
				return err
			}
			if n > 0 && len(runs) > n {
				runs = runs[len(runs)-n:]
			}
			for _, r := range runs {
				fmt.Fprintln(cmd.OutOrStdout(), historyLine(r))
			}
			return nil
		},
	}
	cmd.Flags().IntVarP(&n, "number", "n", 20, "how many; 0 for all")
	return cmd
}

func historyLine(r record.Run) string {
	changed, failed := 0, 0
	for _, h := range r.Hosts {
		changed += h.Changed
		if h.Failed+h.Unreachable > 0 {
			failed++
		}
	}
	kind := ""
	switch {
	case r.Check:
		kind = " (check)"
	case r.Undoes != "":
		return fmt.Sprintf("%s  %s  exit %d  undo of %s", r.ID, r.Started.Local().Format("2006-01-02 15:04:05"), r.Code, r.Undoes)
	}
	return fmt.Sprintf("%s  %s  exit %d  hosts=%d changed=%d failed-hosts=%d  %s%s",
		r.ID, r.Started.Local().Format("2006-01-02 15:04:05"), r.Code, len(r.Hosts), changed, failed, strings.Join(r.Command, " "), kind)
}

package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"rp/engine"
	"rp/engine/journal"
	"rp/engine/record"
	"rp/engine/state"
	"rp/engine/wire"
	"rp/inventory"
)

func newUndo() *cobra.Command {
	f := &flags{}
	var list, force bool
	cmd := &cobra.Command{
		Use:   "undo RUN [-i INVENTORY]",
		Short: "Take a run's changes back",
		Long: `Take back what a run changed, on each of its hosts the newest change first.

What the host no longer has as the run left it is not touched: the change is named, with what
is in the way (--force takes it back all the same). What has no inverse, such as a command that
was run, is listed. RUN is a run's id, as rp history shows it, or "last": the newest that changed
something or did not end well. The inventory is that of the run unless -i is given, and so are -u, -c, --private-key and --ssh-common-args.`,
		Example: "  rp undo last --list\n  rp undo 20261123-214806-fvrb7b",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return runUndo(cmd, f, args[0], list, force)
		},
	}
	f.inventoryFlags(cmd.Flags())
	f.connectFlags(cmd.Flags())
	f.formFlags(cmd.Flags())
	cmd.Flags().BoolVar(&list, "list", false, "only list what would be taken back")
	cmd.Flags().BoolVar(&force, "force", false, "take back what was changed by others since, too")
	return cmd
}

func runUndo(cmd *cobra.Command, f *flags, id string, list, force bool) error {
	ctx, _, done := signals(cmd.Context())
	defer done()
	dir, err := record.Dir()
	if err != nil {
		return err
	}
	rec, err := record.Load(dir, id)
	if err != nil {
		return err
	}
	f.as(rec)
	s, err := newSetup(ctx, f)
	if err != nil {
		return err
	}
	if err := s.connect(); err != nil {
		return err
	}
	defer s.close()
	c, err := s.config(nil)
	if err != nil {
		return err
	}
	u := engine.UndoConfig{Config: c, Run: rec.ID, As: map[string][]wire.Become{}, List: list, Force: force}
	if err := undoHosts(s, rec, &u); err != nil {
		return err
	}
	begun := time.Now().UTC()
	results := engine.Undo(ctx, u)
	s.closeSink()
	show := showUndo
	if f.output == "json" {
		show = undoJSON
	}
	code := show(masked{s.masker, cmd.OutOrStdout()}, results, list)
	if !list {
		now := record.Run{ID: c.ID, Started: begun, Ended: time.Now().UTC(), Undoes: rec.ID, Command: []string{"undo", rec.ID}, Dir: rec.Dir, Inventory: rec.Inventory, Code: code}
		if err := record.Save(dir, now); err != nil {
			return err
		}
	}
	if code != engine.ExitOK {
		return exitCode(code)
	}
	return nil
}

// as fills in what was not given with what the run was given.
func (f *flags) as(rec record.Run) {
	if len(f.inventory) == 0 {
		f.inventory = rec.Inventory
	}
	if len(f.keys) == 0 {
		f.keys = rec.Keys
	}
	f.user = cmp.Or(f.user, rec.User)
	f.connection = cmp.Or(f.connection, rec.Connection)
	f.commonArgs = cmp.Or(f.commonArgs, rec.SSHArgs)
}

// undoHosts are the hosts of the run that the inventory still has, within --limit.
func undoHosts(s *setup, rec record.Run, u *engine.UndoConfig) error {
	hosts, ds := s.inv.Select([]string{"all", "localhost"}, s.limit)
	if err := s.printDiagnostics(ds); err != nil {
		return err
	}
	byName := map[string]*inventory.Host{}
	for _, h := range hosts {
		byName[h.Name] = h
	}
	for _, name := range slices.Sorted(maps.Keys(rec.Hosts)) {
		h := byName[name]
		if h == nil && s.f.limit == "" {
			return fmt.Errorf("host %q of run %s is not in the inventory: give the inventory it was run on with -i", name, rec.ID)
		}
		if h == nil {
			continue
		}
		u.Hosts = append(u.Hosts, h)
		u.As[name] = rec.Hosts[name].As
	}
	if len(u.Hosts) == 0 {
		return fmt.Errorf("run %s changed no host", rec.ID)
	}
	return nil
}

// undoCode is the exit code for results. A list fails only where it could not be made.
func undoCode(results []engine.UndoResult, list bool) int {
	code := engine.ExitOK
	for _, r := range results {
		switch {
		case r.Err != nil:
			return engine.ExitUnreachable
		case r.Failed && (!list || r.Msg != ""):
			code = engine.ExitFailed
		}
	}
	return code
}

// showUndo prints the results and gives the exit code.
func showUndo(w io.Writer, results []engine.UndoResult, list bool) int {
	for _, r := range results {
		fmt.Fprintf(w, "%s:\n", r.Host)
		if r.Err != nil {
			fmt.Fprintf(w, "  unreachable: %v\n", r.Err)
			continue
		}
		if r.Msg != "" {
			fmt.Fprintf(w, "  failed: %s\n", r.Msg)
			continue
		}
		if len(r.Items) == 0 {
			fmt.Fprintln(w, "  nothing to take back")
			continue
		}
		counts := map[string]int{}
		for _, it := range r.Items {
			counts[it.State]++
			showUndoItem(w, it)
		}
		fmt.Fprintf(w, "  %s\n", undoSum(counts))
	}
	return undoCode(results, list)
}

// undoJSON prints one object a line: one for each change, and one for each host.
func undoJSON(w io.Writer, results []engine.UndoResult, list bool) int {
	for _, r := range results {
		counts := map[string]int{}
		for _, it := range r.Items {
			counts[it.State]++
			writeJSON(w, undoItemJSON(r.Host, it))
		}
		m := map[string]any{"event": "undo_host", "host": r.Host, "counts": counts, "failed": r.Failed}
		if r.Err != nil {
			m["unreachable"], m["msg"] = true, r.Err.Error()
		} else if r.Msg != "" {
			m["msg"] = r.Msg
		}
		writeJSON(w, m)
	}
	return undoCode(results, list)
}

func undoItemJSON(host string, it wire.UndoItem) map[string]any {
	m := map[string]any{
		"event": "undo", "host": host, "task": it.Task, "pos": it.Pos, "kind": it.Change.Kind, "name": it.Change.Name, "status": it.State,
	}
	if it.User != "" {
		m["user"] = it.User
	}
	if it.Why != "" {
		m["why"] = it.Why
	}
	var diffs []map[string]any
	for _, d := range it.Change.Deltas {
		from, to := deltaWords(d)
		diffs = append(diffs, map[string]any{"field": strings.ToLower(d.Field), "from": from, "to": to})
	}
	if diffs != nil {
		m["diffs"] = diffs
	}
	return m
}

func writeJSON(w io.Writer, m map[string]any) {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(m) // a closed pipe ends the program by itself
}

// deltaWords are a field's two values as they may be shown.
func deltaWords(d state.Delta) (from, to string) {
	if d.Secret {
		return "(secret)", "(another secret)"
	}
	return d.From, d.To
}

func undoSum(counts map[string]int) string {
	var parts []string
	for _, s := range []string{journal.Undone, journal.Pending, journal.Redundant, journal.Impossible, journal.Blocked, journal.Failed} {
		if counts[s] > 0 {
			parts = append(parts, fmt.Sprintf("%s=%d", s, counts[s]))
		}
	}
	return strings.Join(parts, " ")
}

func showUndoItem(w io.Writer, it wire.UndoItem) {
	what := strings.TrimSpace(it.Change.Kind + " " + it.Change.Name)
	fmt.Fprintf(w, "  %-10s %s", it.State, what)
	if it.Task != "" {
		fmt.Fprintf(w, "   (%s)", it.Task)
	}
	fmt.Fprintln(w)
	if it.Why != "" {
		fmt.Fprintf(w, "             %s\n", strings.ReplaceAll(it.Why, "\n", "\n             "))
	}
	for _, d := range it.Change.Deltas {
		if it.State == journal.Pending || it.State == journal.Undone {
			from, to := deltaWords(d)
			fmt.Fprintf(w, "             %s: %s → %s\n", strings.ToLower(d.Field), from, to)
		}
	}
}

package modules

import (
	"context"
	"fmt"
	"math"
	"regexp"
	"time"

	"rp/engine/module"
	"rp/engine/state"
)

var waitForSpec = module.Spec{
	Name: "wait_for", Builtin: true, Kind: module.Probe,
	Short: "Wait until a port, a file or a text in it is there",
	Doc: `Looks again and again until a condition holds, and fails after timeout. Without port and path it waits for timeout seconds. In a dry run it waits only
for what no earlier change can bring about; otherwise its outcome is unknown.`,
	Args: []module.Arg{
		{Name: "host", Default: "127.0.0.1", Doc: "Where the port is, as seen from the host."},
		{Name: "port", Type: module.Int, Doc: "TCP port to wait for."},
		{Name: "path", Type: module.Path, Doc: "File to wait for."},
		{Name: "search_regex", Doc: "Expression to be found in the file, or in what the port sends."},
		{Name: "state", Default: "started", Choices: []string{"absent", "present", "started", "stopped"}, Doc: "started, present: the port is open, the file there. stopped, absent: it is not."},
		{Name: "timeout", Type: module.Int, Default: int64(300), Doc: "Seconds after which it fails."},
		{Name: "delay", Type: module.Int, Default: int64(0), Doc: "Seconds before it looks for the first time."},
		{Name: "sleep", Type: module.Int, Default: int64(1), Doc: "Seconds between looks."},
		{Name: "connect_timeout", Type: module.Int, Default: int64(5), Doc: "Seconds for one connection."},
		{Name: "msg", Doc: "What to say on failure."},
		{Name: "exclude_hosts", NotYet: true, Doc: "With drained: whose connections do not count."},
		{Name: "active_connection_states", NotYet: true, Doc: "With drained: which connections count."},
	},
	Exclusive: [][]string{{"port", "path"}},
	Examples: `- name: The site is up
  wait_for:
    port: 8080
    timeout: 60

- name: The daemon's socket
  wait_for:
    path: /run/user/1001/docker.sock
`,
	Returns: []module.Return{
		{Name: "elapsed", Type: "int", Doc: "seconds waited"},
		{Name: "match_groups", Type: "list", Doc: "what search_regex's groups found in the file"},
		{Name: "state", Type: "str", Doc: "as given"},
		{Name: "port", Type: "int", Doc: "as given"},
		{Name: "path", Type: "str", Doc: "as given"},
	},
	Run: runWaitFor,
}

// now and sleep are the clock of wait_for and pause; tests replace them.
var (
	now   = time.Now
	sleep = func(ctx context.Context, d time.Duration) error {
		timer := time.NewTimer(d)
		defer timer.Stop()
		select {
		case <-timer.C:
			return nil
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
)

func runWaitFor(ctx context.Context, p module.Params, t module.Target) (module.Result, error) {
	begin, limit := now(), time.Duration(p.Int("timeout"))*time.Second
	r := module.Result{"state": p.String("state"), "path": p.Raw("path"), "port": p.Raw("port"), "match_groups": []string{}, "search_regex": p.Raw("search_regex")}
	elapsed := func() int { return int(math.Round(now().Sub(begin).Seconds())) }
	var re *regexp.Regexp
	if x := p.String("search_regex"); x != "" {
		var err error
		if re, err = lineExpr(x); err != nil {
			return nil, err
		}
	}
	if err := sleep(ctx, time.Duration(p.Int("delay"))*time.Second); err != nil {
		return nil, err
	}
	if !p.Has("port") && !p.Has("path") {
		err := sleep(ctx, limit)
		r["elapsed"] = elapsed()
		return r, err
	}
	first, wantThere := true, p.String("state") == "started" || p.String("state") == "present"
	for {
		there, groups, err := waitLook(ctx, p, t, re)
		if err != nil {
			return nil, err
		}
		if there == wantThere {
			r["elapsed"], r["match_groups"] = elapsed(), groups
			return r, nil
		}
		if first {
			first = false
			if err := nothingPending(ctx, t); err != nil {
				return nil, err
			}
		}
		if now().Sub(begin) >= limit {
			msg := p.String("msg")
			if msg == "" {
				msg = timeoutMsg(p)
			}
			put(r, "failed", true, "msg", msg, "elapsed", elapsed())
			return r, nil
		}
		if err := sleep(ctx, time.Duration(p.Int("sleep"))*time.Second); err != nil {
			return nil, err
		}
	}
}

// nothingPending makes the task unknown where, in a dry run, an earlier change may bring
// about what is waited for: a command that only looks is not known then, and is known otherwise.
func nothingPending(ctx context.Context, t module.Target) error {
	g, err := readOne(ctx, t, state.Guard{Command: state.Command{Argv: []string{"true"}}})
	known(g.RC, "what an earlier task brings about")
	return err
}

func timeoutMsg(p module.Params) string {
	what := p.String("path")
	if p.Has("port") {
		what = fmt.Sprintf("%s:%d", p.String("host"), p.Int("port"))
	}
	switch {
	case p.String("state") == "absent" || p.String("state") == "stopped":
		return fmt.Sprintf("Timeout when waiting for %s to stop or go away.", what)
	case p.Has("search_regex"):
		return fmt.Sprintf("Timeout when waiting for search string %s in %s", p.String("search_regex"), what)
	}
	return "Timeout when waiting for " + what
}

// waitLook looks once. What only the real run will know makes the task unknown.
func waitLook(ctx context.Context, p module.Params, t module.Target, re *regexp.Regexp) (there bool, groups []string, err error) {
	groups = []string{}
	if p.Has("port") {
		ask := state.Port{Host: p.String("host"), Port: int(p.Int("port")), Timeout: int(p.Int("connect_timeout"))}
		if re != nil {
			ask.Search = re.String()
		}
		port, err := readOne(ctx, t, ask)
		return known(port.Open, fmt.Sprint("port ", ask.Port)), groups, err
	}
	f, err := realPath(ctx, t, p.String("path"), re != nil)
	if err != nil || known(f.Type, f.Path) == state.Absent {
		return false, groups, err
	}
	if re == nil {
		return true, groups, nil
	}
	body, err := text(f)
	if err != nil {
		return false, groups, err
	}
	m := re.FindStringSubmatch(body)
	if m == nil {
		return false, groups, nil
	}
	return true, append(groups, m[1:]...), nil
}

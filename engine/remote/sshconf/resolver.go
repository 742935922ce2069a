package sshconf

import (
	"context"
	"fmt"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"time"
)

// Resolver answers for many hosts, from several goroutines at once.
type Resolver struct {
	// UserFile and SystemFile are read once, at the first question.
	UserFile, SystemFile, Home, LocalUser string
	// SSH is the ssh program to ask where the files need one; "" for none.
	SSH string
	// Warn is told once of each line that could not be used; may be nil.
	Warn func(string)

	mu      sync.Mutex
	configs map[string]*Config // by the argument of -F
	answers map[string]*answer
	slots   chan struct{}
}

// answer is what `ssh -G` said, being waited for until done is closed.
type answer struct {
	done   chan struct{}
	values Values
	err    error
}

// askLimit is how long one `ssh -G` may take (a Match exec may hang), askAtOnce
// how many run at the same time.
const (
	askLimit  = 10 * time.Second
	askAtOnce = 4
)

// Resolve gives the settings of a host: args first, then the files. A question
// that `ssh -G` could not answer is answered from the files as far as they go.
func (r *Resolver) Resolve(ctx context.Context, q Query, args Args) Values {
	v := Values{}
	for k, vs := range args.Values {
		v[k] = slices.Clone(vs)
	}
	c := r.config(args.File)
	if !c.NeedsSSH() || r.SSH == "" {
		return c.Lookup(q, v)
	}
	asked, err := r.ask(ctx, q, args)
	if err != nil {
		r.warn(fmt.Sprintf("cannot ask ssh for the settings of %q: %v", q.Host, err))
		return c.Lookup(q, v)
	}
	return asked
}

func (r *Resolver) warn(text string) {
	if r.Warn != nil {
		r.Warn(text)
	}
}

// config reads the files once for each argument of -F.
func (r *Resolver) config(file string) *Config {
	r.mu.Lock()
	defer r.mu.Unlock()
	if c, ok := r.configs[file]; ok {
		return c
	}
	user, system := r.UserFile, r.SystemFile
	switch file {
	case "":
	case "none":
		user, system = "", ""
	default:
		user, system = ExpandHome(file, r.Home), ""
	}
	c := Load(user, system, r.Home)
	for _, w := range c.Warnings {
		r.warn(w)
	}
	if c.NeedsSSH() && r.SSH == "" {
		r.warn("the ssh configuration has conditions that only ssh can decide, and there is no ssh: they do not hold")
	}
	if r.configs == nil {
		r.configs = map[string]*Config{}
		r.answers = map[string]*answer{}
		r.slots = make(chan struct{}, askAtOnce)
	}
	r.configs[file] = c
	return c
}

// ask gives what `ssh -G` says and a bare `ssh -G` does not, asked once a host.
func (r *Resolver) ask(ctx context.Context, q Query, args Args) (Values, error) {
	words := slices.Clone(args.Words)
	if q.User != "" {
		words = append(words, "-l", q.User)
	}
	if args.File == "" && r.UserFile != "" && r.SystemFile == "" {
		words = append(words, "-F", r.UserFile)
	}
	words = append(words, "--", q.Host)
	a, err := r.once(ctx, strings.Join(words, "\x00"), words)
	if err != nil {
		return nil, err
	}
	bare, err := r.once(ctx, "", []string{"-F", "/dev/null", "--", "localhost"})
	if err != nil {
		return nil, err
	}
	v := Values{}
	for k, vs := range a {
		if !slices.Equal(bare[k], vs) || k == "hostname" {
			v[k] = slices.Clone(vs)
		}
	}
	return v, nil
}

func (r *Resolver) once(ctx context.Context, key string, words []string) (Values, error) {
	r.mu.Lock()
	a, running := r.answers[key]
	if !running {
		a = &answer{done: make(chan struct{})}
		r.answers[key] = a
	}
	r.mu.Unlock()
	if !running {
		r.slots <- struct{}{}
		a.values, a.err = sshG(r.SSH, words)
		<-r.slots
		close(a.done)
	}
	select {
	case <-a.done:
		return a.values, a.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// sshG runs `ssh -G` and reads its output: a keyword and its value a line.
func sshG(ssh string, words []string) (Values, error) {
	ctx, cancel := context.WithTimeout(context.Background(), askLimit)
	defer cancel()
	cmd := exec.CommandContext(ctx, ssh, append([]string{"-G"}, words...)...)
	cmd.WaitDelay = time.Second
	out, err := cmd.Output()
	if err != nil {
		if e, ok := err.(*exec.ExitError); ok && len(e.Stderr) > 0 { //nolint:errorlint // Output gives it bare
			err = fmt.Errorf("%w: %s", err, strings.TrimSpace(string(e.Stderr)))
		}
		return nil, err
	}
	v := Values{}
	for line := range strings.Lines(string(out)) {
		if k, value, ok := strings.Cut(strings.TrimSpace(line), " "); ok {
			v.add(canonical(k), value)
		}
	}
	return v, nil
}

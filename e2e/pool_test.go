//go:build e2e

package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// hostPool lends lab hosts to scripts, each with a fresh disk. A script asks once for all that it needs, so that no
// two wait for each other.
type hostPool struct {
	mu   sync.Mutex
	cond *sync.Cond
	free []int
}

// poolSize is more than the scripts that run at once, since one may need several hosts.
const poolSize = 5

var pool = func() *hostPool {
	p := &hostPool{}
	p.cond = sync.NewCond(&p.mu)
	for i := range poolSize {
		p.free = append(p.free, i+1)
	}
	return p
}()

// poolHosts are the numbers of the pool's hosts, as arguments of lab.sh.
func poolHosts() []string {
	var args []string
	for i := range poolSize {
		args = append(args, strconv.Itoa(i+1))
	}
	return args
}

// take waits until n hosts are free and gives their numbers.
func (p *hostPool) take(n int) []int {
	p.mu.Lock()
	defer p.mu.Unlock()
	for len(p.free) < n {
		p.cond.Wait()
	}
	slices.Sort(p.free) // prefer hosts that were booted already
	got := slices.Clone(p.free[:n])
	p.free = p.free[n:]
	return got
}

func (p *hostPool) give(hosts []int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.free = append(p.free, hosts...)
	p.cond.Broadcast()
}

// fresh boots the hosts with a disk as the base has it. env adds to the environment, as LAB_SUITE=trixie.
func fresh(hosts []int, env ...string) error {
	args := []string{"reset"}
	for _, h := range hosts {
		args = append(args, strconv.Itoa(h))
	}
	c := exec.Command(lab(), args...)
	c.Env = append(os.Environ(), env...)
	if out, err := c.CombinedOutput(); err != nil {
		return fmt.Errorf("cannot boot the hosts %v: %w\n%s", hosts, err, out)
	}
	return nil
}

func labOutput(args ...string) (string, error) {
	out, err := exec.Command(lab(), args...).CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("lab.sh %s: %w\n%s", strings.Join(args, " "), err, out)
	}
	return strings.TrimSpace(string(out)), nil
}

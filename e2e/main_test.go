//go:build e2e

package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// What the tests were started with, and where they work.
var (
	root string                           // of the checkout
	rp   string                           // the built binary
	keep = os.Getenv("RP_E2E_KEEP") != "" // leave the lab up afterwards
	full = os.Getenv("RP_E2E_FULL") != "" // run what takes long, too
)

func TestMain(m *testing.M) {
	if os.Getuid() != 0 {
		fmt.Fprintln(os.Stderr, "e2e needs root: it boots lab hosts")
		os.Exit(1)
	}
	code, err := run(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, "e2e:", err)
		code = 1
	}
	os.Exit(code)
}

func run(m *testing.M) (int, error) {
	wd, err := os.Getwd()
	if err != nil {
		return 1, fmt.Errorf("cannot tell where this is: %w", err)
	}
	root = filepath.Dir(wd)
	rp = filepath.Join(root, "bin", "rp")
	if err := loud("make", "--no-print-directory", "-C", root, "build"); err != nil {
		return 1, fmt.Errorf("cannot build rp: %w", err)
	}
	for _, what := range []string{"tool", "base"} {
		if err := loud(lab(), what); err != nil {
			return 1, fmt.Errorf("cannot prepare the lab: %w", err)
		}
	}
	// the lab's tool was built by that; without this each command would ask the compiler again
	if err := os.Setenv("TOOL_FRESH", "1"); err != nil {
		return 1, fmt.Errorf("cannot set the environment: %w", err)
	}
	if !keep {
		defer loud(lab(), append([]string{"release"}, poolHosts()...)...)
	}
	return m.Run(), nil
}

func lab() string { return filepath.Join(root, "e2e", "lab", "lab.sh") }

// labDir is where the lab lies, as lab.sh has it.
func labDir() string {
	if d := os.Getenv("LAB"); d != "" {
		return d
	}
	return "/var/tmp/rp-lab"
}

func loud(name string, args ...string) error {
	c := exec.Command(name, args...)
	c.Stdout, c.Stderr = os.Stderr, os.Stderr
	return c.Run()
}

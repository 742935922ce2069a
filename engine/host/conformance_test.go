package host_test

import (
	"os"
	"path/filepath"
	"testing"

	"rp/engine/host"
	"rp/engine/host/hosttest"
)

func linux(t *testing.T) *host.Linux {
	return host.NewLinux(host.Options{Scratch: filepath.Join(t.TempDir(), "scratch")})
}

func TestLinuxConforms(t *testing.T) {
	hosttest.Run(t, func(t *testing.T) hosttest.Fixture {
		return hosttest.Fixture{Host: linux(t), Dir: t.TempDir(), Real: true, System: os.Getenv("RP_TEST_ACCOUNTS") != ""}
	})
}

func TestViewConforms(t *testing.T) {
	hosttest.Run(t, func(t *testing.T) hosttest.Fixture {
		return hosttest.Fixture{Host: host.NewMemory().View(linux(t), "the task", false), Dir: t.TempDir(), System: true}
	})
}

// The view is true: what it knows after each predicted change is what the machine then says.
func TestPredictionIsKept(t *testing.T) {
	var further []hosttest.Case
	if name := os.Getenv("RP_TEST_ACCOUNTS"); name != "" {
		// each leaves its accounts, so only one can be held on a machine
		for _, c := range hosttest.SystemCases() {
			if c.Name == name {
				further = append(further, c)
			}
		}
	}
	hosttest.Promise(t, func(t *testing.T) (host.Host, string) { return linux(t), t.TempDir() }, further...)
}

func TestPredictionOfWhatMayBeIsKept(t *testing.T) {
	hosttest.PromiseMay(t, func(t *testing.T) (host.Host, string) { return linux(t), t.TempDir() })
}

//go:build !linux

package host

// broadcasts are told on Linux only.
func broadcasts() map[string]string { return nil }

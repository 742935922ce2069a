//go:build !linux

package journal

import "time"

// linkTime does nothing: hosts are Linux.
func linkTime(string, time.Time) error { return nil }

package journal

import (
	"fmt"
	"time"

	"golang.org/x/sys/unix"
)

// linkTime gives a symbolic link itself its modification time (utimensat(2)).
func linkTime(path string, at time.Time) error {
	ts, err := unix.TimeToTimespec(at)
	if err != nil {
		return fmt.Errorf("cannot put %s's time back: %w", path, err)
	}
	err = unix.UtimesNanoAt(unix.AT_FDCWD, path, []unix.Timespec{ts, ts}, unix.AT_SYMLINK_NOFOLLOW)
	if err != nil {
		return fmt.Errorf("cannot put %s's time back: %w", path, err)
	}
	return nil
}

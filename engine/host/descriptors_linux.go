package host

import (
	"os"
	"strconv"
	"sync"

	"golang.org/x/sys/unix"
)

// keepDescriptors keeps what this process was started with beyond 0, 1 and 2
// (a login shell may leave descriptors open) from its children; Go's own are marked so already.
var keepDescriptors = sync.OnceFunc(func() {
	fds, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return
	}
	for _, e := range fds {
		if fd, err := strconv.Atoi(e.Name()); err == nil && fd > 2 {
			unix.CloseOnExec(fd)
		}
	}
})

func mayExecute(path string) bool { return unix.Access(path, unix.X_OK) == nil }

// noExec reports whether dir lies on a file system from which nothing may be executed.
func noExec(dir string) bool {
	var st unix.Statfs_t
	return unix.Statfs(dir, &st) == nil && int64(st.Flags)&unix.ST_NOEXEC != 0 //nolint:unconvert // 32 bits on some
}

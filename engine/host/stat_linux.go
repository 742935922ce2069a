package host

import (
	"io/fs"
	"syscall"

	"golang.org/x/sys/unix"
)

// inodeInfo is what only stat(2) itself tells.
func inodeInfo(info map[string]any, fi fs.FileInfo) {
	st, ok := fi.Sys().(*syscall.Stat_t)
	if !ok {
		return
	}
	info["inode"], info["nlink"] = int64(st.Ino), int64(st.Nlink)
	info["dev"], info["device_type"] = int64(st.Dev), int64(st.Rdev)
	info["blocks"], info["block_size"] = int64(st.Blocks), int64(st.Blksize) //nolint:unconvert // other widths on other machines
	info["mtime"] = seconds(fi.ModTime().UnixNano())
	a, c := times(fi)
	info["atime"], info["ctime"] = seconds(a), seconds(c)
}

// times are the access and change times in nanoseconds since 1970.
func times(fi fs.FileInfo) (atime, ctime int64) {
	st, ok := fi.Sys().(*syscall.Stat_t)
	if !ok {
		return 0, 0
	}
	return syscall.TimespecToNsec(st.Atim), syscall.TimespecToNsec(st.Ctim)
}

func accessInfo(info map[string]any, path string) {
	for name, mode := range map[string]uint32{"readable": unix.R_OK, "writeable": unix.W_OK, "executable": unix.X_OK} {
		info[name] = unix.Faccessat(unix.AT_FDCWD, path, mode, 0) == nil
	}
}

//go:build !linux

package host

import "io/fs"

func inodeInfo(info map[string]any, fi fs.FileInfo) {
	info["mtime"] = seconds(fi.ModTime().UnixNano())
}

func times(fs.FileInfo) (atime, ctime int64) { return 0, 0 }

func accessInfo(info map[string]any, _ string) {
	info["readable"], info["writeable"], info["executable"] = true, true, true
}

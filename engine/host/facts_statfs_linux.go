package host

import "golang.org/x/sys/unix"

func statfs(path string) (fileSystem, error) {
	var s unix.Statfs_t
	if err := unix.Statfs(path, &s); err != nil {
		return fileSystem{}, err
	}
	size := int64(s.Frsize) //nolint:unconvert // 32 bits on some architectures
	if size == 0 {
		size = int64(s.Bsize) //nolint:unconvert // as above
	}
	return fileSystem{size, int64(s.Blocks), int64(s.Bavail), int64(s.Files), int64(s.Ffree)}, nil
}

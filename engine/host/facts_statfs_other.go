//go:build !linux

package host

import "errors"

func statfs(string) (fileSystem, error) {
	return fileSystem{}, errors.New("file systems are described on Linux only")
}

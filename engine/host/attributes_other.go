//go:build !linux

package host

import (
	"io/fs"
	"os"
	"time"

	"rp/engine/state"
)

type pinned struct{ path string }

func pin(path string) (*pinned, error) { return &pinned{path}, nil }

func (p *pinned) close() {}

func (p *pinned) stat() (fs.FileInfo, error) { return os.Lstat(p.path) }

func (p *pinned) chown(uid, gid int) error { return os.Lchown(p.path, uid, gid) }

func (p *pinned) chmod(m state.Mode) error { return os.Chmod(p.path, goMode(m)) }

func (p *pinned) setTime(t time.Time) error { return os.Chtimes(p.path, time.Time{}, t) }

func (p *pinned) copyXattrs(string) error { return nil }

func openRegular(path string) (*os.File, error) { return os.Open(path) }

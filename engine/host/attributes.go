package host

import (
	"io/fs"
	"os"
	"time"

	"rp/engine/state"
)

// attributes are what a file is given besides its content.
type attributes struct {
	uid, gid int // -1: as it is
	mode     state.Mode
	mtime    time.Time // zero: as it is
	link     bool
	// keepXattrsOf is the file whose extended attributes it gets too: security
	// labels, access control lists, capabilities. "" for none.
	keepXattrsOf string
}

// goMode is m as package os takes it.
func goMode(m state.Mode) fs.FileMode {
	out := fs.FileMode(m & 0o777)
	if m&0o4000 != 0 {
		out |= fs.ModeSetuid
	}
	if m&0o2000 != 0 {
		out |= fs.ModeSetgid
	}
	if m&0o1000 != 0 {
		out |= fs.ModeSticky
	}
	return out
}

// apply gives the file at path, which is not followed, these attributes. The
// order matters: chown(2) clears set-uid and capabilities, chmod(2) sets the mask of an access control list.
func (a attributes) apply(path string) error {
	p, err := pin(path)
	if err != nil {
		return err
	}
	defer p.close()
	fi, err := p.stat()
	if err != nil {
		return err
	}
	uid, gid := ownerOf(fi)
	if a.uid >= 0 && int64(a.uid) != uid || a.gid >= 0 && int64(a.gid) != gid {
		if err := p.chown(a.uid, a.gid); err != nil {
			return &os.PathError{Op: "chown", Path: path, Err: bare(err)}
		}
		if fi, err = p.stat(); err != nil {
			return err
		}
	}
	if a.keepXattrsOf != "" && !a.link {
		if err := p.copyXattrs(a.keepXattrsOf); err != nil {
			return err
		}
		if fi, err = p.stat(); err != nil {
			return err
		}
	}
	if !a.link && modeOf(fi.Mode()) != a.mode {
		if err := p.chmod(a.mode); err != nil {
			return &os.PathError{Op: "chmod", Path: path, Err: bare(err)}
		}
	}
	if !a.mtime.IsZero() {
		return p.setTime(a.mtime)
	}
	return nil
}

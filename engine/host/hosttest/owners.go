package hosttest

import (
	"fmt"
	"io/fs"
	"syscall"
)

func owners(fi fs.FileInfo) string {
	if st, ok := fi.Sys().(*syscall.Stat_t); ok {
		return fmt.Sprintf(" %d:%d", st.Uid, st.Gid)
	}
	return ""
}

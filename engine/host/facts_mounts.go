package host

import (
	"context"
	"path/filepath"
	"strconv"
	"strings"
)

// mountPoint is a line of /proc/self/mounts (fstab(5)).
type mountPoint struct {
	device, mount, fstype, options string
	dump, pass                     int64
}

func parseMounts(text string) []mountPoint {
	var ms []mountPoint
	for line := range strings.Lines(text) {
		f := strings.Fields(line)
		if len(f) < 4 {
			continue
		}
		m := mountPoint{device: unescapeMount(f[0]), mount: unescapeMount(f[1]), fstype: f[2], options: f[3]}
		if len(f) > 5 {
			m.dump, _ = strconv.ParseInt(f[4], 10, 64)
			m.pass, _ = strconv.ParseInt(f[5], 10, 64)
		}
		ms = append(ms, m)
	}
	return ms
}

// unescapeMount turns the kernel's \040 and the like back.
func unescapeMount(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+3 < len(s) {
			if n, err := strconv.ParseUint(s[i+1:i+4], 8, 8); err == nil {
				b.WriteByte(byte(n))
				i += 3
				continue
			}
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

// fileSystem is what statfs(2) says of a mounted file system, in blocks and inodes.
type fileSystem struct {
	blockSize, blocks, available, inodes, inodesFree int64
}

// mountFacts are the mounted file systems that lie on a device or on another host.
func mountFacts(ctx context.Context, g *gatherer) (facts, error) {
	text := g.text("/proc/self/mounts")
	if text == "" {
		text = g.text("/etc/mtab")
	}
	uuids := g.deviceLinks()["uuid"]
	mounts := []any{}
	for _, m := range parseMounts(text) {
		if m.fstype == "none" || !strings.HasPrefix(m.device, "/") && !strings.Contains(m.device, ":/") {
			continue
		}
		if ctx.Err() != nil { // one of those before hangs
			return facts{"mounts": mounts}, ctx.Err()
		}
		d := map[string]any{
			"mount": m.mount, "device": m.device, "fstype": m.fstype, "options": m.options, "dump": m.dump, "passno": m.pass, "uuid": "N/A",
		}
		if ids, _ := uuids[filepath.Base(m.device)].([]any); len(ids) > 0 {
			d["uuid"] = ids[0]
		}
		if s, err := statfs(g.l.path(m.mount)); err == nil {
			d["block_size"], d["block_total"], d["block_available"], d["block_used"] = s.blockSize, s.blocks, s.available, s.blocks-s.available
			d["inode_total"], d["inode_available"], d["inode_used"] = s.inodes, s.inodesFree, s.inodes-s.inodesFree
			d["size_total"], d["size_available"] = s.blockSize*s.blocks, s.blockSize*s.available
		}
		mounts = append(mounts, d)
	}
	return facts{"mounts": mounts}, nil
}

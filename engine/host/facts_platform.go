package host

import (
	"context"
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

func platformFacts(ctx context.Context, g *gatherer) (facts, error) {
	var u unix.Utsname
	if err := unix.Uname(&u); err != nil {
		return nil, fmt.Errorf("cannot ask the kernel its name: %w", err)
	}
	machine, node := unix.ByteSliceToString(u.Machine[:]), unix.ByteSliceToString(u.Nodename[:])
	fqdn := g.fqdn(ctx, node)
	host, _, _ := strings.Cut(node, ".")
	_, domain, _ := strings.Cut(fqdn, ".")
	f := facts{
		"system": unix.ByteSliceToString(u.Sysname[:]), "kernel": unix.ByteSliceToString(u.Release[:]),
		"kernel_version": unix.ByteSliceToString(u.Version[:]), "machine": machine, "architecture": architecture(machine),
		"userspace_architecture": architecture(machine), "userspace_bits": strconv.Itoa(strconv.IntSize),
		"nodename": node, "hostname": host, "fqdn": fqdn, "domain": domain,
	}
	for _, p := range []string{"/etc/machine-id", "/var/lib/dbus/machine-id"} {
		if id := g.text(p); id != "" {
			f["machine_id"] = id
			break
		}
	}
	return f, nil
}

// architecture is the machine's name as Ansible gives it: all 32-bit x86 are i386.
func architecture(machine string) string {
	if len(machine) == 4 && machine[0] == 'i' && strings.HasSuffix(machine, "86") {
		return "i386"
	}
	return machine
}

// resolveTimeout bounds asking the DNS for the host's own full name.
const resolveTimeout = 2 * time.Second

// fqdn is the first name with a dot that the host's own name resolves to, by
// /etc/hosts and then the DNS; the name itself where there is none.
func (g *gatherer) fqdn(ctx context.Context, node string) string {
	if strings.Contains(node, ".") {
		return node
	}
	if names := hostsNames(g.text("/etc/hosts"), node); len(names) > 0 {
		return firstDotted(names, node)
	}
	ctx, cancel := context.WithTimeout(ctx, resolveTimeout)
	defer cancel()
	var r net.Resolver
	addrs, err := r.LookupHost(ctx, node)
	if err != nil || len(addrs) == 0 {
		return node
	}
	names, err := r.LookupAddr(ctx, addrs[0])
	if err != nil {
		return node
	}
	return firstDotted(names, node)
}

// hostsNames are the names on the first line of hosts(5) that has name.
func hostsNames(text, name string) []string {
	for line := range strings.Lines(text) {
		line, _, _ = strings.Cut(line, "#")
		f := strings.Fields(line)
		for i := 1; i < len(f); i++ {
			if f[i] == name {
				return f[1:]
			}
		}
	}
	return nil
}

func firstDotted(names []string, or string) string {
	for _, n := range names {
		if n = strings.TrimSuffix(n, "."); strings.Contains(n, ".") {
			return n
		}
	}
	return or
}

func userFacts(ctx context.Context, g *gatherer) (facts, error) {
	uid, gid := int64(os.Geteuid()), int64(os.Getegid())
	f := facts{
		"user_uid": uid, "user_gid": gid, "real_user_id": int64(os.Getuid()), "effective_user_id": uid,
		"real_group_id": int64(os.Getgid()), "effective_group_id": gid,
	}
	n := newNames(g.l)
	name, err := n.user(ctx, uid, "")
	if err != nil {
		return f, err
	}
	a, err := g.l.loadAccounts()
	if err != nil {
		return f, err
	}
	u, err := g.l.findUser(ctx, a, name)
	if err != nil || u == nil {
		f["user_id"] = name
		return f, err
	}
	f["user_id"], f["user_gecos"], f["user_dir"], f["user_shell"] = u.Name, u.Comment, u.Home, u.Shell
	f["user_gid"] = u.GID
	return f, nil
}

func envFacts(context.Context, *gatherer) (facts, error) {
	env := map[string]any{}
	for _, kv := range os.Environ() {
		if k, v, ok := strings.Cut(kv, "="); ok {
			env[k] = v
		}
	}
	return facts{"env": env}, nil
}

func dateFacts(context.Context, *gatherer) (facts, error) { return dateOfFacts(time.Now()), nil }

func dateOfFacts(now time.Time) facts {
	utc := now.UTC()
	zone, _ := now.Zone()
	// the name in summer, where it has one: the zone's other name in this year
	dst := zone
	for _, m := range []time.Month{time.January, time.July} {
		if at := time.Date(now.Year(), m, 1, 12, 0, 0, 0, now.Location()); at.IsDST() {
			dst, _ = at.Zone()
		}
	}
	monday := (int(now.Weekday()) + 6) % 7
	epoch := strconv.FormatInt(now.Unix(), 10)
	return facts{"date_time": map[string]any{
		"year": now.Format("2006"), "month": now.Format("01"), "day": now.Format("02"),
		"weekday": now.Format("Monday"), "weekday_number": strconv.Itoa(int(now.Weekday())),
		"weeknumber": fmt.Sprintf("%02d", (now.YearDay()-1+7-monday)/7), // strftime's %W: weeks that begin on Monday
		"hour":       now.Format("15"), "minute": now.Format("04"), "second": now.Format("05"),
		"epoch": epoch, "epoch_int": epoch, "date": now.Format(time.DateOnly), "time": now.Format(time.TimeOnly),
		"iso8601_micro": utc.Format("2006-01-02T15:04:05.000000Z"), "iso8601": utc.Format("2006-01-02T15:04:05Z"),
		"iso8601_basic": strings.ReplaceAll(now.Format("20060102T150405.000000"), ".", ""), "iso8601_basic_short": now.Format("20060102T150405"),
		"tz": zone, "tz_dst": dst, "tz_offset": now.Format("-0700"),
	}}
}

func cmdlineFacts(_ context.Context, g *gatherer) (facts, error) {
	line := g.text("/proc/cmdline")
	if line == "" {
		return nil, nil
	}
	words, err := splitWords(line)
	if err != nil {
		words = strings.Fields(line)
	}
	once, all := map[string]any{}, map[string]any{}
	for _, w := range words {
		k, v, has := strings.Cut(w, "=")
		var val any = v
		if !has {
			val = true
		}
		once[k] = val
		switch old := all[k].(type) {
		case nil:
			all[k] = val
		case []any:
			all[k] = append(old, val)
		default:
			all[k] = []any{old, val}
		}
	}
	return facts{"cmdline": once, "proc_cmdline": all}, nil
}

func serviceManagerFacts(_ context.Context, g *gatherer) (facts, error) {
	name := map[string]string{systemd: "systemd", openrc: "openrc", sysv: "sysvinit"}[g.l.serviceManager()]
	if name == "" {
		name = "service"
	}
	return facts{"service_mgr": name}, nil
}

func packageManagerFacts(_ context.Context, g *gatherer) (facts, error) {
	name := g.l.packageManager()
	switch name {
	case "":
		name = "unknown"
	case "dnf":
		if target, err := os.Readlink(g.l.path("/usr/bin/dnf")); err != nil && !g.l.hasTool("dnf") || strings.Contains(target, "dnf5") {
			name = "dnf5"
		}
	}
	return facts{"pkg_mgr": name}, nil
}

func chrootFacts(_ context.Context, g *gatherer) (facts, error) {
	if os.Getenv("debian_chroot") != "" {
		return facts{"is_chroot": true}, nil
	}
	own, err1 := os.Stat(g.l.path("/"))
	first, err2 := os.Stat(g.l.path("/proc/1/root/."))
	return facts{"is_chroot": err1 == nil && err2 == nil && !os.SameFile(own, first)}, nil
}

func loadFacts(_ context.Context, g *gatherer) (facts, error) {
	f := strings.Fields(g.text("/proc/loadavg"))
	if len(f) < 3 {
		return nil, nil
	}
	avg := map[string]any{}
	for i, k := range []string{"1m", "5m", "15m"} {
		n, err := strconv.ParseFloat(f[i], 64)
		if err != nil {
			return nil, fmt.Errorf("cannot read /proc/loadavg: %w", err)
		}
		avg[k] = n
	}
	return facts{"loadavg": avg}, nil
}

func uptimeFacts(_ context.Context, g *gatherer) (facts, error) {
	f := strings.Fields(g.text("/proc/uptime"))
	if len(f) == 0 {
		return nil, nil
	}
	s, err := strconv.ParseFloat(f[0], 64)
	if err != nil {
		return nil, fmt.Errorf("cannot read /proc/uptime: %w", err)
	}
	return facts{"uptime_seconds": int64(s)}, nil
}

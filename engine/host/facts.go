package host

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"rp/engine/state"
)

func init() {
	register("facts", kind{read: readFacts})
}

// defaultFactTimeout bounds one group of facts where the task names no bound.
const defaultFactTimeout = 10 * time.Second

// facts are variables of a host by name, without the ansible_ prefix, in plain Go values.
type facts map[string]any

// collector gathers one group of facts. Its names are those that gather_subset
// knows it by: its own first, then some of its facts.
type collector struct {
	names []string
	// subset is the larger group that it belongs to; "" is min.
	subset string
	gather func(ctx context.Context, g *gatherer) (facts, error)
}

// collectors is the table of all facts. The names, of groups and of facts, are
// those of Ansible's setup module.
var collectors = []collector{
	{[]string{"platform", "system", "kernel", "kernel_version", "machine", "architecture", "machine_id", "hostname", "nodename", "fqdn", "domain"}, "", platformFacts},
	{[]string{"distribution", "os_family", "distribution_version", "distribution_release", "distribution_major_version"}, "", distributionFacts},
	{[]string{"user", "user_id", "user_uid", "user_gid", "user_gecos", "user_dir", "user_shell", "real_user_id", "effective_user_id", "effective_group_ids"}, "", userFacts},
	{[]string{"env"}, "", envFacts},
	{[]string{"date_time"}, "", dateFacts},
	{[]string{"cmdline"}, "", cmdlineFacts},
	{[]string{"dns"}, "", dnsFacts},
	{[]string{"lsb"}, "", lsbFacts},
	{[]string{"selinux"}, "", selinuxFacts},
	{[]string{"apparmor"}, "", apparmorFacts},
	{[]string{"caps", "system_capabilities", "system_capabilities_enforced"}, "", capabilityFacts},
	{[]string{"fips"}, "", fipsFacts},
	{[]string{"ssh_pub_keys", "ssh_host_pub_keys", "ssh_host_key_dsa_public", "ssh_host_key_rsa_public", "ssh_host_key_ecdsa_public", "ssh_host_key_ed25519_public"}, "", sshKeyFacts},
	{[]string{"service_mgr"}, "", serviceManagerFacts},
	{[]string{"pkg_mgr"}, "", packageManagerFacts},
	{[]string{"local"}, "", localFacts},
	{[]string{"chroot", "is_chroot"}, "", chrootFacts},
	{[]string{"loadavg"}, "", loadFacts},
	{[]string{"network", "interfaces", "default_ipv4", "default_ipv6", "all_ipv4_addresses", "all_ipv6_addresses"}, "network", networkFacts},
	{[]string{"iscsi", "nvme", "fibre_channel_wwn"}, "network", storageNameFacts},
	{[]string{"memory", "memtotal_mb", "swaptotal_mb"}, "hardware", memoryFacts},
	{[]string{"processor", "processor_cores", "processor_count"}, "hardware", processorFacts},
	{[]string{"dmi", "product_name", "bios_version"}, "hardware", dmiFacts},
	{[]string{"mounts"}, "hardware", mountFacts},
	{[]string{"devices"}, "hardware", deviceFacts},
	{[]string{"uptime", "uptime_seconds"}, "hardware", uptimeFacts},
	{[]string{"virtual", "virtualization_type", "virtualization_role", "virtualization_tech_guest", "virtualization_tech_host"}, "virtual", virtualFacts},
}

// foreignSubsets are gathered by other programs, which rp does not start.
var foreignSubsets = []string{"facter", "ohai"}

// gatherer is one gathering of facts.
type gatherer struct {
	l    *Linux
	path string // of local facts
}

// text is a small file's content without the space around it; "" where it cannot be read.
func (g *gatherer) text(path string) string {
	text, err := readBounded(g.l.path(path), 1<<20)
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(text))
}

func readFacts(ctx context.Context, l *Linux, ss []state.State) ([]state.State, error) {
	out := make([]state.State, len(ss))
	for i, s := range ss {
		q := s.(state.Facts)
		chosen, err := chooseCollectors(q.Subsets)
		if err != nil {
			return nil, err
		}
		g := &gatherer{l: l, path: q.Path}
		if g.path == "" {
			g.path = "/etc/ansible/facts.d"
		}
		timeout := time.Duration(q.Timeout) * time.Second
		if timeout <= 0 {
			timeout = defaultFactTimeout
		}
		all := map[string]any{}
		for _, c := range chosen {
			got, err := gatherOne(ctx, g, c, timeout)
			if err != nil {
				return nil, fmt.Errorf("cannot gather the facts %q: %w", c.names[0], err)
			}
			maps.Copy(all, got)
		}
		all["gather_subset"], all["module_setup"] = q.Subsets, true
		if len(q.Subsets) == 0 {
			all["gather_subset"] = []string{"all"}
		}
		q.Info = state.Is(all)
		out[i] = q
	}
	return out, nil
}

// gatherOne gathers one group; what takes longer than timeout is left out, as Ansible does it.
func gatherOne(ctx context.Context, g *gatherer, c collector, timeout time.Duration) (facts, error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	type answer struct {
		f   facts
		err error
	}
	done := make(chan answer, 1)
	go func() {
		f, err := c.gather(ctx, g)
		done <- answer{f, err}
	}()
	select {
	case a := <-done:
		if errors.Is(a.err, context.DeadlineExceeded) {
			return a.f, nil
		}
		return a.f, a.err
	case <-ctx.Done(): // a file system that hangs hangs its reader too
		if errors.Is(ctx.Err(), context.DeadlineExceeded) {
			return nil, nil
		}
		return nil, ctx.Err()
	}
}

// chooseCollectors is what gather_subset's words choose: all without any; a word
// with ! leaves out; min is in unless !min or !all,!min says otherwise.
func chooseCollectors(words []string) ([]collector, error) {
	add, drop := map[string]bool{}, map[string]bool{}
	for _, w := range words {
		name, not := strings.CutPrefix(strings.TrimSpace(w), "!")
		if !knownSubset(name) {
			return nil, fmt.Errorf("cannot gather facts: there is no subset %q in gather_subset", name)
		}
		if not {
			drop[name] = true
		} else {
			add[name] = true
		}
	}
	if len(add) == 0 && !drop["all"] {
		add["all"] = true
	}
	var out []collector
	for _, c := range collectors {
		named := slices.ContainsFunc(c.names, func(n string) bool { return add[n] })
		unnamed := slices.ContainsFunc(c.names, func(n string) bool { return drop[n] })
		group := c.subset
		if group == "" {
			group = "min"
		}
		in := add["all"] || add[group] || group == "min" // min is gathered with everything
		out1 := drop[group] || unnamed || drop["all"] && group != "min" && !add[group]
		if named && !unnamed || in && !out1 {
			out = append(out, c)
		}
	}
	return out, nil
}

func knownSubset(name string) bool {
	if slices.Contains([]string{"all", "min", "hardware", "network", "virtual"}, name) || slices.Contains(foreignSubsets, name) {
		return true
	}
	return slices.ContainsFunc(collectors, func(c collector) bool { return slices.Contains(c.names, name) })
}

package host

import (
	"context"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

func selinuxFacts(_ context.Context, g *gatherer) (facts, error) {
	s := map[string]any{"status": "disabled"}
	config := map[string]string{}
	for line := range strings.Lines(g.text("/etc/selinux/config")) {
		if k, v, ok := strings.Cut(strings.TrimSpace(line), "="); ok && !strings.HasPrefix(k, "#") {
			config[k] = v
		}
	}
	if enforce := g.text("/sys/fs/selinux/enforce"); enforce != "" {
		s["status"], s["mode"] = "enabled", "permissive"
		if enforce == "1" {
			s["mode"] = "enforcing"
		}
		if n, err := strconv.Atoi(g.text("/sys/fs/selinux/policyvers")); err == nil {
			s["policyvers"] = int64(n)
		}
		s["config_mode"], s["type"] = "unknown", "unknown"
		if m := config["SELINUX"]; m != "" {
			s["config_mode"] = m
		}
		if t := config["SELINUXTYPE"]; t != "" {
			s["type"] = t
		}
	}
	return facts{"selinux": s}, nil
}

func apparmorFacts(_ context.Context, g *gatherer) (facts, error) {
	status := "disabled"
	if _, err := os.Stat(g.l.path("/sys/kernel/security/apparmor")); err == nil {
		status = "enabled"
	}
	return facts{"apparmor": map[string]any{"status": status}}, nil
}

func fipsFacts(_ context.Context, g *gatherer) (facts, error) {
	return facts{"fips": g.text("/proc/sys/crypto/fips_enabled") == "1"}, nil
}

// capabilityNames are capabilities(7) by number.
var capabilityNames = strings.Fields(`cap_chown cap_dac_override cap_dac_read_search cap_fowner cap_fsetid cap_kill cap_setgid cap_setuid
cap_setpcap cap_linux_immutable cap_net_bind_service cap_net_broadcast cap_net_admin cap_net_raw cap_ipc_lock cap_ipc_owner
cap_sys_module cap_sys_rawio cap_sys_chroot cap_sys_ptrace cap_sys_pacct cap_sys_admin cap_sys_boot cap_sys_nice
cap_sys_resource cap_sys_time cap_sys_tty_config cap_mknod cap_lease cap_audit_write cap_audit_control cap_setfcap
cap_mac_override cap_mac_admin cap_syslog cap_wake_alarm cap_block_suspend cap_audit_read cap_perfmon cap_bpf cap_checkpoint_restore`)

// capabilityFacts: with all that the kernel has, none are enforced, and the list is empty.
func capabilityFacts(_ context.Context, g *gatherer) (facts, error) {
	last, err1 := strconv.Atoi(g.text("/proc/sys/kernel/cap_last_cap"))
	_, rest, found := strings.Cut(g.text("/proc/self/status"), "CapEff:")
	word, _, _ := strings.Cut(strings.TrimSpace(rest), "\n")
	set, err2 := strconv.ParseUint(strings.TrimSpace(word), 16, 64)
	if err1 != nil || err2 != nil || !found {
		return facts{"system_capabilities_enforced": "NA", "system_capabilities": []any{}}, nil
	}
	if all := uint64(1)<<(last+1) - 1; set&all == all {
		return facts{"system_capabilities_enforced": "False", "system_capabilities": []any{}}, nil
	}
	names := []any{}
	for i, n := range capabilityNames {
		if set>>i&1 == 1 {
			names = append(names, n)
		}
	}
	return facts{"system_capabilities_enforced": "True", "system_capabilities": names}, nil
}

func sshKeyFacts(_ context.Context, g *gatherer) (facts, error) {
	f := facts{}
	for _, dir := range []string{"/etc/ssh", "/etc/openssh", "/etc"} {
		for _, algo := range []string{"dsa", "rsa", "ecdsa", "ed25519"} {
			words := strings.Fields(g.text(filepath.Join(dir, "ssh_host_"+algo+"_key.pub")))
			if len(words) < 2 {
				continue
			}
			f["ssh_host_key_"+algo+"_public"], f["ssh_host_key_"+algo+"_public_keytype"] = words[1], words[0]
		}
		if len(f) > 0 {
			break
		}
	}
	return f, nil
}

func dnsFacts(_ context.Context, g *gatherer) (facts, error) {
	dns := map[string]any{}
	for line := range strings.Lines(g.text("/etc/resolv.conf")) {
		f := strings.Fields(line)
		if len(f) < 2 || strings.HasPrefix(f[0], "#") || strings.HasPrefix(f[0], ";") {
			continue
		}
		switch f[0] {
		case "nameserver":
			old, _ := dns["nameservers"].([]any)
			dns["nameservers"] = append(old, f[1])
		case "domain":
			dns["domain"] = f[1]
		case "search", "sortlist":
			dns[f[0]] = anyStrings(f[1:])
		case "options":
			options := map[string]any{}
			for _, o := range f[1:] {
				k, v, has := strings.Cut(o, ":")
				options[k] = true
				if has {
					options[k] = v
				}
			}
			dns["options"] = options
		}
	}
	return facts{"dns": dns}, nil
}

func anyStrings(ss []string) []any {
	out := make([]any, len(ss))
	for i, s := range ss {
		out[i] = s
	}
	return out
}

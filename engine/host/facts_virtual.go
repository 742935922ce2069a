package host

import (
	"context"
	"os"
	"regexp"
	"slices"
	"strings"
)

// containerHints tell a container by the cgroup of process 1.
var containerHints = []struct {
	tech    string
	pattern *regexp.Regexp
}{
	{"docker", regexp.MustCompile(`/docker(/|-[0-9a-f]+\.scope)`)},
	{"lxc", regexp.MustCompile(`/(lxc|machine\.slice/lxc)/`)},
	{"podman", regexp.MustCompile(`/libpod-`)},
	{"container", regexp.MustCompile(`/(machine\.slice/machine-|system\.slice/containerd)`)},
}

// virtualization is what the host is a guest in, and what it is a host of.
type virtualization struct {
	kind, role  string
	guest, host []string
}

// found notes tech; the first one found is what the host is.
func (v *virtualization) found(role, tech string) {
	list := &v.guest
	if role == "host" {
		list = &v.host
	}
	if !slices.Contains(*list, tech) {
		*list = append(*list, tech)
	}
	if v.kind == "" {
		v.kind, v.role = tech, role
	}
}

func virtualFacts(_ context.Context, g *gatherer) (facts, error) {
	v := &virtualization{}
	g.inContainer(v)
	g.inHypervisor(v)
	g.isHypervisor(v)
	if v.kind == "" {
		v.kind, v.role = "NA", "NA"
	}
	slices.Sort(v.guest)
	slices.Sort(v.host)
	return facts{
		"virtualization_type": v.kind, "virtualization_role": v.role,
		"virtualization_tech_guest": anyStrings(v.guest), "virtualization_tech_host": anyStrings(v.host),
	}, nil
}

func (g *gatherer) exists(path string) bool {
	_, err := os.Stat(g.l.path(path))
	return err == nil
}

// inContainer looks for the marks that container managers leave.
func (g *gatherer) inContainer(v *virtualization) {
	cgroup := g.text("/proc/1/cgroup")
	for _, h := range containerHints {
		if h.pattern.MatchString(cgroup) {
			v.found("guest", h.tech)
			v.found("guest", "container")
		}
	}
	if g.exists("/.dockerenv") || g.exists("/.dockerinit") {
		v.found("guest", "docker")
		v.found("guest", "container")
	}
	if g.exists("/run/.containerenv") {
		v.found("guest", "podman")
		v.found("guest", "container")
	}
	mark := g.text("/run/systemd/container")
	for kv := range strings.SplitSeq(g.text("/proc/1/environ"), "\x00") {
		if c, ok := strings.CutPrefix(kv, "container="); ok {
			mark = c
		}
	}
	switch {
	case mark == "":
	case strings.HasPrefix(mark, "lxc"):
		v.found("guest", "lxc")
		v.found("guest", "container")
	case mark == "podman", mark == "docker":
		v.found("guest", mark)
		v.found("guest", "container")
	default:
		v.found("guest", "container")
	}
	if g.exists("/proc/vz") && !g.exists("/proc/bc") {
		v.found("guest", "openvz")
	}
}

// dmiHints tell a hypervisor by what the machine's firmware says of it.
var dmiHints = []struct{ file, prefix, tech string }{
	{"product_name", "KVM", "kvm"},
	{"product_name", "Bochs", "kvm"},
	{"product_name", "AHV", "kvm"},
	{"product_name", "oVirt", "oVirt"},
	{"product_name", "RHEV Hypervisor", "RHEV"},
	{"product_name", "VMware", "VMware"},
	{"product_name", "OpenStack", "openstack"},
	{"product_name", "Virtual Machine", "VirtualPC"},
	{"product_name", "Parallels", "parallels"},
	{"product_name", "HVM domU", "xen"},
	{"bios_vendor", "Xen", "xen"},
	{"bios_vendor", "innotek GmbH", "virtualbox"},
	{"bios_vendor", "Amazon EC2", "kvm"},
	{"bios_vendor", "DigitalOcean", "kvm"},
	{"bios_vendor", "Hetzner", "kvm"},
	{"bios_vendor", "BHYVE", "bhyve"},
	{"sys_vendor", "QEMU", "kvm"},
	{"sys_vendor", "KubeVirt", "KubeVirt"},
	{"sys_vendor", "oVirt", "kvm"},
	{"sys_vendor", "Parallels", "parallels"},
	{"sys_vendor", "VMware", "VMware"},
	{"sys_vendor", "Amazon EC2", "kvm"},
	{"sys_vendor", "DigitalOcean", "kvm"},
	{"sys_vendor", "Google", "kvm"},
	{"sys_vendor", "Scaleway", "kvm"},
	{"sys_vendor", "Nutanix", "kvm"},
	{"sys_vendor", "OpenStack Foundation", "openstack"},
	{"sys_vendor", "Red Hat", "kvm"},
	{"sys_vendor", "innotek GmbH", "virtualbox"},
	{"sys_vendor", "Xen", "xen"},
}

func (g *gatherer) inHypervisor(v *virtualization) {
	if kind := g.text("/sys/hypervisor/type"); kind == "xen" || g.exists("/proc/xen") {
		if strings.Contains(g.text("/proc/xen/capabilities"), "control_d") {
			v.found("host", "xen")
		} else {
			v.found("guest", "xen")
		}
	}
	for _, h := range dmiHints {
		if strings.HasPrefix(g.text("/sys/devices/virtual/dmi/id/"+h.file), h.prefix) {
			v.found("guest", h.tech)
		}
	}
	info := g.text("/proc/cpuinfo")
	if strings.Contains(info, "QEMU Virtual CPU") || strings.Contains(info, "User Mode Linux") {
		v.found("guest", map[bool]string{true: "kvm", false: "uml"}[strings.Contains(info, "QEMU")])
	}
	if strings.Contains(info, "IBM/S390") {
		if s := g.text("/proc/sysinfo"); strings.Contains(s, "VM00") {
			v.found("guest", "PR/SM")
		}
	}
	if c := parseCPUInfo(info); v.kind == "" && slices.Contains(strings.Fields(c.flags), "hypervisor") {
		v.found("guest", "kvm") // the processor says that there is one; kvm is the one that hides best
	}
}

// isHypervisor: a machine that is no guest and has a hypervisor's modules loaded is a host.
func (g *gatherer) isHypervisor(v *virtualization) {
	modules := g.text("/proc/modules")
	for line := range strings.Lines(modules) {
		switch firstWord(line) {
		case "kvm":
			v.found("host", "kvm")
		case "vboxdrv":
			v.found("host", "virtualbox")
		}
	}
	if g.exists("/proc/vz") && g.exists("/proc/bc") {
		v.found("host", "openvz")
	}
}

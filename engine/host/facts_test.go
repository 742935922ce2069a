package host

import (
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"rp/engine/state"
)

func collectorNames(cs []collector) []string {
	var ns []string
	for _, c := range cs {
		ns = append(ns, c.names[0])
	}
	return ns
}

func TestChooseCollectors(t *testing.T) {
	all, err := chooseCollectors(nil)
	if err != nil || len(all) != len(collectors) {
		t.Fatalf("no subset chooses %d of %d, %v", len(all), len(collectors), err)
	}
	for _, tc := range []struct {
		words      string
		has, lacks []string
	}{
		{"all", []string{"platform", "network", "virtual", "devices"}, nil},
		{"min", []string{"platform", "distribution", "env"}, []string{"network", "memory", "virtual"}},
		{"!all", []string{"platform"}, []string{"network", "memory", "virtual"}},
		{"!all,!min", nil, []string{"platform", "network"}},
		{"network", []string{"platform", "network"}, []string{"memory", "virtual"}},
		{"!hardware", []string{"platform", "network", "virtual"}, []string{"memory", "mounts"}},
		{"!all,!min,mounts", []string{"mounts"}, []string{"platform", "memory"}},
		{"!all,!min,default_ipv4", []string{"network"}, []string{"platform", "memory"}},
		{"hardware,!mounts", []string{"memory", "platform"}, []string{"mounts", "network"}},
		{"all,!virtual,!facter", []string{"memory", "platform"}, []string{"virtual"}},
		{"!min,network", []string{"network"}, []string{"platform", "memory"}},
	} {
		cs, err := chooseCollectors(strings.Split(tc.words, ","))
		if err != nil {
			t.Fatal(err)
		}
		got := collectorNames(cs)
		for _, n := range tc.has {
			if !slices.Contains(got, n) {
				t.Errorf("%s leaves out %s", tc.words, n)
			}
		}
		for _, n := range tc.lacks {
			if slices.Contains(got, n) {
				t.Errorf("%s gathers %s", tc.words, n)
			}
		}
	}
	if _, err := chooseCollectors([]string{"!hardwear"}); err == nil || !strings.Contains(err.Error(), `"hardwear"`) {
		t.Errorf("a misspelt subset gives %v", err)
	}
}

func gather(t *testing.T, l *Linux, subset string) map[string]any {
	t.Helper()
	q := state.Facts{Subsets: []string{"!all", "!min", subset}}
	return read1(t, l, q).Info.Or(nil)
}

func wantFacts(t *testing.T, got map[string]any, want facts) {
	t.Helper()
	for k, v := range want {
		if !reflect.DeepEqual(got[k], v) {
			t.Errorf("%s is %#v, want %#v", k, got[k], v)
		}
	}
}

func TestDistributions(t *testing.T) {
	for name, tc := range map[string]struct {
		files map[string]string
		want  facts
	}{
		"debian": {
			map[string]string{"/etc/os-release": "PRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\nNAME=\"Debian GNU/Linux\"\nVERSION_ID=\"12\"\nVERSION=\"12 (bookworm)\"\nVERSION_CODENAME=bookworm\nID=debian\n", "/etc/debian_version": "12.15\n"},
			facts{"distribution": "Debian", "distribution_version": "12.15", "distribution_major_version": "12", "distribution_release": "bookworm", "os_family": "Debian", "distribution_minor_version": "15"},
		},
		"debian testing": {
			map[string]string{"/etc/os-release": "ID=debian\nVERSION_CODENAME=trixie\n", "/etc/debian_version": "trixie/sid\n"},
			facts{"distribution": "Debian", "distribution_version": "NA", "distribution_release": "trixie"},
		},
		"ubuntu": {
			map[string]string{"/usr/lib/os-release": "NAME=Ubuntu\nVERSION_ID=\"24.04\"\nVERSION=\"24.04.1 LTS (Noble Numbat)\"\nVERSION_CODENAME=noble\nID=ubuntu\nID_LIKE=debian\n"},
			facts{"distribution": "Ubuntu", "distribution_version": "24.04", "distribution_major_version": "24", "distribution_release": "noble", "os_family": "Debian"},
		},
		"centos 7": {
			map[string]string{"/etc/os-release": "NAME=\"CentOS Linux\"\nVERSION=\"7 (Core)\"\nID=\"centos\"\nVERSION_ID=\"7\"\n", "/etc/centos-release": "CentOS Linux release 7.9.2009 (Core)\n", "/etc/redhat-release": "CentOS Linux release 7.9.2009 (Core)\n"},
			facts{"distribution": "CentOS", "distribution_version": "7.9", "distribution_major_version": "7", "distribution_release": "Core", "os_family": "RedHat", "distribution_file_variety": "RedHat"},
		},
		"rocky": {
			map[string]string{"/etc/os-release": "NAME=\"Rocky Linux\"\nVERSION=\"9.3 (Blue Onyx)\"\nID=\"rocky\"\nVERSION_ID=\"9.3\"\n"},
			facts{"distribution": "Rocky", "distribution_version": "9.3", "distribution_major_version": "9", "distribution_release": "Blue Onyx", "os_family": "RedHat"},
		},
		"rhel": {
			map[string]string{"/etc/os-release": "NAME=\"Red Hat Enterprise Linux\"\nVERSION=\"8.5 (Ootpa)\"\nID=\"rhel\"\nVERSION_ID=\"8.5\"\n"},
			facts{"distribution": "RedHat", "distribution_version": "8.5", "distribution_release": "Ootpa", "os_family": "RedHat"},
		},
		"leap": {
			map[string]string{"/etc/os-release": "NAME=\"openSUSE Leap\"\nVERSION=\"15.5\"\nID=\"opensuse-leap\"\nVERSION_ID=\"15.5\"\n"},
			facts{"distribution": "openSUSE Leap", "distribution_major_version": "15", "distribution_release": "5", "os_family": "Suse"},
		},
		"alpine": {
			map[string]string{"/etc/os-release": "NAME=\"Alpine Linux\"\nID=alpine\nVERSION_ID=3.19.0\n", "/etc/alpine-release": "3.19.1\n"},
			facts{"distribution": "Alpine", "distribution_version": "3.19.1", "distribution_release": "NA", "os_family": "Alpine"},
		},
		"arch": {
			map[string]string{"/etc/os-release": "NAME=\"Arch Linux\"\nID=arch\nBUILD_ID=rolling\n"},
			facts{"distribution": "Archlinux", "distribution_version": "rolling", "os_family": "Archlinux"},
		},
		"none": {nil, facts{"distribution": "OtherLinux", "distribution_version": "NA", "os_family": "OtherLinux"}},
	} {
		t.Run(name, func(t *testing.T) { wantFacts(t, gather(t, fakeRoot(t, tc.files), "distribution"), tc.want) })
	}
}

const cpuinfo2x2x2 = `processor	: 0
vendor_id	: GenuineIntel
model name	: Intel(R) Xeon(R)
physical id	: 0
siblings	: 4
core id		: 0
cpu cores	: 2
flags		: fpu vme hypervisor

processor	: 1
vendor_id	: GenuineIntel
model name	: Intel(R) Xeon(R)
physical id	: 1
siblings	: 4
core id		: 0
cpu cores	: 2
flags		: fpu vme hypervisor
`

func TestHardwareFacts(t *testing.T) {
	l := fakeRoot(t, map[string]string{
		"/proc/meminfo": "MemTotal:       2097152 kB\nMemFree:         524288 kB\nBuffers:          1024 kB\nCached:         524288 kB\nSwapTotal:     1048576 kB\nSwapFree:      1047552 kB\n",
		"/proc/cpuinfo": cpuinfo2x2x2, "/proc/uptime": "12345.67 9999.9\n",
		"/sys/devices/virtual/dmi/id/product_name": "KVM\n", "/sys/devices/virtual/dmi/id/chassis_type": "23\n",
		"/sys/block/sda/size": "4194304\n", "/sys/block/sda/queue/logical_block_size": "512\n", "/sys/block/sda/queue/scheduler": "none [mq-deadline]\n",
		"/sys/block/sda/removable": "0\n", "/sys/block/sda/sda1/size": "2048\n", "/sys/block/sda/sda1/start": "2048\n",
		"/proc/self/mounts": "/dev/sda1 / ext4 rw,relatime 0 1\nproc /proc proc rw 0 0\nnas:/a\\040b /mnt/a\\040b nfs4 rw 0 0\n",
	})
	f := gather(t, l, "hardware")
	wantFacts(t, f, facts{
		"memtotal_mb": int64(2048), "memfree_mb": int64(512), "swaptotal_mb": int64(1024), "swapfree_mb": int64(1023), "uptime_seconds": int64(12345),
		"processor": []any{"0", "GenuineIntel", "Intel(R) Xeon(R)", "1", "GenuineIntel", "Intel(R) Xeon(R)"}, "processor_count": int64(2),
		"processor_cores": int64(2), "processor_threads_per_core": int64(2), "processor_vcpus": int64(8),
		"product_name": "KVM", "form_factor": "Rack Mount Chassis", "bios_version": "NA",
	})
	if m := f["memory_mb"].(map[string]any)["nocache"].(map[string]any); m["free"] != int64(1025) || m["used"] != int64(1023) {
		t.Errorf("memory without caches: %v", m)
	}
	sda := f["devices"].(map[string]any)["sda"].(map[string]any)
	if sda["size"] != "2.00 GB" || sda["scheduler_mode"] != "mq-deadline" || sda["sectorsize"] != "512" {
		t.Errorf("sda is %v", sda)
	}
	if p := sda["partitions"].(map[string]any)["sda1"].(map[string]any); p["size"] != "1.00 MB" || p["start"] != "2048" {
		t.Errorf("sda1 is %v", p)
	}
	mounts := f["mounts"].([]any)
	if len(mounts) != 2 || mounts[1].(map[string]any)["mount"] != "/mnt/a b" || mounts[1].(map[string]any)["device"] != "nas:/a b" {
		t.Errorf("mounts are %v", mounts)
	}
	if _, ok := mounts[0].(map[string]any)["size_total"]; !ok && os.PathSeparator == '/' && statfsWorks() {
		t.Errorf("the root has no size: %v", mounts[0])
	}
}

func statfsWorks() bool { _, err := statfs("/"); return err == nil }

func TestVirtualFacts(t *testing.T) {
	for name, tc := range map[string]struct {
		files      map[string]string
		kind, role string
	}{
		"docker":   {map[string]string{"/.dockerenv": ""}, "docker", "guest"},
		"lxc":      {map[string]string{"/proc/1/environ": "PATH=/bin\x00container=lxc\x00"}, "lxc", "guest"},
		"nspawn":   {map[string]string{"/run/systemd/container": "systemd-nspawn"}, "container", "guest"},
		"qemu":     {map[string]string{"/sys/devices/virtual/dmi/id/sys_vendor": "QEMU\n"}, "kvm", "guest"},
		"vmware":   {map[string]string{"/sys/devices/virtual/dmi/id/product_name": "VMware Virtual Platform\n"}, "VMware", "guest"},
		"dom0":     {map[string]string{"/sys/hypervisor/type": "xen\n", "/proc/xen/capabilities": "control_d\n"}, "xen", "host"},
		"kvm host": {map[string]string{"/proc/modules": "kvm_intel 1 0 - Live\nkvm 2 1 kvm_intel, Live\n"}, "kvm", "host"},
		"metal":    {map[string]string{"/proc/modules": "ext4 1 0 - Live\n"}, "NA", "NA"},
	} {
		f := gather(t, fakeRoot(t, tc.files), "virtual")
		if f["virtualization_type"] != tc.kind || f["virtualization_role"] != tc.role {
			t.Errorf("%s: %v %v, want %s %s", name, f["virtualization_type"], f["virtualization_role"], tc.kind, tc.role)
		}
	}
}

func TestSmallFacts(t *testing.T) {
	l := fakeRoot(t, map[string]string{
		"/proc/cmdline":                 "BOOT_IMAGE=/vmlinuz root=UUID=1 ro console=tty0 console=ttyS0 quiet\n",
		"/etc/resolv.conf":              "# c\nnameserver 10.0.0.1\nnameserver 10.0.0.2\nsearch a.example b.example\noptions ndots:2 rotate\n",
		"/etc/ssh/ssh_host_rsa_key.pub": "ssh-rsa AAAA root@h\n",
		"/etc/selinux/config":           "SELINUX=enforcing\nSELINUXTYPE=targeted\n", "/sys/fs/selinux/enforce": "0",
		"/proc/sys/crypto/fips_enabled": "1\n",
		"/proc/sys/kernel/cap_last_cap": "40\n", "/proc/self/status": "Name:\tx\nCapEff:\t0000000000000401\nCapBnd:\t1\n",
		"/etc/lsb-release": "DISTRIB_ID=Ubuntu\nDISTRIB_RELEASE=24.04\nDISTRIB_CODENAME=noble\nDISTRIB_DESCRIPTION=\"Ubuntu 24.04 LTS\"\n",
	})
	wantFacts(t, gather(t, l, "cmdline"), facts{
		"cmdline":      map[string]any{"BOOT_IMAGE": "/vmlinuz", "root": "UUID=1", "ro": true, "console": "ttyS0", "quiet": true},
		"proc_cmdline": map[string]any{"BOOT_IMAGE": "/vmlinuz", "root": "UUID=1", "ro": true, "console": []any{"tty0", "ttyS0"}, "quiet": true},
	})
	wantFacts(t, gather(t, l, "dns"), facts{"dns": map[string]any{
		"nameservers": []any{"10.0.0.1", "10.0.0.2"},
		"search":      []any{"a.example", "b.example"}, "options": map[string]any{"ndots": "2", "rotate": true},
	}})
	wantFacts(t, gather(t, l, "ssh_pub_keys"), facts{"ssh_host_key_rsa_public": "AAAA", "ssh_host_key_rsa_public_keytype": "ssh-rsa"})
	wantFacts(t, gather(t, l, "selinux"), facts{"selinux": map[string]any{"status": "enabled", "mode": "permissive", "config_mode": "enforcing", "type": "targeted"}})
	wantFacts(t, gather(t, l, "fips"), facts{"fips": true})
	wantFacts(t, gather(t, l, "apparmor"), facts{"apparmor": map[string]any{"status": "disabled"}})
	wantFacts(t, gather(t, l, "caps"), facts{"system_capabilities_enforced": "True", "system_capabilities": []any{"cap_chown", "cap_net_bind_service"}})
	wantFacts(t, gather(t, l, "lsb"), facts{"lsb": map[string]any{"id": "Ubuntu", "release": "24.04", "major_release": "24", "codename": "noble", "description": "Ubuntu 24.04 LTS"}})
}

func TestDateFacts(t *testing.T) {
	at := time.Date(2026, 1, 4, 23, 5, 9, 123456000, time.FixedZone("CET", 3600)) // a Sunday
	got := dateOfFacts(at)["date_time"].(map[string]any)
	for k, v := range map[string]string{
		"year": "2026", "month": "01", "day": "04", "weekday": "Sunday", "weekday_number": "0", "weeknumber": "00", "hour": "23", "minute": "05",
		"second": "09", "epoch": "1767564309", "date": "2026-01-04", "time": "23:05:09", "iso8601": "2026-01-04T22:05:09Z",
		"iso8601_micro": "2026-01-04T22:05:09.123456Z", "iso8601_basic": "20260104T230509123456", "iso8601_basic_short": "20260104T230509", "tz": "CET", "tz_offset": "+0100",
	} {
		if got[k] != v {
			t.Errorf("%s is %v, want %s", k, got[k], v)
		}
	}
	if w := dateOfFacts(at.AddDate(0, 0, 1))["date_time"].(map[string]any)["weeknumber"]; w != "01" {
		t.Errorf("the first Monday begins week %v", w)
	}
}

func TestLocalFacts(t *testing.T) {
	l := fakeRoot(t, map[string]string{
		"/facts/json.fact": `{"a": 1, "b": [1.5, "x"], "big": 12345678901}`,
		"/facts/ini.fact":  "[General]\nKey = Value\nother: 2\n more\n# c\n",
		"/facts/bad.fact":  "neither\n",
		"/facts/run.fact":  "#!/bin/sh\necho '{\"ran\": true}'\n",
		"/facts/fail.fact": "#!/bin/sh\necho broken >&2; exit 3\n",
		"/facts/no.txt":    "{}",
	})
	for _, f := range []string{"run", "fail"} {
		if err := os.Chmod(filepath.Join(l.o.Root, "facts", f+".fact"), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	got := read1(t, l, state.Facts{Subsets: []string{"!all", "!min", "local"}, Path: "/facts"}).Info.Or(nil)["local"].(map[string]any)
	want := map[string]any{
		"json": map[string]any{"a": int64(1), "b": []any{1.5, "x"}, "big": int64(12345678901)},
		"ini":  map[string]any{"General": map[string]any{"key": "Value", "other": "2\nmore"}},
		"run":  map[string]any{"ran": true},
	}
	for k, v := range want {
		if !reflect.DeepEqual(got[k], v) {
			t.Errorf("%s is %#v, want %#v", k, got[k], v)
		}
	}
	if s, _ := got["bad"].(string); !strings.Contains(s, "error loading facts") {
		t.Errorf("what is neither JSON nor INI gives %v", got["bad"])
	}
	if s, _ := got["fail"].(string); !strings.Contains(s, "rc: 3") || !strings.Contains(s, "broken") {
		t.Errorf("a program that fails gives %v", got["fail"])
	}
	if len(got) != 5 {
		t.Errorf("local facts are %v", got)
	}
}

func TestRoutes(t *testing.T) {
	r4 := parseRoute4("Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n" +
		"eth0\t00000000\t010200C0\t0003\t0\t0\t100\t00000000\t0\t0\t0\neth0\t000200C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0\nwg0\t00000000\t00000000\t0001\t0\t0\t50\t00000000\t0\t0\t0\n")
	if len(r4) != 2 || r4[1] != (route{"wg0", "", 50}) || r4[0].iface != "eth0" {
		t.Errorf("IPv4 routes: %+v", r4)
	}
	r6 := parseRoute6("00000000000000000000000000000000 00 00000000000000000000000000000000 00 fd000000000000000000000000000001 00000400 00000001 00000000 00000003     eth0\n" +
		"00000000000000000000000000000000 00 00000000000000000000000000000000 00 00000000000000000000000000000000 ffffffff 00000001 00000000 00200200       lo\n")
	if len(r6) != 1 || r6[0] != (route{"eth0", "fd00::1", 1024}) {
		t.Errorf("IPv6 routes: %+v", r6)
	}
	d := defaultFacts(map[string]map[string]any{"eth0": {"type": "ether", "ipv4": describe4([]byte{10, 1, 2, 3}, 22, "10.1.3.255")}}, "ipv4", "10.1.2.3", []route{{"wg0", "", 500}, {"eth0", "10.1.0.1", 100}})
	want := map[string]any{
		"interface": "eth0", "alias": "eth0", "address": "10.1.2.3", "gateway": "10.1.0.1", "type": "ether",
		"netmask": "255.255.252.0", "network": "10.1.0.0", "prefix": "22", "broadcast": "10.1.3.255",
	}
	if !reflect.DeepEqual(d, want) {
		t.Errorf("the default route is %v, want %v", d, want)
	}
	if d := defaultFacts(nil, "ipv4", "", r4); len(d) != 0 {
		t.Errorf("a host without a way out has %v", d)
	}
}

// The facts of the machine that the tests run on: names and types.
func TestOwnFacts(t *testing.T) {
	f := read1(t, NewLinux(Options{}), state.Facts{}).Info.Or(nil)
	for _, k := range []string{
		"system", "kernel", "kernel_version", "machine", "architecture", "hostname", "nodename", "fqdn", "distribution", "os_family",
		"user_id", "user_dir", "user_shell", "service_mgr", "pkg_mgr", "virtualization_type",
	} {
		if s, ok := f[k].(string); !ok || s == "" {
			t.Errorf("%s is %#v", k, f[k])
		}
	}
	if f["user_uid"] != int64(os.Geteuid()) || f["env"].(map[string]any)["PATH"] != os.Getenv("PATH") {
		t.Errorf("uid %v, PATH %v", f["user_uid"], f["env"].(map[string]any)["PATH"])
	}
	lo, ok := f["lo"].(map[string]any)
	if !ok || lo["device"] != "lo" {
		t.Errorf("lo is %v", f["lo"])
	}
}

func FuzzFactParsers(f *testing.F) {
	f.Add(cpuinfo2x2x2)
	f.Add("[a]\nb = 1\n c\n")
	f.Add("/dev/sda1 / ext4 rw\\0 0 1\n\\")
	f.Add("eth0 00000000 010200C0 0003 0 0 100 00000000 0 0 0\n")
	f.Fuzz(func(t *testing.T, text string) {
		if c := parseCPUInfo(text); c.vcpus < 0 {
			t.Error("less than no processors")
		}
		parseMeminfo(text)
		parseRoute4(text)
		parseRoute6(text)
		hostsNames(text, "x")
		if ini, ok := parseINI(text); ok && len(ini) == 0 {
			t.Error("an INI file without a section")
		}
		for _, m := range parseMounts(text) {
			if m.fstype == "" {
				t.Errorf("a mount without a type: %+v", m)
			}
		}
	})
}

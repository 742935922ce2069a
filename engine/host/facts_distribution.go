package host

import (
	"context"
	"regexp"
	"slices"
	"strings"
	"time"
)

// distributionNames are Ansible's names of distributions by ID of os-release(5);
// one that is not here goes by NAME.
var distributionNames = map[string]string{
	"debian": "Debian", "raspbian": "Debian", "ubuntu": "Ubuntu", "linuxmint": "Linux Mint", "kali": "Kali", "devuan": "Devuan",
	"pop": "Pop!_OS", "neon": "KDE neon", "parrot": "Parrot", "deepin": "Deepin", "uos": "Uos",
	"rhel": "RedHat", "centos": "CentOS", "fedora": "Fedora", "rocky": "Rocky", "almalinux": "AlmaLinux", "ol": "OracleLinux",
	"amzn": "Amazon", "scientific": "Scientific", "cloudlinux": "CloudLinux", "virtuozzo": "Virtuozzo", "openEuler": "openEuler",
	"anolis": "Anolis OS", "eurolinux": "EuroLinux", "miraclelinux": "MIRACLE", "alinux": "Alinux", "kylin": "Kylin Linux Advanced Server",
	"opensuse-leap": "openSUSE Leap", "opensuse-tumbleweed": "openSUSE Tumbleweed", "opensuse-microos": "openSUSE MicroOS", "opensuse": "openSUSE",
	"sles": "SLES", "sled": "SLED", "sles_sap": "SLES_SAP", "sl-micro": "SL-Micro",
	"arch": "Archlinux", "archarm": "Archlinux", "manjaro": "Manjaro", "endeavouros": "EndeavourOS", "artix": "Artix",
	"alpine": "Alpine", "gentoo": "Gentoo", "funtoo": "Funtoo", "nixos": "NixOS", "void": "Void", "flatcar": "Flatcar",
	"clear-linux-os": "Clear Linux OS", "slackware": "Slackware", "altlinux": "Altlinux", "mageia": "Mageia",
}

// osFamilies are the families of distributions by Ansible's names; one that is not here is its own.
var osFamilies = map[string][]string{
	"RedHat": {
		"RedHat", "CentOS", "Fedora", "Rocky", "AlmaLinux", "OracleLinux", "Amazon", "Scientific", "CloudLinux", "Virtuozzo",
		"openEuler", "Anolis OS", "EuroLinux", "MIRACLE", "Alinux", "Kylin Linux Advanced Server",
	},
	"Debian":     {"Debian", "Ubuntu", "Linux Mint", "Kali", "Devuan", "Pop!_OS", "KDE neon", "Parrot", "Deepin", "Uos"},
	"Suse":       {"SLES", "SLED", "SLES_SAP", "SL-Micro", "openSUSE", "openSUSE Leap", "openSUSE Tumbleweed", "openSUSE MicroOS"},
	"Archlinux":  {"Archlinux", "Manjaro", "EndeavourOS", "Artix"},
	"Gentoo":     {"Gentoo", "Funtoo"},
	"ClearLinux": {"Clear Linux OS"},
	"Mandrake":   {"Mageia"},
}

func osFamily(distribution string) string {
	for family, members := range osFamilies {
		if slices.Contains(members, distribution) {
			return family
		}
	}
	return distribution
}

var (
	parenthesized = regexp.MustCompile(`\(([^)]+)\)`)
	releaseNumber = regexp.MustCompile(`release (\d+(?:\.\d+)*)`)
)

func distributionFacts(_ context.Context, g *gatherer) (facts, error) {
	rel := g.l.osRelease()
	name := distributionNames[rel["ID"]]
	if name == "" {
		if name = rel["NAME"]; name == "" {
			name = "OtherLinux"
		}
	}
	version := g.distributionVersion(rel)
	major, minor, _ := strings.Cut(version, ".")
	f := facts{
		"distribution": name, "distribution_version": orNA(version), "distribution_major_version": orNA(major),
		"distribution_release": g.distributionRelease(name, version, rel), "os_family": osFamily(name),
	}
	if minor != "" && osFamily(name) == "Debian" {
		f["distribution_minor_version"] = minor
	}
	for _, file := range []struct{ family, path string }{
		{"RedHat", "/etc/redhat-release"}, {"Suse", "/etc/os-release"}, {"Archlinux", "/etc/arch-release"}, {"Alpine", "/etc/alpine-release"}, {"Debian", "/etc/os-release"},
	} {
		if file.family == f["os_family"] && g.text(file.path) != "" {
			f["distribution_file_path"], f["distribution_file_variety"], f["distribution_file_parsed"] = file.path, file.family, true
		}
	}
	return f, nil
}

func orNA(s string) string {
	if s == "" {
		return "NA"
	}
	return s
}

// distributionVersion is VERSION_ID, with the point release where another file has it (Debian, CentOS 7, Alpine, Arch).
func (g *gatherer) distributionVersion(rel map[string]string) string {
	switch rel["ID"] {
	case "debian", "raspbian":
		if v := g.text("/etc/debian_version"); v != "" && v[0] >= '0' && v[0] <= '9' {
			return v
		}
	case "centos":
		if m := releaseNumber.FindStringSubmatch(g.text("/etc/centos-release")); m != nil {
			parts := strings.Split(m[1], ".")
			return strings.Join(parts[:min(2, len(parts))], ".")
		}
	case "alpine":
		if v := g.text("/etc/alpine-release"); v != "" {
			return v
		}
	case "arch":
		if rel["VERSION_ID"] == "" {
			return rel["BUILD_ID"]
		}
	}
	return rel["VERSION_ID"]
}

func (g *gatherer) distributionRelease(name, version string, rel map[string]string) string {
	if osFamily(name) == "Suse" {
		_, minor, _ := strings.Cut(version, ".")
		if name == "openSUSE Tumbleweed" || minor == "" {
			return "0"
		}
		return minor
	}
	if v, ok := rel["VERSION_CODENAME"]; ok {
		return v
	}
	if v, ok := rel["UBUNTU_CODENAME"]; ok {
		return v
	}
	for _, text := range []string{rel["VERSION"], g.text("/etc/centos-release"), g.text("/etc/redhat-release")} {
		if m := parenthesized.FindStringSubmatch(text); m != nil {
			return m[1]
		}
	}
	return "NA"
}

// lsbFacts are what lsb_release says, where the host has it, or /etc/lsb-release.
func lsbFacts(ctx context.Context, g *gatherer) (facts, error) {
	lsb := map[string]any{}
	put := func(name, v string) {
		if v = strings.Trim(strings.TrimSpace(v), `"'\`); v != "" {
			lsb[name] = v
		}
	}
	if g.l.o.Root == "" && g.l.hasTool("lsb_release") {
		if r, err := g.l.run(ctx, call{argv: []string{"lsb_release", "-a"}, timeout: 10 * time.Second}); err == nil && r.rc == 0 {
			for line := range strings.Lines(string(r.stdout)) {
				k, v, _ := strings.Cut(line, ":")
				if name := map[string]string{"LSB Version": "release", "Distributor ID": "id", "Description": "description", "Release": "release", "Codename": "codename"}[k]; name != "" {
					put(name, v)
				}
			}
		}
	}
	if len(lsb) == 0 {
		for line := range strings.Lines(g.text("/etc/lsb-release")) {
			k, v, _ := strings.Cut(line, "=")
			if name := map[string]string{"DISTRIB_ID": "id", "DISTRIB_RELEASE": "release", "DISTRIB_DESCRIPTION": "description", "DISTRIB_CODENAME": "codename"}[k]; name != "" {
				put(name, v)
			}
		}
	}
	if r, ok := lsb["release"].(string); ok {
		major, _, _ := strings.Cut(r, ".")
		lsb["major_release"] = major
	}
	return facts{"lsb": lsb}, nil
}

package host

import (
	"context"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
)

// parseMeminfo reads /proc/meminfo, in MiB (proc(5) gives KiB).
func parseMeminfo(text string) map[string]int64 {
	m := map[string]int64{}
	for line := range strings.Lines(text) {
		k, v, _ := strings.Cut(line, ":")
		if f := strings.Fields(v); len(f) > 0 {
			if n, err := strconv.ParseInt(f[0], 10, 64); err == nil {
				m[k] = n / 1024
			}
		}
	}
	return m
}

func memoryFacts(_ context.Context, g *gatherer) (facts, error) {
	m := parseMeminfo(g.text("/proc/meminfo"))
	if len(m) == 0 {
		return nil, nil
	}
	total, free, swapTotal, swapFree := m["MemTotal"], m["MemFree"], m["SwapTotal"], m["SwapFree"]
	cached := free + m["Cached"] + m["Buffers"]
	return facts{
		"memtotal_mb": total, "memfree_mb": free, "swaptotal_mb": swapTotal, "swapfree_mb": swapFree,
		"memory_mb": map[string]any{
			"real":    map[string]any{"total": total, "used": total - free, "free": free},
			"nocache": map[string]any{"free": cached, "used": total - cached},
			"swap":    map[string]any{"total": swapTotal, "free": swapFree, "used": swapTotal - swapFree, "cached": m["SwapCached"]},
		},
	}, nil
}

// cpus is what /proc/cpuinfo says of the processors.
type cpus struct {
	list             []any // "0", vendor, model, "1", …
	vcpus            int
	sockets          map[string]bool
	cores            map[string]string // socket → cpu cores
	siblings         map[string]string // socket → siblings
	flags, vendor    string
	coresPerSocket   int
	threadsPerSocket int
}

func parseCPUInfo(text string) cpus {
	c := cpus{list: []any{}, sockets: map[string]bool{}, cores: map[string]string{}, siblings: map[string]string{}}
	socket := ""
	for line := range strings.Lines(text) {
		k, v, ok := strings.Cut(line, ":")
		if !ok {
			continue
		}
		k, v = strings.TrimSpace(k), strings.TrimSpace(v)
		switch k {
		case "processor":
			c.list = append(c.list, v)
			c.vcpus++
			socket = ""
		case "vendor_id", "model name", "Processor", "uarch", "isa", "cpu", "revision", "cpu model", "CPU part", "machine":
			if !(k == "revision" || k == "machine") {
				c.list = append(c.list, v)
			}
			if k == "vendor_id" {
				c.vendor = v
			}
		case "physical id":
			socket = v
			c.sockets[v] = true
		case "cpu cores":
			c.cores[socket] = v
		case "siblings":
			c.siblings[socket] = v
		case "flags", "Features":
			c.flags = v
		}
	}
	c.coresPerSocket, c.threadsPerSocket = firstNumber(c.cores), firstNumber(c.siblings)
	return c
}

func firstNumber(m map[string]string) int {
	for _, v := range m {
		if n, err := strconv.Atoi(v); err == nil && n > 0 {
			return n
		}
	}
	return 0
}

func processorFacts(_ context.Context, g *gatherer) (facts, error) {
	c := parseCPUInfo(g.text("/proc/cpuinfo"))
	count, cores, threads := int64(len(c.sockets)), int64(c.coresPerSocket), int64(1)
	if count == 0 { // most architectures but x86 name no sockets
		count = int64(max(c.vcpus, 1))
	}
	if cores == 0 {
		cores = 1
	}
	if c.threadsPerSocket > 0 {
		threads = max(1, int64(c.threadsPerSocket)/cores)
	}
	return facts{
		"processor": c.list, "processor_count": count, "processor_cores": cores, "processor_threads_per_core": threads,
		"processor_vcpus": threads * count * cores, "processor_nproc": int64(runtime.NumCPU()),
	}, nil
}

// chassis are the kinds of case by their number in the SMBIOS specification (7.4.1).
var chassis = strings.Split("Unknown,Other,Unknown,Desktop,Low Profile Desktop,Pizza Box,Mini Tower,Tower,Portable,Laptop,Notebook,Hand Held,"+
	"Docking Station,All In One,Sub Notebook,Space-saving,Lunch Box,Main Server Chassis,Expansion Chassis,Sub Chassis,Bus Expansion Chassis,"+
	"Peripheral Chassis,RAID Chassis,Rack Mount Chassis,Sealed-case PC,Multi-system,CompactPCI,AdvancedTCA,Blade,Blade Enclosing,Tablet,"+
	"Convertible,Detachable,IoT Gateway,Embedded PC,Mini PC,Stick PC", ",")

func dmiFacts(_ context.Context, g *gatherer) (facts, error) {
	dir := "/sys/devices/virtual/dmi/id"
	f := facts{}
	for fact, file := range map[string]string{
		"bios_date": "bios_date", "bios_vendor": "bios_vendor", "bios_version": "bios_version",
		"board_asset_tag": "board_asset_tag", "board_name": "board_name", "board_serial": "board_serial", "board_vendor": "board_vendor", "board_version": "board_version",
		"chassis_asset_tag": "chassis_asset_tag", "chassis_serial": "chassis_serial", "chassis_vendor": "chassis_vendor", "chassis_version": "chassis_version",
		"product_name": "product_name", "product_serial": "product_serial", "product_uuid": "product_uuid", "product_version": "product_version", "system_vendor": "sys_vendor",
	} {
		f[fact] = orNA(g.text(filepath.Join(dir, file)))
	}
	f["form_factor"] = "NA"
	if n, err := strconv.Atoi(g.text(filepath.Join(dir, "chassis_type"))); err == nil && n >= 0 && n < len(chassis) {
		f["form_factor"] = chassis[n]
	}
	return f, nil
}

// storageNameFacts are the names by which the host is known to network storage.
func storageNameFacts(_ context.Context, g *gatherer) (facts, error) {
	iqn := ""
	for line := range strings.Lines(g.text("/etc/iscsi/initiatorname.iscsi")) {
		if v, ok := strings.CutPrefix(line, "InitiatorName="); ok {
			iqn = strings.TrimSpace(v)
		}
	}
	wwns := []any{}
	found, _ := filepath.Glob(g.l.path("/sys/class/fc_host/*/port_name"))
	for _, f := range found {
		wwns = append(wwns, strings.TrimPrefix(g.text(strings.TrimPrefix(f, g.l.o.Root)), "0x"))
	}
	return facts{"iscsi_iqn": iqn, "hostnqn": g.text("/etc/nvme/hostnqn"), "fibre_channel_wwn": wwns}, nil
}

// deviceFacts are the block devices below /sys/block with their partitions.
func deviceFacts(_ context.Context, g *gatherer) (facts, error) {
	dirs, err := filepath.Glob(g.l.path("/sys/block/*"))
	if err != nil {
		return nil, err
	}
	links := g.deviceLinks()
	devices := map[string]any{}
	for _, dir := range dirs {
		name := filepath.Base(dir)
		read := func(p string) string { return g.text(filepath.Join("/sys/block", name, p)) }
		d := g.blockFacts(filepath.Join("/sys/block", name), name, links)
		d["virtual"] = int64(1) // as Ansible has it for all of them
		d["removable"], d["rotational"] = read("removable"), read("queue/rotational")
		d["support_discard"], d["scheduler_mode"] = read("queue/discard_granularity"), activeWord(read("queue/scheduler"))
		d["vendor"], d["model"], d["host"] = orNil(read("device/vendor")), orNil(read("device/model")), ""
		d["sas_address"], d["sas_device_handle"] = nil, nil
		if s := read("device/serial"); s != "" {
			d["serial"] = s
		}
		partitions := map[string]any{}
		parts, _ := filepath.Glob(filepath.Join(dir, name+"*"))
		for _, p := range parts {
			partitions[filepath.Base(p)] = g.blockFacts(filepath.Join("/sys/block", name, filepath.Base(p)), filepath.Base(p), links)
		}
		d["partitions"] = partitions
		devices[name] = d
	}
	return facts{"devices": devices, "device_links": map[string]any{"ids": links["id"], "uuids": links["uuid"], "labels": links["label"], "masters": links["master"]}}, nil
}

// activeWord is the word in brackets of a choice in sysfs: "[mq-deadline] none".
func activeWord(s string) string {
	for _, w := range strings.Fields(s) {
		if strings.HasPrefix(w, "[") {
			return strings.Trim(w, "[]")
		}
	}
	return ""
}

func orNil(s string) any {
	if s == "" {
		return nil
	}
	return s
}

func (g *gatherer) blockFacts(dir, name string, links map[string]map[string]any) map[string]any {
	sectors, _ := strconv.ParseInt(g.text(filepath.Join(dir, "size")), 10, 64) // in 512 bytes, whatever the device's own sectors
	size := g.text(filepath.Join(dir, "queue/logical_block_size"))
	if size == "" {
		size = g.text(filepath.Join(filepath.Dir(dir), "queue/logical_block_size"))
	}
	holders := []any{}
	found, _ := filepath.Glob(g.l.path(filepath.Join(dir, "holders/*")))
	for _, h := range found {
		holders = append(holders, filepath.Base(h))
	}
	d := map[string]any{"sectors": strconv.FormatInt(sectors, 10), "sectorsize": size, "size": humanSize(sectors * 512), "holders": holders}
	if start := g.text(filepath.Join(dir, "start")); start != "" {
		d["start"], d["uuid"] = start, nil
		if ids, _ := links["uuid"][name].([]any); len(ids) > 0 {
			d["uuid"] = ids[0]
		}
	}
	own := map[string]any{}
	for kind, key := range map[string]string{"id": "ids", "uuid": "uuids", "label": "labels", "master": "masters"} {
		own[key] = []any{}
		if l, ok := links[kind][name]; ok {
			own[key] = l
		}
	}
	d["links"] = own
	return d
}

// humanSize is a size as Ansible shows it: two decimals and a binary unit.
func humanSize(n int64) string {
	units := []string{"Bytes", "KB", "MB", "GB", "TB", "PB", "EB"}
	v, i := float64(n), 0
	for v >= 1024 && i < len(units)-1 {
		v /= 1024
		i++
	}
	return strconv.FormatFloat(v, 'f', 2, 64) + " " + units[i]
}

// deviceLinks are udev's names of devices, by kind and device.
func (g *gatherer) deviceLinks() map[string]map[string]any {
	out := map[string]map[string]any{}
	for _, kind := range []string{"id", "uuid", "label"} {
		out[kind] = map[string]any{}
		found, _ := filepath.Glob(g.l.path("/dev/disk/by-" + kind + "/*"))
		slices.Sort(found)
		for _, l := range found {
			target, err := os.Readlink(l)
			if err != nil {
				continue
			}
			dev := filepath.Base(target)
			old, _ := out[kind][dev].([]any)
			out[kind][dev] = append(old, filepath.Base(l))
		}
	}
	out["master"] = map[string]any{}
	found, _ := filepath.Glob(g.l.path("/sys/block/*/slaves/*"))
	for _, s := range found {
		dev, master := filepath.Base(s), filepath.Base(filepath.Dir(filepath.Dir(s)))
		old, _ := out["master"][dev].([]any)
		out["master"][dev] = append(old, master)
	}
	return out
}

package host

import (
	"context"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// networkFacts are the kernel's interfaces and addresses, and the routes by which
// the host reaches the world. No packet is sent.
func networkFacts(_ context.Context, g *gatherer) (facts, error) {
	ifaces, err := net.Interfaces()
	if err != nil {
		return nil, fmt.Errorf("cannot list the network interfaces: %w", err)
	}
	f := facts{}
	names, all4, all6 := []any{}, []any{}, []any{}
	described, brd := map[string]map[string]any{}, broadcasts()
	for _, i := range ifaces {
		d, v4, v6, err := g.interfaceFacts(i, brd)
		if err != nil {
			return nil, err
		}
		names, all4, all6 = append(names, i.Name), append(all4, v4...), append(all6, v6...)
		described[i.Name] = d
		f[strings.ReplaceAll(i.Name, "-", "_")] = d
	}
	f["interfaces"], f["all_ipv4_addresses"], f["all_ipv6_addresses"] = names, all4, all6
	f["default_ipv4"] = defaultFacts(described, "ipv4", outgoing("udp4", "8.8.8.8:53"), parseRoute4(g.text("/proc/net/route")))
	f["default_ipv6"] = defaultFacts(described, "ipv6", outgoing("udp6", "[2404:6800:400a:800::1012]:53"), parseRoute6(g.text("/proc/net/ipv6_route")))
	return f, nil
}

// interfaceFacts describes one interface, and lists its addresses that are not loopback's.
func (g *gatherer) interfaceFacts(i net.Interface, brd map[string]string) (d map[string]any, v4, v6 []any, err error) {
	sys := g.l.path(filepath.Join("/sys/class/net", i.Name))
	read := func(name string) string { return g.text(filepath.Join("/sys/class/net", i.Name, name)) }
	d = map[string]any{
		"device": i.Name, "active": i.Flags&net.FlagUp != 0, "mtu": int64(i.MTU), "type": g.interfaceType(i, sys),
		"promisc": promiscuous(read("flags")),
	}
	if len(i.HardwareAddr) > 0 && i.Flags&net.FlagLoopback == 0 {
		d["macaddress"] = i.HardwareAddr.String()
	}
	if n, err := strconv.ParseInt(read("speed"), 10, 64); err == nil && n > 0 {
		d["speed"] = n
	}
	if target, err := os.Readlink(filepath.Join(sys, "device/driver/module")); err == nil {
		d["module"] = filepath.Base(target)
	}
	if target, err := os.Readlink(filepath.Join(sys, "device")); err == nil {
		d["pciid"] = filepath.Base(target)
	}
	if d["type"] == "bridge" {
		ports, _ := filepath.Glob(filepath.Join(sys, "brif/*"))
		members := []any{}
		for _, p := range ports {
			members = append(members, filepath.Base(p))
		}
		d["interfaces"], d["id"], d["stp"] = members, read("bridge/bridge_id"), read("bridge/stp_state") == "1"
	}
	if d["type"] == "bonding" {
		d["slaves"] = anyStrings(strings.Fields(read("bonding/slaves")))
		d["mode"], _, _ = strings.Cut(read("bonding/mode"), " ")
		d["miimon"], d["lacp_rate"] = read("bonding/miimon"), firstWord(read("bonding/lacp_rate"))
	}
	addrs, err := i.Addrs()
	if err != nil {
		return nil, nil, nil, fmt.Errorf("cannot list the addresses of %s: %w", i.Name, err)
	}
	for _, a := range addrs {
		if n, ok := a.(*net.IPNet); ok {
			v4, v6 = addAddress(d, brd, n, v4, v6)
		}
	}
	return d, v4, v6, nil
}

func firstWord(s string) string {
	w, _, _ := strings.Cut(s, " ")
	return w
}

// promiscuous looks at IFF_PROMISC of the interface's flags (netdevice(7)).
func promiscuous(flags string) bool {
	n, err := strconv.ParseUint(flags, 0, 32)
	return err == nil && n&0x100 != 0
}

func (g *gatherer) interfaceType(i net.Interface, sys string) string {
	for name, typ := range map[string]string{"bridge": "bridge", "bonding": "bonding"} {
		if st, err := os.Stat(filepath.Join(sys, name)); err == nil && st.IsDir() {
			return typ
		}
	}
	switch g.text(filepath.Join("/sys/class/net", i.Name, "type")) { // ARPHRD_ of if_arp.h
	case "1":
		return "ether"
	case "32":
		return "infiniband"
	case "512":
		return "ppp"
	case "772":
		return "loopback"
	case "65534":
		return "tunnel"
	}
	return "unknown"
}

func addAddress(d map[string]any, brd map[string]string, n *net.IPNet, v4, v6 []any) (all4, all6 []any) {
	ones, _ := n.Mask.Size()
	if ip := n.IP.To4(); ip != nil {
		a := describe4(ip, ones, brd[ip.String()])
		if _, more := d["ipv4"]; more {
			old, _ := d["ipv4_secondaries"].([]any)
			d["ipv4_secondaries"] = append(old, a)
		} else {
			d["ipv4"] = a
		}
		if !ip.IsLoopback() {
			v4 = append(v4, ip.String())
		}
		return v4, v6
	}
	scope := "global"
	switch {
	case n.IP.IsLoopback():
		scope = "host"
	case n.IP.IsLinkLocalUnicast():
		scope = "link"
	}
	old, _ := d["ipv6"].([]any)
	d["ipv6"] = append(old, map[string]any{"address": n.IP.String(), "prefix": strconv.Itoa(ones), "scope": scope})
	if !n.IP.IsLoopback() {
		v6 = append(v6, n.IP.String())
	}
	return v4, v6
}

func describe4(ip net.IP, ones int, broadcast string) map[string]any {
	mask := net.CIDRMask(ones, 32)
	return map[string]any{
		"address": ip.String(), "netmask": net.IP(mask).String(), "network": ip.Mask(mask).String(),
		"prefix": strconv.Itoa(ones), "broadcast": broadcast,
	}
}

// outgoing is the host's own address on the way to one in the world. Connecting a
// UDP socket asks the routing table and sends nothing.
func outgoing(network, to string) string {
	c, err := net.Dial(network, to)
	if err != nil {
		return ""
	}
	defer c.Close() //nolint:errcheck // nothing was written
	a, ok := c.LocalAddr().(*net.UDPAddr)
	if !ok {
		return ""
	}
	return a.IP.String()
}

// route is a default route.
type route struct {
	iface, gateway string
	metric         uint64
}

// parseRoute4 finds the default routes in /proc/net/route (proc(5)): addresses are hexadecimal in the host's byte order.
func parseRoute4(text string) []route {
	var rs []route
	for line := range strings.Lines(text) {
		f := strings.Fields(line)
		if len(f) < 8 || f[1] != "00000000" || f[7] != "00000000" {
			continue
		}
		gw, err1 := strconv.ParseUint(f[2], 16, 32)
		metric, err2 := strconv.ParseUint(f[6], 10, 64)
		if err1 != nil || err2 != nil {
			continue
		}
		var b [4]byte
		binary.NativeEndian.PutUint32(b[:], uint32(gw))
		r := route{iface: f[0], metric: metric}
		if gw != 0 {
			r.gateway = netip.AddrFrom4(b).String()
		}
		rs = append(rs, r)
	}
	return rs
}

// parseRoute6 finds the default routes in /proc/net/ipv6_route.
func parseRoute6(text string) []route {
	var rs []route
	zero := strings.Repeat("0", 32)
	for line := range strings.Lines(text) {
		f := strings.Fields(line)
		if len(f) < 10 || f[0] != zero || f[1] != "00" || f[9] == "lo" {
			continue
		}
		metric, err := strconv.ParseUint(f[5], 16, 64)
		if err != nil {
			continue
		}
		r := route{iface: f[9], metric: metric}
		if b, err := hex.DecodeString(f[4]); err == nil && len(b) == 16 && f[4] != zero {
			r.gateway = netip.AddrFrom16([16]byte(b)).String()
		}
		rs = append(rs, r)
	}
	return rs
}

// defaultFacts describe the way to the world: the interface of the best default
// route and the address that the host has on it.
func defaultFacts(described map[string]map[string]any, family, address string, routes []route) map[string]any {
	d := map[string]any{}
	if address == "" || len(routes) == 0 {
		return d
	}
	best := routes[0]
	for _, r := range routes[1:] {
		if r.metric < best.metric {
			best = r
		}
	}
	i := described[best.iface]
	d["interface"], d["address"], d["gateway"] = best.iface, address, best.gateway
	for _, k := range []string{"macaddress", "mtu", "type"} {
		if v, ok := i[k]; ok {
			d[k] = v
		}
	}
	if family == "ipv4" {
		d["alias"] = best.iface
		candidates, _ := i["ipv4_secondaries"].([]any)
		for _, c := range append([]any{i["ipv4"]}, candidates...) {
			if a, ok := c.(map[string]any); ok && a["address"] == address {
				for _, k := range []string{"netmask", "network", "prefix", "broadcast"} {
					d[k] = a[k]
				}
			}
		}
		return d
	}
	v6, _ := i["ipv6"].([]any)
	for _, c := range v6 {
		if a, ok := c.(map[string]any); ok && a["address"] == address {
			d["prefix"], d["scope"] = a["prefix"], a["scope"]
		}
	}
	return d
}

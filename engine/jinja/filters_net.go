package jinja

import (
	"math/big"
	"net"
	"net/netip"
	"strconv"
	"strings"
)

// The commoner filters and tests of ansible.utils on addresses.
func init() {
	for name, version := range map[string]int{"ipaddr": 0, "ipv4": 4, "ipv6": 6} {
		addFilter(define(name, "query=''", 0, func(c *call) (any, error) { return c.addresses(c.self, version) }))
	}
	addFilter(define("ipwrap", "query=''", 0, func(c *call) (any, error) {
		if !isList(c.self) {
			return wrapIPv6(c.self), nil
		}
		out := c.items(c.self)
		wrapped := make([]any, len(out))
		for i, e := range out {
			wrapped[i] = wrapIPv6(e)
		}
		return list(wrapped), nil
	}))
	addFilter(define("ipsubnet", "query='' index=none", 0, filterSubnet))
	addFilter(define("nthhost", "query=''", 0, func(c *call) (any, error) {
		n, ok := parseNetwork(c.self)
		a, inside := netip.Addr{}, false
		if ok {
			a, inside = n.at(big.NewInt(int64(c.looseInt(0))))
		}
		if !inside {
			return false, nil
		}
		return a.String(), nil
	}))
	test := func(name string, is func(n network) bool, alias ...string) {
		addTest(define(name, "", 0, func(c *call) (any, error) {
			n, ok := parseNetwork(c.self)
			return ok && is(n), nil
		}), alias...)
	}
	test("ip", func(network) bool { return true })
	test("ip_address", func(n network) bool { return !n.isNet })
	test("ipv4", func(n network) bool { return n.ip.Is4() })
	test("ipv6", func(n network) bool { return n.ip.Is6() })
	test("ipv4_address", func(n network) bool { return n.ip.Is4() && !n.isNet })
	test("ipv6_address", func(n network) bool { return n.ip.Is6() && !n.isNet })
	test("loopback", func(n network) bool { return n.ip.IsLoopback() })
	test("multicast", func(n network) bool { return n.ip.IsMulticast() })
	test("private", func(n network) bool { return n.ip.IsPrivate() })
	test("public", func(n network) bool { return isPublic(n.ip) })
	addTest(define("in_network", "network", 0, func(c *call) (any, error) {
		n, ok := parseNetwork(c.self)
		in, okNet := parseNetwork(c.args[0])
		return ok && okNet && in.contains(n), nil
	}))
	addTest(define("mac", "", 0, func(c *call) (any, error) {
		_, err := net.ParseMAC(c.text(c.self))
		return err == nil, nil
	}))
}

func isPublic(a netip.Addr) bool {
	return a.IsGlobalUnicast() && !a.IsPrivate() && !a.IsLoopback() && !a.IsLinkLocalUnicast()
}

func (n network) contains(m network) bool {
	return n.ip.BitLen() == m.ip.BitLen() && n.bits <= m.bits && netip.PrefixFrom(n.ip, n.bits).Contains(m.ip)
}

func wrapIPv6(v any) any {
	n, ok := parseNetwork(v)
	if !ok || !n.ip.Is6() {
		return v
	}
	if n.isNet {
		return "[" + n.ip.String() + "]/" + strconv.Itoa(n.bits)
	}
	return "[" + n.ip.String() + "]"
}

// addresses asks every address in v for what the query names. One that is no
// address, or has no answer, is false, and left out of a list.
func (c *call) addresses(v any, version int) (any, error) {
	if isList(v) {
		out := []any{}
		for _, e := range c.items(v) {
			r, err := c.addresses(e, version)
			if err != nil {
				return nil, err
			}
			if Truthy(r).IsTrue() {
				out = append(out, r)
			}
		}
		return list(out), nil
	}
	n, ok := parseNetwork(v)
	if !ok || version == 4 && !n.ip.Is4() || version == 6 && !n.ip.Is6() {
		return false, nil
	}
	query := c.anyText(0)
	if i, ok := new(big.Int).SetString(query, 10); ok {
		a, inside := n.at(i)
		if !inside || !n.many(1) {
			return false, nil
		}
		return n.with(a), nil
	}
	if in, ok := parseNetwork(query); ok {
		if in.contains(n) {
			return n.cidr(), nil
		}
		return false, nil
	}
	return n.query(query)
}

// query is one part of an address, or the address if it is of the kind asked for.
func (n network) query(query string) (any, error) {
	if is, ok := n.kinds()[query]; ok {
		if is {
			return n.cidr(), nil
		}
		return false, nil
	}
	onlyIf := func(ok bool, v any) (any, error) {
		if ok {
			return v, nil
		}
		return false, nil
	}
	first, last, hosts := n.usable()
	switch query {
	case "bool":
		return true, nil
	case "address", "ip":
		return onlyIf(!n.many(1) || n.ip != n.first() || !n.many(2), n.ip.String())
	case "network", "network_id":
		return onlyIf(n.many(1), n.first().String())
	case "prefix":
		return int64(n.bits), nil
	case "netmask":
		return n.mask().String(), nil
	case "hostmask", "wildcard":
		return n.hostMask().String(), nil
	case "broadcast":
		return onlyIf(n.many(2), n.last().String())
	case "subnet", "cidr_lookup":
		return n.with(n.first()), nil
	case "network/prefix", "net":
		return onlyIf(n.many(1) && (query != "net" || n.ip == n.first()), n.with(n.first()))
	case "host", "host/prefix", "ip/prefix", "address/prefix":
		return onlyIf(!n.many(1) && query == "host" || n.many(1) && n.ip != n.first(), n.with(n.ip))
	case "size":
		return fromBig(n.size()), nil
	case "int":
		return fromBig(n.number()), nil
	case "first_usable":
		return onlyIf(hosts, first.String())
	case "last_usable":
		return onlyIf(hosts, last.String())
	case "range_usable":
		return onlyIf(hosts, first.String()+"-"+last.String())
	case "size_usable":
		return fromBig(new(big.Int).Sub(n.size(), big.NewInt(2))), nil
	case "revdns":
		return n.reverse(), nil
	case "wrap":
		return wrapIPv6(n.cidr()), nil
	case "version":
		if n.ip.Is4() {
			return int64(4), nil
		}
		return int64(6), nil
	case "type":
		if n.isNet && n.many(1) && n.ip == n.first() {
			return "network", nil
		}
		return "address", nil
	}
	return nil, unsupportedErr("ipaddr('" + query + "') is not supported yet")
}

// kinds are the queries that an address passes or not.
func (n network) kinds() map[string]bool {
	return map[string]bool{
		"": true, "ipv4": n.ip.Is4(), "ipv6": n.ip.Is6(), "public": isPublic(n.ip), "private": n.ip.IsPrivate(),
		"loopback": n.ip.IsLoopback(), "lo": n.ip.IsLoopback(), "multicast": n.ip.IsMulticast(),
		"unicast": !n.ip.IsMulticast(), "link-local": n.ip.IsLinkLocalUnicast(),
	}
}

// filterSubnet counts the subnets of a size in a network, or gives one of them.
func filterSubnet(c *call) (any, error) {
	n, ok := parseNetwork(c.self)
	if !ok {
		return false, nil
	}
	if c.anyText(0) == "" {
		return n.with(n.first()), nil
	}
	bits, err := strconv.Atoi(strings.TrimPrefix(c.anyText(0), "/"))
	if err != nil {
		return nil, unsupportedErr("ipsubnet('" + c.anyText(0) + "') is not supported yet")
	}
	if bits < n.bits || bits > n.ip.BitLen() {
		return false, nil
	}
	if c.args[1] == nil {
		return new(big.Int).Lsh(big.NewInt(1), uint(bits-n.bits)).String(), nil //nolint:gosec // not negative
	}
	size := new(big.Int).Lsh(big.NewInt(1), uint(n.ip.BitLen()-bits)) //nolint:gosec // as above
	a, inside := n.at(size.Mul(size, big.NewInt(int64(c.looseInt(1)))))
	if !inside {
		return false, nil
	}
	return a.String() + "/" + strconv.Itoa(bits), nil
}

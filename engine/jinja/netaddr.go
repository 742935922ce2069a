package jinja

import (
	"math/big"
	"net/netip"
	"strconv"
	"strings"
)

// network is an address with its network: what the ipaddr filters work on.
type network struct {
	ip     netip.Addr
	bits   int
	isNet  bool // it was written with a prefix or mask
	source any
}

// parseNetwork reads 10.0.0.1, 10.0.0.1/24, 10.0.0.1/255.255.255.0, and numbers.
func parseNetwork(v any) (network, bool) {
	n := network{source: v}
	if i, ok := v.(int64); ok {
		ip, ok := addressOf(big.NewInt(i))
		n.ip, n.bits = ip, ip.BitLen()
		return n, ok
	}
	s, ok := v.(string)
	if !ok {
		return n, false
	}
	addr, prefix, hasPrefix := strings.Cut(strings.TrimSpace(s), "/")
	ip, err := netip.ParseAddr(addr)
	if err != nil || ip.Zone() != "" {
		return n, false
	}
	n.ip, n.bits, n.isNet = ip, ip.BitLen(), hasPrefix
	if !hasPrefix {
		return n, true
	}
	if bits, err := strconv.Atoi(prefix); err == nil {
		n.bits = bits
		return n, bits >= 0 && bits <= ip.BitLen()
	}
	mask, err := netip.ParseAddr(prefix)
	if err != nil || mask.BitLen() != ip.BitLen() {
		return n, false
	}
	n.bits = 0
	for _, b := range mask.AsSlice() {
		for ; b&0x80 != 0; b <<= 1 {
			n.bits++
		}
	}
	return n, n.mask() == mask
}

// addressOf is the address with the number i: IPv4 where it has room.
func addressOf(i *big.Int) (netip.Addr, bool) {
	size := 4
	if i.BitLen() > 32 {
		size = 16
	}
	if i.Sign() < 0 || i.BitLen() > 128 {
		return netip.Addr{}, false
	}
	return netip.AddrFromSlice(i.FillBytes(make([]byte, size)))
}

func (n network) number() *big.Int { return new(big.Int).SetBytes(n.ip.AsSlice()) }

// at is the address i behind the network's first one, from its end where i is negative.
func (n network) at(i *big.Int) (netip.Addr, bool) {
	first := new(big.Int).SetBytes(n.first().AsSlice())
	if i.Sign() < 0 {
		i = new(big.Int).Add(i, n.size())
	}
	if i.Sign() < 0 || i.Cmp(n.size()) >= 0 {
		return netip.Addr{}, false
	}
	return netip.AddrFromSlice(first.Add(first, i).FillBytes(make([]byte, n.ip.BitLen()/8)))
}

func (n network) first() netip.Addr { return netip.PrefixFrom(n.ip, n.bits).Masked().Addr() }

func (n network) last() netip.Addr {
	a, _ := n.at(big.NewInt(-1))
	return a
}

func (n network) size() *big.Int {
	return new(big.Int).Lsh(big.NewInt(1), uint(n.ip.BitLen()-n.bits)) //nolint:gosec // not negative
}

func (n network) many(than int64) bool { return n.size().Cmp(big.NewInt(than)) > 0 }

func (n network) mask() netip.Addr {
	all := new(big.Int).Sub(new(big.Int).Lsh(big.NewInt(1), uint(n.ip.BitLen())), big.NewInt(1)) //nolint:gosec // 32 or 128
	all.Sub(all, new(big.Int).Sub(n.size(), big.NewInt(1)))
	a, _ := netip.AddrFromSlice(all.FillBytes(make([]byte, n.ip.BitLen()/8)))
	return a
}

func (n network) hostMask() netip.Addr {
	a, _ := netip.AddrFromSlice(new(big.Int).Sub(n.size(), big.NewInt(1)).FillBytes(make([]byte, n.ip.BitLen()/8)))
	return a
}

func (n network) with(a netip.Addr) string { return a.String() + "/" + strconv.Itoa(n.bits) }

// cidr is n as it is written: with its prefix if it was given one.
func (n network) cidr() string {
	if n.isNet {
		return n.with(n.ip)
	}
	return n.ip.String()
}

// usable are the first and last addresses that hosts may have.
func (n network) usable() (first, last netip.Addr, ok bool) {
	if !n.many(1) {
		return n.ip, n.ip, false
	}
	if !n.many(2) || n.ip.Is6() && n.bits == 127 {
		return n.first(), n.last(), true
	}
	return n.first().Next(), n.last().Prev(), true
}

func (n network) reverse() string {
	var parts []string
	if n.ip.Is4() {
		for _, b := range n.ip.AsSlice() {
			parts = append([]string{strconv.Itoa(int(b))}, parts...)
		}
		return strings.Join(parts, ".") + ".in-addr.arpa."
	}
	for _, b := range n.ip.AsSlice() {
		parts = append([]string{strconv.FormatInt(int64(b&15), 16), strconv.FormatInt(int64(b>>4), 16)}, parts...)
	}
	return strings.Join(parts, ".") + ".ip6.arpa."
}

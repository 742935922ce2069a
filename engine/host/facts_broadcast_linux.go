package host

import (
	"net"
	"syscall"
)

// ifaBroadcast and the others are attributes of an address in rtnetlink(7).
const (
	ifaAddress   = 1
	ifaLocal     = 2
	ifaBroadcast = 4
)

// broadcasts are the broadcast addresses that the kernel has for the host's own
// IPv4 addresses, by address; those without one are left out.
func broadcasts() map[string]string {
	out := map[string]string{}
	rib, err := syscall.NetlinkRIB(syscall.RTM_GETADDR, syscall.AF_INET)
	if err != nil {
		return out
	}
	msgs, err := syscall.ParseNetlinkMessage(rib)
	if err != nil {
		return out
	}
	for i := range msgs {
		if msgs[i].Header.Type != syscall.RTM_NEWADDR {
			continue
		}
		attrs, err := syscall.ParseNetlinkRouteAttr(&msgs[i])
		if err != nil {
			continue
		}
		var own, broadcast net.IP
		for _, a := range attrs {
			switch a.Attr.Type {
			case ifaLocal:
				own = a.Value
			case ifaAddress:
				if own == nil {
					own = a.Value
				}
			case ifaBroadcast:
				broadcast = a.Value
			}
		}
		if len(own) == net.IPv4len && len(broadcast) == net.IPv4len {
			out[own.String()] = broadcast.String()
		}
	}
	return out
}

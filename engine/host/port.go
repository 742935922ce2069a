package host

import (
	"context"
	"fmt"
	"net"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"

	"rp/engine/state"
)

func init() {
	register("port", kind{read: readPorts, blind: true})
}

// portReadMax bounds what is read of a peer's greeting.
const portReadMax = 1 << 20

func readPorts(ctx context.Context, _ *Linux, ss []state.State) ([]state.State, error) {
	out := make([]state.State, len(ss))
	errs := make([]error, len(ss))
	var wg sync.WaitGroup
	for i, s := range ss {
		wg.Go(func() { out[i], errs[i] = readPort(ctx, s.(state.Port)) })
	}
	wg.Wait()
	for _, err := range errs {
		if err != nil {
			return nil, err
		}
	}
	return out, nil
}

func readPort(ctx context.Context, p state.Port) (state.State, error) {
	search, err := regexp.Compile(p.Search)
	if err != nil {
		return nil, fmt.Errorf("cannot search for %q on port %d: %w", p.Search, p.Port, err)
	}
	host := p.Host
	if host == "" {
		host = "127.0.0.1"
	}
	timeout := 5 * time.Second
	if p.Timeout > 0 {
		timeout = time.Duration(p.Timeout) * time.Second
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	if p.Active.IsSet() {
		n, err := activeConnections(ctx, host, p.Port)
		if err != nil {
			return nil, err
		}
		p.Active = state.Is(n)
	}
	c, err := (&net.Dialer{}).DialContext(ctx, "tcp", net.JoinHostPort(host, strconv.Itoa(p.Port)))
	if err != nil {
		p.Open = state.Is(false)
		return p, nil
	}
	defer c.Close() //nolint:errcheck // only read
	p.Open = state.Is(p.Search == "" || found(ctx, c, search))
	return p, nil
}

// found reports whether what the peer sends matches before ctx ends.
func found(ctx context.Context, c net.Conn, search *regexp.Regexp) bool {
	if d, ok := ctx.Deadline(); ok {
		_ = c.SetReadDeadline(d)
	}
	stop := context.AfterFunc(ctx, func() { _ = c.Close() })
	defer stop()
	var got []byte
	buf := make([]byte, 4096)
	for len(got) < portReadMax {
		n, err := c.Read(buf)
		got = append(got, buf[:n]...)
		if search.Match(got) {
			return true
		}
		if err != nil {
			return false
		}
	}
	return false
}

// activeConnections counts the connections to a local port that are not closed, by /proc/net/tcp (proc(5)).
func activeConnections(ctx context.Context, host string, port int) (int, error) {
	ips, err := net.DefaultResolver.LookupIPAddr(ctx, host)
	if err != nil {
		return 0, fmt.Errorf("cannot count the connections to %s: %w", host, err)
	}
	n := 0
	for _, file := range []string{"/proc/net/tcp", "/proc/net/tcp6"} {
		text, err := readBounded(file, 256<<20)
		if err != nil {
			continue // no IPv6
		}
		for line := range strings.Lines(string(text)) {
			if ip, p, ok := localAddress(line); ok && p == port && matches(ip, ips) {
				n++
			}
		}
	}
	return n, nil
}

func matches(ip net.IP, ips []net.IPAddr) bool {
	for _, want := range ips {
		if want.IP.Equal(ip) || want.IP.IsUnspecified() {
			return true
		}
	}
	return false
}

// localAddress is the local end of a line of /proc/net/tcp whose connection is under way:
// any state but closed (7), waiting for the last close (9), listening (10).
func localAddress(line string) (net.IP, int, bool) {
	f := strings.Fields(line)
	if len(f) < 4 || f[3] == "07" || f[3] == "09" || f[3] == "0A" {
		return nil, 0, false
	}
	addr, hexPort, ok := strings.Cut(f[1], ":")
	port, err := strconv.ParseUint(hexPort, 16, 16)
	if !ok || err != nil || len(addr)%8 != 0 {
		return nil, 0, false
	}
	ip := make(net.IP, 0, 16)
	for i := 0; i < len(addr); i += 8 { // words in the machine's byte order
		w, err := strconv.ParseUint(addr[i:i+8], 16, 32)
		if err != nil {
			return nil, 0, false
		}
		ip = nativeBytes(ip, uint32(w))
	}
	return ip, int(port), true
}

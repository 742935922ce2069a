package host

import (
	"net"
	"testing"

	"rp/engine/state"
)

func TestPort(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	port := ln.Addr().(*net.TCPAddr).Port
	go func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			_, _ = c.Write([]byte("220 mail.example ESMTP\r\n"))
		}
	}()
	l := NewLinux(Options{})
	for _, c := range []struct {
		p    state.Port
		open bool
	}{
		{state.Port{Port: port}, true},
		{state.Port{Host: "localhost", Port: port}, true},
		{state.Port{Port: 1}, false},
		{state.Port{Port: port, Search: "ESMTP"}, true},
		{state.Port{Port: port, Search: "^HTTP", Timeout: 1}, false},
		{state.Port{Host: "no.such.host.invalid", Port: port, Timeout: 1}, false},
	} {
		if got := read1(t, l, c.p); got.Open.Or(!c.open) != c.open {
			t.Errorf("%+v: open %v", c.p, got.Open)
		}
	}
	conn, err := net.Dial("tcp", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if got := read1(t, l, state.Port{Port: port, Active: state.Ask[int]()}); got.Active.Or(0) < 1 {
		t.Errorf("%v active connections, want one at least", got.Active)
	}
	if got := read1(t, l, state.Port{Port: 1, Active: state.Ask[int]()}); got.Active.Or(-1) != 0 {
		t.Errorf("%v active connections at a closed port", got.Active)
	}
}

func TestLocalAddress(t *testing.T) {
	for _, c := range []struct {
		line string
		ip   string
		port int
	}{
		{"   0: 0100007F:1F90 0100007F:D431 01 00000000:00000000 00:00000000 00000000     0", "127.0.0.1", 8080},
		{"   1: 00000000:0016 00000000:0000 0A 00000000:00000000", "", 0}, // listening
		{"   2: 0100007F:1F90 0100007F:D431 06 0", "127.0.0.1", 8080},     // just closed, and still waiting
		{"   3: 00000000000000000000000001000000:1F90 0:0 01 0", "::1", 8080},
		{"  sl  local_address rem_address   st tx_queue", "", 0},
		{"", "", 0},
	} {
		ip, port, ok := localAddress(c.line)
		if ok != (c.ip != "") || ok && (ip.String() != c.ip || port != c.port) {
			t.Errorf("%q: %v, %d, %t", c.line, ip, port, ok)
		}
	}
}

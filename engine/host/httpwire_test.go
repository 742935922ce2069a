package host

import (
	"bufio"
	"compress/gzip"
	"context"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/textproto"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"rp/engine/state"
)

// says is a server that answers every connection with these bytes, whatever it is asked.
func says(t *testing.T, answer string) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = ln.Close() })
	go func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			_, _ = http.ReadRequest(bufio.NewReader(c))
			_, _ = io.WriteString(c, answer)
			_ = c.Close()
		}
	}()
	return "http://" + ln.Addr().String() + "/"
}

func TestAnswersOnTheWire(t *testing.T) {
	const ok = "HTTP/1.1 200 OK\r\n"
	for _, c := range []struct {
		name, answer string
		status       int64
		want         string // the content, or with status -1 the message
	}{
		{"to the end", ok + "\r\nall of it", 200, "all of it"},
		{"HTTP/1.0, no reason", "HTTP/1.0 200\r\n\r\nx", 200, "x"},
		{"length", ok + "Content-Length: 3\r\n\r\nabcdef", 200, "abc"},
		{"chunks", ok + "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0A;x=y\r\n0123456789\r\n0\r\nTrailer: x\r\n\r\n", 200, "abc0123456789"},
		{"interim", "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + ok + "\r\nx", 200, "x"},
		{"nothing", "HTTP/1.1 204 No Content\r\nContent-Length: 9\r\n\r\n", 204, ""},
		{"too short", ok + "Content-Length: 9\r\n\r\nabc", -1, "closed the connection in the middle"},
		{"chunk too short", ok + "Transfer-Encoding: chunked\r\n\r\n9\r\nabc", -1, "closed the connection in the middle"},
		{"no last chunk", ok + "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n", -1, "closed the connection in the middle"},
		{"chunk of a wrong size", ok + "Transfer-Encoding: chunked\r\n\r\nzz\r\nabc", -1, `the size "zz"`},
		{"chunk that is longer", ok + "Transfer-Encoding: chunked\r\n\r\n2\r\nabc\r\n0\r\n\r\n", -1, "does not end where it should"},
		{"negative length", ok + "Content-Length: -3\r\n\r\nabc", -1, `the length "-3"`},
		{"strange encoding", ok + "Transfer-Encoding: gzip\r\n\r\nabc", -1, "not supported"},
		{"other protocol", "SSH-2.0-OpenSSH_9.2\r\n\r\n", -1, "does not speak HTTP/1.1"},
		{"hangs up", "", -1, "closed the connection without an answer"},
		{"hangs up in the header", ok + "Content-Le", -1, "malformed MIME header"},
		{"endless header", ok + strings.Repeat("X: "+strings.Repeat("y", 1000)+"\r\n", 2000), -1, "closed the connection without an answer"},
		{"redirect to nowhere", "HTTP/1.1 302 Found\r\nLocation: ftp://x/\r\n\r\n", -1, "no http or https URL"},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := do1(t, NewLinux(Options{}), state.HTTPRequest{URL: says(t, c.answer), ReturnContent: true})
			got, _ := o.Fields["content"].(string)
			if c.status == -1 {
				got, _ = o.Fields["msg"].(string)
			}
			if o.Fields["status"] != c.status || c.status > 0 && got != c.want || !strings.Contains(got, c.want) {
				t.Errorf("status %v, %q; want %d, %q", o.Fields["status"], got, c.status, c.want)
			}
		})
	}
}

func TestPackedAnswer(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Encoding", "gzip")
		z := gzip.NewWriter(w)
		_, _ = io.WriteString(z, "unpacked")
		_ = z.Close()
	}))
	defer srv.Close()
	if o := do1(t, NewLinux(Options{}), state.HTTPRequest{URL: srv.URL, ReturnContent: true}); o.Fields["content"] != "unpacked" {
		t.Errorf("got %v", o.Fields)
	}
}

// A redirect keeps what the request needs, and gives a password to no other host.
func TestRedirects(t *testing.T) {
	var seen []string
	note := func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		user, _, _ := r.BasicAuth()
		cookie, _ := r.Cookie("c")
		seen = append(seen, fmt.Sprintf("%s %s %q user=%s cookie=%v x=%s", r.Method, r.URL.Path, b, user, cookie, r.Header.Get("X")))
	}
	other := httptest.NewServer(http.HandlerFunc(note))
	defer other.Close()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		note(w, r)
		http.SetCookie(w, &http.Cookie{Name: "c", Value: "1"})
		to := map[string]string{"/301": "/end", "/303": "/end", "/307": "/end", "/away": other.URL + "/there"}[r.URL.Path]
		code := map[string]int{"/301": 301, "/303": 303, "/307": 307, "/away": 307}[r.URL.Path]
		if to != "" {
			http.Redirect(w, r, to, code)
		}
	}))
	defer srv.Close()
	for path, want := range map[string]string{
		"/301":  `POST /301 "b" user=ann cookie= x=1|GET /end "" user=ann cookie=c=1 x=1`,
		"/303":  `POST /303 "b" user=ann cookie= x=1|GET /end "" user=ann cookie=c=1 x=1`,
		"/307":  `POST /307 "b" user=ann cookie= x=1|POST /end "b" user=ann cookie=c=1 x=1`,
		"/away": `POST /away "b" user=ann cookie= x=1|POST /there "b" user= cookie= x=1`,
	} {
		seen = nil
		do1(t, NewLinux(Options{}), state.HTTPRequest{
			URL: srv.URL + path, Method: "POST", Body: []byte("b"), Headers: map[string]string{"X": "1"}, User: "ann", Password: "pw", ForceBasic: true, Redirects: "all",
		})
		if got := strings.Join(seen, "|"); got != want {
			t.Errorf("%s:\ngot  %s\nwant %s", path, got, want)
		}
	}
}

func TestRequestsThatCannotBeSent(t *testing.T) {
	l := NewLinux(Options{})
	u := says(t, "HTTP/1.1 200 OK\r\n\r\n")
	for want, r := range map[string]state.HTTPRequest{
		`the header field "X" cannot be sent`: {URL: u, Headers: map[string]string{"X": "a\r\nY: b"}},
		`there is no method "GET /X"`:         {URL: u, Method: "get /x"},
		"is not ASCII":                        {URL: u, Headers: map[string]string{"Host": "bücher.example"}},
	} {
		o := do1(t, l, r)
		if msg, _ := o.Fields["msg"].(string); o.Fields["status"] != int64(-1) || !strings.Contains(msg, want) {
			t.Errorf("got %v, want %q", o.Fields, want)
		}
	}
}

// https through a proxy goes through a tunnel.
func TestTunnel(t *testing.T) {
	srv := httptest.NewUnstartedServer(site())
	srv.Config.ErrorLog = log.New(io.Discard, "", 0)
	srv.StartTLS()
	defer srv.Close()
	ca := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: srv.Certificate().Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodConnect || r.Header.Get("Proxy-Authorization") != basicAuth("ann", "pw") {
			http.Error(w, "no", http.StatusProxyAuthRequired)
			return
		}
		to, err := net.Dial("tcp", srv.Listener.Addr().String())
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadGateway)
			return
		}
		c, _, err := w.(http.Hijacker).Hijack()
		if err != nil {
			return
		}
		_, _ = io.WriteString(c, "HTTP/1.1 200 Connection established\r\n\r\n")
		go func() { _, _ = io.Copy(to, c) }()
		_, _ = io.Copy(c, to)
		_ = c.Close()
	}))
	defer proxy.Close()
	for user, want := range map[string]string{"ann:pw@": "GET  : ", "": "cannot go through the proxy"} {
		ctx := WithEnv(context.Background(), map[string]string{"https_proxy": strings.Replace(proxy.URL, "://", "://"+user, 1), "no_proxy": ""})
		// example.com is a name that the test server's certificate has
		o, err := NewLinux(Options{}).Do(ctx, state.HTTPRequest{URL: "https://example.com/echo", CAPath: ca, ReturnContent: true})
		if got := fmt.Sprint(o.Fields["content"], o.Fields["msg"]); err != nil || !strings.Contains(got, want) || strings.Contains(got, "pw") {
			t.Errorf("%q: %v, %v", user, o.Fields, err)
		}
	}
	ctx := WithEnv(context.Background(), map[string]string{"http_proxy": "socks5://x:1"})
	if o, err := NewLinux(Options{}).Do(ctx, state.HTTPRequest{URL: "http://some.example/"}); err != nil || !strings.Contains(fmt.Sprint(o.Fields["msg"]), "only http and https proxies") {
		t.Errorf("%v, %v", o.Fields, err)
	}
}

func FuzzAnswer(f *testing.F) {
	f.Add("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n", "GET")
	f.Add("HTTP/1.1 302 Found\r\nSet-Cookie: a=\"1\"; Path=/\r\nContent-Length: 2\r\n\r\nab", "HEAD")
	f.Fuzz(func(t *testing.T, answer, method string) {
		in := bufio.NewReader(strings.NewReader(answer))
		r, err := readHeader(in)
		if err != nil || r.frame(in, method) != nil {
			return
		}
		b, err := io.ReadAll(r.body)
		if len(b) > len(answer) {
			t.Errorf("%d bytes came out of %d", len(b), len(answer))
		}
		for name := range setCookies(r.header) {
			if name == "" {
				t.Error("a cookie without a name")
			}
		}
		_ = err
	})
}

func TestSetCookies(t *testing.T) {
	h := textproto.MIMEHeader{"Set-Cookie": {"a=1; Path=/", `b="two"`, "c=", "=x", "no cookie", "a=2", " d = 4 ;Secure"}}
	if got := cookieString(setCookies(h)); got != "a=2; b=two; c=; d=4" {
		t.Errorf("got %s", got)
	}
	if got := address(&url.URL{Scheme: "https", Host: "[::1]"}); got != "[::1]:443" {
		t.Errorf("got %s", got)
	}
}

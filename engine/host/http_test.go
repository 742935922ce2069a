package host

import (
	"context"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"rp/engine/state"
)

// site answers as the tests need.
func site() http.Handler {
	m := http.NewServeMux()
	m.HandleFunc("/echo", func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		user, pass, _ := r.BasicAuth()
		fmt.Fprintf(w, "%s %s %s:%s %s", r.Method, b, user, pass, r.Header.Get("X-Test"))
	})
	m.HandleFunc("/json", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json; charset=utf-8")
		w.Header().Set("X-Two-Words", "yes")
		http.SetCookie(w, &http.Cookie{Name: "a", Value: "1"})
		http.SetCookie(w, &http.Cookie{Name: "b", Value: "2"})
		fmt.Fprint(w, `{"n": 3, "f": 1.5, "l": [1, {"x": null}]}`)
	})
	m.HandleFunc("/to", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/echo", http.StatusFound) })
	m.HandleFunc("/loop", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/loop", http.StatusFound) })
	m.HandleFunc("/guarded", func(w http.ResponseWriter, r *http.Request) {
		if user, pass, ok := r.BasicAuth(); !ok || user != "ann" || pass != "pw" {
			w.Header().Set("WWW-Authenticate", `Basic realm="x"`)
			http.Error(w, "who are you", http.StatusUnauthorized)
			return
		}
		fmt.Fprint(w, "welcome")
	})
	m.HandleFunc("/stall", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, "half")
		w.(http.Flusher).Flush()
		<-r.Context().Done()
	})
	m.HandleFunc("/large", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, strings.Repeat("0123456789\n", 30_000)) })
	m.HandleFunc("/binary", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("a\xffb")) })
	return m
}

func TestHTTP(t *testing.T) {
	srv := httptest.NewServer(site())
	defer srv.Close()
	l := NewLinux(Options{})
	for _, c := range []struct {
		name string
		r    state.HTTPRequest
		want map[string]any
	}{
		{
			"get",
			state.HTTPRequest{URL: "/echo", ReturnContent: true, Headers: map[string]string{"X-Test": "h"}},
			map[string]any{"status": int64(200), "content": "GET  : h", "redirected": false, "content_type": "text/plain; charset=utf-8", "content_length": "8", "msg": "OK (8 bytes)", "elapsed": int64(0)},
		},
		{"post", state.HTTPRequest{URL: "/echo", Method: "post", Body: []byte("body"), ReturnContent: true}, map[string]any{"content": "POST body : "}},
		{"content is left out", state.HTTPRequest{URL: "/echo"}, map[string]any{"content": nil}},
		{"content of an error is not", state.HTTPRequest{URL: "/none"}, map[string]any{"status": int64(404), "content": "404 page not found\n", "msg": "HTTP Error 404: Not Found"}},
		{"json and cookies", state.HTTPRequest{URL: "/json"}, map[string]any{
			"json":        map[string]any{"n": int64(3), "f": 1.5, "l": []any{int64(1), map[string]any{"x": nil}}},
			"x_two_words": "yes", "cookies": map[string]any{"a": "1", "b": "2"}, "cookies_string": "a=1; b=2",
		}},
		{"redirect", state.HTTPRequest{URL: "/to", ReturnContent: true}, map[string]any{"status": int64(200), "redirected": true, "content": "GET  : ", "url": srv.URL + "/echo"}},
		{"no redirect", state.HTTPRequest{URL: "/to", Redirects: "none"}, map[string]any{"status": int64(302), "redirected": false, "location": "/echo"}},
		{"safe does not redirect a post", state.HTTPRequest{URL: "/to", Method: "POST", Redirects: "safe"}, map[string]any{"status": int64(302)}},
		{"all does", state.HTTPRequest{URL: "/to", Method: "POST", Redirects: "all", ReturnContent: true}, map[string]any{"status": int64(200), "content": "GET  : "}},
		{"round and round", state.HTTPRequest{URL: "/loop"}, map[string]any{"status": int64(-1), "msg": "Request failed: more than ten redirects"}},
		{"asked for a password", state.HTTPRequest{URL: "/guarded", User: "ann", Password: "pw", ReturnContent: true}, map[string]any{"status": int64(200), "content": "welcome"}},
		{"not asked", state.HTTPRequest{URL: "/echo", User: "ann", Password: "pw", ReturnContent: true}, map[string]any{"content": "GET  : "}},
		{"forced", state.HTTPRequest{URL: "/echo", User: "ann", Password: "pw", ForceBasic: true, ReturnContent: true}, map[string]any{"content": "GET  ann:pw "}},
		{"wrong password", state.HTTPRequest{URL: "/guarded", User: "ann", Password: "no"}, map[string]any{"status": int64(401)}},
		{"odd bytes", state.HTTPRequest{URL: "/binary", ReturnContent: true}, map[string]any{"content": "a\uFFFDb"}},
		{"stall", state.HTTPRequest{URL: "/stall", Timeout: 1}, map[string]any{"status": int64(-1), "msg": "Request failed: no answer for 1s"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.r.URL = srv.URL + c.r.URL
			o := do1(t, l, c.r)
			for k, want := range c.want {
				if got := o.Fields[k]; fmt.Sprintf("%#v", got) != fmt.Sprintf("%#v", want) {
					t.Errorf("%s is %#v, want %#v", k, got, want)
				}
			}
		})
	}
}

func TestHTTPThatCannotBeReached(t *testing.T) {
	l := NewLinux(Options{})
	o := do1(t, l, state.HTTPRequest{URL: "http://ann:pw@127.0.0.1:1/x"})
	if o.Fields["status"] != int64(-1) || !strings.Contains(o.Fields["msg"].(string), "connection refused") || !o.Failed || strings.Contains(fmt.Sprint(o.Fields), "pw") {
		t.Errorf("got %v", o.Fields)
	}
	for _, u := range []string{"ftp://x/y", "x", "http://", "://"} {
		if _, err := l.Do(context.Background(), state.HTTPRequest{URL: u}); err == nil || !strings.Contains(err.Error(), "no http or https URL") {
			t.Errorf("%s: %v", u, err)
		}
	}
	if _, err := l.Read(context.Background(), state.HTTP{Request: state.HTTPRequest{URL: "http://x", Method: "PUT"}}); err == nil || !strings.Contains(err.Error(), "may change something") {
		t.Errorf("a probe that changes something: %v", err)
	}
}

func TestTLS(t *testing.T) {
	srv := httptest.NewUnstartedServer(site())
	srv.Config.ErrorLog = log.New(io.Discard, "", 0)
	srv.StartTLS()
	defer srv.Close()
	ca := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: srv.Certificate().Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	l := NewLinux(Options{Scratch: t.TempDir()})
	for _, c := range []struct {
		name   string
		ctx    context.Context
		r      state.HTTPRequest
		status int64
		msg    string
	}{
		{"unknown authority", context.Background(), state.HTTPRequest{}, -1, "certificate"},
		{"not checked", context.Background(), state.HTTPRequest{Insecure: true}, 200, ""},
		{"its authority", context.Background(), state.HTTPRequest{CAPath: ca}, 200, ""},
		{"the task's authority", WithEnv(context.Background(), map[string]string{"SSL_CERT_FILE": ca}), state.HTTPRequest{}, 200, ""},
		{"no authority there", context.Background(), state.HTTPRequest{CAPath: "/none"}, -1, "cannot read the certificate authorities"},
	} {
		c.r.URL = srv.URL + "/echo"
		o, err := l.Do(c.ctx, c.r)
		msg, _ := o.Fields["msg"].(string)
		if err != nil || o.Fields["status"] != c.status || !strings.Contains(msg, c.msg) {
			t.Errorf("%s: %v %q, %v", c.name, o.Fields["status"], msg, err)
		}
	}
}

func TestHTTPOverSocket(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	ln, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	srv := &http.Server{Handler: site(), ReadHeaderTimeout: time.Second}
	go srv.Serve(ln)
	defer srv.Close()
	o := do1(t, NewLinux(Options{}), state.HTTPRequest{URL: "http://docker/echo", Unix: path, ReturnContent: true})
	if o.Fields["content"] != "GET  : " {
		t.Errorf("got %v", o.Fields)
	}
}

func TestHTTPInADryRun(t *testing.T) {
	srv := httptest.NewServer(site())
	defer srv.Close()
	v := NewMemory().View(NewLinux(Options{}), "the task", false)
	ask := state.HTTP{Request: state.HTTPRequest{URL: srv.URL + "/echo"}}
	if h := read1(t, v, ask); !h.Answer.IsKnown() {
		t.Error("a request that only looks is not made although nothing is predicted")
	}
	if o := do1v(t, v, state.HTTPRequest{URL: srv.URL + "/echo", Method: "POST"}); !o.Unknown {
		t.Error("the outcome of a request that was not made is known")
	}
	if h := read1(t, v, ask); !h.Answer.IsUnknown() {
		t.Error("an answer is known that the prediction may change")
	}
}

func TestProxies(t *testing.T) {
	var asked string
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked = r.URL.String()
		fmt.Fprint(w, "by proxy")
	}))
	defer proxy.Close()
	ctx := WithEnv(context.Background(), map[string]string{"http_proxy": proxy.URL, "no_proxy": "direct.example"})
	o, err := NewLinux(Options{}).Do(ctx, state.HTTPRequest{URL: "http://some.example/x", ReturnContent: true})
	if err != nil || o.Fields["content"] != "by proxy" || asked != "http://some.example/x" {
		t.Errorf("%v, %v, the proxy was asked for %q", o.Fields, err, asked)
	}
	for _, c := range []struct {
		no, url string
		direct  bool
	}{
		{"", "http://a.b/", false},
		{"*", "http://a.b/", true},
		{"a.b", "http://a.b/", true},
		{"a.b", "http://x.a.b/", true},
		{".a.b", "http://x.a.b/", true},
		{"a.b", "http://xa.b/", false},
		{"*.a.b", "http://x.a.b/", true},
		{"A.B", "http://a.b/", true},
		{"a.b:81", "http://a.b/", false},
		{"a.b:81", "http://a.b:81/", true},
		{"10.0.0.0/8, c", "http://10.1.2.3/", true},
		{"10.0.0.0/8", "http://11.1.2.3/", false},
		{"", "http://localhost/", true},
		{"", "http://127.0.0.9/", true},
		{"", "http://[::1]/", true},
	} {
		to, err := url.Parse(c.url)
		if err != nil {
			t.Fatal(err)
		}
		u, err := proxies{http: "proxy:3128", no: c.no}.forURL(to)
		if err != nil || (u == nil) != c.direct {
			t.Errorf("no_proxy=%q: %s goes through %v, %v", c.no, c.url, u, err)
		}
	}
}

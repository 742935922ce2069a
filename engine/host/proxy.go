package host

import (
	"context"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
)

// proxies is the proxy settings of the environment, as curl(1) and net/http read them.
// They are read anew for each request: a task can set its own.
type proxies struct{ http, https, no string }

func proxiesOf(ctx context.Context) proxies {
	task := EnvOf(ctx)
	get := func(names ...string) string {
		for _, n := range names {
			if v, ok := task[n]; ok {
				return v
			}
		}
		for _, n := range names {
			if v := os.Getenv(n); v != "" {
				return v
			}
		}
		return ""
	}
	return proxies{
		http: get("http_proxy", "HTTP_PROXY"), https: get("https_proxy", "HTTPS_PROXY"), no: get("no_proxy", "NO_PROXY"),
	}
}

// forRequest is the proxy for r, nil for none.
func (p proxies) forRequest(r *http.Request) (*url.URL, error) {
	proxy := p.http
	if r.URL.Scheme == "https" {
		proxy = p.https
	}
	if proxy == "" || p.bypassed(r.URL) {
		return nil, nil //nolint:nilnil // as http.Transport.Proxy has it
	}
	if !strings.Contains(proxy, "://") {
		proxy = "http://" + proxy
	}
	return url.Parse(proxy)
}

// bypassed reports whether u is reached without a proxy: loopback addresses, and what no_proxy names.
func (p proxies) bypassed(u *url.URL) bool {
	host, port := strings.ToLower(u.Hostname()), u.Port()
	ip := net.ParseIP(host)
	if host == "localhost" || ip != nil && ip.IsLoopback() {
		return true
	}
	for word := range strings.FieldsFuncSeq(p.no, func(r rune) bool { return r == ',' || r == ' ' }) {
		word = strings.ToLower(word)
		if word == "*" {
			return true
		}
		if h, wp, err := net.SplitHostPort(word); err == nil {
			if wp != port {
				continue
			}
			word = h
		}
		if _, network, err := net.ParseCIDR(word); err == nil {
			if ip != nil && network.Contains(ip) {
				return true
			}
			continue
		}
		word = strings.TrimPrefix(strings.TrimPrefix(word, "*"), ".")
		if host == word || ip == nil && strings.HasSuffix(host, "."+word) {
			return true
		}
	}
	return false
}

package host

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"strings"
)

// proxies is the proxy settings of the environment, as curl(1) reads them.
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

// forURL is the proxy through which u is reached, nil for none.
func (p proxies) forURL(u *url.URL) (*url.URL, error) {
	proxy := p.http
	if u.Scheme == "https" {
		proxy = p.https
	}
	if proxy == "" || p.bypassed(u) {
		return nil, nil //nolint:nilnil // none is an answer
	}
	if !strings.Contains(proxy, "://") {
		proxy = "http://" + proxy
	}
	to, err := url.Parse(proxy)
	if err != nil {
		return nil, errors.New("the proxy that the environment names is no URL")
	}
	if to.Scheme != "http" && to.Scheme != "https" {
		return nil, fmt.Errorf("the proxy %s is not supported, only http and https proxies", to.Redacted())
	}
	return to, nil
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

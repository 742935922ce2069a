package host

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/textproto"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"
)

// This is an HTTP/1.1 client (RFC 9110, RFC 9112) for one request at a time, on a
// connection of its own. Package net/http would make the helper, which is sent to every
// host, a tenth larger.

const (
	// headerMax bounds the status line and the header of an answer.
	headerMax = 1 << 20
	// redirectsMax is how many redirects are followed.
	redirectsMax = 10
)

// clientOptions say how requests are made.
type clientOptions struct {
	// timeout is how long nothing may move: while connecting, and between two pieces of the answer.
	timeout  time.Duration
	insecure bool
	caPath   string
	unix     string // the path of a socket to connect to instead of the URL's host
	// follow says whether a redirect of a request with this method is followed; nil: always.
	follow func(method string) bool
}

// webRequest is a request to be made.
type webRequest struct {
	method string
	url    *url.URL
	header textproto.MIMEHeader
	body   []byte
}

// webResponse is the answer; body must be read before close is called.
type webResponse struct {
	status int
	reason string
	header textproto.MIMEHeader
	body   io.Reader
	// url is where the answer came from, after redirects.
	url   *url.URL
	close func()
}

func stalled(d time.Duration) error { return fmt.Errorf("no answer for %s", d) }

// request makes a request and follows its redirects. Cookies that a host sets go back to that host.
func request(ctx context.Context, o clientOptions, req webRequest) (*webResponse, error) {
	cookies := map[string]map[string]string{}
	for n := 0; ; n++ {
		if c := cookies[req.url.Host]; len(c) > 0 && req.header.Get("Cookie") == "" {
			req.header.Set("Cookie", cookieString(c))
			defer req.header.Del("Cookie")
		}
		resp, err := exchangeOnce(ctx, o, req)
		if err != nil {
			return nil, err
		}
		to := resp.header.Get("Location")
		redirect := resp.status == 301 || resp.status == 302 || resp.status == 303 || resp.status == 307 || resp.status == 308
		if !redirect || to == "" || o.follow != nil && !o.follow(req.method) {
			return resp, nil
		}
		for name, v := range setCookies(resp.header) {
			if cookies[req.url.Host] == nil {
				cookies[req.url.Host] = map[string]string{}
			}
			cookies[req.url.Host][name] = v
		}
		resp.close()
		if n >= redirectsMax {
			return nil, errors.New("more than ten redirects")
		}
		if req, err = redirected(req, resp.status, to); err != nil {
			return nil, err
		}
	}
}

// redirected is the request that follows a redirect (RFC 9110, 15.4). A password goes to no other host.
func redirected(req webRequest, status int, to string) (webRequest, error) {
	u, err := req.url.Parse(to)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" {
		return req, fmt.Errorf("the server redirects to %q, which is no http or https URL", shownURL(to))
	}
	header := textproto.MIMEHeader{}
	for k, v := range req.header {
		if u.Host == req.url.Host || k != "Authorization" && k != "Cookie" && k != "Host" {
			header[k] = v
		}
	}
	delete(header, "Cookie")
	next := webRequest{method: req.method, url: u, header: header, body: req.body}
	if status == 303 && req.method != "HEAD" || req.method == "POST" && (status == 301 || status == 302) {
		next.method, next.body = "GET", nil
		delete(header, "Content-Type")
		delete(header, "Content-Length")
	}
	return next, nil
}

// exchangeOnce connects, sends the request and reads the answer's header.
func exchangeOnce(ctx context.Context, o clientOptions, req webRequest) (*webResponse, error) {
	conn, proxied, err := connect(ctx, o, req.url)
	if err != nil {
		return nil, timedOut(ctx, o, err)
	}
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	end := func() {
		stop()
		_ = conn.Close()
	}
	resp, err := converse(conn, req, proxied)
	if err != nil {
		end()
		return nil, timedOut(ctx, o, err)
	}
	resp.url, resp.close = req.url, end
	resp.body = namedErrors{ctx, o, resp.body}
	return resp, nil
}

// timedOut says in plain words what a connection that ended or stood still means.
func timedOut(ctx context.Context, o clientOptions, err error) error {
	var ne net.Error
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case errors.Is(err, io.ErrUnexpectedEOF):
		return errors.New("the server closed the connection in the middle of its answer")
	case errors.As(err, &ne) && ne.Timeout(), errors.Is(err, context.DeadlineExceeded):
		return stalled(o.timeout)
	}
	return err
}

type namedErrors struct {
	ctx context.Context
	o   clientOptions
	r   io.Reader
}

func (n namedErrors) Read(p []byte) (int, error) {
	k, err := n.r.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		err = timedOut(n.ctx, n.o, err)
	}
	return k, err
}

// movingConn fails when nothing moves for its timeout.
type movingConn struct {
	net.Conn
	timeout time.Duration
}

func (c movingConn) Read(p []byte) (int, error) {
	if err := c.SetReadDeadline(time.Now().Add(c.timeout)); err != nil {
		return 0, err
	}
	return c.Conn.Read(p)
}

func (c movingConn) Write(p []byte) (int, error) {
	if err := c.SetWriteDeadline(time.Now().Add(c.timeout)); err != nil {
		return 0, err
	}
	return c.Conn.Write(p)
}

// connect is a connection over which requests for u can be sent; proxied is the proxy that they go to, where they
// are to name the whole URL.
func connect(ctx context.Context, o clientOptions, u *url.URL) (conn net.Conn, proxied *url.URL, err error) {
	ctx, cancel := context.WithTimeout(ctx, o.timeout)
	defer cancel()
	d := net.Dialer{KeepAlive: 30 * time.Second}
	if o.unix != "" {
		conn, err = d.DialContext(ctx, "unix", o.unix)
		if err != nil {
			return nil, nil, err
		}
		conn = movingConn{conn, o.timeout}
		conn, err = secured(ctx, conn, o, u)
		return conn, nil, err
	}
	proxy, err := proxiesOf(ctx).forURL(u)
	if err != nil {
		return nil, nil, err
	}
	first := u
	if proxy != nil {
		first = proxy
	}
	if conn, err = d.DialContext(ctx, "tcp", address(first)); err != nil {
		return nil, nil, err
	}
	conn = movingConn{conn, o.timeout}
	if conn, err = secured(ctx, conn, o, first); err != nil || proxy == nil {
		return conn, nil, err
	}
	if u.Scheme == "http" {
		return conn, proxy, nil
	}
	if err := tunnel(conn, proxy, u); err != nil {
		return nil, nil, errors.Join(err, conn.Close())
	}
	conn, err = secured(ctx, conn, o, u)
	return conn, nil, err
}

// address is the host and port of u.
func address(u *url.URL) string {
	port := u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[u.Scheme]
	}
	return net.JoinHostPort(u.Hostname(), port)
}

// tunnel asks the proxy for a connection to u's host (RFC 9110, 9.3.6).
func tunnel(conn net.Conn, proxy, u *url.URL) error {
	text := "CONNECT " + address(u) + " HTTP/1.1\r\nHost: " + address(u) + "\r\n"
	if proxy.User != nil {
		text += "Proxy-Authorization: " + basic(proxy.User) + "\r\n"
	}
	if _, err := io.WriteString(conn, text+"\r\n"); err != nil {
		return err
	}
	// byte by byte: what comes after the header is the other host's
	resp, err := readHeader(bufio.NewReaderSize(oneByte{conn}, 16))
	if err == nil && (resp.status < 200 || resp.status > 299) {
		err = fmt.Errorf("the server answered %d %s", resp.status, resp.reason)
	}
	if err != nil {
		return fmt.Errorf("cannot go through the proxy %s: %w", proxy.Redacted(), err)
	}
	return nil
}

type oneByte struct{ r io.Reader }

func (o oneByte) Read(p []byte) (int, error) { return o.r.Read(p[:min(len(p), 1)]) }

// secured puts TLS on conn where u asks for it.
func secured(ctx context.Context, conn net.Conn, o clientOptions, u *url.URL) (net.Conn, error) {
	if u.Scheme != "https" {
		return conn, nil
	}
	conf := &tls.Config{InsecureSkipVerify: o.insecure, MinVersion: tls.VersionTLS12, ServerName: u.Hostname()} //nolint:gosec // validate_certs: false asks for it
	file := o.caPath
	if file == "" {
		file = EnvOf(ctx)["SSL_CERT_FILE"] // that of the process is read by crypto/x509
	}
	if file != "" {
		pem, err := os.ReadFile(file)
		if err != nil {
			return nil, errors.Join(fmt.Errorf("cannot read the certificate authorities: %w", err), conn.Close())
		}
		conf.RootCAs = x509.NewCertPool()
		if !conf.RootCAs.AppendCertsFromPEM(pem) {
			return nil, errors.Join(fmt.Errorf("cannot read the certificate authorities: %s has no certificate in PEM form", file), conn.Close())
		}
	}
	t := tls.Client(conn, conf)
	if err := t.HandshakeContext(ctx); err != nil {
		_ = conn.Close()
		return nil, err
	}
	return t, nil
}

func basic(user *url.Userinfo) string {
	password, _ := user.Password()
	return basicAuth(user.Username(), password)
}

func basicAuth(user, password string) string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(user+":"+password))
}

// shownURL is text for a message, without a password.
func shownURL(text string) string {
	u, err := url.Parse(text)
	if err != nil {
		return "the URL"
	}
	return u.Redacted()
}

func digits(s string) bool {
	_, err := strconv.ParseUint(s, 10, 63)
	return err == nil && !strings.HasPrefix(s, "+")
}

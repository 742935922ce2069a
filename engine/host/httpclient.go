package host

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"time"
)

// clientOptions say how requests are made.
type clientOptions struct {
	timeout  time.Duration // for connecting, for TLS, for the header, and between two pieces of the body
	insecure bool
	caPath   string
	unix     string
	// redirect decides on each redirect; nil follows up to ten.
	redirect func(req *http.Request, via []*http.Request) error
}

// newClient is an HTTP client for one request. The caller closes its idle connections.
func newClient(ctx context.Context, o clientOptions) (*http.Client, error) {
	conf := &tls.Config{InsecureSkipVerify: o.insecure, MinVersion: tls.VersionTLS12} //nolint:gosec // validate_certs: false asks for it
	file := o.caPath
	if file == "" {
		file = EnvOf(ctx)["SSL_CERT_FILE"] // that of the process is read by crypto/x509
	}
	if file != "" {
		pem, err := os.ReadFile(file)
		if err != nil {
			return nil, fmt.Errorf("cannot read the certificate authorities: %w", err)
		}
		conf.RootCAs = x509.NewCertPool()
		if !conf.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("cannot read the certificate authorities: %s has no certificate in PEM form", file)
		}
	}
	d := &net.Dialer{Timeout: o.timeout, KeepAlive: 30 * time.Second}
	t := &http.Transport{
		Proxy: proxiesOf(ctx).forRequest, DialContext: d.DialContext, TLSClientConfig: conf, ForceAttemptHTTP2: true,
		TLSHandshakeTimeout: o.timeout, ResponseHeaderTimeout: o.timeout, ExpectContinueTimeout: time.Second,
	}
	if o.unix != "" {
		t.Proxy = nil
		t.DialContext = func(ctx context.Context, _, _ string) (net.Conn, error) { return d.DialContext(ctx, "unix", o.unix) }
	}
	jar, err := cookiejar.New(nil)
	if err != nil {
		return nil, err
	}
	return &http.Client{Transport: t, Jar: jar, CheckRedirect: o.redirect}, nil
}

// request is a request that gives up when nothing moves for o.timeout. The function that it
// gives must be called when the body was read.
func request(ctx context.Context, o clientOptions, req *http.Request) (*http.Response, func(), error) {
	client, err := newClient(ctx, o)
	if err != nil {
		return nil, nil, err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	// redirects share the time that one header may take, ten times over
	idle := time.AfterFunc(10*o.timeout, func() { cancel(stalled(10 * o.timeout)) })
	end := func() {
		idle.Stop()
		cancel(nil)
		client.CloseIdleConnections()
	}
	resp, err := client.Do(req.WithContext(ctx))
	if err != nil {
		if cause := context.Cause(ctx); cause != nil {
			err = cause
		}
		end()
		return nil, nil, plainError(err)
	}
	idle.Stop()
	idle = time.AfterFunc(o.timeout, func() { cancel(stalled(o.timeout)) })
	resp.Body = &movingBody{ReadCloser: resp.Body, ctx: ctx, idle: idle, timeout: o.timeout}
	return resp, end, nil
}

func stalled(d time.Duration) error { return fmt.Errorf("no answer for %s", d) }

// movingBody sets the clock back with every piece that arrives.
type movingBody struct {
	io.ReadCloser
	ctx     context.Context
	idle    *time.Timer
	timeout time.Duration
}

func (b *movingBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if n > 0 {
		b.idle.Reset(b.timeout)
	}
	if err != nil && !errors.Is(err, io.EOF) && b.ctx.Err() != nil {
		err = context.Cause(b.ctx)
		if errors.Is(err, context.Canceled) {
			err = stalled(b.timeout)
		}
	}
	return n, err
}

// plainError is err without the URL that package http puts before it, which may have a password.
func plainError(err error) error {
	var ue *url.Error
	if errors.As(err, &ue) {
		return ue.Err
	}
	return err
}

// shownURL is text for a message, without a password.
func shownURL(text string) string {
	u, err := url.Parse(text)
	if err != nil {
		return "the URL"
	}
	return u.Redacted()
}

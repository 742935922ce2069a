package host

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"net"
	"net/textproto"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// converse sends req over conn and reads the header of the answer.
func converse(conn net.Conn, req webRequest, proxy *url.URL) (*webResponse, error) {
	head, err := requestHeader(req, proxy)
	if err != nil {
		return nil, err
	}
	sent := make(chan error, 1)
	// a server may answer before it has read all of a large body
	go func() {
		_, err := conn.Write(append(head, req.body...))
		sent <- err
	}()
	limit := &io.LimitedReader{R: conn, N: headerMax}
	in := bufio.NewReader(limit)
	for {
		resp, err := readHeader(in)
		if err != nil {
			select {
			case werr := <-sent:
				err = errors.Join(werr, err)
			default:
			}
			return nil, err
		}
		if resp.status/100 == 1 { // interim: the answer itself is to come
			continue
		}
		limit.N = math.MaxInt64
		return resp, resp.frame(in, req.method)
	}
}

// requestHeader is the request line and the header.
func requestHeader(req webRequest, proxy *url.URL) ([]byte, error) {
	host := req.url.Host
	header := maps.Clone(req.header)
	if h := header.Get("Host"); h != "" {
		host = h
		header.Del("Host")
	}
	if strings.ContainsFunc(host, func(r rune) bool { return r <= ' ' || r >= 0x7f }) {
		return nil, fmt.Errorf("the host name %q is not ASCII: write it in its xn-- form", host)
	}
	target := req.url.RequestURI()
	if proxy != nil {
		target = req.url.Scheme + "://" + req.url.Host + target
		if proxy.User != nil {
			header.Set("Proxy-Authorization", basic(proxy.User))
		}
	}
	if req.url.User != nil && header.Get("Authorization") == "" {
		header.Set("Authorization", basic(req.url.User))
	}
	if len(req.body) > 0 || req.method == "POST" || req.method == "PUT" || req.method == "PATCH" {
		header.Set("Content-Length", strconv.Itoa(len(req.body)))
	}
	header.Set("Connection", "close")
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s %s HTTP/1.1\r\nHost: %s\r\n", req.method, target, host)
	for _, k := range slices.Sorted(maps.Keys(header)) {
		for _, v := range header[k] {
			if strings.ContainsAny(k+v, "\r\n\x00") || strings.ContainsAny(k, " :") || k == "" {
				return nil, fmt.Errorf("the header field %q cannot be sent", k)
			}
			fmt.Fprintf(&b, "%s: %s\r\n", k, v)
		}
	}
	b.WriteString("\r\n")
	if strings.ContainsAny(req.method, " \r\n") {
		return nil, fmt.Errorf("there is no method %q", req.method)
	}
	return b.Bytes(), nil
}

// readHeader reads the status line and the header of an answer (RFC 9112, 4 and 5).
func readHeader(in *bufio.Reader) (*webResponse, error) {
	t := textproto.NewReader(in)
	line, err := t.ReadLine()
	if err != nil {
		return nil, cutShort(err)
	}
	version, rest, _ := strings.Cut(line, " ")
	code, reason, _ := strings.Cut(rest, " ")
	status, err := strconv.Atoi(code)
	if !strings.HasPrefix(version, "HTTP/1.") || err != nil || len(code) != 3 {
		return nil, fmt.Errorf("the server does not speak HTTP/1.1: it says %.40q", line)
	}
	header, err := t.ReadMIMEHeader()
	if err != nil {
		return nil, cutShort(err)
	}
	return &webResponse{status: status, reason: reason, header: header}, nil
}

func cutShort(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return errors.New("the server closed the connection without an answer")
	}
	return err
}

// frame finds out where the body ends (RFC 9112, 6.3).
func (r *webResponse) frame(in *bufio.Reader, method string) error {
	length := r.header.Get("Content-Length")
	switch {
	case method == "HEAD", r.status == 204, r.status == 304:
		r.body = bytes.NewReader(nil)
	case strings.EqualFold(r.header.Get("Transfer-Encoding"), "chunked"):
		r.body = &chunks{in: in}
	case r.header.Get("Transfer-Encoding") != "":
		return fmt.Errorf("the server sends in the encoding %q, which is not supported", r.header.Get("Transfer-Encoding"))
	case length != "":
		if !digits(length) {
			return fmt.Errorf("the server's answer has the length %q", length)
		}
		n, _ := strconv.ParseInt(length, 10, 64)
		r.body = &exactly{in: in, left: n}
	default:
		r.body = in
	}
	return nil
}

// exactly reads so many bytes, and fails where fewer come.
type exactly struct {
	in   io.Reader
	left int64
}

func (e *exactly) Read(p []byte) (int, error) {
	if e.left == 0 {
		return 0, io.EOF
	}
	n, err := e.in.Read(p[:min(int64(len(p)), e.left)])
	e.left -= int64(n)
	if errors.Is(err, io.EOF) {
		err = nil
		if e.left > 0 {
			err = io.ErrUnexpectedEOF
		}
	}
	return n, err
}

// chunks reads a body in chunks (RFC 9112, 7.1).
type chunks struct {
	in   *bufio.Reader
	left int64
	done bool
	next bool // a chunk's end is to be read before the next one
}

func (c *chunks) Read(p []byte) (int, error) {
	if c.left == 0 && !c.done {
		if err := c.header(); err != nil {
			return 0, err
		}
	}
	if c.done {
		return 0, io.EOF
	}
	n, err := c.in.Read(p[:min(int64(len(p)), c.left)])
	c.left -= int64(n)
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	return n, err
}

// header reads the size of the next chunk; at the last one, what follows it.
func (c *chunks) header() error {
	if c.next {
		if line, err := c.line(); err != nil || line != "" {
			return errors.Join(errors.New("a chunk of the answer does not end where it should"), err)
		}
	}
	line, err := c.line()
	if err != nil {
		return err
	}
	size, _, _ := strings.Cut(line, ";")
	n, err := strconv.ParseInt(strings.TrimSpace(size), 16, 64)
	if err != nil || n < 0 {
		return fmt.Errorf("a chunk of the answer has the size %.40q", size)
	}
	c.left, c.next = n, true
	if n > 0 {
		return nil
	}
	c.done = true
	for { // the trailer
		if line, err := c.line(); err != nil || line == "" {
			return err
		}
	}
}

func (c *chunks) line() (string, error) {
	line, err := c.in.ReadSlice('\n')
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	return strings.TrimRight(string(line), "\r\n"), err
}

// setCookies are the cookies that an answer sets (RFC 6265, 4.1.1).
func setCookies(h textproto.MIMEHeader) map[string]string {
	m := map[string]string{}
	for _, line := range h.Values("Set-Cookie") {
		pair, _, _ := strings.Cut(line, ";")
		name, v, ok := strings.Cut(pair, "=")
		if name = strings.TrimSpace(name); !ok || name == "" {
			continue
		}
		v = strings.TrimSpace(v)
		if len(v) > 1 && v[0] == '"' && v[len(v)-1] == '"' {
			v = v[1 : len(v)-1]
		}
		m[name] = v
	}
	return m
}

func cookieString(m map[string]string) string {
	parts := make([]string, 0, len(m))
	for _, k := range slices.Sorted(maps.Keys(m)) {
		parts = append(parts, k+"="+m[k])
	}
	return strings.Join(parts, "; ")
}

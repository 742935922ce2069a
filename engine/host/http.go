package host

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/textproto"
	"net/url"
	"slices"
	"strings"
	"time"

	"rp/engine/state"
)

func init() {
	register("http", kind{read: readHTTP, blind: true})
	registerEvent("HTTPRequest", event{do: doHTTP})
}

const (
	userAgent = "rp"
	// httpTimeout is how long nothing may arrive, unless it was told.
	httpTimeout = 30 * time.Second
	httpBodyMax = 64 << 20
)

// readHTTP makes requests that only look.
func readHTTP(ctx context.Context, l *Linux, ss []state.State) ([]state.State, error) {
	out := make([]state.State, len(ss))
	for i, s := range ss {
		h := s.(state.HTTP)
		if m := methodOf(h.Request); !slices.Contains([]string{"GET", "HEAD", "OPTIONS"}, m) {
			return nil, fmt.Errorf("cannot look at %s: a %s request may change something", shownURL(h.Request.URL), m)
		}
		answer, err := l.exchange(ctx, h.Request)
		if err != nil {
			return nil, err
		}
		h.Answer = state.Is(answer)
		out[i] = h
	}
	return out, nil
}

func doHTTP(ctx context.Context, l *Linux, e state.Event) (state.Outcome, error) {
	answer, err := l.exchange(ctx, e.(state.HTTPRequest))
	if err != nil {
		return state.Outcome{}, err
	}
	status, _ := answer["status"].(int64)
	return state.Outcome{Failed: status < 200 || status > 399, Fields: answer}, nil
}

// exchange makes a request and gives the answer under the uri module's names. A server
// that cannot be reached is an answer too: its status is -1.
func (l *Linux) exchange(ctx context.Context, r state.HTTPRequest) (map[string]any, error) {
	u, err := url.Parse(r.URL)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return nil, fmt.Errorf("cannot request %q: it is no http or https URL", shownURL(r.URL))
	}
	start := time.Now()
	answer, err := l.tryExchange(ctx, r, !r.ForceBasic && r.User != "")
	if err != nil {
		if ctx.Err() != nil {
			return nil, fmt.Errorf("cannot request %s: %w", u.Redacted(), context.Cause(ctx))
		}
		answer = map[string]any{
			"status": int64(-1), "url": u.Redacted(), "redirected": false,
			"msg": "Request failed: " + err.Error(),
		}
	}
	answer["elapsed"] = int64(time.Since(start) / time.Second)
	return answer, nil
}

// tryExchange makes the request; with challenge set it gives the user's name only when the server asks for it.
func (l *Linux) tryExchange(ctx context.Context, r state.HTTPRequest, challenge bool) (map[string]any, error) {
	u, err := url.Parse(r.URL)
	if err != nil {
		return nil, errors.New("it is no URL")
	}
	req := webRequest{method: methodOf(r), url: u, header: headerOf(r.Headers), body: r.Body}
	if r.User != "" && !challenge {
		req.header.Set("Authorization", basicAuth(r.User, r.Password))
	}
	o := clientOptions{timeout: httpTimeout, insecure: r.Insecure, caPath: r.CAPath, unix: r.Unix, follow: func(method string) bool {
		return r.Redirects == "all" || r.Redirects != "none" && (method == "GET" || method == "HEAD")
	}}
	if r.Timeout > 0 {
		o.timeout = time.Duration(r.Timeout) * time.Second
	}
	resp, err := request(ctx, o, req)
	if err != nil {
		return nil, err
	}
	defer resp.close()
	if challenge && resp.status == 401 && asksBasic(resp) {
		return l.tryExchange(ctx, r, false)
	}
	in := resp.body
	if strings.EqualFold(resp.header.Get("Content-Encoding"), "gzip") { // though nobody asked for it
		if in, err = gzip.NewReader(in); err != nil {
			return nil, fmt.Errorf("the answer is not packed as it says: %w", err)
		}
	}
	body, err := io.ReadAll(io.LimitReader(in, httpBodyMax+1))
	if err != nil {
		return nil, err
	}
	if len(body) > httpBodyMax {
		return nil, fmt.Errorf("the answer is larger than %d MiB", httpBodyMax>>20)
	}
	return answerOf(r, resp, body), nil
}

// headerOf is the header of a request: bodies are asked for as they are, not packed.
func headerOf(fields map[string]string) textproto.MIMEHeader {
	h := textproto.MIMEHeader{}
	h.Set("User-Agent", userAgent)
	h.Set("Accept", "*/*")
	h.Set("Accept-Encoding", "identity")
	for k, v := range fields {
		h.Set(k, v)
	}
	return h
}

func asksBasic(resp *webResponse) bool {
	return slices.ContainsFunc(resp.header.Values("WWW-Authenticate"), func(v string) bool {
		return strings.HasPrefix(strings.ToLower(v), "basic")
	})
}

func answerOf(r state.HTTPRequest, resp *webResponse, body []byte) map[string]any {
	a := headerFields(resp.header)
	a["status"] = int64(resp.status)
	a["url"] = resp.url.Redacted()
	a["redirected"] = resp.url.String() != r.URL
	a["msg"] = statusMessage(resp)
	cookies := map[string]any{}
	set := setCookies(resp.header)
	for k, v := range set {
		cookies[k] = v
	}
	a["cookies"], a["cookies_string"] = cookies, cookieString(set)
	if r.ReturnContent || resp.status >= 400 {
		a["content"] = strings.ToValidUTF8(string(body), "\uFFFD")
	}
	if isJSON(resp.header.Get("Content-Type")) {
		if v, ok := parseJSON(body); ok {
			a["json"] = v
		}
	}
	return a
}

// statusMessage is msg as the uri module has it.
func statusMessage(resp *webResponse) string {
	if resp.status >= 400 {
		return fmt.Sprintf("HTTP Error %d: %s", resp.status, resp.reason)
	}
	length := resp.header.Get("Content-Length")
	if length == "" {
		length = "unknown"
	}
	return fmt.Sprintf("OK (%s bytes)", length)
}

// headerFields are the header's fields under names that Jinja can use: content_type.
func headerFields(h textproto.MIMEHeader) map[string]any {
	m := map[string]any{}
	for k, vs := range h {
		m[strings.ReplaceAll(strings.ToLower(k), "-", "_")] = strings.Join(vs, ", ")
	}
	return m
}

func isJSON(contentType string) bool {
	t, _, _ := strings.Cut(strings.ToLower(contentType), ";")
	t = strings.TrimSpace(t)
	return t == "application/json" || t == "application/javascript" || t == "text/json" || strings.HasSuffix(t, "+json")
}

// parseJSON reads JSON with whole numbers as int64.
func parseJSON(text []byte) (any, bool) {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	var v any
	if d.Decode(&v) != nil || d.More() {
		return nil, false
	}
	return numbers(v), true
}

func numbers(v any) any {
	switch v := v.(type) {
	case json.Number:
		if i, err := v.Int64(); err == nil {
			return i
		}
		f, err := v.Float64()
		if err != nil {
			return v.String()
		}
		return f
	case map[string]any:
		for k, e := range v {
			v[k] = numbers(e)
		}
	case []any:
		for i, e := range v {
			v[i] = numbers(e)
		}
	}
	return v
}

// methodOf is the request's method, GET where it names none.
func methodOf(r state.HTTPRequest) string {
	if r.Method == "" {
		return "GET"
	}
	return strings.ToUpper(r.Method)
}

package host

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"time"

	"rp/engine/state"
)

func init() {
	register("download", kind{read: readDownloads})
}

const (
	downloadMax = 4 << 30
	// downloadTimeout is how long nothing may arrive, unless it was told.
	downloadTimeout = 10 * time.Second
	// downloadKept is how long a large download is not fetched again: a module that was held
	// before its first write starts over.
	downloadKept = 10 * time.Minute
)

// downloads remembers what was fetched a moment ago.
type downloads struct {
	mu   sync.Mutex
	done map[string]downloaded
}

type downloaded struct {
	at   time.Time
	c    state.Content
	info map[string]any
}

func readDownloads(ctx context.Context, l *Linux, ss []state.State) ([]state.State, error) {
	out := make([]state.State, len(ss))
	for i, s := range ss {
		d := s.(state.Download)
		if !d.Content.IsSet() {
			d.Info = state.Ask[map[string]any]()
		}
		c, info, err := l.fetch(ctx, d)
		if err != nil {
			return nil, err
		}
		if d.Content.IsSet() {
			d.Content = state.Is(c)
		}
		d.Info = state.Is(info)
		out[i] = d
	}
	return out, nil
}

// fetch gets what d names. Where no content was asked for in a state, only the header is fetched.
func (l *Linux) fetch(ctx context.Context, d state.Download) (state.Content, map[string]any, error) {
	u, err := url.Parse(d.URL)
	if err != nil {
		return state.Content{}, nil, fmt.Errorf("cannot fetch %q: it is no URL", d.URL)
	}
	switch u.Scheme {
	case "file":
		return l.fetchFile(ctx, u)
	case "http", "https":
	default:
		return state.Content{}, nil, fmt.Errorf("cannot fetch %s: %q URLs are not supported, only http, https and file", u.Redacted(), u.Scheme)
	}
	key := fmt.Sprintf("%s %v %s %s %t", d.URL, d.Headers, d.User, d.Password, d.Insecure)
	if kept, ok := l.recent(key); ok {
		return kept.c, kept.info, nil
	}
	c, info, err := l.fetchHTTP(ctx, d)
	if err != nil {
		return c, info, fmt.Errorf("cannot fetch %s: %w", u.Redacted(), err)
	}
	if c.Data == nil && c.Size > 0 {
		l.downloads.mu.Lock()
		if l.downloads.done == nil {
			l.downloads.done = map[string]downloaded{}
		}
		l.downloads.done[key] = downloaded{time.Now(), c, info}
		l.downloads.mu.Unlock()
	}
	return c, info, nil
}

func (l *Linux) recent(key string) (downloaded, bool) {
	l.downloads.mu.Lock()
	defer l.downloads.mu.Unlock()
	d, ok := l.downloads.done[key]
	if !ok || time.Since(d.at) > downloadKept {
		return d, false
	}
	_, err := os.Stat(l.scratchFile(d.c.Sum))
	return d, err == nil
}

func (l *Linux) fetchFile(ctx context.Context, u *url.URL) (state.Content, map[string]any, error) {
	c, err := readContent(ctx, l.path(u.Path))
	if err != nil {
		return c, nil, fmt.Errorf("cannot fetch %s: %w", u, bare(err))
	}
	if c.Data == nil {
		c.From = "path:" + u.Path
	}
	return c, map[string]any{"status": int64(200), "url": u.String(), "msg": "OK", "headers": map[string]any{}}, nil
}

func (l *Linux) fetchHTTP(ctx context.Context, d state.Download) (state.Content, map[string]any, error) {
	method := "GET"
	if !d.Content.IsSet() && d.Info.IsSet() {
		method = "HEAD"
	}
	u, err := url.Parse(d.URL)
	if err != nil {
		return state.Content{}, nil, err
	}
	req := webRequest{method: method, url: u, header: headerOf(d.Headers)}
	if d.User != "" {
		req.header.Set("Authorization", basicAuth(d.User, d.Password))
	}
	o := clientOptions{timeout: downloadTimeout, insecure: d.Insecure}
	if d.Timeout > 0 {
		o.timeout = time.Duration(d.Timeout) * time.Second
	}
	resp, err := request(ctx, o, req)
	if err != nil {
		return state.Content{}, nil, err
	}
	defer resp.close()
	info := map[string]any{
		"status": int64(resp.status), "url": resp.url.Redacted(), "msg": statusMessage(resp), "headers": headerFields(resp.header),
	}
	if method == "HEAD" {
		return state.Content{}, info, nil
	}
	if resp.status < 200 || resp.status > 299 {
		return state.Content{}, info, fmt.Errorf("the server answered %d %s", resp.status, resp.reason)
	}
	c, err := l.spool(ctx, resp.body)
	return c, info, err
}

// spool keeps what r gives: in memory what is small, in the scratch directory what is not.
func (l *Linux) spool(ctx context.Context, r io.Reader) (state.Content, error) {
	dir, err := l.scratch()
	if err != nil {
		return state.Content{}, err
	}
	tmp, err := os.CreateTemp(dir, ".download-")
	if err != nil {
		return state.Content{}, fmt.Errorf("cannot spool: %w", err)
	}
	defer os.Remove(tmp.Name()) //nolint:errcheck // renamed when it is kept
	c, err := sumContent(ctx, io.TeeReader(io.LimitReader(r, downloadMax+1), tmp))
	if err = errors.Join(err, tmp.Close()); err != nil {
		return state.Content{}, bare(err)
	}
	if c.Size > downloadMax {
		return state.Content{}, fmt.Errorf("it is larger than %d GiB", downloadMax>>30)
	}
	if c.Data != nil {
		return c, nil
	}
	to := filepath.Join(dir, c.Sum)
	if err := os.Rename(tmp.Name(), to); err != nil {
		return state.Content{}, fmt.Errorf("cannot spool: %w", err)
	}
	c.From = "path:" + to
	return c, nil
}

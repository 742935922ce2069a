package host

import (
	"context"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"rp/engine/state"
)

func TestDownload(t *testing.T) {
	srv := httptest.NewServer(site())
	defer srv.Close()
	dir := t.TempDir()
	l := NewLinux(Options{Scratch: filepath.Join(dir, "scratch")})
	ask := func(u string) state.Download {
		return state.Download{URL: u, Content: state.Ask[state.Content](), User: "ann", Password: "pw"}
	}

	small := read1(t, l, ask(srv.URL+"/guarded"))
	if c, _ := small.Content.Get(); string(c.Data) != "welcome" || c.Sum != state.Text("welcome").Sum {
		t.Errorf("got %+v", small)
	}
	if info, _ := small.Info.Get(); info["status"] != int64(200) || info["url"] != srv.URL+"/guarded" || info["msg"] != "OK (7 bytes)" {
		t.Errorf("info %v", info)
	}

	large := read1(t, l, ask(srv.URL+"/large"))
	c, _ := large.Content.Get()
	if c.Data != nil || c.Size != 330_000 || c.From != "path:"+filepath.Join(dir, "scratch", c.Sum) {
		t.Errorf("got %+v", c)
	}
	path := filepath.Join(dir, "f")
	if _, err := write1(l, state.File{Path: path, Content: large.Content}); err != nil || len(text(t, path)) != 330_000 {
		t.Errorf("%v", err)
	}
	if st, err := os.Stat(filepath.Join(dir, "scratch")); err != nil || st.Mode().Perm() != 0o700 {
		t.Errorf("scratch: %v, %v", st, err)
	}

	// only its header
	head := read1(t, l, state.Download{URL: srv.URL + "/large"})
	if info, _ := head.Info.Get(); head.Content.IsSet() || info["status"] != int64(200) {
		t.Errorf("got %+v", head)
	}

	put(t, filepath.Join(dir, "local"), "from a file", 0o600)
	if c, _ := read1(t, l, ask("file://"+dir+"/local")).Content.Get(); string(c.Data) != "from a file" {
		t.Errorf("got %+v", c)
	}
}

func TestDownloadFails(t *testing.T) {
	srv := httptest.NewServer(site())
	defer srv.Close()
	l := NewLinux(Options{Scratch: filepath.Join(t.TempDir(), "scratch")})
	withPassword := strings.Replace(srv.URL, "http://", "http://ann:hunter2@", 1)
	for _, c := range []struct{ url, want string }{
		{withPassword + "/none", "cannot fetch http://ann:xxxxx@127.0.0.1:"},
		{srv.URL + "/none", "/none: the server answered 404 Not Found"},
		{srv.URL + "/stall", "no answer for 1s"},
		{"http://127.0.0.1:1/x", "connection refused"},
		{"ftp://x/y", `"ftp" URLs are not supported`},
		{"file:///none", "no such file"},
	} {
		_, err := l.Read(context.Background(), state.Download{URL: c.url, Content: state.Ask[state.Content](), Timeout: 1})
		if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: error %v, want %q in it", c.url, err, c.want)
		}
	}
	if es, _ := os.ReadDir(l.o.Scratch); len(es) > 0 {
		t.Errorf("%s is left behind", es[0].Name())
	}
	if _, err := NewLinux(Options{}).Read(context.Background(), state.Download{URL: srv.URL + "/large", Content: state.Ask[state.Content]()}); err == nil || !strings.Contains(err.Error(), "no scratch directory") {
		t.Errorf("without a scratch directory: %v", err)
	}
}

func TestContentByURL(t *testing.T) {
	srv := httptest.NewServer(site())
	defer srv.Close()
	dir := t.TempDir()
	l := NewLinux(Options{Scratch: filepath.Join(dir, "scratch")})
	path := filepath.Join(dir, "f")
	url := "url:" + srv.URL + "/guarded"
	for _, c := range []struct {
		content state.Content
		err     string
	}{
		{state.Content{Size: -1, From: url}, "its checksum is not known"},
		{state.Content{Size: -1, Sum: state.Text("other").Sum, From: "url:" + srv.URL + "/binary"}, "should have"},
		{state.Content{Size: -1, Sum: state.Text("a\xffb").Sum, From: "url:" + srv.URL + "/binary"}, ""},
	} {
		_, err := write1(l, state.File{Path: path, Content: state.Is(c.content)})
		if c.err == "" && (err != nil || text(t, path) != "a\xffb") || c.err != "" && (err == nil || !strings.Contains(err.Error(), c.err)) {
			t.Errorf("%+v: %v", c.content, err)
		}
	}
}

// What cannot be fetched yet may be when an earlier task has been done.
func TestDownloadInADryRun(t *testing.T) {
	v := NewMemory().View(NewLinux(Options{}), "make a proxy", false)
	ask := state.Download{URL: "http://127.0.0.1:1/x", Content: state.Ask[state.Content]()}
	if _, err := v.Read(context.Background(), ask); err == nil {
		t.Error("no error although nothing is predicted")
	}
	do1v(t, v, sh("x"))
	if d := read1(t, v, ask); !d.Content.IsUnknown() || d.Content.After() != "make a proxy" {
		t.Errorf("got %+v", d)
	}
}

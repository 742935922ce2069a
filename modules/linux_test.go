package modules_test

import (
	"archive/tar"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"rp/engine/host"
	"rp/engine/state"
	"rp/modules"
	"rp/modules/moduletest"
)

// linuxTask is one task of TestOnLinux.
type linuxTask struct {
	module string
	args   map[string]any
	// text is what a file has afterwards: its path, a newline, its content.
	text string
}

// TestOnLinux runs modules that write files on the real host, below a directory:
// a dry run, the run, which must do what was announced and no more, and a second run, which must do nothing.
func TestOnLinux(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("targets are Linux")
	}
	big := strings.Repeat("0123456789abcdef\n", 20000)
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/big" {
			_, _ = io.WriteString(w, big)
			return
		}
		http.NotFound(w, r)
	}))
	defer srv.Close()
	root := t.TempDir()
	for _, d := range []string{"srv", "etc/skel", "tmp"} {
		if err := os.MkdirAll(filepath.Join(root, d), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	writeTgz(t, filepath.Join(root, "srv/a.tgz"), map[string]string{"docker/dockerd": "#!/bin/sh\n", "docker/docker": big, "docker/ctr": "ctr"})
	ctl := &moduletest.Control{Files: fstest.MapFS{"f": {Data: []byte("from the controller\n"), Mode: 0o640}, "d/x": {Data: []byte("x\n")}, "d/sub/y": {Data: []byte("y\n")}}}
	tasks := []linuxTask{
		{"file", map[string]any{"path": "/srv/one/two", "state": "directory", "mode": "0750"}, ""},
		{"copy", map[string]any{"content": "hello\n", "dest": "/srv/one/hello", "mode": "u=rw,go="}, "/srv/one/hello\nhello\n"},
		{"copy", map[string]any{"src": "f", "dest": "/srv/one/two/", "mode": "preserve"}, "/srv/one/two/f\nfrom the controller\n"},
		{"copy", map[string]any{"src": "d", "dest": "/srv/one"}, "/srv/one/d/sub/y\ny\n"},
		{"copy", map[string]any{"src": "/srv/one/d/", "dest": "/srv/three", "remote_src": true}, "/srv/three/x\nx\n"},
		{"file", map[string]any{"src": "one/hello", "dest": "/srv/link", "state": "link"}, "/srv/link\nhello\n"},
		{"lineinfile", map[string]any{"path": "/srv/link", "line": "world"}, "/srv/one/hello\nhello\nworld\n"},
		{"blockinfile", map[string]any{"path": "/srv/conf", "block": "a\nb", "create": true}, "/srv/conf\n# BEGIN ANSIBLE MANAGED BLOCK\na\nb\n# END ANSIBLE MANAGED BLOCK\n"},
		{"replace", map[string]any{"path": "/srv/conf", "regexp": "^b$", "replace": "c"}, "/srv/conf\n# BEGIN ANSIBLE MANAGED BLOCK\na\nc\n# END ANSIBLE MANAGED BLOCK\n"},
		{"file", map[string]any{"path": "/srv/one", "state": "directory", "recurse": true, "mode": "g+rX"}, ""},
		{"get_url", map[string]any{"url": srv.URL + "/big", "dest": "/srv/big", "checksum": "sha256:" + state.Text(big).Sum}, "/srv/big\n" + big},
		{"unarchive", map[string]any{"src": "/srv/a.tgz", "dest": "/srv/three", "remote_src": true}, "/srv/three/docker/docker\n" + big},
		{"unarchive", map[string]any{"src": "/srv/a.tgz", "dest": "/srv/one/two", "remote_src": true, "extra_opts": []any{"--strip-components=1"}, "mode": "0700"}, "/srv/one/two/ctr\nctr"},
		{"env", map[string]any{"file": "/srv/rc", "variables": map[string]any{"A": "b"}}, "/srv/rc\n# BEGIN RP env env\nexport A=\"b\"\n# END RP env env\n"},
		{"file", map[string]any{"path": "/srv/one/d", "state": "absent"}, ""},
		{"file", map[string]any{"path": "/srv/new", "state": "touch", "modification_time": "preserve", "access_time": "preserve"}, "/srv/new\n"},
		{"stat", map[string]any{"path": "/srv/one/hello"}, ""},
		{"find", map[string]any{"paths": "/srv", "recurse": true, "patterns": "do*"}, ""},
	}
	run := &linuxRun{t: t, root: root, scratch: filepath.Join(t.TempDir(), "scratch"), ctl: ctl}
	run.all(tasks)
}

type linuxRun struct {
	t             *testing.T
	root, scratch string
	ctl           *moduletest.Control
}

func (r *linuxRun) all(tasks []linuxTask) {
	linux := host.NewLinux(host.Options{Root: r.root, Scratch: r.scratch})
	mem := host.NewMemory()
	before := r.tree()
	announced := make([]map[string]string, len(tasks))
	for i, task := range tasks {
		announced[i] = r.run(mem.View(linux, task.module, false), i, task)
	}
	if after := r.tree(); !slices.Equal(before, after) {
		r.t.Errorf("the dry run touched the host:\n%s", unified(strings.Join(before, "\n"), strings.Join(after, "\n")))
	}
	for i, task := range tasks {
		made := r.run(linux, i, task)
		if !maps.Equal(announced[i], made) {
			r.t.Errorf("task %d (%s): announced\n%s\nmade\n%s", i+1, task.module, lines(announced[i]), lines(made))
		}
		if path, want, ok := strings.Cut(task.text, "\n"); ok {
			if got, err := os.ReadFile(filepath.Join(r.root, path)); err != nil || string(got) != want {
				r.t.Errorf("task %d (%s): %s holds %.200q (%v), want %.200q", i+1, task.module, path, got, err, want)
			}
		}
		if again := r.run(linux, i, task); len(again) > 0 {
			r.t.Errorf("task %d (%s) changes something in a second run:\n%s", i+1, task.module, lines(again))
		}
	}
}

// run gives what a task changes, by thing and field; what is not known beforehand is left out.
func (r *linuxRun) run(h host.Host, i int, task linuxTask) map[string]string {
	r.t.Helper()
	out := map[string]string{}
	ran, err := moduletest.Run(context.Background(), modules.Find, h, r.ctl, task.module, task.args)
	if err != nil || ran.Failed || ran.Unknown {
		r.t.Errorf("task %d (%s): %v %s unknown: %t after %q", i+1, task.module, err, ran.Msg, ran.Unknown, ran.After)
		return out
	}
	for _, c := range ran.Changes {
		for _, d := range c.Deltas {
			if d.Unknown || d.Maybe {
				r.t.Errorf("task %d (%s): %s %s: %s is not known beforehand", i+1, task.module, c.Kind, c.Name, d.Field)
			}
			out[c.Kind+" "+c.Name+" "+d.Field] = d.From + " → " + d.To
		}
	}
	return out
}

func lines(m map[string]string) string {
	var b strings.Builder
	for _, k := range slices.Sorted(maps.Keys(m)) {
		b.WriteString("  " + k + ": " + m[k] + "\n")
	}
	return b.String()
}

// tree is the host's files with their modes, sizes and times.
func (r *linuxRun) tree() []string {
	var out []string
	err := filepath.Walk(r.root, func(p string, fi os.FileInfo, err error) error {
		if err == nil {
			out = append(out, fmt.Sprint(p, " ", fi.Mode(), " ", fi.Size(), " ", fi.ModTime().UnixNano()))
		}
		return err
	})
	if err != nil {
		r.t.Fatal(err)
	}
	return out
}

func writeTgz(t *testing.T, file string, members map[string]string) {
	t.Helper()
	f, err := os.Create(file) //nolint:gosec // a test's own directory
	if err != nil {
		t.Fatal(err)
	}
	z := gzip.NewWriter(f)
	w := tar.NewWriter(z)
	for _, name := range slices.Sorted(maps.Keys(members)) {
		if err := w.WriteHeader(&tar.Header{Name: name, Typeflag: tar.TypeReg, Mode: 0o755, Size: int64(len(members[name]))}); err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(w, members[name]); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []io.Closer{w, z, f} {
		if err := c.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

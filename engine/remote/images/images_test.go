package images

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"rp/engine/remote"
)

func sum(data []byte) string {
	s := sha256.Sum256(data)
	return hex.EncodeToString(s[:])
}

// check holds what an image says against what it packs.
func check(t *testing.T, img remote.Image) {
	t.Helper()
	packed, err := img.Packed()
	if err != nil {
		t.Fatal(err)
	}
	r, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		t.Fatal(err)
	}
	data, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	if sum(data) != img.SHA256 || int64(len(data)) != img.Size {
		t.Errorf("%s: %d bytes %s, said to be %d bytes %s", img.Arch, len(data), sum(data), img.Size, img.SHA256)
	}
}

func TestAllThatCanBeSent(t *testing.T) {
	s := New()
	if runtime.GOOS == "linux" && !slices.Contains(s.Arches(), runtime.GOARCH) {
		t.Errorf("nothing for this machine among %v", s.Arches())
	}
	for _, arch := range s.Arches() {
		img, err := s.For(arch)
		if err != nil {
			t.Fatal(err)
		}
		if img.Arch != arch {
			t.Errorf("for %s it gives %s", arch, img.Arch)
		}
		check(t, img)
	}
	if _, err := s.For("z80"); err == nil || !strings.Contains(err.Error(), `"z80"`) {
		t.Errorf("z80: %v", err)
	}
}

func TestEmbedded(t *testing.T) {
	program := []byte(strings.Repeat("program", 1000))
	packed, err := pack(program)
	if err != nil {
		t.Fatal(err)
	}
	file := func(b []byte) *fstest.MapFile { return &fstest.MapFile{Data: b} }
	s := &Set{files: fstest.MapFS{
		"README":                         file(nil),
		"rp-helper-linux-arm64.gz":       file(packed),
		"rp-helper-linux-arm64.sha256":   file([]byte(sum(program) + "  rp-helper-linux-arm64\n")),
		"rp-helper-linux-s390x.gz":       file(packed),
		"rp-helper-linux-riscv64.gz":     file(packed),
		"rp-helper-linux-riscv64.sha256": file([]byte("rubbish")),
	}}
	if got := strings.Join(s.Arches(), " "); got != "arm64 riscv64 s390x" {
		t.Errorf("got %s", got)
	}
	img, err := s.For("arm64")
	if err != nil {
		t.Fatal(err)
	}
	check(t, img)
	for arch, want := range map[string]string{"s390x": "checksum", "riscv64": "damaged"} {
		if _, err := s.For(arch); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", arch, err)
		}
	}
}

func TestDynamicIsSeen(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("go.mod", "module x\n")
	write("main.go", "package main\n\nfunc main() {}\n")
	build := exec.Command("go", "build", "-o", "static", ".")
	build.Dir = dir
	build.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux", "GOFLAGS=")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	img, err := fromFile(filepath.Join(dir, "static"), runtime.GOARCH)
	if err != nil || img.Dynamic {
		t.Errorf("static: dynamic %v, %v", img.Dynamic, err)
	}
	if img, err = fromFile("/bin/ls", runtime.GOARCH); err == nil && !img.Dynamic {
		t.Error("ls is not dynamic")
	}
	if _, err := fromFile(filepath.Join(dir, "main.go"), runtime.GOARCH); err == nil {
		t.Error("a text is a program")
	}
}

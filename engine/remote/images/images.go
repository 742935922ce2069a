// Package images holds the programs that rp sends to targets.
//
// `make build` puts one for each architecture into data, gzipped, and they are
// embedded here: rp-helper-linux-ARCH.gz, and rp-helper-linux-ARCH.sha256 with
// the SHA-256 of what is packed. After a plain `go build` there are none; then
// rp itself is sent to targets of its own architecture, since it can do all
// that the helper can.
package images

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"debug/elf"
	"embed"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"io"
	"io/fs"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"

	"rp/engine/remote"
)

//go:embed data
var embedded embed.FS

// prefix is how the embedded programs' names begin.
const prefix = "rp-helper-linux-"

// Set is all that can be sent. It is a [remote.Images].
type Set struct {
	files fs.FS
	mu    sync.Mutex
	had   map[string]remote.Image      // each is read once a run, not once a host
	self  func() (remote.Image, error) // nil where this program is not one for targets
}

// New gives the embedded programs, and this program for its own architecture
// if there is none for it and this is Linux.
func New() *Set {
	files, err := fs.Sub(embedded, "data")
	if err != nil {
		panic(err) // the directory is part of this package
	}
	s := &Set{files: files}
	if runtime.GOOS == "linux" {
		s.self = sync.OnceValues(func() (remote.Image, error) { return fromFile("/proc/self/exe", runtime.GOARCH) })
	}
	return s
}

// Arches are the architectures that For has, sorted.
func (s *Set) Arches() []string {
	names, _ := fs.Glob(s.files, prefix+"*.gz")
	var out []string
	for _, n := range names {
		out = append(out, strings.TrimSuffix(strings.TrimPrefix(n, prefix), ".gz"))
	}
	if s.self != nil && !slices.Contains(out, runtime.GOARCH) {
		out = append(out, runtime.GOARCH)
	}
	slices.Sort(out)
	return out
}

// For gives the program for an architecture, as Go calls it.
func (s *Set) For(arch string) (remote.Image, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if img, ok := s.had[arch]; ok {
		return img, nil
	}
	img, err := s.read(arch)
	if err == nil {
		if s.had == nil {
			s.had = map[string]remote.Image{}
		}
		s.had[arch] = img
	}
	return img, err
}

func (s *Set) read(arch string) (remote.Image, error) {
	packed, err := fs.ReadFile(s.files, prefix+arch+".gz")
	if err != nil {
		if arch == runtime.GOARCH && s.self != nil {
			return s.self()
		}
		return remote.Image{}, fmt.Errorf("there is no helper for the architecture %q", arch)
	}
	sum, err := fs.ReadFile(s.files, prefix+arch+".sha256")
	if err != nil {
		return remote.Image{}, fmt.Errorf("cannot read the checksum of the helper for %q: %w", arch, err)
	}
	hash, _, _ := strings.Cut(strings.TrimSpace(string(sum)), " ")
	if b, err := hex.DecodeString(hash); err != nil || len(b) != sha256.Size || len(packed) < 18 {
		return remote.Image{}, fmt.Errorf("the embedded helper for %q is damaged", arch)
	}
	return remote.Image{
		Arch: arch, SHA256: hash,
		Size:   int64(binary.LittleEndian.Uint32(packed[len(packed)-4:])), // RFC 1952: ISIZE ends a gzip file
		Packed: func() ([]byte, error) { return packed, nil },
	}, nil
}

// fromFile makes an image of a program on disk, whatever its size.
func fromFile(path, arch string) (remote.Image, error) {
	// Read once and keep: the file may be replaced by a new build meanwhile.
	data, err := os.ReadFile(path)
	if err != nil {
		return remote.Image{}, fmt.Errorf("cannot read this program, to send it: %w", err)
	}
	dynamic, err := isDynamic(bytes.NewReader(data))
	if err != nil {
		return remote.Image{}, fmt.Errorf("cannot read this program, to send it: %w", err)
	}
	sum := sha256.Sum256(data)
	return remote.Image{
		Arch: arch, SHA256: hex.EncodeToString(sum[:]), Size: int64(len(data)), Dynamic: dynamic,
		Packed: sync.OnceValues(func() ([]byte, error) { return pack(data) }),
	}, nil
}

// isDynamic reports whether a program asks for an interpreter (ld.so).
func isDynamic(r io.ReaderAt) (bool, error) {
	f, err := elf.NewFile(r)
	if err != nil {
		return false, err
	}
	return slices.ContainsFunc(f.Progs, func(p *elf.Prog) bool { return p.Type == elf.PT_INTERP }), nil
}

func pack(data []byte) ([]byte, error) {
	var b bytes.Buffer
	w, err := gzip.NewWriterLevel(&b, gzip.BestSpeed)
	if err != nil {
		return nil, err
	}
	if _, err := w.Write(data); err != nil {
		return nil, err
	}
	err = w.Close()
	return b.Bytes(), err
}

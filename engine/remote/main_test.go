package remote

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"sync"
	"testing"
)

// The test binary stands in for the helper on the "host".
func TestMain(m *testing.M) {
	if len(os.Args) > 1 {
		switch os.Args[1] {
		case "__sha256":
			fmt.Println(self().SHA256)
			os.Exit(0)
		case "__helper":
			fmt.Printf("hello %v\n", os.Args[2:])
			for in := bufio.NewScanner(os.Stdin); in.Scan(); {
				fmt.Printf("got %s\n", in.Text())
			}
			os.Exit(0)
		}
	}
	os.Exit(m.Run())
}

// self is the test binary as an image.
var self = sync.OnceValue(func() Image {
	data, err := os.ReadFile("/proc/self/exe")
	if err != nil {
		panic(err)
	}
	sum := sha256.Sum256(data)
	return Image{Arch: testArch, SHA256: hex.EncodeToString(sum[:]), Size: int64(len(data)), Packed: func() ([]byte, error) {
		var b bytes.Buffer
		w, _ := gzip.NewWriterLevel(&b, gzip.BestSpeed)
		if _, err := w.Write(data); err != nil {
			return nil, err
		}
		err := w.Close()
		return b.Bytes(), err
	}}
})

// only is a set of one image.
type only struct{ Image }

func (o only) Arches() []string          { return []string{o.Arch} }
func (o only) For(string) (Image, error) { return o.Image, nil }

func readLine(t *testing.T, r *bufio.Reader) string {
	t.Helper()
	line, err := r.ReadString('\n')
	if err != nil {
		t.Fatalf("no line: %v", err)
	}
	return line
}

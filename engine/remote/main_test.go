package remote

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"sync"
	"testing"
)

// The test binary is also a program to start on this machine.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == "__helper" {
		fmt.Printf("hello %v\n", os.Args[2:])
		for in := bufio.NewScanner(os.Stdin); in.Scan(); {
			fmt.Printf("got %s\n", in.Text())
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// program stands in for the helper on the "host". Behind its exit lies what
// makes it as large as a helper is, and does not shrink when packed.
const program = `#!/bin/sh
case $1 in
__sha256) set -- $(sha256sum "$0"); echo "$1" ;;
__helper) shift; echo "hello [$*]"; while read -r line; do echo "got $line"; done ;;
esac
exit 0
`

// self is program as an image.
var self = sync.OnceValue(func() Image {
	pad := make([]byte, 1<<20)
	if _, err := rand.Read(pad); err != nil {
		panic(err)
	}
	data := append([]byte(program), hex.EncodeToString(pad)...)
	sum := sha256.Sum256(data)
	return Image{Arch: testArch, SHA256: hex.EncodeToString(sum[:]), Size: int64(len(data)), Packed: func() ([]byte, error) {
		var b bytes.Buffer
		w := gzip.NewWriter(&b)
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

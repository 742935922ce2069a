package helper

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
)

// Main is what a program does that is started as a helper: args are its
// arguments after its name. handled is false when they are not a helper's, and
// the program is to go on as what it is.
//
//	__helper    speak with the controller over stdin and stdout
//	__child     speak with a first helper, as another user
//	__version   say that this program can be executed here
//	__sha256    print the SHA-256 of this program
func Main(args []string, o Options) (code int, handled bool) {
	if len(args) == 0 {
		return 0, false
	}
	var err error
	switch args[0] {
	case "__helper":
		err = Serve(os.Stdin, os.Stdout, o)
		RemoveCopies()
	case "__child":
		err = ServeChild(os.Stdin, os.Stdout, o)
	case "__version":
	case "__sha256":
		err = printSum()
	default:
		return 0, false
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "rp helper:", err)
		return 1, true
	}
	return 0, true
}

func printSum() error {
	f, err := os.Open("/proc/self/exe")
	if err != nil {
		return err
	}
	defer f.Close() //nolint:errcheck // only read
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return err
	}
	_, err = os.Stdout.WriteString(hex.EncodeToString(h.Sum(nil)) + "\n")
	return err
}

package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/term"

	"rp/engine/report"
)

// console is the one terminal that this process has.
var console terminal

// terminal is shared by the live view and by whoever speaks with the person in front of it.
type terminal struct{ live atomic.Pointer[report.Live] }

// aside calls f while the live view keeps still.
func (t *terminal) aside(f func()) {
	if l := t.live.Load(); l != nil {
		l.Aside(f)
		return
	}
	f()
}

// terminalSize is stdout's, or zero where it cannot be told.
func terminalSize() (columns, rows int) {
	columns, rows, err := term.GetSize(int(os.Stdout.Fd())) //nolint:gosec // a file descriptor
	if err != nil {
		return 0, 0
	}
	return columns, rows
}

// asking is the terminal that secrets are asked for on: /dev/tty, as ssh and
// sudo do, so that stdin and stderr may be somewhere else. It fails where this
// process has no terminal.
var asking = sync.OnceValues(func() (*os.File, error) { return os.OpenFile("/dev/tty", os.O_RDWR, 0) })

// interactive reports whether somebody can be asked.
func interactive() bool {
	_, err := asking()
	return err == nil
}

var errNoTerminal = errors.New("there is no terminal to ask for it on")

// askSecret asks for something that is not shown while it is typed.
func askSecret(prompt string) (secret string, err error) {
	if !interactive() {
		return "", fmt.Errorf("%s%w", prompt, errNoTerminal)
	}
	console.aside(func() {
		say(prompt)
		secret, err = readHidden()
	})
	return secret, err
}

// say writes on the terminal; without one nobody hears it.
func say(text string) {
	if tty, err := asking(); err == nil {
		_, _ = tty.WriteString(text) // a terminal that is gone shows nothing
	}
}

func readHidden() (string, error) {
	tty, err := asking()
	if err != nil {
		return "", errNoTerminal
	}
	b, err := term.ReadPassword(int(tty.Fd())) //nolint:gosec // a file descriptor
	say("\n")
	if err != nil {
		return "", fmt.Errorf("cannot read the answer: %w", err)
	}
	return string(b), nil
}

func readLine() (string, error) {
	tty, err := asking()
	if err != nil {
		return "", errNoTerminal
	}
	line, err := bufio.NewReader(tty).ReadString('\n')
	return strings.TrimRight(line, "\n"), err
}

// promptUser asks the person at the terminal (the pause module), for seconds at most where that is not 0.
func promptUser(ctx context.Context, text string, echo bool, seconds int) (answer string, ok bool, err error) {
	if seconds > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, time.Duration(seconds)*time.Second)
		defer cancel()
	}
	type reply struct {
		text string
		err  error
	}
	got := make(chan reply, 1)
	console.aside(func() {
		say(text + " ")
		go func() {
			read := readLine
			if !echo {
				read = readHidden
			}
			line, err := read()
			got <- reply{line, err}
		}()
		select {
		case r := <-got:
			answer, err = r.text, r.err
		case <-ctx.Done():
			say("\n")
		}
	})
	return answer, true, err
}

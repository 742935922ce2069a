package remote

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

// Image is a program for targets, of one architecture.
type Image struct {
	Arch   string // as Go calls it; the system is always Linux
	SHA256 string // of the program, in hex
	Size   int64  // of the program, in bytes
	// Packed gives the program gzipped, as it is sent.
	Packed func() ([]byte, error)
	// Dynamic: it needs the target's own libraries and may not run there.
	Dynamic bool
}

// Images are the programs that can be sent.
type Images interface {
	// Arches are those that [Images.For] has.
	Arches() []string
	// For gives the program for an architecture.
	For(arch string) (Image, error)
}

// PlaceOptions say how the helper is started.
type PlaceOptions struct {
	// Args go behind __helper. They cannot hold quotes, backslashes, `$` or `!`.
	Args []string
	// First is written to the helper at once, in the same round trip as the
	// command that starts it; the caller does not write it again.
	First []byte
	// Timeout bounds each wait for the host's answer; 0 for 10 s. Sending the
	// program is not bounded but for standing still for 60 s.
	Timeout time.Duration
	// Dirs replace the directories that are tried; the shell's $u (the user's
	// id), $c (the cache directory) and $HOME may stand in them.
	Dirs []string
}

// Helper is the target-side program, started.
type Helper struct {
	*Process
	Path   string
	Arch   string
	SHA256 string
	Pushed bool // it was not there before
	Sent   int  // bytes sent to get it there
	// Dynamic: the image needs the target's libraries (see [Image]).
	Dynamic bool
	// Noise is what the user's start-up files printed before the helper began.
	Noise string
}

// Bounds of what a host may print before the script speaks, and of its lines.
const (
	noiseLimit = 1 << 20
	lineLimit  = 16 << 10
	stall      = 60 * time.Second
)

// Place starts the helper on a host, sending it first where it is not there.
// It runs until its stdin ends or ctx does. The error is an [*ErrUnreachable]
// of StagePlace, or the context's.
func Place(ctx context.Context, c *Conn, images Images, o PlaceOptions) (*Helper, error) {
	if o.Timeout <= 0 {
		o.Timeout = 10 * time.Second
	}
	var all []Image
	for _, arch := range images.Arches() {
		img, err := images.For(arch)
		if err != nil {
			return nil, unreachable(c.Target, StagePlace, err, "")
		}
		all = append(all, img)
	}
	pl := placing{conn: c, images: all, o: o}
	for {
		h, again, err := pl.try(ctx)
		if err == nil {
			return h, nil
		}
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if !again {
			return nil, unreachable(c.Target, StagePlace, err, pl.hint())
		}
	}
}

// placing is one Place: what was learned in tries that did not work.
type placing struct {
	conn   *Conn
	images []Image
	o      PlaceOptions
	skip   []int    // directories that did not do, by number
	why    []string // and why
	chosen Image
}

// try runs the script once. again: a directory has failed, try without it.
func (pl *placing) try(ctx context.Context) (h *Helper, again bool, err error) {
	marker := strings.ToLower(rand.Text())
	command, err := scriptFor(marker, pl.images, pl.skip, pl.o)
	if err != nil {
		return nil, false, err
	}
	p, err := pl.conn.Start(ctx, command, StartOptions{NoReply: len(pl.o.First) > 0})
	if err != nil {
		return nil, false, err
	}
	if len(pl.o.First) > 0 {
		if _, err := p.Stdin.Write(pl.o.First); err != nil {
			p.Close()
			return nil, false, fmt.Errorf("cannot write to the host: %w", err)
		}
	}
	t := &talk{p: p, marker: marker, in: bufio.NewReaderSize(p.Stdout, lineLimit), limit: pl.o.Timeout}
	h = &Helper{Process: p}
	again, err = pl.converse(t, h)
	if err != nil {
		p.Close()
		return nil, again, err
	}
	h.Noise = string(t.noise)
	h.Stdout = t.in
	return h, false, nil
}

// converse answers the script until the helper runs.
func (pl *placing) converse(t *talk, h *Helper) (again bool, err error) {
	for {
		word, rest, err := t.next()
		if err != nil {
			return false, pl.refused(t, err)
		}
		switch word {
		case "found", "placed":
			arch, path, _ := strings.Cut(rest, " ")
			h.Path, h.Arch = path, arch
			pl.choose(arch)
			h.SHA256, h.Dynamic = pl.chosen.SHA256, pl.chosen.Dynamic
			if word == "placed" && len(pl.o.First) > 0 {
				_, err = h.Stdin.Write(pl.o.First)
			}
			return false, err
		case "need":
			if err := pl.send(t, h, rest); err != nil {
				return pl.sendFailed(t, err)
			}
		case "fail":
			return pl.failed(rest)
		case "tried":
			_, why, _ := strings.Cut(rest, " ")
			pl.why = append(pl.why, why)
		case "none":
			return false, fmt.Errorf("no directory may hold and execute rp's helper: %s", strings.Join(pl.why, "; "))
		case "os":
			return false, fmt.Errorf("the system is %s, and rp's targets are Linux", rest)
		case "arch":
			return false, fmt.Errorf("there is no helper for the architecture %q, only for %s", rest, strings.Join(pl.arches(), ", "))
		default:
			return false, fmt.Errorf("the host says %q", shorten(oneLine(word+" "+rest), 200))
		}
	}
}

func (pl *placing) arches() []string {
	var out []string
	for _, i := range pl.images {
		out = append(out, i.Arch)
	}
	slices.Sort(out)
	return out
}

func (pl *placing) choose(arch string) bool {
	i := slices.IndexFunc(pl.images, func(i Image) bool { return i.Arch == arch })
	if i >= 0 {
		pl.chosen = pl.images[i]
	}
	return i >= 0
}

// send writes the program to the script: its size, a newline, its bytes.
func (pl *placing) send(t *talk, h *Helper, rest string) error {
	f := strings.SplitN(rest, " ", 4)
	if len(f) != 4 || !pl.choose(f[0]) {
		return fmt.Errorf("the host asks for %q", rest)
	}
	data, err := pl.chosen.Packed()
	if err == nil && f[2] == "raw" {
		data, err = unpack(data)
	}
	if err != nil {
		return fmt.Errorf("cannot read the helper for %s: %w", f[0], err)
	}
	h.Pushed, h.Sent = true, len(data)
	return t.write(append([]byte(strconv.Itoa(len(data))+"\n"), data...))
}

// sendFailed: the script gives up in the midst of taking in, and says why.
func (pl *placing) sendFailed(t *talk, err error) (bool, error) {
	if word, rest, e := t.next(); e == nil && word == "fail" {
		return pl.failed(rest)
	}
	return false, fmt.Errorf("cannot send the helper: %w", err)
}

// failed notes a directory that did not do; the next one is to be tried.
func (pl *placing) failed(rest string) (again bool, err error) {
	number, why, _ := strings.Cut(rest, " ")
	n, err := strconv.Atoi(number)
	if err != nil || slices.Contains(pl.skip, n) {
		return false, fmt.Errorf("the host says %q", shorten(oneLine(rest), 200))
	}
	pl.skip, pl.why = append(pl.skip, n), append(pl.why, shorten(oneLine(why), 300))
	return true, errors.New(why)
}

func (pl *placing) hint() string {
	if pl.chosen.Dynamic {
		return "this rp needs the libraries of the machine it was built on; build it with CGO_ENABLED=0 go build"
	}
	return ""
}

// refused says why the script never spoke: what was printed in its place tells
// most (nologin, a forced command, an account that has expired).
func (pl *placing) refused(t *talk, err error) error {
	printed := oneLine(string(t.noise) + " " + t.p.StderrTail())
	if !errors.Is(err, io.EOF) {
		if printed != "" {
			return fmt.Errorf("%w; it printed %q", err, shorten(printed, 300))
		}
		return err
	}
	exit, werr := t.p.Wait()
	printed = oneLine(string(t.noise) + " " + t.p.StderrTail()) // stderr has ended by now
	what := "the login shell refuses commands"
	if t.spoke {
		what = "placing the helper ended early"
	}
	switch {
	case werr != nil && printed != "":
		return fmt.Errorf("%w; it printed %q", werr, shorten(printed, 300))
	case werr != nil: // no exit status: it is the connection that has gone
		return werr
	case printed != "":
		return fmt.Errorf("%s: %q (exit status %d)", what, shorten(printed, 300), exit)
	}
	return fmt.Errorf("%s: exit status %d, and nothing was said", what, exit)
}

func unpack(data []byte) ([]byte, error) {
	r, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		return nil, err
	}
	return io.ReadAll(r)
}

// talk is the conversation with the script.
type talk struct {
	p      *Process
	in     *bufio.Reader
	marker string
	limit  time.Duration
	noise  []byte // what was printed before the marker
	spoke  bool   // the script has said something
}

// within runs f, and closes the process if it takes longer than limit.
func (t *talk) within(limit time.Duration, f func() error) error {
	var late atomic.Bool
	timer := time.AfterFunc(limit, func() {
		late.Store(true)
		t.p.Close()
	})
	defer timer.Stop()
	err := f()
	if late.Load() {
		return fmt.Errorf("no answer within %s", limit)
	}
	return err
}

// next reads the script's next line, leaving out all that comes before the marker.
func (t *talk) next() (word, rest string, err error) {
	var line string
	err = t.within(t.limit, func() (err error) {
		line, err = t.line()
		return err
	})
	word, rest, _ = strings.Cut(line, " ")
	return word, rest, err
}

func (t *talk) line() (string, error) {
	mark := []byte(t.marker + " ")
	seen := 0
	for {
		b, err := t.in.ReadByte()
		if err != nil {
			return "", err
		}
		t.noise = append(t.noise, b)
		if b == mark[seen] {
			seen++
		} else {
			seen = btoi(b == mark[0])
		}
		if seen == len(mark) {
			t.noise = t.noise[:len(t.noise)-len(mark)]
			break
		}
		if len(t.noise) >= noiseLimit {
			return "", fmt.Errorf("it printed %d bytes before its shell began", noiseLimit)
		}
	}
	t.spoke = true
	text, err := t.in.ReadSlice('\n')
	if err != nil {
		return "", fmt.Errorf("the host's answer is not a line: %w", err)
	}
	return strings.TrimRight(string(text), "\r\n"), nil
}

// write sends in pieces, so that a way that stands still is noticed. A write
// that is stuck ends with the connection only, so it is not waited for.
func (t *talk) write(data []byte) error {
	for piece := range slices.Chunk(data, 32<<10) {
		done := make(chan error, 1)
		go func() {
			_, err := t.p.Stdin.Write(piece)
			done <- err
		}()
		select {
		case err := <-done:
			if err != nil {
				return err
			}
		case <-time.After(stall):
			t.p.Close()
			return fmt.Errorf("the host took nothing for %s", stall)
		}
	}
	return nil
}

package report

import (
	"bytes"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"time"
)

// LiveOptions say where and how [Live] draws.
type LiveOptions struct {
	// Out is the terminal; Err takes warnings and may be the same terminal.
	Out, Err io.Writer
	// Size gives the terminal's columns and rows, asked for at every frame.
	Size func() (columns, rows int)
	// Mask hides secrets; it is asked before a line is cut.
	Mask func(string) string
	// Every is the time between frames; 0 for 100 ms, negative for frames by hand (tests).
	Every time.Duration
	// Now is the clock; nil for the machine's.
	Now func() time.Time
}

// Live writes what [Text] writes, and below it, while hosts are at work, a line for
// each of them: what it does and for how long. The lines are redrawn at most every
// LiveOptions.Every, in one write, over the ones before; they are gone when the recap
// has been written, or Close was called. No mode of the terminal is changed, so there
// is nothing to put back if rp is killed.
type Live struct {
	o    LiveOptions
	text Text

	mu       sync.Mutex
	out, err bytes.Buffer // of text, not yet shown
	order    map[string]int
	work     map[string]doing
	drawn    []int // columns of each line that stands on the terminal
	dirty    bool
	aside    int
	closed   bool
	stop     chan struct{}
}

// doing is what a host is at.
type doing struct {
	task  string
	key   string
	since time.Time
}

// maxHeld is how much text may wait for the next frame, in bytes.
const maxHeld = 64 << 10

// NewLive makes a Live that writes as t does; t's Out and Err are not used.
func NewLive(t Text, o LiveOptions) *Live {
	if o.Every == 0 {
		o.Every = 100 * time.Millisecond
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Mask == nil {
		o.Mask = func(s string) string { return s }
	}
	l := &Live{o: o, text: t, order: map[string]int{}, work: map[string]doing{}, stop: make(chan struct{})}
	l.text.Out, l.text.Err = &l.out, &l.err
	if o.Every > 0 {
		go l.tick()
	}
	return l
}

func (l *Live) tick() {
	t := time.NewTicker(l.o.Every)
	defer t.Stop()
	frames := 0
	for {
		select {
		case <-t.C:
			frames++
			l.frame(frames%10 == 0) // the seconds go on
		case <-l.stop:
			return
		}
	}
}

// Emit implements [Sink]. It is safe for concurrent use.
func (l *Live) Emit(e Event) {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch e.Type {
	case PlayStart:
		clear(l.work)
		clear(l.order)
		for i, h := range e.Hosts {
			l.order[h] = i
		}
	case HostStart:
		l.work[e.Host] = doing{task: taskName(e), key: workKey(e), since: l.o.Now()}
	case Result:
		if d, ok := l.work[e.Host]; ok && d.key == workKey(e) {
			delete(l.work, e.Host)
		}
	case Recap:
		clear(l.work)
	}
	l.text.Emit(e)
	l.dirty = true
	if e.Type == Recap || l.out.Len() > maxHeld || l.closed {
		l.draw()
	}
}

// workKey tells tasks apart; a title may change with what it is made of.
func workKey(e Event) string { return e.Pos.String() + "\x00" + e.Module }

// Aside takes the hosts' lines away, calls f, which may speak with the person at the
// terminal, and goes on. What is reported meanwhile is shown afterwards.
func (l *Live) Aside(f func()) {
	l.mu.Lock()
	l.write(nil)
	l.aside++
	l.mu.Unlock()
	defer func() {
		l.mu.Lock()
		l.aside--
		l.draw()
		l.mu.Unlock()
	}()
	f()
}

// Close shows what is left, takes the hosts' lines away, and ends the redrawing.
// What is emitted afterwards is written at once.
func (l *Live) Close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return
	}
	l.closed, l.aside = true, 0
	clear(l.work)
	close(l.stop)
	l.draw()
}

// frame draws if there is anything new, or if always is set and hosts are at work.
func (l *Live) frame(always bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.dirty || always && len(l.work) > 0 {
		l.draw()
	}
}

func (l *Live) draw() {
	if l.aside > 0 {
		return
	}
	l.dirty = false
	l.write(l.lines())
}

// write puts what is held above lines, in the place of the lines that stood there.
// Everything goes out in one write, each line over the old one, so that nothing flickers.
func (l *Live) write(lines []string) {
	var b bytes.Buffer
	if n := l.rows(); n > 0 {
		fmt.Fprintf(&b, "\r\x1b[%dA", n)
	}
	if l.err.Len() > 0 { // stderr may be the same terminal
		b.WriteString("\x1b[J")
		l.flush(&b)
		_, _ = l.o.Err.Write(l.err.Bytes())
		l.err.Reset()
	}
	had := len(l.drawn) > 0
	if had {
		b.Write(bytes.ReplaceAll(l.out.Bytes(), []byte("\n"), []byte("\x1b[K\n")))
	} else {
		b.Write(l.out.Bytes())
	}
	l.out.Reset()
	l.drawn = l.drawn[:0]
	for _, line := range lines {
		b.WriteString(l.text.paint("2", line) + "\x1b[K\n")
		l.drawn = append(l.drawn, columns(line))
	}
	if had {
		b.WriteString("\x1b[J")
	}
	l.flush(&b)
}

func (l *Live) flush(b *bytes.Buffer) {
	if b.Len() > 0 {
		_, _ = l.o.Out.Write(b.Bytes()) // a terminal that is gone ends the program by itself
		b.Reset()
	}
}

// rows is how many rows of the terminal the drawn lines take: more than there are
// lines where it has become narrower since.
func (l *Live) rows() int {
	width, _ := l.size()
	n := 0
	for _, c := range l.drawn {
		n += max(1, (c+width-1)/width)
	}
	return n
}

func (l *Live) size() (width, height int) {
	width, height = l.o.Size()
	if width <= 0 {
		width = 80
	}
	if height <= 0 {
		height = 24
	}
	return width, height
}

// lines are those of the hosts at work, in the play's order: at most half the
// terminal's height, none wider than it.
func (l *Live) lines() []string {
	width, height := l.size()
	names := make([]string, 0, len(l.work))
	for n := range l.work {
		names = append(names, n)
	}
	slices.SortFunc(names, func(a, b string) int {
		if d := l.order[a] - l.order[b]; d != 0 {
			return d
		}
		return strings.Compare(a, b)
	})
	most, more := max(1, height/2), 0
	if len(names) > most {
		more = len(names) - max(1, most-1)
		names = names[:len(names)-more]
	}
	widest := 0
	for _, n := range names {
		widest = max(widest, columns(n))
	}
	widest = min(widest, width/3)
	var lines []string
	for _, n := range names {
		lines = append(lines, l.line(n, widest, width-1))
	}
	if more > 0 && most > 1 {
		lines = append(lines, cut(fmt.Sprintf("… and %d more", more), width-1))
	}
	return lines
}

// line is what host is at, in at most width columns. The last column stays free:
// some terminals wrap when it is written to.
func (l *Live) line(host string, widest, width int) string {
	d := l.work[host]
	took := l.o.Now().Sub(d.since).Truncate(time.Second)
	end := ""
	if took >= time.Second {
		end = "  " + took.String()
	}
	task := strings.Join(strings.Fields(visible(l.o.Mask(d.task))), " ")
	head := pad(cut(visible(host), widest), widest) + "  "
	return cut(cut(head+task, max(0, width-columns(end)))+end, width)
}

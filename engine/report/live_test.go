package report

import (
	"fmt"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// screen is as much of a terminal as Live uses: lines, wrapping, cursor up, and erasing.
type screen struct {
	width    int
	rows     [][]string // a cell a column; what follows a wide character is ""
	row, col int
	writes   int
}

func (s *screen) Write(p []byte) (int, error) {
	s.writes++
	rs := []rune(string(p))
	for i := 0; i < len(rs); i++ {
		switch r := rs[i]; { //nolint:staticcheck // the last case asks for more than equality
		case r == '\n':
			s.row, s.col = s.row+1, 0
		case r == '\r':
			s.col = 0
		case r == '\x1b':
			end := i + 2
			for rs[end] >= '0' && rs[end] <= '9' || rs[end] == ';' {
				end++
			}
			s.control(rs[end], string(rs[i+2:end]))
			i = end
		default:
			s.put(r)
		}
	}
	return len(p), nil
}

func (s *screen) control(c rune, arg string) {
	n, _ := strconv.Atoi(arg)
	switch c {
	case 'A':
		s.row = max(0, s.row-n)
	case 'K':
		s.at(s.row)
		s.rows[s.row] = s.rows[s.row][:min(s.col, len(s.rows[s.row]))]
	case 'J':
		s.at(s.row)
		s.rows[s.row] = s.rows[s.row][:min(s.col, len(s.rows[s.row]))]
		s.rows = s.rows[:s.row+1]
	case 'm':
	default:
		panic(fmt.Sprintf("control %q", c))
	}
}

func (s *screen) at(row int) {
	for len(s.rows) <= row {
		s.rows = append(s.rows, nil)
	}
}

func (s *screen) put(r rune) {
	w := runeColumns(r)
	if s.col+w > s.width {
		s.row, s.col = s.row+1, 0
	}
	s.at(s.row)
	for len(s.rows[s.row]) < s.col+w {
		s.rows[s.row] = append(s.rows[s.row], " ")
	}
	line := s.rows[s.row]
	if w == 0 {
		line[s.col-1] += string(r)
		return
	}
	line[s.col] = string(r)
	if w == 2 {
		line[s.col], line[s.col+1] = "", string(r)
	}
	s.col += w
}

func (s *screen) String() string {
	var b strings.Builder
	for _, r := range s.rows {
		b.WriteString(strings.TrimRight(strings.Join(r, ""), " ") + "\n")
	}
	return strings.TrimRight(b.String(), "\n") + "\n"
}

// stage is a Live with a clock and a terminal that tests hold.
type stage struct {
	*Live
	s      *screen
	now    time.Time
	height int
}

func newStage(width, height int) *stage {
	st := &stage{s: &screen{width: width}, height: height, now: time.Unix(0, 0)}
	st.Live = NewLive(Text{Width: 30}, LiveOptions{
		Out: st.s, Err: st.s, Every: -1,
		Size: func() (int, int) { return st.s.width, st.height }, Now: func() time.Time { return st.now },
		Mask: func(s string) string { return strings.ReplaceAll(s, "hunter22", "********") },
	})
	return st
}

func (st *stage) begin(host, task string) {
	st.Emit(Event{Type: HostStart, Host: host, Task: task, Pos: at(len(task))})
}

func (st *stage) end(host, task string) {
	e := Event{Type: TaskStart, Task: task, Pos: at(len(task))}
	st.Emit(e)
	e.Type, e.Host, e.Status = Result, host, OK
	st.Emit(e)
}

func (st *stage) shows(t *testing.T, want string) {
	t.Helper()
	st.frame(true)
	if got := st.s.String(); got != want {
		t.Errorf("the terminal shows\n%swant\n%s", got, want)
	}
}

func TestLive(t *testing.T) {
	st := newStage(40, 20)
	st.Emit(Event{Type: PlayStart, Play: "web", Hosts: []string{"web2", "web1"}})
	st.begin("web1", "a page")
	st.begin("web2", "a page")
	st.now = st.now.Add(3 * time.Second)
	head := "\nPLAY [web] *******************\n"
	st.shows(t, head+"web2  a page  3s\nweb1  a page  3s\n")

	st.end("web1", "a page")
	st.begin("web1", "the service")
	result := "\nTASK [a page] ****************\nok: [web1]\n"
	st.shows(t, head+result+"web2  a page  3s\nweb1  the service\n")

	// a result that was held back for order's sake does not end what the host does now
	st.Emit(Event{Type: Result, Host: "web1", Task: "a page", Pos: at(6), Status: OK, HasItem: true})
	st.shows(t, head+result+"web2  a page  3s\nweb1  the service\n")

	st.Emit(Event{Type: Recap, Stats: map[string]*Stats{"web1": {OK: 1}}})
	st.Close()
	want := head + result + "\nPLAY RECAP *******************\n"
	if got := st.s.String(); !strings.HasPrefix(got, want) || strings.Contains(got, "a page  3s") {
		t.Errorf("after the recap the terminal shows\n%s", got)
	}
	writes := st.s.writes
	st.Close()
	if st.s.writes != writes {
		t.Error("closing twice wrote twice")
	}
}

func TestLiveFits(t *testing.T) {
	st := newStage(24, 8)
	for i := range 10 {
		st.begin(fmt.Sprintf("host-%d.example.com", i), "a task with a rather long name")
	}
	st.shows(t, "host-0.…  a task with …\nhost-1.…  a task with …\nhost-2.…  a task with …\n… and 7 more\n")

	// the terminal becomes narrower: what was drawn takes more rows now
	st.s.width = 12
	st.s.rows, st.s.row, st.s.col = nil, 0, 0
	for range 7 { // 3 lines of 23 columns and one of 12, as a terminal of 12 columns shows them
		_, _ = st.s.Write([]byte("old\n"))
	}
	st.shows(t, "hos…  a ta…\nhos…  a ta…\nhos…  a ta…\n… and 7 mo…\n")
}

func TestLiveWideCharacters(t *testing.T) {
	st := newStage(20, 8)
	st.begin("h", "世界世界世界世界世界世界")
	st.begin("i", "e\u0301e\u0301 combining")
	st.frame(true)
	for _, row := range st.s.rows {
		if n := columns(strings.Join(row, "")); n > 19 {
			t.Errorf("%q takes %d columns of 20", row, n)
		}
	}
	st.shows(t, "h  世界世界世界世…\ni  e\u0301e\u0301 combining\n")
}

func TestLiveKeepsSecretsAndTerminals(t *testing.T) {
	st := newStage(20, 8)
	st.begin("web1", "x hunter22 y\x1b[2J")
	st.shows(t, "web1  x ******** y…\n")
}

func TestLiveAside(t *testing.T) {
	st := newStage(40, 8)
	st.begin("web1", "pause")
	st.frame(true)
	st.Aside(func() {
		_, _ = st.s.Write([]byte("Continue? y\n"))
		st.Emit(Event{Type: TaskStart, Task: "other"})
		st.frame(true)
		if got := st.s.String(); got != "Continue? y\n" {
			t.Errorf("while somebody is asked the terminal shows\n%s", got)
		}
	})
	st.shows(t, "Continue? y\n\nTASK [other] *****************\nweb1  pause\n")
}

func TestLiveWarnings(t *testing.T) {
	st := newStage(40, 8)
	st.begin("web1", "a page")
	st.frame(true)
	st.Emit(Event{Type: Warning, Msg: "old syntax"})
	st.shows(t, "warning: old syntax\nweb1  a page\n")
}

// One frame is one write, however much was reported since the last.
func TestLiveThrottles(t *testing.T) {
	st := newStage(40, 8)
	st.begin("web1", "a page")
	st.frame(true)
	before := st.s.writes
	for i := range 100 {
		st.Emit(Event{Type: Warning})
		st.begin("web1", fmt.Sprint("task ", i))
	}
	st.err.Reset()
	st.frame(false)
	if n := st.s.writes - before; n != 1 {
		t.Errorf("100 events were shown in %d writes", n)
	}
	st.frame(false)
	if n := st.s.writes - before; n != 1 {
		t.Error("a frame without news was drawn")
	}
}

func TestLiveClock(t *testing.T) {
	var mu sync.Mutex
	s := &screen{width: 40}
	l := NewLive(Text{}, LiveOptions{Out: guarded{&mu, s}, Err: s, Every: time.Millisecond, Size: func() (int, int) { return 40, 8 }})
	l.Emit(Event{Type: HostStart, Host: "web1", Task: "a page"})
	for deadline := time.Now().Add(5 * time.Second); ; {
		mu.Lock()
		got := s.String()
		mu.Unlock()
		if got == "web1  a page\n" {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("nothing was drawn: %q", got)
		}
		time.Sleep(time.Millisecond)
	}
	l.Close()
	if got := s.String(); got != "\n" {
		t.Errorf("after Close the terminal shows %q", got)
	}
}

type guarded struct {
	mu *sync.Mutex
	s  *screen
}

func (g guarded) Write(p []byte) (int, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.s.Write(p)
}

func TestColumns(t *testing.T) {
	for _, c := range []struct {
		s     string
		width int
		cut   string // at 5
	}{
		{"abc", 3, "abc"},
		{"abcdef", 6, "abcd…"},
		{"世界", 4, "世界"},
		{"世界世", 6, "世界…"},
		{"a世界", 5, "a世界"},
		{"e\u0301\u0301x", 2, "e\u0301\u0301x"},
		{"🚀🚀🚀", 6, "🚀🚀…"},
		{"", 0, ""},
		{"한국", 4, "한국"},
	} {
		if got := columns(c.s); got != c.width {
			t.Errorf("columns(%q) = %d, want %d", c.s, got, c.width)
		}
		if got := cut(c.s, 5); got != c.cut {
			t.Errorf("cut(%q, 5) = %q, want %q", c.s, got, c.cut)
		}
	}
	if got := cut("abc", 0); got != "" {
		t.Errorf("cut to nothing is %q", got)
	}
}

func TestVisible(t *testing.T) {
	for in, want := range map[string]string{
		"plain\ttext\n": "plain\ttext\n", "\x1b[2J": "^[[2J", "a\r\nb\rc": "a\nb^Mc", "\x00\x7f": "^@^?", "\u009b2J": "2J", "wörld": "wörld",
	} {
		if got := visible(in); got != want {
			t.Errorf("visible(%q) = %q, want %q", in, got, want)
		}
	}
}

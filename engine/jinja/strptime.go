package jinja

import (
	"strconv"
	"strings"
	"time"
	"unicode"
)

// timeFields gathers what parseTime reads.
type timeFields struct {
	year, month, day, hour, minute, second, nano int
	yearDay                                      int
	pm, half                                     bool // %p said PM; %I was read
	zone                                         *time.Location
	unix                                         *int64
}

// parseTime reads s as Python's datetime.strptime does.
func parseTime(s, format string) (Datetime, error) {
	f := timeFields{year: 1900, month: 1, day: 1}
	rest, ok := f.parse(s, format)
	if !ok || rest != "" {
		if ok {
			return Datetime{}, typef("unconverted data remains: %s", rest)
		}
		return Datetime{}, typef("time data %s does not match format %s", pyQuote(s), pyQuote(format))
	}
	return f.time(s, format)
}

func (f *timeFields) time(s, format string) (Datetime, error) {
	if f.unix != nil {
		return Datetime{Time: time.Unix(*f.unix, 0)}, nil
	}
	if f.half {
		f.hour %= 12
		if f.pm {
			f.hour += 12
		}
	}
	zone := f.zone
	if zone == nil {
		zone = time.UTC
	}
	if f.yearDay > 0 {
		f.month, f.day = 1, f.yearDay
	}
	t := time.Date(f.year, time.Month(f.month), f.day, f.hour, f.minute, f.second, f.nano, zone)
	if f.yearDay == 0 && (t.Day() != f.day || int(t.Month()) != f.month) || f.hour > 23 || f.minute > 59 || f.second > 61 {
		return Datetime{}, typef("time data %s does not match format %s", pyQuote(s), pyQuote(format))
	}
	return Datetime{Time: t, Aware: f.zone != nil}, nil
}

// parse reads s by format and gives what is left of it.
func (f *timeFields) parse(s, format string) (string, bool) {
	for i := 0; i < len(format); i++ {
		c := format[i]
		switch {
		case unicode.IsSpace(rune(c)):
			s = strings.TrimLeftFunc(s, unicode.IsSpace)
		case c != '%' || i+1 == len(format):
			if s == "" || s[0] != c {
				return s, false
			}
			s = s[1:]
		default:
			i++
			var ok bool
			if s, ok = f.directive(s, format[i]); !ok {
				return s, false
			}
		}
	}
	return s, true
}

func (f *timeFields) directive(s string, c byte) (string, bool) {
	number := func(to *int, width int) (string, bool) {
		n := 0
		for n < width && n < len(s) && s[n] >= '0' && s[n] <= '9' {
			n++
		}
		v, err := strconv.Atoi(s[:n])
		*to = v
		return s[n:], err == nil
	}
	switch c {
	case 'Y':
		return number(&f.year, 4)
	case 'm':
		return number(&f.month, 2)
	case 'd', 'e':
		return number(&f.day, 2)
	case 'H':
		return number(&f.hour, 2)
	case 'I':
		f.half = true
		return number(&f.hour, 2)
	case 'M':
		return number(&f.minute, 2)
	case 'S':
		return number(&f.second, 2)
	case 'j':
		return number(&f.yearDay, 3)
	case 'y':
		rest, ok := number(&f.year, 2)
		f.year += 1900
		if f.year < 1969 {
			f.year += 100
		}
		return rest, ok
	}
	return f.wordDirective(s, c)
}

func (f *timeFields) wordDirective(s string, c byte) (string, bool) {
	switch c {
	case '%':
		return strings.CutPrefix(s, "%")
	case 'f':
		n := 0
		for n < 6 && n < len(s) && s[n] >= '0' && s[n] <= '9' {
			n++
		}
		v, err := strconv.Atoi((s[:n] + "000000")[:6])
		f.nano = v * 1000
		return s[n:], err == nil && n > 0
	case 'b', 'B', 'h':
		for m := time.January; m <= time.December; m++ {
			if rest, ok := cutName(s, m.String(), c == 'B'); ok {
				f.month = int(m)
				return rest, true
			}
		}
	case 'a', 'A':
		for d := time.Sunday; d <= time.Saturday; d++ {
			if rest, ok := cutName(s, d.String(), c == 'A'); ok {
				return rest, true
			}
		}
	case 'p':
		if len(s) >= 2 && (strings.EqualFold(s[:2], "AM") || strings.EqualFold(s[:2], "PM")) {
			f.pm = strings.EqualFold(s[:2], "PM")
			return s[2:], true
		}
	case 'z':
		return f.zoneDirective(s)
	case 'Z':
		n := strings.IndexFunc(s+" ", func(r rune) bool { return !unicode.IsLetter(r) })
		return s[n:], n > 0
	case 'T':
		return f.parse(s, "%H:%M:%S")
	case 'D':
		return f.parse(s, "%m/%d/%y")
	case 'F':
		return f.parse(s, "%Y-%m-%d")
	case 's':
		n := strings.IndexFunc(s+" ", func(r rune) bool { return r < '0' || r > '9' })
		v, err := strconv.ParseInt(s[:n], 10, 64)
		f.unix = &v
		return s[n:], err == nil
	}
	return s, false
}

// cutName takes the name of a day or month, whole or by its first three letters, off s.
func cutName(s, name string, whole bool) (string, bool) {
	if !whole {
		name = name[:3]
	}
	if len(s) < len(name) || !strings.EqualFold(s[:len(name)], name) {
		return s, false
	}
	return s[len(name):], true
}

// zoneDirective reads Z, +hhmm or +hh:mm.
func (f *timeFields) zoneDirective(s string) (string, bool) {
	if rest, ok := strings.CutPrefix(s, "Z"); ok {
		f.zone = time.UTC
		return rest, true
	}
	if len(s) < 5 || s[0] != '+' && s[0] != '-' {
		return s, false
	}
	digits, rest := s[1:3]+s[3:5], s[5:]
	if s[3] == ':' {
		if len(s) < 6 {
			return s, false
		}
		digits, rest = s[1:3]+s[4:6], s[6:]
	}
	n, err := strconv.Atoi(digits)
	seconds := n/100*3600 + n%100*60
	if s[0] == '-' {
		seconds = -seconds
	}
	f.zone = time.FixedZone("", seconds)
	return rest, err == nil
}

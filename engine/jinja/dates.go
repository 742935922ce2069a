package jinja

import (
	"fmt"
	"strings"
	"time"

	strftime "github.com/ncruces/go-strftime"
)

// Datetime is a date and time as now() and to_datetime give it.
type Datetime struct {
	Time time.Time
	// Aware says that it has a time zone.
	Aware bool
}

func (Datetime) typeName() string { return "datetime" }
func (Datetime) storable() bool   { return true }

// String is d as Python's str() gives it.
func (d Datetime) String() string { return d.iso(" ") }

func (d Datetime) iso(sep string) string {
	s := d.Time.Format("2006-01-02" + sep + "15:04:05")
	if us := d.Time.Nanosecond() / 1000; us != 0 {
		s += fmt.Sprintf(".%06d", us)
	}
	if d.Aware {
		s += d.Time.Format("-07:00")
	}
	return s
}

func (d Datetime) attr(name string) (any, bool) {
	t := d.Time
	switch name {
	case "year":
		return int64(t.Year()), true
	case "month":
		return int64(t.Month()), true
	case "day":
		return int64(t.Day()), true
	case "hour":
		return int64(t.Hour()), true
	case "minute":
		return int64(t.Minute()), true
	case "second":
		return int64(t.Second()), true
	case "microsecond":
		return int64(t.Nanosecond() / 1000), true
	}
	if b := dateMethods[name]; b != nil {
		return &method{b, d}, true
	}
	return nil, false
}

// Timedelta is the difference of two dates.
type Timedelta time.Duration

func (Timedelta) typeName() string { return "timedelta" }
func (Timedelta) storable() bool   { return true }

const day = Timedelta(24 * time.Hour)

// split gives days and the rest of a day, which is never negative.
func (d Timedelta) split() (days int64, rest time.Duration) {
	days = int64(d / day)
	r := d % day
	if r < 0 {
		days--
		r += day
	}
	return days, time.Duration(r)
}

// String is d as Python's str() gives it: 1 day, 2:03:04.
func (d Timedelta) String() string {
	days, rest := d.split()
	var b strings.Builder
	switch days {
	case 0:
	case 1, -1:
		fmt.Fprintf(&b, "%d day, ", days)
	default:
		fmt.Fprintf(&b, "%d days, ", days)
	}
	fmt.Fprintf(&b, "%d:%02d:%02d", int(rest.Hours()), int(rest.Minutes())%60, int(rest.Seconds())%60)
	if us := rest % time.Second / time.Microsecond; us != 0 {
		fmt.Fprintf(&b, ".%06d", us)
	}
	return b.String()
}

func (d Timedelta) attr(name string) (any, bool) {
	days, rest := d.split()
	switch name {
	case "days":
		return days, true
	case "seconds":
		return int64(rest / time.Second), true
	case "microseconds":
		return int64(rest % time.Second / time.Microsecond), true
	case "total_seconds":
		return &method{define(name, "", raw, func(*call) (any, error) { return time.Duration(d).Seconds(), nil }), d}, true
	}
	return nil, false
}

func addDates(l, r any) (any, bool, error) {
	if a, ok := l.(Timedelta); ok {
		switch b := r.(type) {
		case Timedelta:
			return a + b, true, nil
		case Datetime:
			return Datetime{b.Time.Add(time.Duration(a)), b.Aware}, true, nil
		}
	}
	if a, ok := l.(Datetime); ok {
		if b, ok := r.(Timedelta); ok {
			return Datetime{a.Time.Add(time.Duration(b)), a.Aware}, true, nil
		}
	}
	return nil, false, nil
}

func subDates(l, r any) (any, bool, error) {
	switch a := l.(type) {
	case Datetime:
		switch b := r.(type) {
		case Datetime:
			if a.Aware != b.Aware {
				return nil, true, typef("can't subtract offset-naive and offset-aware datetimes")
			}
			return Timedelta(a.Time.Sub(b.Time)), true, nil
		case Timedelta:
			return Datetime{a.Time.Add(-time.Duration(b)), a.Aware}, true, nil
		}
	case Timedelta:
		if b, ok := r.(Timedelta); ok {
			return a - b, true, nil
		}
	}
	return nil, false, nil
}

var dateMethods = methods{}

func init() {
	dateMethods.add("strftime", "format", 0, func(c *call) (any, error) {
		d, _ := c.self.(Datetime)
		return formatTime(c.str(0), d.Time), nil
	})
	dateMethods.add("isoformat", "sep='T' timespec='auto'", 0, func(c *call) (any, error) {
		d, _ := c.self.(Datetime)
		return d.iso(c.str(0)), nil
	})
	dateMethods.add("timestamp", "", 0, func(c *call) (any, error) {
		d, _ := c.self.(Datetime)
		return float64(d.Time.UnixMicro()) / 1e6, nil
	})
	dateMethods.add("weekday", "", 0, func(c *call) (any, error) {
		d, _ := c.self.(Datetime)
		return int64(d.Time.Weekday()+6) % 7, nil
	})
	dateMethods.add("isoweekday", "", 0, func(c *call) (any, error) {
		d, _ := c.self.(Datetime)
		return int64(d.Time.Weekday()+6)%7 + 1, nil
	})
	dateMethods.add("date", "", 0, func(c *call) (any, error) {
		d, _ := c.self.(Datetime)
		return d.Time.Format("2006-01-02"), nil
	})
	dateMethods.add("time", "", 0, func(c *call) (any, error) {
		d, _ := c.self.(Datetime)
		return d.Time.Format("15:04:05"), nil
	})
}

// formatTime is C's strftime in the C locale.
func formatTime(format string, t time.Time) string {
	// The library does not know %s, which glibc has and playbooks use.
	var b strings.Builder
	for i := 0; i < len(format); i++ {
		if format[i] != '%' || i+1 == len(format) {
			b.WriteByte(format[i])
			continue
		}
		i++
		if format[i] == 's' {
			fmt.Fprintf(&b, "%d", t.Unix())
			continue
		}
		spec := format[i : i+1]
		if strings.Contains("-EO", spec) && i+1 < len(format) {
			i++
			spec += format[i : i+1]
		}
		b.WriteString(strftime.Format("%"+spec, t))
	}
	return b.String()
}

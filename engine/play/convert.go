package play

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// toBool is v as Ansible's booleans are written, quoted or not.
func toBool(v any) (any, bool) {
	switch v := v.(type) {
	case bool:
		return v, true
	case int64:
		return v == 1, v == 0 || v == 1
	case string:
		switch strings.ToLower(strings.TrimSpace(v)) {
		case "yes", "on", "1", "true", "t", "y":
			return true, true
		case "no", "off", "0", "false", "f", "n":
			return false, true
		}
	}
	return nil, false
}

// toInt is v as a whole number that is not negative.
func toInt(v any) (any, bool) {
	switch v := v.(type) {
	case int64:
		return v, v >= 0
	case float64:
		return int64(v), v == math.Trunc(v) && v >= 0 && v < 1<<53
	case string:
		n, err := strconv.ParseInt(strings.TrimSpace(v), 10, 64)
		return n, err == nil && n >= 0
	}
	return nil, false
}

// toNumber is v as a number that is not negative; a % at its end is dropped.
func toNumber(v any) (any, bool) {
	switch v := v.(type) {
	case int64:
		return v, v >= 0
	case float64:
		return v, v >= 0
	case string:
		s := strings.TrimSuffix(strings.TrimSpace(v), "%")
		if n, err := strconv.ParseInt(s, 10, 64); err == nil {
			return n, n >= 0
		}
		f, err := strconv.ParseFloat(s, 64)
		return f, err == nil && f >= 0
	}
	return nil, false
}

// toText is a scalar as text.
func toText(v any) (any, bool) {
	switch v := v.(type) {
	case string:
		return v, true
	case int64, float64:
		return fmt.Sprint(v), true
	case bool:
		// As Python writes it: that is what Ansible makes of an unquoted yes.
		if v {
			return "True", true
		}
		return "False", true
	}
	return nil, false
}

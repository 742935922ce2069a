package engine

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

func (a *ask) csvfile() ([]any, error) {
	var out []any
	for _, t := range a.terms {
		key, of := a.keyAndOptions(t)
		if key == "" {
			return nil, errors.New("a search key is required")
		}
		v, found, err := of.csvCell(key)
		if err != nil {
			return nil, err
		}
		if d := of.option("default", nil); !found && d != nil {
			v, found = d, true
		}
		if found {
			out = append(out, elements(v)...)
		}
	}
	return out, nil
}

func (a *ask) csvCell(key string) (v any, found bool, err error) {
	col, err1 := strconv.Atoi(a.text("col", "1"))
	keyCol, err2 := strconv.Atoi(a.text("keycol", "0"))
	if err := errors.Join(err1, err2); err != nil {
		return nil, false, err
	}
	_, text, err := a.read("files", a.text("file", "ansible.csv"))
	if err != nil {
		return nil, false, err
	}
	r := csv.NewReader(strings.NewReader(text))
	switch d := a.text("delimiter", "TAB"); d {
	case "TAB", "\\t", "\t":
		r.Comma = '\t'
	default:
		r.Comma = []rune(d)[0]
	}
	r.FieldsPerRecord, r.LazyQuotes = -1, true
	for {
		rec, err := r.Read()
		if errors.Is(err, io.EOF) {
			return nil, false, nil
		}
		if err != nil {
			return nil, false, fmt.Errorf("csvfile: %w", err)
		}
		if keyCol < len(rec) && rec[keyCol] == key {
			if col >= len(rec) {
				return nil, false, fmt.Errorf("the row of %q has no column %d", key, col)
			}
			return rec[col], true, nil
		}
	}
}

func (a *ask) ini() ([]any, error) {
	var out []any
	for _, t := range a.terms {
		key, of := a.keyAndOptions(t)
		if key == "" {
			return nil, errors.New("a key is required")
		}
		vs, err := of.iniValues(key)
		if err != nil {
			return nil, err
		}
		out = append(out, vs...)
	}
	return out, nil
}

func (a *ask) iniValues(key string) ([]any, error) {
	if e := a.text("encoding", "utf-8"); !strings.EqualFold(e, "utf-8") && !strings.EqualFold(e, "utf8") {
		return nil, fmt.Errorf("encoding %s is not supported yet", e)
	}
	exact, err1 := a.flag("case_sensitive", false)
	regex, err2 := a.flag("re", false)
	if err := errors.Join(err1, err2); err != nil {
		return nil, err
	}
	_, text, err := a.read("files", a.text("file", "ansible.ini"))
	if err != nil {
		return nil, err
	}
	section := a.text("section", "global")
	if a.text("type", "ini") == "properties" {
		section, text = "java_properties", "[java_properties]\n"+text
	}
	if !exact {
		key = strings.ToLower(key)
	}
	entries := iniSection(text, section, exact)
	if regex {
		re, err := regexp.Compile("^(?:" + key + ")")
		if err != nil {
			return nil, err
		}
		out := []any{}
		for _, e := range entries {
			if re.MatchString(e[0]) {
				out = append(out, e[1])
			}
		}
		return out, nil
	}
	for _, e := range slices.Backward(entries) {
		if e[0] == key {
			return []any{e[1]}, nil
		}
	}
	return elements(a.option("default", "")), nil
}

// iniSection are the keys and values of a section, as Python's configparser reads them.
func iniSection(text, section string, exact bool) [][2]string {
	var out [][2]string
	in := false
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, " \t\r\n")
		trimmed := strings.TrimSpace(line)
		switch {
		case trimmed == "" || trimmed[0] == '#' || trimmed[0] == ';':
		case trimmed[0] == '[' && strings.HasSuffix(trimmed, "]"):
			in = trimmed[1:len(trimmed)-1] == section
		case !in:
		case line[0] == ' ' || line[0] == '\t':
			if n := len(out); n > 0 { // the value goes on
				out[n-1][1] += "\n" + trimmed
			}
		default:
			k, v := line, ""
			if i := strings.IndexAny(line, "=:"); i >= 0 {
				k, v = line[:i], line[i+1:]
			}
			k = strings.TrimSpace(k)
			if !exact {
				k = strings.ToLower(k)
			}
			out = append(out, [2]string{k, strings.TrimSpace(v)})
		}
	}
	return out
}

package host

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// localFacts are the files *.fact in the directory for local facts: programs
// that print JSON or INI, and files that hold it. A file that cannot be
// understood gives a text that says so, and does not stop the others.
func localFacts(ctx context.Context, g *gatherer) (facts, error) {
	local := map[string]any{}
	files, err := filepath.Glob(filepath.Join(g.l.path(g.path), "*.fact"))
	if err != nil {
		return nil, fmt.Errorf("cannot list local facts in %s: %w", g.path, err)
	}
	for _, f := range files {
		name := strings.TrimSuffix(filepath.Base(f), ".fact")
		text, err := g.localText(ctx, f)
		if err != nil {
			local[name] = err.Error()
			continue
		}
		local[name] = parseLocalFact(name, text)
	}
	return facts{"local": local}, nil
}

func (g *gatherer) localText(ctx context.Context, path string) (string, error) {
	st, err := os.Stat(path)
	if err != nil {
		return "", err
	}
	if st.Mode()&0o111 != 0 {
		r, err := g.l.run(ctx, call{argv: []string{path}})
		if err != nil {
			return "", err
		}
		if r.rc != 0 {
			return "", fmt.Errorf("failure executing fact script (%s), rc: %d, err: %s", path, r.rc, strings.TrimSpace(string(r.stderr)))
		}
		return string(r.stdout), nil
	}
	text, err := readBounded(path, 8<<20)
	return string(text), err
}

func parseLocalFact(name, text string) any {
	dec := json.NewDecoder(strings.NewReader(text))
	dec.UseNumber()
	var v any
	if err := dec.Decode(&v); err == nil && !dec.More() {
		return plainNumbers(v)
	}
	ini, ok := parseINI(text)
	if !ok {
		return fmt.Sprintf("error loading facts as JSON or ini - please check content: %s", name+".fact")
	}
	return ini
}

// plainNumbers turns numbers into int64 where they are whole, float64 otherwise.
func plainNumbers(v any) any {
	switch v := v.(type) {
	case json.Number:
		if n, err := v.Int64(); err == nil {
			return n
		}
		f, err := v.Float64()
		if err != nil {
			return v.String()
		}
		return f
	case []any:
		for i := range v {
			v[i] = plainNumbers(v[i])
		}
	case map[string]any:
		for k := range v {
			v[k] = plainNumbers(v[k])
		}
	}
	return v
}

// parseINI reads sections of key = value or key: value; keys are lower-cased.
// Lines that begin with space go on with the value before.
func parseINI(text string) (map[string]any, bool) {
	out := map[string]any{}
	var section map[string]any
	last := ""
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\r\n")
		t := strings.TrimSpace(line)
		switch {
		case t == "" || t[0] == '#' || t[0] == ';':
		case t[0] == '[' && strings.HasSuffix(t, "]"):
			section, last = map[string]any{}, ""
			out[t[1:len(t)-1]] = section
		case section == nil:
			return nil, false
		case line[0] == ' ' || line[0] == '\t':
			if last == "" {
				return nil, false
			}
			section[last] = fmt.Sprint(section[last]) + "\n" + t
		default:
			i := strings.IndexAny(t, "=:")
			if i <= 0 {
				return nil, false
			}
			last = strings.ToLower(strings.TrimSpace(t[:i]))
			section[last] = strings.TrimSpace(t[i+1:])
		}
	}
	return out, len(out) > 0
}

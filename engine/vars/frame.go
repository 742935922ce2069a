package vars

import "maps"

// frame is a map that is never changed: with gives another one. Most entries
// sit in a table that frames share; the last few lie beside it.
type frame struct {
	table  map[string]any
	recent []entry // the newest last
}

type entry struct {
	name string
	v    any
}

// maxRecent is how many entries lie beside the table before a new table is made.
const maxRecent = 24

func (f frame) get(name string) (any, bool) {
	for i := len(f.recent) - 1; i >= 0; i-- {
		if f.recent[i].name == name {
			return f.recent[i].v, true
		}
	}
	v, ok := f.table[name]
	return v, ok
}

func (f frame) with(entries ...entry) frame {
	if len(f.recent)+len(entries) <= maxRecent {
		recent := make([]entry, 0, len(f.recent)+len(entries))
		return frame{f.table, append(append(recent, f.recent...), entries...)}
	}
	table := make(map[string]any, len(f.table)+len(f.recent)+len(entries))
	maps.Copy(table, f.table)
	for _, e := range f.recent {
		table[e.name] = e.v
	}
	for _, e := range entries {
		table[e.name] = e.v
	}
	return frame{table: table}
}

// each gives every name once or more; a name's last value is the one that get gives.
func (f frame) each(do func(name string, v any)) {
	for name, v := range f.table {
		do(name, v)
	}
	for _, e := range f.recent {
		do(e.name, e.v)
	}
}

package host

import (
	"context"
	"path/filepath"
	"strings"

	"rp/engine/state"
	"rp/engine/value"
)

func init() {
	register("tool", kind{read: readTools, imagine: imagineTool})
}

func readTools(_ context.Context, l *Linux, ss []state.State) ([]state.State, error) {
	out := make([]state.State, len(ss))
	for i, s := range ss {
		t := s.(state.Tool)
		path, err := l.tool(t.Name)
		if err != nil {
			path = ""
		}
		t.Path = state.Is(path)
		out[i] = t
	}
	return out, nil
}

// imagineTool finds a tool in the predicted files too. What the machine finds
// counts unless a directory before it in the path gets one, or it is to be removed.
func imagineTool(ctx context.Context, v *View, asked, base state.State) (state.State, error) {
	t := asked.(state.Tool)
	have, known := base.(state.Tool).Path.Get()
	if !known {
		return base, nil
	}
	places := []string{t.Name}
	if !strings.Contains(t.Name, "/") {
		places = places[:0]
		for _, d := range toolDirs() {
			places = append(places, filepath.Join(d, t.Name))
		}
		if have != "" && !below(have, toolDirs()...) { // found in a directory of another user's path
			places = append([]string{have}, places...)
		}
	}
	var asks []state.State
	for _, p := range places {
		if _, _, predicted := v.predicts(ctx, p); predicted || p == have {
			asks = append(asks, state.Stat{Path: p, Follow: true})
		}
	}
	got, err := v.Read(ctx, asks...)
	if err != nil {
		return nil, err
	}
	for _, s := range got {
		st := s.(state.Stat)
		info, known := st.Info.Get()
		if !known {
			t.Path = state.Unknown[string](st.Info.After())
			return t, nil
		}
		if info["exists"] != true || info["isreg"] != true || info["executable"] == false {
			continue
		}
		t.Path = state.Is(st.Path)
		if u, unsure := info["executable"].(value.Unknown); unsure {
			t.Path = state.Unknown[string](u.After)
		}
		return t, nil
	}
	t.Path = state.Is("")
	return t, nil
}

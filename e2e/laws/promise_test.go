package laws

import (
	"strings"
	"testing"
)

func TestPromises(t *testing.T) {
	const (
		fileSoon    = `{"event":"change","host":"h","task":"t","kind":"file","name":"/a","status":"predicted","diffs":[{"field":"mode","from":"0600","to":"0644"}]}`
		fileDone    = `{"event":"change","host":"h","task":"t","kind":"file","name":"/a","status":"done","diffs":[{"field":"mode","from":"0600","to":"0644"}]}`
		fileOther   = `{"event":"change","host":"h","task":"t","kind":"file","name":"/a","status":"done","diffs":[{"field":"mode","from":"0600","to":"0755"}]}`
		fileMore    = `{"event":"change","host":"h","task":"t","kind":"file","name":"/a","status":"done","diffs":[{"field":"mode","from":"0600","to":"0644"},{"field":"owner","from":"root","to":"me"}]}`
		fileUnknown = `{"event":"change","host":"h","task":"t","kind":"file","name":"/a","status":"predicted","diffs":[{"field":"mode","from":"0600","to":"","unknown":true}]}`
		filePerhaps = `{"event":"change","host":"h","task":"t","kind":"file","name":"/a","status":"predicted","diffs":[{"field":"mode","from":"","to":"0644","maybe":true}]}`
		fileMay     = `{"event":"change","host":"h","task":"t","kind":"file","name":"/a","status":"may","diffs":[{"field":"mode","from":"0600","to":"0644"}]}`
		taskMay     = `{"event":"result","host":"h","task":"t","status":"may"}`
		taskChanged = `{"event":"result","host":"h","task":"t","status":"changed"}`
		taskOK      = `{"event":"result","host":"h","task":"t","status":"ok"}`
		packSoon    = `{"event":"change","host":"h","task":"t","kind":"package","name":"a","status":"predicted","diffs":[{"field":"version","from":"-","to":"","unknown":true}]}`
		packKnown   = `{"event":"change","host":"h","task":"t","kind":"package","name":"a","status":"predicted","diffs":[{"field":"version","from":"-","to":"1"}]}`
		packDone    = `{"event":"change","host":"h","task":"t","kind":"package","name":"a","status":"done","diffs":[{"field":"version","from":"-","to":"1"}]}`
		packWith    = `{"event":"change","host":"h","task":"t","kind":"package","name":"b","with":"package a","status":"done","diffs":[{"field":"version","from":"-","to":"2"}]}`
	)
	for name, c := range map[string]struct {
		predicted, made []string
		want            string // a part of the only complaint; "": none
	}{
		"kept":                           {[]string{fileSoon, taskChanged}, []string{fileDone, taskChanged}, ""},
		"nothing":                        {[]string{taskOK}, []string{taskOK}, ""},
		"not announced":                  {nil, []string{fileDone}, "not announced"},
		"not made":                       {[]string{fileSoon}, nil, "not made"},
		"other value":                    {[]string{fileSoon}, []string{fileOther}, `"0755", and "0644" was announced`},
		"one more field":                 {[]string{fileSoon}, []string{fileMore}, `owner became "me"`},
		"one field less":                 {[]string{strings.ReplaceAll(fileMore, "done", "predicted")}, []string{fileDone}, `owner was to become "me"`},
		"an unknown field is any value":  {[]string{fileUnknown}, []string{fileOther}, ""},
		"what may be made, made":         {[]string{fileMay}, []string{fileDone}, ""},
		"what may be made, not made":     {[]string{fileMay}, nil, ""},
		"what may be made, otherwise":    {[]string{fileMay}, []string{fileOther}, `"0755", and "0644" was announced`},
		"perhaps no change":              {[]string{filePerhaps}, nil, ""},
		"a task that may run, ran":       {[]string{taskMay}, []string{fileDone, taskChanged}, ""},
		"a result other than said":       {[]string{taskOK}, []string{taskChanged}, "ended as changed, and ok was announced"},
		"twice announced, once made":     {[]string{fileSoon, fileSoon}, []string{fileDone}, "not made"},
		"a package's own, index unknown": {[]string{packSoon}, []string{packDone, packWith}, ""},
		"a package's own, index known":   {[]string{packKnown}, []string{packDone, packWith}, "package b: made, and not announced"},
		"what was done really is exempt": {nil, []string{strings.Replace(fileDone, `"kind"`, `"real":true,"kind"`, 1)}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			got := Promises(events(t, c.predicted), events(t, c.made))
			if c.want == "" && len(got) > 0 || c.want != "" && (len(got) != 1 || !strings.Contains(got[0], c.want)) {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

func events(t *testing.T, lines []string) []Event {
	t.Helper()
	es, err := ParseEvents([]byte(strings.Join(lines, "\n")))
	if err != nil {
		t.Fatal(err)
	}
	return es
}

func TestEventsThatAreNoJSONAreAnError(t *testing.T) {
	if _, err := ParseEvents([]byte("{}\npanic: oh\n")); err == nil || !strings.Contains(err.Error(), "line 2") {
		t.Errorf("got %v", err)
	}
}

func TestRunAndRecap(t *testing.T) {
	es := events(t, []string{
		`{"event":"run_start"}`, `{"event":"result","run":"r1","host":"h","status":"ok"}`,
		`{"event":"recap","run":"r1","stats":{"h":{"ok":3,"changed":1}}}`,
	})
	if Run(es) != "r1" || Recap(es)["h"].Changed != 1 || Recap(es)["h"].OK != 3 {
		t.Errorf("got run %q, recap %v", Run(es), Recap(es))
	}
}

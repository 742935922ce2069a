package modules

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"rp/engine/module"
	"rp/engine/state"
	"rp/engine/value"
)

var uriSpec = module.Spec{
	Name: "uri", Builtin: true, Kind: module.Probe,
	Short: "A request to a web service",
	Doc: `Sends an HTTP request from the host and checks the answer's status. GET, HEAD and OPTIONS only look and are made in a dry run too, unless an earlier
change may decide the answer; any other method does something, so it is reported changed each time and only announced in a dry run.`,
	Args: append([]module.Arg{
		{Name: "url", Required: true, Doc: "Where to."},
		{Name: "method", Default: "GET", Doc: "The method, in capitals."},
		{Name: "body", Type: module.Raw, Doc: "What to send."},
		{Name: "body_format", Default: "raw", Choices: []string{"raw", "json", "form-urlencoded"}, Doc: "How body is written; it sets Content-Type too."},
		{Name: "src", NotYet: true, Doc: "File to send."},
		{Name: "status_code", Type: module.List, Elem: module.Int, Default: value.NewList(int64(200)), Doc: "Statuses that are no failure."},
		{Name: "return_content", Type: module.Bool, Default: false, Doc: "Give the answer's body as content."},
		{Name: "dest", Type: module.Path, Doc: "File or directory to write the body to (GET only)."},
		{Name: "creates", Type: module.Path, Doc: "A path: while it is there, the task does nothing."},
		{Name: "removes", Type: module.Path, Doc: "A path: while it is not there, the task does nothing."},
		{Name: "follow_redirects", Default: "safe", Choices: []string{"all", "no", "none", "safe", "urllib2", "yes", "False", "True"}, Doc: "safe: for GET and HEAD."},
		{Name: "timeout", Type: module.Int, Default: int64(30), Doc: "Seconds to wait."},
		{Name: "unix_socket", Type: module.Path, Doc: "Socket to connect to instead of the URL's host."},
		{Name: "remote_src", NotYet: true, Doc: "Whether src is on the host."},
		{Name: "force", NotYet: true, Doc: "Go past caches."},
	}, append(slices.DeleteFunc(urlArgs(), func(a module.Arg) bool { return a.Name == "force_basic_auth" }),
		append(attrArgs(), module.Arg{Name: "force_basic_auth", Type: module.Bool, Default: false, Doc: "Send the password with the first request, unasked."})...)...),
	Examples: `- name: nginx answers
  uri:
    url: http://localhost:8080/
    return_content: true
  register: page
  until: "'Welcome to nginx!' in page.content"
  retries: 10
  delay: 2
`,
	Returns: []module.Return{
		{Name: "status", Type: "int", Doc: "the answer's status"},
		{Name: "url", Type: "str", Doc: "the URL that answered"},
		{Name: "content", Type: "str", Doc: "the body, with return_content or on failure"},
		{Name: "json", Type: "raw", Doc: "the body, where it is JSON"},
		{Name: "msg", Type: "str", Doc: "the status in words"},
		{Name: "redirected", Type: "bool", Doc: "whether there was a redirect"},
		{Name: "elapsed", Type: "int", Doc: "seconds it took"},
		{Name: "path", Type: "str", Doc: "with dest: the file"},
	},
	Run: runURI,
}

func runURI(ctx context.Context, p module.Params, t module.Target) (module.Result, error) {
	if why, err := guardHolds(ctx, p, t); err != nil || why != "" {
		return module.Result{"changed": false, "msg": "skipped, since " + why}, err
	}
	q, err := uriRequest(p)
	if err != nil {
		return nil, err
	}
	if p.Has("dest") {
		return uriToFile(ctx, p, t, q)
	}
	var answer map[string]any
	if slices.Contains([]string{"GET", "HEAD", "OPTIONS"}, q.Method) {
		got, err := readOne(ctx, t, state.HTTP{Request: q})
		if err != nil {
			return nil, err
		}
		answer = known(got.Answer, q.URL)
	} else {
		out, err := t.Do(ctx, q)
		if err != nil {
			return nil, err
		}
		if out.Unknown {
			r := module.Result{}
			for _, k := range []string{"status", "url", "content", "json", "redirected", "elapsed"} {
				r[k] = value.Unknown{After: p.Task}
			}
			return r, nil
		}
		answer = out.Fields
	}
	return uriResult(p, answer), nil
}

func uriRequest(p module.Params) (state.HTTPRequest, error) {
	headers, unknown, _ := stringMap(p.Dict("headers"))
	if unknown != nil {
		panic(module.NotKnown{Arg: "headers", After: unknown.After})
	}
	q := state.HTTPRequest{
		URL: p.String("url"), Method: strings.ToUpper(p.String("method")), Headers: map[string]string{}, User: p.String("url_username"),
		Password: p.String("url_password"), Insecure: !p.Bool("validate_certs"), Timeout: int(p.Int("timeout")), Unix: p.String("unix_socket"),
		ForceBasic: p.Bool("force_basic_auth"), ReturnContent: p.Bool("return_content"),
	}
	q.Redirects = map[string]string{"all": "all", "yes": "all", "True": "all", "none": "none", "no": "none", "False": "none"}[p.String("follow_redirects")]
	if q.Redirects == "" {
		q.Redirects = "safe"
	}
	body, kind, err := uriBody(p)
	if err != nil {
		return q, err
	}
	q.Body = body
	if kind != "" {
		q.Headers["Content-Type"] = kind
	}
	q.Headers["User-Agent"] = p.String("http_agent")
	for k, v := range headers {
		for old := range q.Headers {
			if strings.EqualFold(old, k) {
				delete(q.Headers, old)
			}
		}
		q.Headers[k] = v
	}
	return q, nil
}

// uriBody is the body to send and its Content-Type, "" for none.
func uriBody(p module.Params) ([]byte, string, error) {
	if !p.Has("body") {
		return nil, "", nil
	}
	body, unknown, _ := settle(p.Raw("body"))
	if unknown != nil {
		panic(module.NotKnown{Arg: "body", After: unknown.After})
	}
	text, isText := body.(string)
	switch p.String("body_format") {
	case "json":
		if isText {
			return []byte(text), "application/json", nil
		}
		b, err := value.Encode(body)
		return b, "application/json", err
	case "form-urlencoded":
		if isText {
			return []byte(text), "application/x-www-form-urlencoded", nil
		}
		form, err := formBody(body)
		return []byte(form), "application/x-www-form-urlencoded", err
	}
	if isText {
		return []byte(text), "", nil
	}
	b, err := jsonText(body)
	return b, "", err
}

// formBody writes a mapping, or a list of pairs, as a form.
func formBody(body any) (string, error) {
	var parts []string
	add := func(k, v any) {
		vs := []any{v}
		if l, ok := v.(*value.List); ok {
			vs = l.Items
		}
		for _, v := range vs {
			parts = append(parts, url.QueryEscape(plainScalar(k))+"="+url.QueryEscape(plainScalar(v)))
		}
	}
	switch b := body.(type) {
	case *value.Dict:
		for k, v := range b.All() {
			add(k, v)
		}
	case *value.List:
		for _, e := range b.Items {
			pair, ok := e.(*value.List)
			if !ok || pair.Len() != 2 {
				return "", fmt.Errorf("cannot write a form: its body is neither a mapping nor a list of pairs")
			}
			add(pair.Items[0], pair.Items[1])
		}
	default:
		return "", fmt.Errorf("cannot write a form: its body is neither a mapping nor a list of pairs")
	}
	return strings.Join(parts, "&"), nil
}

func statusFine(p module.Params, status any) bool {
	return slices.ContainsFunc(p.List("status_code"), func(v any) bool { return fmt.Sprint(v) == fmt.Sprint(status) })
}

// uriResult is an answer as it came, failed where the status was not expected.
func uriResult(p module.Params, answer map[string]any) module.Result {
	r := module.Result{}
	for k, v := range answer {
		r[k] = v
	}
	fine := statusFine(p, r["status"])
	if !fine {
		r["failed"] = true
		var want []string
		for _, v := range p.List("status_code") {
			want = append(want, fmt.Sprint(v))
		}
		r["msg"] = fmt.Sprintf("Status code was %v and not [%s]: %v", r["status"], strings.Join(want, ", "), r["msg"])
	}
	return r
}

// uriToFile writes what a GET gives to dest.
func uriToFile(ctx context.Context, p module.Params, t module.Target, q state.HTTPRequest) (module.Result, error) {
	if q.Method != "GET" || q.Unix != "" || q.Redirects == "none" || len(q.Body) > 0 {
		return nil, fmt.Errorf("cannot write the answer of %q to a file: dest with a method other than GET, a body, unix_socket or follow_redirects: none is not supported yet", q.URL)
	}
	dest, _, err := urlDest(ctx, p, t)
	if err != nil {
		return nil, err
	}
	got, err := readOne(ctx, t, state.Download{Content: state.Ask[state.Content](), URL: q.URL, Headers: q.Headers, User: q.User, Password: q.Password, Insecure: q.Insecure, Timeout: q.Timeout})
	if err != nil {
		return nil, err
	}
	info := known(got.Info, q.URL)
	r := uriResult(p, info)
	if r["failed"] == true {
		return r, nil
	}
	written, err := writeFile(ctx, forced(p), t, dest, got.Content)
	for k, v := range written {
		if k != "dest" && k != "checksum" {
			r[k] = v
		}
	}
	r["path"] = dest
	return r, err
}

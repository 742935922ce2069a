package modules

import (
	"context"
	"fmt"
	"net/url"
	"path"
	"strings"

	"rp/engine/module"
	"rp/engine/state"
	"rp/engine/value"
)

func urlArgs() []module.Arg {
	return []module.Arg{
		{Name: "url_username", Aliases: []string{"username"}, Doc: "Name for basic authentication."},
		{Name: "url_password", Aliases: []string{"password"}, Secret: true, Doc: "Password for it."},
		{Name: "validate_certs", Type: module.Bool, Default: true, Doc: "Check the server's certificate."},
		{Name: "headers", Type: module.Dict, Doc: "Headers to send."},
		{Name: "http_agent", Default: "rp", Doc: "The User-Agent header."},
		{Name: "use_proxy", Type: module.Bool, Default: true, Choices: []string{"true"}, Doc: "The environment's proxy is used; nothing else is supported yet."},
		{Name: "force_basic_auth", Type: module.Bool, Default: true, Choices: []string{"true"}, Doc: "The password is always sent with the first request."},
		{Name: "client_cert", NotYet: true, Doc: "Certificate to show."},
		{Name: "client_key", NotYet: true, Doc: "Its key."},
		{Name: "ca_path", NotYet: true, Doc: "Certificates to trust."},
		{Name: "ciphers", NotYet: true, Doc: "Ciphers to use."},
		{Name: "use_gssapi", NotYet: true, Doc: "Kerberos."},
		{Name: "use_netrc", NotYet: true, Doc: "Passwords of ~/.netrc."},
		{Name: "decompress", NotYet: true, Doc: "Whether to unpack a compressed answer."},
		{Name: "unredirected_headers", NotYet: true, Doc: "Headers for the first request only."},
	}
}

var getURLSpec = module.Spec{
	Name: "get_url", Builtin: true, Kind: module.States,
	Short: "A file, downloaded by the host",
	Doc: `Downloads a file over HTTP or HTTPS to the host. A file that is there already is not downloaded again, unless it lacks the checksum, or force
is set, or dest is a directory. In a dry run it is downloaded into rp's own scratch directory, so that what is shown is what will be written.`,
	Args: append(append([]module.Arg{
		{Name: "url", Required: true, Doc: "From where."},
		{Name: "dest", Type: module.Path, Required: true, Doc: "Where to; a directory gets a file named as in the URL."},
		{Name: "checksum", Doc: "ALGORITHM:HEX, or ALGORITHM:URL of a file of checksums. Algorithms: md5, sha1, sha224, sha256, sha384, sha512."},
		{Name: "force", Type: module.Bool, Default: false, Doc: "Download it each time."},
		{Name: "backup", Type: module.Bool, Default: false, Doc: "Keep the replaced file beside it, with the time in its name."},
		{Name: "timeout", Type: module.Int, Default: int64(10), Doc: "Seconds to wait for the server."},
		{Name: "tmp_dest", NotYet: true, Doc: "Where to download to first."},
	}, urlArgs()...), attrArgs()...),
	Examples: `- name: Docker's static binaries
  get_url:
    url: https://download.docker.com/linux/static/stable/x86_64/docker-27.3.1.tgz
    dest: /var/cache/docker-27.3.1.tgz
    checksum: sha256:9b4f6fe406e50f9085ee474c451e2bb5adb119a03591f467922d3b4e2ddf31d3
`,
	Returns: fileReturns(module.Return{Name: "url", Type: "str", Doc: "the URL that answered"}, module.Return{Name: "status_code", Type: "int", Doc: "the answer's status"}),
	Run:     runGetURL,
}

func runGetURL(ctx context.Context, p module.Params, t module.Target) (module.Result, error) {
	dest, isDir, err := urlDest(ctx, p, t)
	if err != nil {
		return nil, err
	}
	algorithm, sum, err := urlChecksum(ctx, p, t)
	if err != nil {
		return nil, err
	}
	have, err := readOne(ctx, t, state.Stat{Path: dest, Follow: true, Checksum: algorithm})
	if err != nil {
		return nil, err
	}
	info := known(have.Info, dest)
	got, _ := info["checksum"].(string)
	there := info["exists"] == true
	r := module.Result{"url": p.String("url")}
	var content state.Value[state.Content]
	if !there || p.Bool("force") || sum == "" && isDir || sum != "" && !strings.EqualFold(sum, got) {
		d, err := readOne(ctx, t, download(p, p.String("url")))
		if err != nil {
			return nil, err
		}
		if content, err = downloaded(ctx, t, d, algorithm, sum, r); err != nil {
			return nil, err
		}
	}
	written, err := putURL(ctx, p, t, dest, content)
	for k, v := range written {
		r[k] = v
	}
	return r, err
}

// putURL wants dest with content, or only its attributes where content is not asked for.
func putURL(ctx context.Context, p module.Params, t module.Target, dest string, content state.Value[state.Content]) (module.Result, error) {
	if content.IsSet() {
		return writeFile(ctx, forced(p), t, dest, content)
	}
	a, err := readAttrs(ctx, p, t)
	if err != nil {
		return nil, err
	}
	at, err := realPath(ctx, t, dest, false)
	if err != nil {
		return nil, err
	}
	if a.any() {
		want, err := a.onto(state.File{Path: at.Path}, at)
		if err != nil {
			return nil, err
		}
		if _, err := t.Want(ctx, want); err != nil {
			return nil, err
		}
	}
	r, err := describe(ctx, t, at.Path, true)
	if err == nil {
		put(r, "dest", dest)
	}
	return r, err
}

// forced is p with force set: what was decided to be downloaded is to be written.
func forced(p module.Params) module.Params {
	vals, secret := p.Values()
	m := copyMap(vals)
	m["force"] = true
	return module.NewParams(p.Task, m, secret)
}

func urlDest(ctx context.Context, p module.Params, t module.Target) (dest string, isDir bool, err error) {
	dest = p.String("dest")
	at, err := realPath(ctx, t, path.Clean(dest), false)
	if err != nil {
		return "", false, err
	}
	if at.Type.Or("") != state.Directory && !strings.HasSuffix(dest, "/") {
		return path.Clean(dest), false, nil
	}
	u, err := url.Parse(p.String("url"))
	if err != nil {
		return "", false, fmt.Errorf("cannot download %q: %w", p.String("url"), err)
	}
	name := path.Base(u.Path)
	if name == "/" || name == "." {
		name = "index.html"
	}
	return path.Join(dest, name), true, nil
}

// download is the probe that gets a URL.
func download(p module.Params, from string) state.Download {
	headers, unknown, _ := stringMap(p.Dict("headers"))
	if unknown != nil {
		panic(module.NotKnown{Arg: "headers", After: unknown.After})
	}
	if headers == nil {
		headers = map[string]string{}
	}
	if agent := p.String("http_agent"); agent != "" && headers["User-Agent"] == "" {
		headers["User-Agent"] = agent
	}
	return state.Download{Content: state.Ask[state.Content](), URL: from, Headers: headers, User: p.String("url_username"), Password: p.String("url_password"), Insecure: !p.Bool("validate_certs"), Timeout: int(p.Int("timeout"))}
}

// downloaded checks what a download gave and puts its status into r.
func downloaded(ctx context.Context, t module.Target, d state.Download, algorithm, sum string, r module.Result) (state.Value[state.Content], error) {
	info := d.Info.Or(nil)
	if code := fmt.Sprint(info["status"]); info != nil && code != "200" && code != "<nil>" {
		return d.Content, fmt.Errorf("cannot download %q: the server answered %v %v", d.URL, info["status"], info["msg"])
	}
	if info != nil {
		r["status_code"], r["url"] = info["status"], info["url"]
	}
	c, is := d.Content.Get()
	if !is {
		if r["status_code"] = (value.Unknown{After: d.Content.After()}); algorithm == "sha256" {
			return state.Is(state.Content{Sum: strings.ToLower(sum), Size: -1, From: "url:" + d.URL}), nil
		}
		return d.Content, nil
	}
	switch file, isPath := strings.CutPrefix(c.From, "path:"); {
	case sum == "":
	case algorithm == "sha256":
		if !strings.EqualFold(c.Sum, sum) {
			return d.Content, fmt.Errorf("cannot use %q: its sha256 checksum is %s and should be %s", d.URL, c.Sum, sum)
		}
	case isPath:
		if err := checkSum(ctx, t, file, algorithm, sum); err != nil {
			return d.Content, err
		}
	default:
		got, err := sumOf(algorithm, c.Data)
		if err != nil {
			return d.Content, err
		}
		if !strings.EqualFold(got, sum) {
			return d.Content, fmt.Errorf("cannot use %q: its %s checksum is %s and should be %s", d.URL, algorithm, got, sum)
		}
	}
	return d.Content, nil
}

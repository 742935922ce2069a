package main

import (
	"compress/gzip"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
)

func get(t *testing.T, h http.Handler, host, path string) (int, string, http.Header) {
	t.Helper()
	r := httptest.NewRequest(http.MethodGet, "http://"+host+path, nil)
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Code, w.Body.String(), w.Header()
}

// A client of the registry goes from the tag to the manifest to the layer, and must find the tar it began with.
func TestRegistryServesTheImageThatWasPut(t *testing.T) {
	dir := t.TempDir()
	root := filepath.Join(dir, "root.tar")
	if err := os.WriteFile(root, []byte("the layer"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := makeImage([]string{"-registry", dir, "-port", "80/tcp", "--", "library/nginx:latest", root, "nginx", "-g", "daemon off;"}); err != nil {
		t.Fatal(err)
	}
	h := standIn(dir, t.TempDir())
	if code, _, _ := get(t, h, "registry.lab", "/v2/"); code != http.StatusOK {
		t.Errorf("/v2/ answers %d: a client would ask for a token", code)
	}
	code, body, header := get(t, h, "registry.lab", "/v2/library/nginx/manifests/latest")
	if code != http.StatusOK || header.Get("Content-Type") != typeManifest {
		t.Fatalf("the manifest: %d, %q", code, header)
	}
	var manifest struct {
		Config blobRef
		Layers []blobRef
	}
	if err := json.Unmarshal([]byte(body), &manifest); err != nil {
		t.Fatal(err)
	}
	if _, again, _ := get(t, h, "registry.lab", "/v2/library/nginx/manifests/"+header.Get("Docker-Content-Digest")); again != body {
		t.Error("by its digest the manifest is another")
	}
	_, layer, _ := get(t, h, "registry.lab", "/v2/library/nginx/blobs/"+manifest.Layers[0].Digest)
	if int64(len(layer)) != manifest.Layers[0].Size {
		t.Errorf("the layer has %d bytes, the manifest says %d", len(layer), manifest.Layers[0].Size)
	}
	if got := unzip(t, layer); got != "the layer" {
		t.Errorf("the layer is %q", got)
	}
	_, config, _ := get(t, h, "registry.lab", "/v2/library/nginx/blobs/"+manifest.Config.Digest)
	var c struct{ Config struct{ Cmd []string } }
	if err := json.Unmarshal([]byte(config), &c); err != nil || len(c.Config.Cmd) != 3 {
		t.Errorf("the configuration is %q (%v)", config, err)
	}
}

func unzip(t *testing.T, s string) string {
	t.Helper()
	f := filepath.Join(t.TempDir(), "gz")
	if err := os.WriteFile(f, []byte(s), 0o600); err != nil {
		t.Fatal(err)
	}
	in, err := os.Open(f)
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	z, err := gzip.NewReader(in)
	if err != nil {
		t.Fatal(err)
	}
	out, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

func TestRegistryRefusesWhatItHasNot(t *testing.T) {
	h := standIn(t.TempDir(), t.TempDir())
	for _, path := range []string{
		"/v2/library/redis/manifests/latest", "/v2/library/nginx/blobs/sha256:12", "/v2/x/manifests/../../../../etc/passwd", "/v2/nothing",
	} {
		if code, _, _ := get(t, h, "registry.lab", path); code == http.StatusOK {
			t.Errorf("%s answers %d", path, code)
		}
	}
}

func TestFilesAreServedByName(t *testing.T) {
	www := t.TempDir()
	if err := os.MkdirAll(filepath.Join(www, "files.lab"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(www, "files.lab", "a.txt"), []byte("a"), 0o600); err != nil {
		t.Fatal(err)
	}
	h := standIn(t.TempDir(), www)
	if code, body, _ := get(t, h, "files.lab", "/a.txt"); code != http.StatusOK || body != "a" {
		t.Errorf("got %d %q", code, body)
	}
	for _, host := range []string{"get.docker.com", "..", "."} {
		if code, _, _ := get(t, h, host, "/files.lab/a.txt"); code == http.StatusOK {
			t.Errorf("%q answers with another name's file", host)
		}
	}
}

func TestCertificateIsOfTheAuthorityAndForTheNames(t *testing.T) {
	dir := t.TempDir()
	if err := makeCA([]string{dir, "10.99.0.1", "registry.lab", "files.lab"}); err != nil {
		t.Fatal(err)
	}
	pair, err := tls.LoadX509KeyPair(filepath.Join(dir, "tls.crt"), filepath.Join(dir, "tls.key"))
	if err != nil {
		t.Fatal(err)
	}
	ca, err := os.ReadFile(filepath.Join(dir, "ca.crt"))
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(ca)
	for _, name := range []string{"registry.lab", "files.lab", "10.99.0.1"} {
		if _, err := pair.Leaf.Verify(x509.VerifyOptions{Roots: roots, DNSName: name}); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := pair.Leaf.Verify(x509.VerifyOptions{Roots: roots, DNSName: "example.org"}); err == nil {
		t.Error("the certificate is for names that were not asked for")
	}
}

package main

import (
	"errors"
	"flag"
	"fmt"
	"log"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// serve answers on ports 80 and 443 of one address: as a registry (the pull
// half of the OCI distribution specification) below /v2/, else with the files
// of WWW/NAME under the name that the client asked for.
func serve(args []string) error {
	fl := flag.NewFlagSet("serve", flag.ContinueOnError)
	addr := fl.String("addr", "", "the address to listen on")
	ca := fl.String("ca", "", "the folder with tls.crt and tls.key")
	registry := fl.String("registry", "", "the registry's folder")
	www := fl.String("www", "", "the folder with one folder a name")
	if err := fl.Parse(args); err != nil {
		return fmt.Errorf("cannot read the flags: %w", err)
	}
	if *addr == "" || *ca == "" {
		return errors.New("usage: labtool serve -addr IP -ca DIR -registry DIR -www DIR")
	}
	h := standIn(*registry, *www)
	failed := make(chan error, 2)
	plain := &http.Server{Addr: net.JoinHostPort(*addr, "80"), Handler: h, ReadHeaderTimeout: 10 * time.Second}
	secure := &http.Server{Addr: net.JoinHostPort(*addr, "443"), Handler: h, ReadHeaderTimeout: 10 * time.Second}
	go func() { failed <- plain.ListenAndServe() }()
	go func() {
		failed <- secure.ListenAndServeTLS(filepath.Join(*ca, "tls.crt"), filepath.Join(*ca, "tls.key"))
	}()
	return fmt.Errorf("cannot serve: %w", <-failed)
}

func standIn(registry, www string) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /v2/{$}", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Docker-Distribution-Api-Version", "registry/2.0")
	})
	// names hold slashes, so the rest is taken apart by hand: NAME/manifests/REF or NAME/blobs/DIGEST
	mux.HandleFunc("GET /v2/{rest...}", func(w http.ResponseWriter, r *http.Request) {
		if name, ref, ok := strings.Cut(r.PathValue("rest"), "/manifests/"); ok {
			serveManifest(w, r, registry, name, ref)
		} else if _, sum, ok := strings.Cut(r.PathValue("rest"), "/blobs/"); ok && isDigest(sum) {
			serveBlob(w, r, registry, sum, "application/octet-stream")
		} else {
			http.NotFound(w, r)
		}
	})
	mux.HandleFunc("GET /", func(w http.ResponseWriter, r *http.Request) {
		host, _, err := net.SplitHostPort(r.Host)
		if err != nil {
			host = r.Host
		}
		if host == "" || strings.ContainsAny(host, "/\\") || strings.HasPrefix(host, ".") {
			http.NotFound(w, r)
			return
		}
		http.FileServer(http.Dir(filepath.Join(www, host))).ServeHTTP(w, r)
	})
	return logged(mux)
}

func serveManifest(w http.ResponseWriter, r *http.Request, registry, name, ref string) {
	if !isDigest(ref) {
		data, err := os.ReadFile(filepath.Join(registry, "manifests", filepath.Clean("/"+name+"/"+ref)))
		if err != nil {
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(http.StatusNotFound)
			fmt.Fprintf(w, `{"errors":[{"code":"MANIFEST_UNKNOWN","message":"%s:%s is not in the lab"}]}`, name, ref)
			return
		}
		ref = string(data)
	}
	serveBlob(w, r, registry, ref, typeManifest)
}

func serveBlob(w http.ResponseWriter, r *http.Request, registry, sum, kind string) {
	w.Header().Set("Content-Type", kind)
	w.Header().Set("Docker-Content-Digest", sum)
	http.ServeFile(w, r, blobPath(registry, sum))
}

func isDigest(s string) bool {
	hex, ok := strings.CutPrefix(s, "sha256:")
	return ok && len(hex) == 64 && strings.Trim(hex, "0123456789abcdef") == ""
}

func logged(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		log.Printf("%s %s %s%s", r.RemoteAddr, r.Method, r.Host, r.URL.Path)
		h.ServeHTTP(w, r)
	})
}

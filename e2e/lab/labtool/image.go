package main

import (
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
)

// The media types of Docker's image manifest, schema 2.
const (
	typeManifest = "application/vnd.docker.distribution.manifest.v2+json"
	typeConfig   = "application/vnd.docker.container.image.v1+json"
	typeLayer    = "application/vnd.docker.image.rootfs.diff.tar.gzip"
)

type blobRef struct {
	MediaType string `json:"mediaType"`
	Size      int64  `json:"size"`
	Digest    string `json:"digest"`
}

// makeImage wraps a root file system's tar as an image of one layer in the
// registry's folder: blobs/HEX, and manifests/NAME/TAG.
func makeImage(args []string) error {
	fl := flag.NewFlagSet("image", flag.ContinueOnError)
	dir := fl.String("registry", "", "the registry's folder")
	port := fl.String("port", "", "a port that the image exposes, as 80/tcp")
	stop := fl.String("stop", "SIGTERM", "the signal that stops it")
	if err := fl.Parse(args); err != nil {
		return fmt.Errorf("cannot read the flags: %w", err)
	}
	name, tag, ok := strings.Cut(fl.Arg(0), ":")
	if *dir == "" || !ok || fl.NArg() < 3 {
		return errors.New("usage: labtool image -registry DIR NAME:TAG ROOT.tar CMD …")
	}
	for _, d := range []string{"blobs", filepath.Join("manifests", name)} {
		if err := os.MkdirAll(filepath.Join(*dir, d), 0o755); err != nil {
			return fmt.Errorf("cannot make the registry: %w", err)
		}
	}
	diffID, layer, err := putLayer(*dir, fl.Arg(1))
	if err != nil {
		return err
	}
	run := map[string]any{
		"Cmd": fl.Args()[2:], "StopSignal": *stop,
		"Env": []string{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"},
	}
	if *port != "" {
		run["ExposedPorts"] = map[string]any{*port: struct{}{}}
	}
	config, err := putJSON(*dir, typeConfig, map[string]any{
		"architecture": runtime.GOARCH, "os": "linux", "created": "2024-01-01T00:00:00Z", "config": run,
		"rootfs":  map[string]any{"type": "layers", "diff_ids": []string{diffID}},
		"history": []map[string]any{{"created": "2024-01-01T00:00:00Z", "created_by": "labtool image"}},
	})
	if err != nil {
		return err
	}
	manifest, err := putJSON(*dir, typeManifest, map[string]any{
		"schemaVersion": 2, "mediaType": typeManifest, "config": config, "layers": []blobRef{layer},
	})
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(*dir, "manifests", name, tag), []byte(manifest.Digest), 0o644)
}

func blobPath(dir, digest string) string {
	return filepath.Join(dir, "blobs", strings.TrimPrefix(digest, "sha256:"))
}

func putJSON(dir, kind string, v any) (blobRef, error) {
	data, err := json.Marshal(v)
	if err != nil {
		return blobRef{}, fmt.Errorf("cannot write %s: %w", kind, err)
	}
	ref := blobRef{kind, int64(len(data)), digest(sha256.Sum256(data))}
	return ref, os.WriteFile(blobPath(dir, ref.Digest), data, 0o644)
}

func digest(sum [sha256.Size]byte) string { return "sha256:" + hex.EncodeToString(sum[:]) }

// putLayer compresses a tar into the blobs and gives the digests of both forms.
func putLayer(dir, tar string) (diffID string, _ blobRef, err error) {
	in, err := os.Open(tar)
	if err != nil {
		return "", blobRef{}, fmt.Errorf("cannot read the layer: %w", err)
	}
	defer in.Close() //nolint:errcheck // only read
	out, err := os.CreateTemp(filepath.Join(dir, "blobs"), ".layer-")
	if err != nil {
		return "", blobRef{}, fmt.Errorf("cannot write the layer: %w", err)
	}
	plain, packed := sha256.New(), sha256.New()
	zip := gzip.NewWriter(io.MultiWriter(out, packed))
	_, err = io.Copy(io.MultiWriter(zip, plain), in)
	if err = errors.Join(err, zip.Close(), out.Close()); err != nil {
		return "", blobRef{}, fmt.Errorf("cannot write the layer: %w", err)
	}
	fi, err := os.Stat(out.Name())
	if err != nil {
		return "", blobRef{}, fmt.Errorf("cannot write the layer: %w", err)
	}
	ref := blobRef{typeLayer, fi.Size(), digest([sha256.Size]byte(packed.Sum(nil)))}
	return digest([sha256.Size]byte(plain.Sum(nil))), ref, os.Rename(out.Name(), blobPath(dir, ref.Digest))
}

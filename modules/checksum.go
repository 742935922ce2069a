package modules

import (
	"context"
	"crypto/md5"  //nolint:gosec // some publishers give nothing better
	"crypto/sha1" //nolint:gosec // some publishers give nothing better
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"fmt"
	"path"
	"slices"
	"strings"

	"rp/engine/module"
)

// urlChecksum is what get_url's checksum asks for; empty for none. A URL in it is
// fetched and the line of the file that is downloaded looked up.
func urlChecksum(ctx context.Context, p module.Params, t module.Target) (algorithm, sum string, err error) {
	text := p.String("checksum")
	if text == "" {
		return "", "", nil
	}
	algorithm, sum, ok := strings.Cut(text, ":")
	algorithm, sum = strings.ToLower(strings.TrimSpace(algorithm)), strings.TrimSpace(sum)
	if !ok || !slices.Contains(sums, algorithm) {
		return "", "", fmt.Errorf("cannot use the checksum %q: it must be ALGORITHM:HEX or ALGORITHM:URL, with one of %s", text, strings.Join(sums, ", "))
	}
	if strings.Contains(sum, "://") {
		list, err := readOne(ctx, t, download(p, sum))
		if err != nil {
			return "", "", err
		}
		if code := fmt.Sprint(list.Info.Or(nil)["status"]); list.Info.IsKnown() && code != "200" && code != "<nil>" {
			return "", "", fmt.Errorf("cannot download the checksums %q: the server answered %s", sum, code)
		}
		c := known(list.Content, "checksums "+sum)
		if !c.AtHand() {
			return "", "", fmt.Errorf("cannot use the checksums %q: the file is too large (%d bytes)", sum, c.Size)
		}
		if sum, err = findSum(string(c.Data), path.Base(p.String("url")), sum); err != nil {
			return "", "", err
		}
	}
	sum = strings.ToLower(sum)
	if want, _ := sumOf(algorithm, nil); len(want) != len(sum) || strings.Trim(sum, "0123456789abcdef") != "" {
		return "", "", fmt.Errorf("cannot use the checksum %q: %s has %d hexadecimal digits", text, algorithm, len(want))
	}
	return algorithm, sum, nil
}

// findSum finds a file's line in a list such as sha256sum(1) writes ("HEX  NAME",
// "HEX *./NAME"), BSD's ("SHA256 (NAME) = HEX"), or a list of one sum without a name.
func findSum(list, name, from string) (string, error) {
	var only []string
	for line := range strings.Lines(list) {
		words := strings.Fields(line)
		switch {
		case len(words) == 1:
			only = append(only, words[0])
		case len(words) == 2 && path.Base(strings.TrimLeft(words[1], "*")) == name:
			return words[0], nil
		case len(words) == 4 && words[1] == "("+name+")" && words[2] == "=":
			return words[3], nil
		}
	}
	if len(only) == 1 {
		return only[0], nil
	}
	return "", fmt.Errorf("cannot find the checksum of %q in %q", name, from)
}

func sumOf(algorithm string, b []byte) (string, error) {
	switch algorithm {
	case "md5":
		s := md5.Sum(b) //nolint:gosec // as asked
		return hex.EncodeToString(s[:]), nil
	case "sha1":
		s := sha1.Sum(b) //nolint:gosec // as asked
		return hex.EncodeToString(s[:]), nil
	case "sha224":
		s := sha256.Sum224(b)
		return hex.EncodeToString(s[:]), nil
	case "sha256":
		s := sha256.Sum256(b)
		return hex.EncodeToString(s[:]), nil
	case "sha384":
		s := sha512.Sum384(b)
		return hex.EncodeToString(s[:]), nil
	case "sha512":
		s := sha512.Sum512(b)
		return hex.EncodeToString(s[:]), nil
	}
	return "", fmt.Errorf("cannot compute a checksum of kind %q", algorithm)
}

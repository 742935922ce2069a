package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"strings"

	"rp/e2e/laws"
)

// takeManifest writes a snapshot to standard output: the disk, and the live state read from standard input.
func takeManifest(args []string) error {
	fl := flag.NewFlagSet("manifest", flag.ContinueOnError)
	upper := fl.String("upper", "", "the upper directory of the host's overlay")
	base := fl.String("base", "", "its lower directory")
	mounts := map[string]string{}
	fl.Func("mount", "PATH=DIR: what is mounted at PATH of the host lies in DIR (repeatable)", func(s string) error {
		at, dir, ok := strings.Cut(s, "=")
		if !ok {
			return fmt.Errorf("%q is not PATH=DIR", s)
		}
		mounts[at] = dir
		return nil
	})
	if err := fl.Parse(args); err != nil {
		return fmt.Errorf("cannot read the flags: %w", err)
	}
	m, err := laws.ReadDisk(*upper, *base, mounts)
	if err != nil {
		return err
	}
	if err := m.AddLive(os.Stdin); err != nil {
		return err
	}
	return m.Write(os.Stdout)
}

// diffManifests prints what differs, and fails if anything does that no exception covers.
func diffManifests(args []string) error {
	if len(args) < 2 || len(args) > 4 {
		return errors.New("usage: labtool diff A B [EXCEPTIONS [LAW]]")
	}
	a, err := laws.ReadManifest(args[0])
	if err != nil {
		return err
	}
	b, err := laws.ReadManifest(args[1])
	if err != nil {
		return err
	}
	var exceptions laws.Exceptions
	if len(args) > 2 {
		if exceptions, err = laws.ReadExceptions(args[2]); err != nil {
			return err
		}
	}
	law := ""
	if len(args) > 3 {
		law = args[3]
	}
	left := exceptions.Filter(law, nil, laws.Diff(a, b))
	for _, d := range left {
		fmt.Println(d)
	}
	if len(left) > 0 {
		return fmt.Errorf("%d differences", len(left))
	}
	return nil
}

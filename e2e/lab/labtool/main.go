// Command labtool does for the lab what a shell cannot: certificates, the
// stand-in registry, an image from a root file system, and snapshots.
//
//	labtool ca DIR NAME...                        an authority and a certificate for the names
//	labtool image -registry DIR NAME:TAG TAR CMD  put an image of one layer into the registry's folder
//	labtool serve -addr IP -ca DIR …              the registry, and files under download sites' names
//	labtool manifest -upper DIR …  < live state   a snapshot of a host, to standard output
//	labtool diff A B [EXCEPTIONS [LAW]]           what differs between two snapshots
//
// It is part of the tests, not of rp, and uses only the standard library and rp/e2e/laws.
package main

import (
	"fmt"
	"os"
)

func main() {
	commands := map[string]func(args []string) error{
		"ca": makeCA, "image": makeImage, "serve": serve, "manifest": takeManifest, "diff": diffManifests,
	}
	if len(os.Args) < 2 || commands[os.Args[1]] == nil {
		fmt.Fprintln(os.Stderr, "usage: labtool ca|image|serve|manifest|diff …")
		os.Exit(1)
	}
	if err := commands[os.Args[1]](os.Args[2:]); err != nil {
		fmt.Fprintln(os.Stderr, "labtool:", err)
		os.Exit(1)
	}
}

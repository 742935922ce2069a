// Package e2e runs rp against real hosts.
//
// lab boots them: Debian systems with systemd and sshd in containers made by
// hand. The tests (build tag e2e, as root) build rp, take hosts from a pool,
// and run the scripts of testdata/script, which are testscript files; the
// command `laws` of a script holds the four laws over a playbook. What the laws
// excuse stands in exceptions.txt. docs/testing.md tells how to write one.
package e2e

//go:build !linux

package helper

import (
	"errors"
	"os/exec"
	"os/user"
	"syscall"
)

// Hosts are Linux; on other systems rp is only the controller, whose own tasks run as whoever started it.
var errLinuxOnly = errors.New("becoming another user is only supported on Linux")

type terminal struct{}

func (a *attempt) terminal(*exec.Cmd, bool) (*terminal, error) { return nil, errLinuxOnly }

func (t *terminal) started()                 {}
func (t *terminal) close()                   {}
func (t *terminal) watch(func([]byte, bool)) {}
func (t *terminal) write(string)             {}
func (t *terminal) said() string             { return "" }

func credentials(*user.User) (*syscall.SysProcAttr, error) { return nil, errLinuxOnly }

func shellOf(string) string { return "/bin/sh" }

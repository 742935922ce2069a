package modules

import (
	"fmt"
	"strconv"
	"strings"

	"rp/engine/state"
)

// newMode is the mode that text asks for: octal digits, or clauses as chmod(1)
// takes them (u=rw,g-w,o+X), which start from cur. dir says that it is a
// directory's, for X; umask limits clauses that name nobody.
func newMode(text string, cur state.Mode, dir bool, umask state.Mode) (state.Mode, error) {
	digits := strings.TrimPrefix(text, "0o")
	if digits != "" && strings.Trim(digits, "0123456789") == "" {
		n, err := strconv.ParseUint(digits, 8, 32)
		if err != nil || n > 0o7777 {
			return 0, fmt.Errorf("%q is no mode: it must be octal, at most 7777", text)
		}
		return state.Mode(n), nil
	}
	for clause := range strings.SplitSeq(text, ",") {
		next, err := modeClause(clause, cur, dir, umask)
		if err != nil {
			return 0, fmt.Errorf("%q is no mode: %w", text, err)
		}
		cur = next
	}
	return cur, nil
}

// modeClause applies one clause: who, then one or more of an operator and permissions.
func modeClause(clause string, cur state.Mode, dir bool, umask state.Mode) (state.Mode, error) {
	i := strings.IndexAny(clause, "+-=")
	if i < 0 {
		return 0, fmt.Errorf("%q has none of + - =", clause)
	}
	who := clause[:i]
	if strings.Trim(who, "ugoa") != "" {
		return 0, fmt.Errorf("%q is none of u g o a", who)
	}
	limit := state.Mode(0o7777)
	if who == "" {
		who, limit = "a", ^umask&0o7777
	}
	for rest := clause[i:]; rest != ""; {
		op := rest[0]
		end := strings.IndexAny(rest[1:], "+-=")
		if end < 0 {
			end = len(rest) - 1
		}
		bits, err := modeBits(who, rest[1:1+end], cur, dir)
		if err != nil {
			return 0, err
		}
		bits &= limit
		switch op {
		case '+':
			cur |= bits
		case '-':
			cur &^= bits
		default:
			cur = cur&^(whoMask(who, dir)&limit) | bits
		}
		rest = rest[1+end:]
	}
	return cur, nil
}

// whoMask is what = clears. A directory keeps its set-id bits, as chmod(1) has it.
func whoMask(who string, dir bool) state.Mode {
	var m state.Mode
	for _, w := range who {
		switch w {
		case 'u':
			m |= 0o4700
		case 'g':
			m |= 0o2070
		case 'o':
			m |= 0o0007
		case 'a':
			m |= 0o7777
		}
	}
	if dir {
		m &^= 0o6000
	}
	return m
}

func modeBits(who, perms string, cur state.Mode, dir bool) (state.Mode, error) {
	var rwx, special state.Mode
	for _, p := range perms {
		switch p {
		case 'r':
			rwx |= 4
		case 'w':
			rwx |= 2
		case 'x':
			rwx |= 1
		case 'X':
			if dir || cur&0o111 != 0 {
				rwx |= 1
			}
		case 's':
			special |= 0o6000
		case 't':
			special |= 0o1000
		case 'u':
			rwx |= cur >> 6 & 7
		case 'g':
			rwx |= cur >> 3 & 7
		case 'o':
			rwx |= cur & 7
		default:
			return 0, fmt.Errorf("%q is none of r w x X s t u g o", p)
		}
	}
	var m state.Mode
	for _, w := range who {
		switch w {
		case 'u':
			m |= rwx<<6 | special&0o4000
		case 'g':
			m |= rwx<<3 | special&0o2000
		case 'o':
			m |= rwx
		case 'a':
			m |= rwx<<6 | rwx<<3 | rwx | special
		}
	}
	return m | special&0o1000, nil
}

package modules

import (
	"context"
	"fmt"
	"path"
	"strings"

	"rp/engine/module"
	"rp/engine/state"
	"rp/engine/value"
)

// sshKey makes u's SSH key unless there is one, and puts the public key into r.
// ssh-keygen runs as the user, so that a home on NFS is no hindrance.
func sshKey(ctx context.Context, p module.Params, t module.Target, u state.User, r module.Result) error {
	home := known(u.Home, "home of "+u.Name)
	file := p.String("ssh_key_file")
	if file == "" {
		file = ".ssh/id_" + p.String("ssh_key_type")
	}
	if !path.IsAbs(file) {
		file = path.Join(home, file)
	}
	r["ssh_key_file"] = file
	got, err := t.Read(ctx, state.File{Path: file}, state.File{Path: path.Dir(file)})
	if err != nil {
		return err
	}
	key, dir := got[0].(state.File), got[1].(state.File)
	if known(key.Type, file) == state.Absent || p.Bool("force") {
		if known(dir.Type, dir.Path) == state.Absent {
			want := state.File{Path: dir.Path, Type: state.Is(state.Directory), Owner: state.Is(u.Name), Group: u.Group, Mode: state.Is(state.Mode(0o700))}
			if _, err := t.Want(ctx, want); err != nil {
				return err
			}
		}
		if known(key.Type, file) != state.Absent {
			if _, err := t.Want(ctx, state.File{Path: file, Type: state.Is(state.Absent)}, state.File{Path: file + ".pub", Type: state.Is(state.Absent)}); err != nil {
				return err
			}
		}
		out, err := t.Do(ctx, keygen(p, u.Name, file))
		if err != nil {
			return err
		}
		if out.Unknown {
			r["ssh_public_key"] = value.Unknown{After: p.Task}
			return nil
		}
		if out.Failed {
			return fmt.Errorf("cannot make an SSH key for %q: ssh-keygen: %v", u.Name, out.Fields["stderr"])
		}
	}
	pub, err := readOne(ctx, t, state.File{Path: file + ".pub", Content: state.Ask[state.Content]()})
	if err != nil || pub.Type.Or("") != state.Regular {
		return err
	}
	r["ssh_public_key"] = result(state.Map(pub.Content, func(c state.Content) string { return strings.TrimSpace(string(c.Data)) }))
	return nil
}

func keygen(p module.Params, user, file string) state.Command {
	comment := p.String("ssh_key_comment")
	if comment == "" {
		comment = "rp-generated on " + user
	}
	argv := []string{"ssh-keygen", "-q", "-t", p.String("ssh_key_type"), "-C", comment, "-N", "", "-f", file}
	if bits := p.Int("ssh_key_bits"); bits > 0 {
		argv = append(argv, "-b", fmt.Sprint(bits))
	}
	return state.Command{Argv: argv, As: user}
}

package remote

import (
	"fmt"
	"slices"
	"strings"
)

// script is what runs on the host, by its /bin/sh: it finds the helper, or
// takes it in, and becomes it. It is one command, so that a host where the
// helper lies already costs one exec.
//
// It stands between single quotes on the command line of whatever shell the
// user has (csh, fish), hence: no single quote, no exclamation mark, and its
// lines are joined by blanks. It speaks in lines that begin with the marker:
//
//	found ARCH PATH      the helper is there; what follows is its own
//	need ARCH N FORM DIR send its size in bytes, a newline, and it: gz or raw
//	placed ARCH PATH     it has been taken in; what follows is its own
//	fail N WHY           directory number N did not do
//	tried N WHY          nor did this one, before anything was sent
//	none                 no directory is left
//	os NAME, arch NAME   there is no helper for such a machine
//
// A copy counts as found only in a directory of the user's own that nobody else
// can write to, as a file of the right size that is the user's own; its name is
// its SHA-256. The helper itself checks that once, when it is taken in
// (__sha256), which also shows whether it may be executed there.
const script = `
m=@MARK@; set -f;
say() { printf "%s %s\n" $m "$*"; };
set -- $(uname -sm; id -u);
[ "$1" = Linux ] || { say os "$1"; exit 1; };
case $2 in @ARCHS@ *) say arch "$2"; exit 1;; esac;
u=$3; n=rp-helper-$h; x=" @SKIP@ ";
c=${XDG_CACHE_HOME:-}; case $c in /*) ;; *) c=${HOME:-/nonexistent}/.cache;; esac;
if [ "$u" = 0 ]; then p=755; q=022; set -- @ROOTDIRS@; else p=700; q=077; set -- @DIRS@; fi;
look() {
set -- $(unset TIME_STYLE; cd "$1" 2>/dev/null && LC_ALL=C ls -ldn . ./$n 2>/dev/null);
w="cannot be used"; [ $# -gt 8 ] || return 2;
w="belongs to another user"; [ "$3" = $u ] || return 2;
w="others can write to it"; case $1 in d????-??-*) ;; *) return 3;; esac;
[ "${12}" = $u ] && [ "${14}" = $z ] || return 1;
case ${10} in -??x?-??-*) return 0;; esac; return 1;
};
i=0; for d in "$@"; do i=$((i+1)); case $x in *" $i "*) continue;; esac;
if look "$d" && [ -x "$d/$n" ]; then say found $a "$d/$n"; exec "$d/$n" __helper @ARGS@; fi; done;
fit() {
w="cannot be made"; [ -d "$1" ] || (umask $q; mkdir -p "$1") 2>/dev/null || return 1;
look "$1"; case $? in 2) return 1;; 3) chmod go-w "$1" 2>/dev/null || return 1;; esac;
w="cannot be written to"; f="$1/.try-$$"; (umask 077; echo "exit 0" >"$f") 2>/dev/null || return 1;
w="may not execute programs (noexec)"; chmod 700 "$f"; "$f" </dev/null >/dev/null 2>&1; r=$?; rm -f "$f"; return $r;
};
bad() { rm -f "$t"; say fail $i "$*"; exit 1; };
i=0; for d in "$@"; do i=$((i+1)); case $x in *" $i "*) continue;; esac;
if fit "$d"; then
g=raw; command -v gzip >/dev/null 2>&1 && g=gz;
t="$d/.new-$$-$m"; say need $a $i $g "$d"; @DISCARD@
read -r b;
e=$( { umask 077; if [ $g = gz ]; then head -c "$b" | gzip -dc; else head -c "$b"; fi >"$t"; } 2>&1) || bad "$d: cannot be written to:" $e;
chmod $p "$t"; e=$("$t" __sha256 </dev/null 2>&1);
[ "$e" = $h ] || bad "$d: the helper does not run:" $e;
mv -f "$t" "$d/$n" || bad "$d: cannot rename";
(cd "$d" && { ls -t | { k=0; while read -r f; do case $f in rp-helper-*) k=$((k+1)); [ $k -gt 2 ] && rm -f "$f";; esac; done; };
find . -name ".new-*" -mmin +60 -exec rm -f {} +; }) </dev/null >/dev/null 2>&1;
say placed $a "$d/$n"; exec "$d/$n" __helper @ARGS@;
fi;
say tried $i "$d: $w"; done; say none; exit 1
`

// archNames are what uname -m says for each of Go's architectures. A kernel
// for 64 bits runs our static program whatever the rest of the system is.
var archNames = map[string]string{
	"amd64": "x86_64|amd64", "arm64": "aarch64|arm64", "arm": "armv6*|armv7*|armv8*", "386": "i386|i486|i586|i686",
	"riscv64": "riscv64", "ppc64le": "ppc64le", "s390x": "s390x",
}

// Where the helper may lie, in the order in which it is looked for: the shell
// puts in $c, the user's cache directory, and $u, the user's id.
var (
	userDirs = []string{"$c/rp", "/run/user/$u/rp", "/var/tmp/.rp-$u", "/dev/shm/.rp-$u"}
	rootDirs = []string{"/var/lib/rp/bin", "/run/rp/bin", "/var/tmp/.rp-$u", "/dev/shm/.rp-$u"}
)

// scriptFor fills the script in, ready to be a command line of any shell.
func scriptFor(marker string, images []Image, skip []int, o PlaceOptions) (string, error) {
	var archs strings.Builder
	for _, img := range images {
		names, ok := archNames[img.Arch]
		if !ok {
			continue
		}
		fmt.Fprintf(&archs, "%s) a=%s; h=%s; z=%d;; ", names, img.Arch, img.SHA256, img.Size)
	}
	skipped := strings.Trim(fmt.Sprint(skip), "[]")
	user, root := userDirs, rootDirs
	if len(o.Dirs) > 0 {
		user, root = o.Dirs, o.Dirs
	}
	discard := ""
	if len(o.First) > 0 {
		// What was sent for a helper that turns out not to be there. dd reads a
		// byte at a time; head may take more than it was asked for.
		discard = fmt.Sprintf("dd bs=1 count=%d >/dev/null 2>&1;", len(o.First))
	}
	for _, text := range slices.Concat(o.Args, o.Dirs) {
		if strings.ContainsAny(text, "'!\\\"`\n\r") {
			return "", fmt.Errorf("cannot pass %q to a host's shell", text)
		}
	}
	args := make([]string, len(o.Args))
	for i, a := range o.Args {
		if strings.Contains(a, "$") {
			return "", fmt.Errorf("cannot pass %q to a host's shell", a)
		}
		args[i] = `"` + a + `"`
	}
	text := strings.NewReplacer("@MARK@", marker, "@ARCHS@", archs.String(), "@SKIP@", skipped,
		"@DIRS@", quoteDirs(user), "@ROOTDIRS@", quoteDirs(root), "@ARGS@", strings.Join(args, " "), "@DISCARD@", discard).Replace(script)
	text = strings.Join(strings.Fields(strings.ReplaceAll(text, "\n", " ")), " ")
	return "exec /bin/sh -c '" + text + "'", nil
}

func quoteDirs(dirs []string) string { return `"` + strings.Join(dirs, `" "`) + `"` }

# A snapshot: the host's disk, read from outside, and its live state, read without a login.

snapshot() {
  local i=$1 d=$H/$1 file=$2
  labtool
  host_exec "$i" timeout 20 systemctl is-system-running --wait >/dev/null 2>&1 # boot jobs would still write
  host_exec "$i" /bin/sh -s <"$HERE/lib/live.sh" |
    "$TOOL" manifest -upper "$d/u" -base "$LAB/base-$(cat "$d/suite")" -mount "/home=$d/home" -mount "/var/lib/docker=$d/docker" >"$file.part" &&
    mv "$file.part" "$file" || die "cannot take a snapshot of host$i"
}

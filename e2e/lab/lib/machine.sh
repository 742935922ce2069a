# What the lab needs of the machine it runs on, and what it changes there.

TOOL=$LAB/bin/labtool
CG=/sys/fs/cgroup/unified
[ -f /sys/fs/cgroup/cgroup.controllers ] && CG=/sys/fs/cgroup

# locked NAME CMD...: one at a time, because scripts may share a lab
locked() {
  local name=$1 rc; shift
  mkdir -p "$LAB"
  exec 200>"$LAB/.lock.$name"; flock 200
  "$@"; rc=$?
  exec 200>&-
  return $rc
}

machine_need() {
  local c missing=
  for c in mmdebstrap ip iptables ssh dnsmasq unshare curl; do command -v $c >/dev/null || missing=1; done
  [ -n "$missing" ] || [ -z "$(find /var/lib/apt/lists -maxdepth 1 -name '*_InRelease' -print -quit 2>/dev/null)" ] || return 0
  echo "lab: installing what the lab needs (mmdebstrap, dnsmasq, iptables, iproute2, ssh, curl)" >&2
  { apt-get update -qq && { [ -z "$missing" ] || DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
    mmdebstrap openssh-client iproute2 iptables util-linux dnsmasq-base curl; }; } >"$LAB/apt.log" 2>&1 || { tail "$LAB/apt.log" >&2; die "apt-get failed"; }
}

# the lab's own program; built from this checkout when its sources changed
labtool() {
  [ "${TOOL_FRESH:-}" = 1 ] && return
  mkdir -p "$LAB/bin"
  (cd "$HERE/../.." && CGO_ENABLED=0 go build -trimpath -o "$TOOL.$$" ./e2e/lab/labtool && mv "$TOOL.$$" "$TOOL") || die "cannot build labtool"
  export TOOL_FRESH=1
}

# machine_sources SUITE: this machine's own Debian archives, as sources for another suite of it
machine_sources() {
  local code; code=$(. /etc/os-release; echo "$VERSION_CODENAME")
  apt-get indextargets --format '$(REPO_URI) $(RELEASE) $(COMPONENT)' 'Created-By: Packages' | sort -u |
    awk -v code="$code" -v suite="$1" '$2 == code || $2 == code "-updates" || $2 == code "-security" { sub(code, suite, $2); print "deb", $1, $2, $3 }'
}

# the names of hosts that apt on a lab host has to reach: the archives, or the proxy before them
machine_mirrors() {
  { machine_sources bookworm | awk '{ print $2 }'; apt-config dump | sed -nE 's/^Acquire::https?::Proxy "(.*)";/\1/p'; } |
    sed -nE 's#^[a-z+]+://([^/@ ]+@)?([^/:]+).*#\2#p' | sort -u
}

# tune FILE VALUE: raise a limit of this machine; lab_down puts the old one back
tune() {
  local old; read -r old <"$1" 2>/dev/null || return 0
  [ "$old" -lt "$2" ] || return 0
  grep -qs "^$1 " "$LAB/tuned" || echo "$1 $old" >>"$LAB/tuned"
  echo "$2" >"$1" 2>/dev/null || true
}

machine_tune() {
  tune /proc/sys/net/ipv4/ip_forward 1
  tune /proc/sys/fs/inotify/max_user_instances 8192
  tune /proc/sys/fs/inotify/max_user_watches 524288
  tune /proc/sys/kernel/keys/maxkeys 20000
  tune /proc/sys/kernel/keys/maxbytes 2000000
  tune /proc/sys/kernel/pid_max 65536
  tune /proc/sys/net/ipv4/neigh/default/gc_thresh3 65536
  tune /proc/sys/net/ipv4/neigh/default/gc_thresh2 16384
  tune /proc/sys/net/ipv4/neigh/default/gc_thresh1 4096
}

machine_untune() {
  local f v
  [ -f "$LAB/tuned" ] || return 0
  while read -r f v; do echo "$v" >"$f" 2>/dev/null; done <"$LAB/tuned"
  rm -f "$LAB/tuned"
}

# A pid file holds a process id and the time that it was started at, so that a file left from an earlier boot, or
# an id that was given to another process, is never taken for ours.
pid_write() { local s; read -r s 2>/dev/null <"/proc/$1/stat" || return; set -- "$1" "$2" ${s##*) }; echo "$1 ${22}" >"$2.new" && mv "$2.new" "$2"; }
pid_alive() { # pid_alive FILE: sets PID
  local s start; PID=
  [ -s "$1" ] && read -r PID start 2>/dev/null <"$1" && read -r s 2>/dev/null <"/proc/$PID/stat" || return
  set -- ${s##*) }
  [ "$1" != Z ] && [ "${20}" = "$start" ]
}

# daemon NAME CMD...: a process in the background with $LAB/run/NAME.pid and .log
daemon() {
  local name=$1; shift
  mkdir -p "$LAB/run"
  daemon_up "$name" && return
  setsid "$@" </dev/null >"$LAB/run/$name.log" 2>&1 200>&- & # not the lock: it would be held for good
  pid_write $! "$LAB/run/$name.pid"
}
daemon_up() { pid_alive "$LAB/run/$1.pid"; }
daemon_stop() {
  daemon_up "$1" && kill "$PID" 2>/dev/null
  rm -f "$LAB/run/$1.pid"
}

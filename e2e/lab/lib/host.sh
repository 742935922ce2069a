# One host: an overlay on the base, namespaces of its own, systemd (or sshd) as PID 1.

SSH_OPTIONS=(-q -i "$LAB/keys/id" -o BatchMode=yes -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o ConnectTimeout=3)

host_ids() { [ ! -d "$H" ] || find "$H" -mindepth 1 -maxdepth 1 -name '[0-9]*' -printf '%f\n' | sort -n; }
host_ssh() { local i=$1; shift; ssh "${SSH_OPTIONS[@]}" "root@$(host_ip "$i")" "$@"; }
host_list() { local i; for i in $(host_ids); do host_alive "$i" && echo "host$i $(host_ip "$i") up, $(cat "$H/$i/suite"), pid $(host_init "$i")"; done; }

host_alive() { pid_alive "$H/$1/pid"; }
host_init() { cut -d' ' -f1 "$H/$1/init.pid"; } # the host's PID 1, as this machine numbers it

host_exec() {
  local i=$1 user=(); shift
  host_alive "$i" || die "host$i is not up"
  [ -f "$H/$i/userns" ] && user=(--user -S 0 -G 0)
  nsenter -t "$(host_init "$i")" --mount --uts --ipc --net --pid --cgroup "${user[@]}" -- \
    env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C "$@"
}

# host_disk I: the files a new host starts with
host_disk() {
  local d=$H/$1 t
  mkdir -p "$d"/{u/etc/ssh,w,m,home,docker,keys}
  echo "$LAB_SUITE" >"$d/suite"
  echo "host$1" >"$d/u/etc/hostname"
  { printf '127.0.0.1 localhost\n127.0.1.1 host%s\n' "$1"; mirror_addresses; } >"$d/u/etc/hosts"
  [ "$LAB_HOSTKEYS" = 1 ] || { mkdir -p "$LAB/keys/host"; rmdir "$d/keys" 2>/dev/null && ln -sfn "$LAB/keys/host" "$d/keys"; }
  for t in ed25519 ecdsa; do
    [ -f "$d/keys/ssh_host_${t}_key" ] || ssh-keygen -q -t $t -N '' -C "host$1" -f "$d/keys/ssh_host_${t}_key"
  done
  cp -p "$d"/keys/ssh_host_* "$d/u/etc/ssh/"
  : >"$d/disk.ok"
}

host_start() {
  local i=$1 d=$H/$1 n=0 p
  host_alive "$i" && return
  [ -f "$d/disk.ok" ] && [ "$(cat "$d/suite")" = "$LAB_SUITE" ] || { host_wipe "$i"; host_disk "$i"; }
  ip netns del "rplab$i" 2>/dev/null; ip link del "rplab$i" 2>/dev/null
  mkdir -p "$CG/rplab$i"; rm -f "$d/init.pid" "$d/net.ok" "$d/userns"
  [ "$LAB_USERNS" = 1 ] && : >"$d/userns"
  # the shell goes into the host's own cgroup and then makes the namespaces; stage3 is PID 1 of the new pid namespace
  setsid bash -c 'echo $$ >"$1/cgroup.procs"; exec unshare --mount --propagation private "$2" stage2 "$3"' sh "$CG/rplab$i" "$SELF" "$i" \
    >"$d/console.log" 2>&1 </dev/null &
  pid_write $! "$d/pid"
  until [ -s "$d/init.pid" ]; do
    n=$((n + 1)); [ $n -lt 300 ] && host_alive "$i" || { cat "$d/console.log" >&2; return 1; }
    sleep 0.02
  done
  p=$(host_init "$i")
  ip netns attach "rplab$i" "$p"
  # always the same address: this machine may remember it from before a reset, and would talk to nobody for seconds
  ip link add "rplab$i" type veth peer name eth0 address "$(printf '02:52:50:00:%02x:%02x' $((i / 256)) $((i % 256)))" netns "rplab$i"
  ip -n "rplab$i" link set lo up; ip -n "rplab$i" addr add "$(host_ip "$i")/16" dev eth0
  ip -n "rplab$i" link set eth0 up; ip -n "rplab$i" route add default via $GW
  ip link set "rplab$i" master $BR up
  : >"$d/net.ok"
}

# stage2: real root in a private mount namespace: what a user namespace may not do itself
stage2() {
  local i=$1 d=$H/$1 m=$H/$1/m enter=() holder= child= n=0 spec
  # whole copies in the upper directory and no redirects: a snapshot reads it
  mount -t overlay "rplab$i" -o "lowerdir=$LAB/base-$(cat "$d/suite"),upperdir=$d/u,workdir=$d/w,redirect_dir=off,metacopy=off,index=off" "$m" || exit
  # a plain file system and not an overlay: Docker's overlay2 cannot have its upper directory on an overlay
  mount --bind "$d/home" "$m/home"; mount --bind "$d/docker" "$m/var/lib/docker"
  mount -t tmpfs -o mode=755,nosuid tmpfs "$m/dev"
  for spec in 'null 1 3' 'zero 1 5' 'full 1 7' 'random 1 8' 'urandom 1 9' 'tty 5 0' 'fuse 10 229' 'net/tun 10 200'; do
    set -- $spec; mkdir -p "$(dirname "$m/dev/$1")"; mknod -m 666 "$m/dev/$1" c "$2" "$3"
  done
  mkdir "$m/dev/pts" "$m/dev/shm"; ln -s pts/ptmx "$m/dev/ptmx"
  ln -s /proc/self/fd "$m/dev/fd"; ln -s fd/0 "$m/dev/stdin"; ln -s fd/1 "$m/dev/stdout"; ln -s fd/2 "$m/dev/stderr"
  touch "$m/dev/console"; mount --bind "$m/dev/null" "$m/dev/console"
  if [ -f "$d/userns" ]; then # identity map: the same ids on disk, own user.* sysctls, all capabilities inside and none outside
    unshare --user sleep 60 & holder=$!
    until [ "$(readlink /proc/$holder/ns/user)" != "$(readlink /proc/self/ns/user)" ]; do sleep 0.01; done
    echo 0 0 4294967295 >/proc/$holder/uid_map; echo 0 0 4294967295 >/proc/$holder/gid_map
    enter=(nsenter "--user=/proc/$holder/ns/user" -S 0 -G 0)
  fi
  "${enter[@]}" unshare --mount --propagation private --net --uts --ipc --pid --cgroup --fork --kill-child "$SELF" stage3 "$i" &
  local unshare=$!
  while [ -z "$child" ] && [ $n -lt 250 ]; do
    child=$(cat /proc/$unshare/task/$unshare/children 2>/dev/null); [ -n "$child" ] || sleep 0.02; n=$((n + 1))
  done
  pid_write "${child%% *}" "$d/init.pid"
  [ -n "$holder" ] && kill "$holder" 2>/dev/null
  wait "$unshare"
}

# stage3: PID 1 of the host
stage3() {
  local d=$H/$1 m=$H/$1/m
  hostname "host$1"
  mount --rbind "$m" "$m"
  mount -t proc proc "$m/proc"
  mount -t sysfs -o ro sysfs "$m/sys"
  mount -t cgroup2 cgroup2 "$m/sys/fs/cgroup"
  mount -t devpts -o newinstance,ptmxmode=0666,mode=620,gid=5 devpts "$m/dev/pts"
  mount -t tmpfs -o mode=1777,nosuid,nodev tmpfs "$m/dev/shm"
  mount -t tmpfs -o mode=755,nosuid,nodev tmpfs "$m/run"
  until [ -e "$d/net.ok" ]; do sleep 0.02; done
  cd "$m" && mkdir -p .old && pivot_root . .old && exec chroot . /bin/sh -c 'umount -l /.old; rmdir /.old 2>/dev/null
    export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
    if [ "$1" = sshd ]; then mkdir -p /run/sshd; exec env -i PATH=$PATH /usr/sbin/sshd -D -e; fi
    exec env -i container=lxc PATH=$PATH /sbin/init' sh "$LAB_MODE" </dev/null >/dev/null 2>&1
}

host_wait() {
  local n=0
  until host_ssh "$1" true </dev/null 2>/dev/null; do
    n=$((n + 1)); [ $n -lt 150 ] || { echo "lab: host$1 does not answer by ssh" >&2; return 1; }
    sleep 0.1
  done
}

host_down() {
  local i=$1 n=0
  if host_alive "$i"; then
    pid_alive "$H/$i/init.pid" && kill -KILL "$PID" 2>/dev/null
    while host_alive "$i" && [ $n -lt 100 ]; do sleep 0.02; n=$((n + 1)); done
    host_alive "$i" && kill -KILL "$PID" 2>/dev/null
  fi
  rm -f "$H/$i/pid" "$H/$i/init.pid"
  ip netns del "rplab$i" 2>/dev/null; ip link del "rplab$i" 2>/dev/null
  n=0
  [ ! -d "$CG/rplab$i" ] || echo 1 >"$CG/rplab$i/cgroup.kill" 2>/dev/null # what a killed stage2 left
  while [ -d "$CG/rplab$i" ] && [ $n -lt 50 ]; do
    find "$CG/rplab$i" -depth -type d -exec rmdir {} + 2>/dev/null; [ -d "$CG/rplab$i" ] && sleep 0.05; n=$((n + 1))
  done
}

host_wipe() { rm -rf "$H/$1"/{u,w,home,docker,disk.ok,suite}; }
host_renew() { host_down "$1"; host_wipe "$1"; host_start "$1"; }

# each FUNCTION I...: for every host, PAR at a time
each() {
  local f=$1 i rc=0 p; shift
  local -a ps=()
  for i in "$@"; do
    "$f" "$i" & ps+=($!)
    if [ ${#ps[@]} -ge "$PAR" ]; then for p in "${ps[@]}"; do wait "$p" || rc=1; done; ps=(); fi
  done
  for p in "${ps[@]}"; do wait "$p" || rc=1; done
  return $rc
}

lab_net() { base_make && net_up && dns_up && registry_up; }

lab_up() {
  locked net lab_net || exit 1
  # shellcheck disable=SC2068 # host numbers
  each host_start $@ && each host_wait $@ || die "not all hosts came up"
  host_list
}

lab_reset() {
  locked net lab_net || exit 1
  each host_renew "$@" && each host_wait "$@" || die "not all hosts came up"
}

lab_down() {
  local i
  if [ $# -gt 0 ]; then each host_down "$@"; return; fi
  for i in $(host_ids); do pid_alive "$H/$i/init.pid" && kill -KILL "$PID" 2>/dev/null; done
  # shellcheck disable=SC2046
  each host_down $(host_ids)
  daemon_stop dns; daemon_stop registry
  net_down
}

lab_purge() {
  lab_down
  [ -d "$LAB/keys" ] || [ -d "$H" ] || [ ! -e "$LAB" ] || die "$LAB does not look like a lab: not removed"
  rm -rf "$LAB"
}

host_known() {
  local i t ids
  ids=$(if [ -n "${1:-}" ]; then seq 1 "$1"; else host_ids; fi)
  for i in $ids; do
    for t in ed25519 ecdsa; do
      [ ! -f "$H/$i/keys/ssh_host_${t}_key.pub" ] || echo "$(host_ip "$i"),host$i $(cut -d' ' -f1,2 "$H/$i/keys/ssh_host_${t}_key.pub")"
    done
  done
}

host_inventory() {
  local i
  echo '[lab]'
  for i in $(seq 1 "$1"); do echo "host$i ansible_host=$(host_ip "$i")"; done
  printf '\n[lab:vars]\nansible_user=root\nansible_ssh_private_key_file=%s\n' "$LAB/keys/id"
}

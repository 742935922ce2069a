# The disk that all hosts of a suite share, read only below their own.

BASE=$LAB/base-$LAB_SUITE
# what a server has at the least; no python: a target of rp needs none
BASE_PACKAGES=systemd,systemd-sysv,dbus,libpam-systemd,openssh-server,sudo,iproute2,iputils-ping,procps,curl,ca-certificates,passwd,less,kmod
# a lab host needs none of these, or is disturbed by them while a test looks at it
BASE_MASKED='systemd-networkd-wait-online.service systemd-udevd.service systemd-udev-trigger.service dev-hugepages.mount
  sys-kernel-debug.mount sys-kernel-tracing.mount sys-fs-fuse-connections.mount getty@tty1.service console-getty.service
  e2scrub_reap.service e2scrub_all.timer fstrim.timer apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer
  systemd-tmpfiles-clean.timer systemd-journald-audit.socket'

base_make() {
  machine_need
  mkdir -p "$LAB/keys" "$H"; chmod 700 "$LAB/keys"
  [ -f "$LAB/keys/id" ] || ssh-keygen -q -t ed25519 -N '' -C lab -f "$LAB/keys/id"
  registry_ca
  local want="1 $BASE_PACKAGES,${LAB_INCLUDE:-} $(uname -r) $(cksum <"$LAB/ca/ca.crt")"
  [ "$(cat "$BASE.ok" 2>/dev/null)" = "$want" ] && return
  local i
  for i in $(host_ids); do # their disks are made for the old base
    [ "$(cat "$H/$i/suite" 2>/dev/null)" = "$LAB_SUITE" ] || continue
    host_alive "$i" && die "the $LAB_SUITE base has to be made anew, and host$i is up on it: lab.sh down first"
    host_wipe "$i"
  done
  echo "lab: making the $LAB_SUITE base (about half a minute)" >&2
  rm -rf "$BASE" "$BASE.ok"
  machine_sources "$LAB_SUITE" >"$BASE.list"
  mmdebstrap --mode=root --variant=minbase --include="$BASE_PACKAGES${LAB_INCLUDE:+,$LAB_INCLUDE}" "$LAB_SUITE" "$BASE" "$BASE.list" \
    >"$BASE.log" 2>&1 || { tail "$BASE.log" >&2; die "cannot make the base"; }
  base_configure "$BASE"
  echo "$want" >"$BASE.ok"
}

base_configure() {
  local b=$1 f k
  for f in /etc/apt/apt.conf /etc/apt/apt.conf.d/*; do # how this machine reaches its archives: not what packages brought
    [ -f "$f" ] && ! dpkg -S "$f" >/dev/null 2>&1 && cp "$f" "$b/$f"
  done
  cp "$BASE.list" "$b/etc/apt/sources.list"; rm -f "$b"/etc/apt/sources.list.d/*
  echo force-unsafe-io >"$b/etc/dpkg/dpkg.cfg.d/lab"
  install -d -m700 "$b/root/.ssh"; install -m600 "$LAB/keys/id.pub" "$b/root/.ssh/authorized_keys"
  rm -f "$b/etc/machine-id" "$b/var/lib/dbus/machine-id" "$b"/etc/ssh/ssh_host_*; : >"$b/etc/machine-id"
  for f in $BASE_MASKED; do ln -sf /dev/null "$b/etc/systemd/system/$f"; done
  mkdir -p "$b/etc/ssh/sshd_config.d"
  printf '%s\n' 'UseDNS no' 'PermitRootLogin prohibit-password' 'MaxStartups 200:30:400' 'MaxSessions 200' >"$b/etc/ssh/sshd_config.d/lab.conf"
  echo "nameserver $GW" >"$b/etc/resolv.conf"
  cp "$LAB/ca/ca.crt" "$b/usr/local/share/ca-certificates/lab.crt"; chroot "$b" update-ca-certificates >/dev/null 2>&1
  # hosts have no modules of their own: name what this kernel has built in, for modprobe and dockerd-rootless-setuptool.sh
  k=$b/lib/modules/$(uname -r); mkdir -p "$k"; : >"$k/modules.order"
  printf 'kernel/%s.ko\n' net/ipv4/netfilter/{ip_tables,iptable_nat,iptable_filter} net/ipv6/netfilter/ip6_tables fs/overlayfs/overlay \
    net/bridge/br_netfilter drivers/net/{tun,veth} net/netfilter/nf_tables fs/fuse/fuse >"$k/modules.builtin"
  chroot "$b" depmod "$(uname -r)" 2>/dev/null
  mkdir -p "$b/var/lib/docker" # a mount point on every host
}

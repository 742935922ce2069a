# Rootless Docker by hand on a bare host, from Debian's packages: what rp's playbook must be able to do here.

selftest() {
  local i=9 begin end
  locked net lab_net || exit 1
  host_renew $i && host_wait $i || die "host$i did not come up"
  begin=$(date +%s)
  host_ssh $i 'sh -e -s' <<'SH' || { host_ssh $i 'journalctl _UID=4000 -n 40 --no-pager' >&2; die "rootless Docker does not work in the lab"; }
! command -v python3
apt-get update -qq
DEBIAN_FRONTEND=noninteractive apt-get install -y -qq docker.io uidmap dbus-user-session slirp4netns fuse-overlayfs rootlesskit >/dev/null 2>&1
systemctl disable -q --now docker.service docker.socket containerd.service 2>/dev/null
useradd -m -u 4000 -s /bin/bash docky
grep docky /etc/subuid
sysctl -qw user.max_user_namespaces=28633
ln -s /usr/share/docker.io/contrib/dockerd-rootless.sh /usr/share/docker.io/contrib/dockerd-rootless-setuptool.sh /usr/bin/
loginctl enable-linger docky
until [ -S /run/user/4000/bus ]; do sleep 0.1; done
as() { setpriv --reuid docky --regid docky --init-groups env -i HOME=/home/docky USER=docky PATH=/usr/bin:/usr/sbin:/bin:/sbin XDG_RUNTIME_DIR=/run/user/4000 DOCKER_HOST=unix:///run/user/4000/docker.sock "$@"; }
as dockerd-rootless-setuptool.sh install >/dev/null 2>&1
as docker run -d --name web -p 8080:80 nginx >/dev/null
as docker ps
as docker info --format '{{.Driver}} {{.CgroupDriver}} {{.SecurityOptions}}'
SH
  end=$(date +%s)
  curl -sf "http://$(host_ip $i):8080/" | grep -o 'Welcome to nginx!' | head -1 || die "nginx does not answer"
  echo "rootless Docker on a bare host: $((end - begin)) s"
  host_down $i; host_wipe $i
}

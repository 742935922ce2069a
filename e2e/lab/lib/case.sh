# Cases: what real machines do to a login. Each makes one host such a machine.

CASE_PASSWORD='lab pass"word$1' # of every account that has one: quotes and dollars must survive
CASE_ROOT_PASSWORD="root's pass word"

case_list() {
  cat <<'LIST'
deploy         user deploy (uid 3001): sudo without a password
admin          user admin (uid 3002): sudo with the password
requiretty     user needtty (uid 3003): sudo with the password, and only from a terminal
requiretty-nopasswd  user needttynp (uid 3004): sudo without a password, and only from a terminal
su             user plain (uid 3005): no sudo; root has a password for su
password       user secret (uid 3006): sshd takes the password, and no key
csh            user csh (uid 3007): tcsh is the login shell; sudo without a password
noisy          user noisy (uid 3008): start-up files print; sudo without a password
nologin        user locked (uid 3009): /usr/sbin/nologin is the login shell
noexec         user deploy, and /home is mounted noexec
noexec-all     user deploy, and nothing that deploy can write to may execute
target         user app (uid 3010): no login at all; somebody to become
LIST
}

# case_user NAME UID SHELL: a user that the lab's key opens
case_user() {
  printf '%s\n' "id -u $1 >/dev/null 2>&1 || useradd -m -u $2 -s $3 $1" "install -d -m700 -o $1 -g $1 /home/$1/.ssh" \
    "install -m600 -o $1 -g $1 /root/.ssh/authorized_keys /home/$1/.ssh/authorized_keys"
}
case_sudo() { echo "printf '%s\\n' '$2' >/etc/sudoers.d/$1; chmod 440 /etc/sudoers.d/$1"; }
case_password() { printf "chpasswd <<'PASSWORD'\n%s:%s\nPASSWORD\n" "$1" "$2"; }
case_noexec() { local p; for p in "$@"; do echo "mkdir -p $p; mountpoint -q $p || mount --bind $p $p; mount -o remount,bind,noexec $p"; done; }

case_script() {
  case $1 in
    deploy) case_user deploy 3001 /bin/bash; case_sudo deploy 'deploy ALL=(ALL:ALL) NOPASSWD: ALL';;
    admin) case_user admin 3002 /bin/bash; case_password admin "$CASE_PASSWORD"; case_sudo admin 'admin ALL=(ALL:ALL) ALL';;
    requiretty)
      case_user needtty 3003 /bin/bash; case_password needtty "$CASE_PASSWORD"
      case_sudo needtty 'Defaults:needtty requiretty'"'"' '"'"'needtty ALL=(ALL:ALL) ALL';;
    requiretty-nopasswd)
      case_user needttynp 3004 /bin/bash
      case_sudo needttynp 'Defaults:needttynp requiretty'"'"' '"'"'needttynp ALL=(ALL:ALL) NOPASSWD: ALL';;
    su) case_user plain 3005 /bin/bash; case_password root "$CASE_ROOT_PASSWORD";;
    password)
      case_user secret 3006 /bin/bash; case_password secret "$CASE_PASSWORD"
      echo 'rm /home/secret/.ssh/authorized_keys; echo "PasswordAuthentication yes" >/etc/ssh/sshd_config.d/00password.conf; systemctl reload ssh';;
    csh)
      echo 'apt-get update -qq; DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends tcsh >/dev/null 2>&1'
      case_user csh 3007 /usr/bin/tcsh; case_sudo csh 'csh ALL=(ALL:ALL) NOPASSWD: ALL';;
    noisy)
      case_user noisy 3008 /bin/bash; case_sudo noisy 'noisy ALL=(ALL:ALL) NOPASSWD: ALL'
      echo 'for f in .bashrc .profile .bash_profile; do { echo "echo welcome to this machine"; echo "printf \"no newline\""; echo "echo warnings too >&2"; cat /home/noisy/$f 2>/dev/null || :; } >/home/noisy/$f.new; mv /home/noisy/$f.new /home/noisy/$f; done; echo "a banner" >/etc/issue.net; echo "Banner /etc/issue.net" >/etc/ssh/sshd_config.d/00banner.conf; systemctl reload ssh';;
    nologin) case_user locked 3009 /usr/sbin/nologin;;
    noexec) case_script deploy; case_noexec /home;;
    noexec-all)
      case_script deploy
      case_noexec /home /tmp /var/tmp /dev/shm
      # the login's own tmpfs comes with the login: keep it, and make it noexec
      echo 'loginctl enable-linger deploy; until mountpoint -q /run/user/3001; do sleep 0.1; done'
      case_noexec /run/user/3001 /run/lock;;
    target) echo 'useradd -m -u 3010 -s /bin/bash app; passwd -q -l app';;
    *) return 1;;
  esac
}

case_set() {
  local script
  script=$(case_script "$1") || { case_list >&2; die "no case \"$1\""; }
  host_exec "$2" /bin/sh -e -s <<<"$script" || die "cannot make host$2 the case $1"
}

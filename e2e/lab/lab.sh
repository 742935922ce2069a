#!/bin/bash
# lab.sh - real Debian hosts on this machine: each has systemd as PID 1, sshd, its own network, users and sysctls.
#
#   lab.sh up N              boot the hosts 1..N that are not up yet (makes the base and the registry the first time)
#   lab.sh start I           boot host I alone
#   lab.sh reset I...        give hosts a fresh disk; keys and addresses stay
#   lab.sh ssh I CMD...      run CMD as root on host I over SSH
#   lab.sh exec I CMD...     run CMD as root on host I without a login (nothing is logged there)
#   lab.sh ip I              the address of host I
#   lab.sh list              the hosts that are up
#   lab.sh inventory N       print an inventory of the hosts 1..N;  lab.sh known-hosts [N]: their host keys
#   lab.sh case NAME I       make host I a case; lab.sh cases lists them
#   lab.sh link I up|down    cut a host off the network, or connect it again
#   lab.sh snapshot I FILE   write down the disk and the live state of host I
#   lab.sh diff A B [EXCEPTIONS [LAW]]   compare two snapshots
#   lab.sh serve DIR NAME    serve DIR's files inside the lab as http:// and https://NAME (NAME one of: lab.sh names)
#   lab.sh selftest          rootless Docker by hand on a bare host: is the lab fit for the job?
#   lab.sh down [I...]       stop hosts; without I all of them, and the network, DNS and registry with them
#   lab.sh release I...      stop hosts, and the lab with them if no other host is up
#   lab.sh purge             down, and remove everything that the lab ever wrote
#
# Environment:
#   LAB=/var/tmp/rp-lab      where everything lies
#   LAB_SUITE=bookworm       or bullseye, trixie: the Debian of hosts that are created now
#   LAB_MODE=systemd         or sshd: light hosts in which sshd is PID 1
#   LAB_HOSTKEYS=1           each host has host keys of its own; 0: one pair for all
#   LAB_USERNS=1             each host has a user namespace of its own (user.* sysctls need it)
#   LAB_INCLUDE=             more packages for the base, separated by commas
#   LAB_PAR=4                how many hosts are booted at a time
set -u -o pipefail
SELF=$(readlink -f "${BASH_SOURCE[0]}")
HERE=${SELF%/*}
export LAB=${LAB:-/var/tmp/rp-lab}
export LAB_SUITE=${LAB_SUITE:-bookworm} LAB_MODE=${LAB_MODE:-systemd} LAB_USERNS=${LAB_USERNS:-1} LAB_HOSTKEYS=${LAB_HOSTKEYS:-1}
PAR=${LAB_PAR:-4}
BR=rplab0 NET=10.99 GW=10.99.0.1
H=$LAB/hosts

die() { echo "lab: $*" >&2; exit 1; }

# shellcheck source-path=SCRIPTDIR
for lib in machine base net registry host case snapshot selftest; do . "$HERE/lib/$lib.sh"; done

usage() { sed -nE '2,/^[^#]/s/^# ?//p' "$SELF"; exit "${1:-1}"; }
number() { case ${1:-} in '' | *[!0-9]*) die "a host is a number, not \"${1:-}\"";; esac; }

cmd=${1:-}; [ $# -eq 0 ] || shift
case $cmd in
  stage2 | stage3) "$cmd" "$1"; exit;;
  ip) number "${1:-}"; host_ip "$1"; exit;;
  tool) labtool; echo "$TOOL" >&2; exit;;
  names) printf '%s\n' $STANDINS; exit;;
  cases) case_list; exit;;
  diff) labtool; exec "$TOOL" diff "$@";;
  '' | help | -h | --help) usage 0;;
esac
[ "$(id -u)" = 0 ] || die "the lab needs root"
case $cmd in
  base) base_make;;
  up) number "${1:-}"; lab_up "$(seq 1 "$1")";;
  start) number "${1:-}"; lab_up "$1";;
  reset) for i in "$@"; do number "$i"; done; lab_reset "$@";;
  ssh) number "${1:-}"; host_ssh "$@";;
  exec) number "${1:-}"; host_exec "$@";;
  list) host_list;;
  inventory) number "${1:-}"; host_inventory "$1";;
  known-hosts) host_known "${1:-}";;
  case) number "${2:-}"; case_set "$1" "$2";;
  link) number "${1:-}"; ip link set "rplab$1" "$2";;
  snapshot) number "${1:-}"; snapshot "$1" "${2:?lab: snapshot I FILE}";;
  serve) registry_serve "${1:?lab: serve DIR NAME}" "${2:?lab: serve DIR NAME}";;
  selftest) selftest;;
  down) lab_down "$@";;
  release) lab_down "$@"; [ -n "$(host_list)" ] || lab_down;;
  purge) lab_purge;;
  *) usage;;
esac

#!/bin/bash
# make demo: from two bare Debian hosts to nginx in rootless Docker, and a second run that changes nothing.
# Every command that matters is printed as it would be typed. DEMO_KEEP=1 leaves the two hosts up.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

export LAB=${LAB:-/var/tmp/rp-lab}
lab=e2e/lab/lab.sh
hosts=(101 102) # away from the numbers that the tests use
work=$LAB/demo

stop() {
  [ -n "${DEMO_KEEP:-}" ] && return
  $lab release "${hosts[@]}" || true
}
trap stop EXIT

say() { printf '\n\033[1m%s\033[0m\n' "$*"; }
run() { say "\$ $*"; "$@"; }

say "Booting two bare Debian 12 hosts"
$lab reset "${hosts[@]}"
$lab list

# the only configuration there is: who the hosts are, how to log in, and where Docker comes from
rm -rf "$work"; mkdir -p "$work/.ssh"; chmod 700 "$work/.ssh"
$lab known-hosts >"$work/.ssh/known_hosts"
{
  echo '[demo]'
  for i in "${hosts[@]}"; do echo "web$i ansible_host=$($lab ip "$i")"; done
  printf '\n[demo:vars]\nansible_user=root\nansible_ssh_private_key_file=%s\nrootless_install=package\n' "$LAB/keys/id"
} >"$work/hosts"
cp -r playbooks "$work/"
PATH=$PWD/bin:$PATH
export HOME=$work
lab=$PWD/$lab
cd "$work"
run cat hosts

begin=$(date +%s.%N)
run rp run playbooks/rootless.yml -i hosts
first=$(awk -v a="$begin" -v b="$(date +%s.%N)" 'BEGIN { printf "%.1f", b - a }')

as_user='cd / && exec setpriv --reuid rootless --regid rootless --init-groups env -i PATH=/usr/bin:/bin HOME=/home/rootless DOCKER_HOST=unix:///run/user/$(id -u rootless)/docker.sock'
for i in "${hosts[@]}"; do
  say "web$i: docker ps, as the user rootless"
  $lab exec "$i" sh -c "$as_user docker ps"
  say "web$i: http://$($lab ip "$i"):8080"
  curl -sS --fail --max-time 10 "http://$($lab ip "$i"):8080/" | head -n 8
done

begin=$(date +%s.%N)
run rp run playbooks/rootless.yml -i hosts | tee second.out
second=$(awk -v a="$begin" -v b="$(date +%s.%N)" 'BEGIN { printf "%.1f", b - a }')
for i in "${hosts[@]}"; do
  grep -Eq "^web$i .*changed=0 " second.out || { echo "the second run changed something on web$i" >&2; exit 1; }
done
say "First run $first s on two bare hosts; second run $second s, changed=0 on both."

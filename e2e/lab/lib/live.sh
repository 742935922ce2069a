# Runs on a lab host: the state that is not on the disk, as lines of NAME<tab>VALUE.
tab=$(printf '\t')
for f in /proc/sys/user/* /proc/sys/kernel/unprivileged_userns_clone /proc/sys/net/ipv4/ip_forward \
  /proc/sys/net/ipv4/ip_unprivileged_port_start /proc/sys/net/ipv4/ping_group_range; do
  [ -r "$f" ] && echo "sysctl/$(echo "${f#/proc/sys/}" | tr / .)$tab$(tr '\t' ' ' <"$f")"
done

units() { # units PREFIX SYSTEMCTL...: the units in memory and their files
  prefix=$1; shift
  "$@" list-units --all --plain --no-legend --no-pager 2>/dev/null | awk -v p="$prefix" '{ print "unit/" p "/" $1 "\t" $2, $3, $4 }'
  "$@" list-unit-files --no-legend --no-pager 2>/dev/null | awk -v p="$prefix" '{ print "unit-file/" p "/" $1 "\t" $2 }'
}
if [ -d /run/systemd/system ]; then
  units system systemctl
  for d in /run/user/*; do
    [ -S "$d/systemd/private" ] || continue
    uid=${d##*/}
    units "$uid" setpriv --reuid "$uid" --clear-groups env XDG_RUNTIME_DIR="$d" systemctl --user
  done
  for u in /var/lib/systemd/linger/*; do [ -e "$u" ] && echo "linger/${u##*/}${tab}yes"; done
fi

for db in passwd group shadow gshadow; do getent $db | awk -v db=$db '{ i = index($0, ":"); print db "/" substr($0, 1, i - 1) "\t" substr($0, i + 1) }'; done
# one line for a name and user, however many there are
ps -eo user:32=,pid=,ppid=,comm= | awk -v me=$$ '$2 != me && $3 != me { print "process/" $1 "/" $4 "\trunning" }'
awk '{ print "mount" $5 "\t" $6 }' /proc/self/mountinfo
for f in $(find /dev/shm -mindepth 1 2>/dev/null); do echo "shm/${f#/dev/shm/}${tab}there"; done

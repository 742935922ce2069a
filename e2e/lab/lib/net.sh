# The network of the lab: a bridge, DNS for the lab's names, and the way to the Debian archive; nothing else is let out.

net_up() {
  local owner
  if ip link show $BR >/dev/null 2>&1; then
    owner=$(cat /sys/class/net/$BR/ifalias)
    [ "$owner" = "$LAB" ] && return
    die "another lab is up: LAB=$owner"
  fi
  machine_tune
  ip link add $BR type bridge; ip link set $BR alias "$LAB"; ip addr add $GW/16 dev $BR; ip link set $BR up
  iptables -N RPLAB 2>/dev/null; iptables -F RPLAB
  iptables -t nat -N RPLAB 2>/dev/null; iptables -t nat -F RPLAB
  iptables -C FORWARD -j RPLAB 2>/dev/null || iptables -I FORWARD 1 -j RPLAB
  iptables -t nat -C POSTROUTING -j RPLAB 2>/dev/null || iptables -t nat -A POSTROUTING -j RPLAB
  local a
  for a in $(mirror_addresses | awk '{ print $1 }' | sort -u); do
    iptables -A RPLAB -i $BR -d "$a" -p tcp -j ACCEPT
    iptables -t nat -A RPLAB -s $NET.0.0/16 -d "$a" -j MASQUERADE
  done
  iptables -A RPLAB -o $BR -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
  iptables -A RPLAB -i $BR -o $BR -j ACCEPT
  iptables -A RPLAB -i $BR -j REJECT
}

net_down() {
  [ "$(cat /sys/class/net/$BR/ifalias 2>/dev/null)" = "$LAB" ] || return 0
  ip link del $BR 2>/dev/null
  iptables -D FORWARD -j RPLAB 2>/dev/null; iptables -F RPLAB 2>/dev/null; iptables -X RPLAB 2>/dev/null
  iptables -t nat -D POSTROUTING -j RPLAB 2>/dev/null; iptables -t nat -F RPLAB 2>/dev/null; iptables -t nat -X RPLAB 2>/dev/null
  machine_untune
}

mirror_addresses() { local m; for m in $(machine_mirrors); do getent ahostsv4 "$m" | awk -v m="$m" '!seen[$1]++ { print $1, m }'; done; }

# names that are not the lab's are refused at once: a pull would lose ten seconds to each time-out
dns_up() {
  mkdir -p "$LAB/dns"
  daemon_up dns && return
  { mirror_addresses; echo "$GW $STANDINS"; local i; for i in $(seq 1 250); do echo "$(host_ip "$i") host$i"; done; } >"$LAB/dns/hosts"
  daemon dns dnsmasq -k --no-hosts --no-resolv --no-poll --address=/#/ --conf-file=/dev/null --user=root --pid-file= \
    --listen-address=$GW --bind-interfaces --except-interface=lo --addn-hosts="$LAB/dns/hosts" --log-facility=-
}

host_ip() { local n=$(($1 + 10)); echo $NET.$((n / 250)).$((n % 250 + 1)); }

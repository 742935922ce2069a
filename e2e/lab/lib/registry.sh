# The stand-in for what hosts would fetch from the world: a registry with nginx that answers as Docker Hub, and files
# served under a download site's name; TLS by the lab's own authority, which the base trusts.

STANDINS='registry-1.docker.io index.docker.io auth.docker.io registry.lab files.lab download.docker.com get.docker.com'

registry_ca() {
  [ -f "$LAB/ca/tls.key" ] && return
  labtool
  # shellcheck disable=SC2086 # one name a word
  "$TOOL" ca "$LAB/ca" $GW $STANDINS || die "cannot make the lab's certificates"
}

registry_up() {
  daemon_up registry && return
  labtool; registry_image
  mkdir -p "$LAB/www"
  daemon registry "$TOOL" serve -addr $GW -ca "$LAB/ca" -registry "$LAB/registry" -www "$LAB/www"
  local n=0
  until (echo >/dev/tcp/$GW/443) 2>/dev/null; do
    n=$((n + 1)); [ $n -lt 100 ] || { cat "$LAB/run/registry.log" >&2; die "the registry does not answer"; }
    sleep 0.05
  done
}

# an image of Debian's own nginx: no Docker is needed to make it, and none of its files leaves this machine
registry_image() {
  [ -f "$LAB/registry/ok" ] && return
  echo "lab: making the nginx image (about ten seconds)" >&2
  local w r; w=$(mktemp -d "$LAB/image.XXXX"); r=$w/root
  machine_sources bookworm >"$w/list"
  mmdebstrap --mode=root --variant=extract --include=nginx-light,base-files,dash,coreutils,curl- bookworm "$r" "$w/list" \
    >"$LAB/image.log" 2>&1 || { tail "$LAB/image.log" >&2; die "cannot make the nginx image"; }
  printf '%s\n' root:x:0:0:root:/root:/bin/sh www-data:x:33:33:www-data:/var/www:/usr/sbin/nologin \
    nginx:x:101:101:nginx:/nonexistent:/bin/false nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin >"$r/etc/passwd"
  printf '%s\n' root:x:0: adm:x:4: www-data:x:33: nginx:x:101: nogroup:x:65534: >"$r/etc/group"
  mkdir -p "$r"/var/lib/nginx "$r"/var/log/nginx "$r"/run "$r"/tmp "$r"/etc/nginx/conf.d; chmod 1777 "$r/tmp"
  ln -sf /dev/stdout "$r/var/log/nginx/access.log"; ln -sf /dev/stderr "$r/var/log/nginx/error.log"
  printf '%s\n' 'user nginx;' 'worker_processes auto;' 'error_log /var/log/nginx/error.log notice;' 'pid /var/run/nginx.pid;' \
    'events { worker_connections 1024; }' 'http {' '  include /etc/nginx/mime.types; default_type application/octet-stream;' \
    '  access_log /var/log/nginx/access.log; sendfile on; keepalive_timeout 65;' '  include /etc/nginx/conf.d/*.conf;' '}' >"$r/etc/nginx/nginx.conf"
  printf '%s\n' 'server {' '  listen 80; listen [::]:80; server_name localhost;' \
    '  location / { root /usr/share/nginx/html; index index.html index.htm; }' '}' >"$r/etc/nginx/conf.d/default.conf"
  rm -rf "$r"/usr/share/{doc,man,locale,info,lintian,bash-completion} "$r"/usr/lib/*/perl* "$r"/usr/share/perl* "$r"/usr/bin/perl* \
    "$r"/var/lib/apt "$r"/var/cache "$r"/usr/lib/systemd "$r"/lib/systemd
  [ -e "$r/var/run" ] || ln -s /run "$r/var/run"
  tar -C "$r" --numeric-owner --sort=name -cf "$w/root.tar" . &&
    "$TOOL" image -registry "$LAB/registry" -port 80/tcp -stop SIGQUIT -- library/nginx:latest "$w/root.tar" nginx -g 'daemon off;' ||
    die "cannot make the nginx image"
  rm -rf "$w"; : >"$LAB/registry/ok"
}

registry_serve() {
  case " $STANDINS " in *" $2 "*) ;; *) die "no name \"$2\" in the lab; lab.sh names lists them";; esac
  mkdir -p "$LAB/www"; ln -sfn "$(readlink -f "$1")" "$LAB/www/$2"
}

#!/bin/sh
# A docker host of its own: dockerd and sshd in new mount, network and process namespaces (process 1 is this script).
# It lives as long as its standard input; then the kernel ends all of it.
#   $1 folder of the host   $2 folder of unpacked packages   $3 port of the registry   $4 name of its control groups
set -eu
# What follows is for a machine of its own.
[ $$ = 1 ] || exit 1
folder=$1 tools=$2 registry=$3 group=$4
libraries=$tools/lib/x86_64-linux-gnu:$tools/usr/lib/x86_64-linux-gnu
PATH=$tools/usr/bin:$tools/usr/sbin:/usr/sbin:/usr/bin:/sbin:/bin
export PATH
mount --make-rprivate /
mount -t tmpfs tmpfs /run
mount -t tmpfs tmpfs /var/log
mkdir -p /run/sshd "$folder/home" "$folder/data" "$folder/runtime"
ip link set lo up

# A user of this host alone; sshd wants one of its own besides.
{ grep -v -e ^sshd: -e ^deploy: /etc/passwd; echo "deploy:x:0:0::$folder/home:/bin/sh"; echo "sshd:x:65533:65534::/run/sshd:/bin/false"; } > "$folder/passwd"
mount --bind "$folder/passwd" /etc/passwd
cat > "$folder/sshd_config" <<END
ListenAddress 127.0.0.1:22
HostKey $folder/host_key
AuthorizedKeysFile $folder/authorized_keys
StrictModes no
UsePAM no
PermitRootLogin yes
PasswordAuthentication no
PidFile none
SetEnv PATH=$PATH XDG_RUNTIME_DIR=$folder/runtime
END
LD_LIBRARY_PATH=$libraries "$tools/usr/sbin/sshd" -D -E "$folder/sshd.log" -f "$folder/sshd_config" &

python3 "$(dirname "$0")/relay.py" "tcp:$registry=unix:$folder/registry" "unix:$folder/ssh=tcp:22" "unix:$folder/web=tcp:8080" &

# It comes back when it ends, as on a machine with an init system.
while :; do
  rm -f /run/docker.pid
  LD_LIBRARY_PATH=$libraries dockerd --data-root "$folder/data" --exec-root /run/docker --pidfile /run/docker.pid \
    --cgroup-parent "/$group" --userland-proxy-path "$tools/usr/sbin/docker-proxy" >> "$folder/dockerd.log" 2>&1 || sleep 0.3
done &
cat > /dev/null || true

# Whoever started it has ended, well or not: nothing of it stays.
set +e
kill -KILL -1
sleep 0.3
umount -l /etc/passwd
grep -o " $folder/[^ ]*" /proc/self/mounts | sort -r | while read -r each; do umount -l "$each"; done
find /sys/fs/cgroup -depth -type d -path "*/$group*" -exec rmdir {} + 2> /dev/null
rm -rf "$folder"

#!/bin/sh
# A container by hand: run in namespaces of its own (user, mounts, processes) by test_containers.py.
#
#   _container.sh ROOT TAP USER GROUP FOLDER... -- COMMAND...
#
# ROOT: an empty folder; TAP: the monitor's socket directory, the only thing of the agent's that is mounted, read-only; USER, GROUP:
# who the container's root is outside ("-": whoever runs this); FOLDERs are mounted read-only at their own paths.
set -e
PATH=$PATH:/usr/sbin:/sbin # pivot_root is there
root=$1 tap=$2 user=$3 group=$4
shift 4

read_only() {
    mkdir -p "$root$1"
    mount --rbind "$1" "$root$1"
    mount -o remount,bind,ro "$root$1"
}

mount -t tmpfs -o mode=755 container "$root"
mkdir "$root/tmp"
mount -t tmpfs -o mode=1777 container "$root/tmp"
for folder in /bin /sbin /lib /lib64; do
    if [ -L "$folder" ]; then
        ln -s "$(readlink "$folder")" "$root$folder"
    elif [ -d "$folder" ]; then
        read_only "$folder"
    fi
done
read_only /usr
while [ "$1" != -- ]; do
    read_only "$1"
    shift
done
shift
mkdir -p "$root/run/jidoka/tap" "$root/proc" "$root/dev" "$root/old"
mount --bind "$tap" "$root/run/jidoka/tap"
mount -o remount,bind,ro "$root/run/jidoka/tap"
mount -t proc proc "$root/proc"
for device in null zero urandom; do
    touch "$root/dev/$device"
    mount --bind "/dev/$device" "$root/dev/$device"
done
cd "$root"
pivot_root . old
cd /
umount -l /old
rmdir /old
mount -o remount,bind,ro /
if [ "$user" = - ]; then
    exec "$@"
fi
exec setpriv --reuid "$user" --regid "$group" --clear-groups unshare --user --map-root-user -- "$@"

#!/bin/sh
# Lays out everything that is in an image FROM scratch: a binary, the shared libraries that it names, the public authorities, and
# the user that it runs as. No shell, no package manager. Time zones are compiled into query-api, so there is no tzdata.
#
#   sh rootfs.sh BINARY FOLDER
set -eu
binary=$1
root=$2

install -D -m 0755 "$binary" "$root/usr/local/bin/$(basename "$binary")"

# "name => path (address)", or "path (address)" for the loader. The kernel's own library has no path.
libraries=$(ldd "$binary")
case $libraries in
*"not found"*)
    printf 'a library of %s is missing:\n%s\n' "$binary" "$libraries" >&2
    exit 1
    ;;
esac
printf '%s\n' "$libraries" | awk '{ for (i = 1; i <= NF; i++) if ($i ~ /^\//) print $i }' | sort -u |
    while read -r library; do
        install -D -m 0755 "$library" "$root$library"
    done

# Where OpenSSL looks by default, and where everybody else does.
install -D -m 0644 /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/ca-certificates.crt"
mkdir -p "$root/usr/lib/ssl"
ln -s /etc/ssl/certs/ca-certificates.crt "$root/usr/lib/ssl/cert.pem"

printf 'metrics:x:10001:10001::/:/nonexistent\n' > "$root/etc/passwd"
printf 'metrics:x:10001:\n' > "$root/etc/group"
# Without it names in /etc/hosts are asked of DNS first.
printf 'passwd: files\ngroup: files\nhosts: files dns\n' > "$root/etc/nsswitch.conf"

#!/usr/bin/env bash
# Installs the .deb in a Debian of its own, uses it as its user, upgrades, removes and purges it; asks lintian, and unpacks
# the .rpm in a root of its own:
#
#   bash .ci/checks/package.sh DIR   the packages' directory; CHROOT names a Debian made before, which is not changed
#
# As root; a first run fetches that Debian (debootstrap).
set -euo pipefail
(($# == 1)) || { echo "usage: bash .ci/checks/package.sh DIR" >&2; exit 2; }
deb=$(ls "$1"/geppo_*.deb) rpm=$(ls "$1"/geppo-*.rpm)
work=$(mktemp -d)
root=$work/debian
trap 'rm -rf "$work"' EXIT # nothing is mounted below it

say() { printf '    %s\n' "$*"; }
fail() { echo "package: $*" >&2; exit 1; }
within() { chroot "$root" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin DEBIAN_FRONTEND="${FRONTEND:-noninteractive}" "$@"; }
as_user() { within setpriv --reuid=geppo --regid=geppo --clear-groups "$@"; }

lintian --allow-root --fail-on error,warning "$deb"
say "lintian finds no error and no warning"

if [[ -n ${CHROOT:-} ]]; then
  cp -a "$CHROOT" "$root"
else
  debootstrap --variant=minbase "$(. /etc/os-release && echo "$VERSION_CODENAME")" "$root" >"$work/debootstrap" ||
    { tail -20 "$work/debootstrap" >&2; fail "debootstrap failed"; }
fi
cp "$deb" "$root/geppo.deb"

within apt-get install -y --no-install-recommends /geppo.deb >"$work/apt" 2>&1 || { tail -20 "$work/apt" >&2; fail "it cannot be installed"; }
grep -q 'geppo: set \[smtp\]' "$work/apt" || fail "the installation does not say what comes next"
[[ $(within stat -c '%U %a' /var/lib/geppo) == "geppo 700" ]] || fail "/var/lib/geppo is not the user's alone"
[[ $(within stat -c '%U %G %a' /etc/geppo/geppo.toml) == "root geppo 640" ]] || fail "geppo.toml can be read by all"
as_user /usr/bin/geppo init
as_user /usr/bin/geppo sample --contracts 3 --seed 1 --period 2026-10 >"$root/var/lib/geppo/sample.jsonl"
as_user /usr/bin/geppo import /var/lib/geppo/sample.jsonl
as_user /usr/bin/geppo check --no-smtp || fail "geppo check finds faults in what was installed"
as_user /usr/bin/geppo preview --period 2026-10 --out /var/lib/geppo/look
say "installed, and used as its user"

# The daemon itself, as the unit starts it.
(cd / && exec chroot --userspec=geppo:geppo "$root" /usr/bin/geppo serve >"$work/serve" 2>&1) &
daemon=$!
for _ in $(seq 100); do
  as_user /usr/bin/geppo healthcheck >/dev/null 2>&1 && break
  sleep 0.2
done
as_user /usr/bin/geppo healthcheck || { cat "$work/serve" >&2; fail "the daemon does not answer"; }
kill "$daemon" && wait "$daemon" || fail "the daemon did not stop cleanly"
say "the daemon answers, and stops cleanly"

echo '# mine' >>"$root/etc/geppo/geppo.toml"
within dpkg --force-confold -i /geppo.deb >/dev/null 2>&1 # the same again is an upgrade to dpkg
[[ $(tail -1 "$root/etc/geppo/geppo.toml") == '# mine' && -s $root/var/lib/geppo/geppo.db ]] || fail "an upgrade loses settings or data"
within apt-get remove -y geppo >/dev/null 2>&1
[[ ! -e $root/usr/bin/geppo && -s $root/var/lib/geppo/geppo.db && -s $root/etc/geppo/geppo.toml ]] || fail "removing takes too much, or too little"
within apt-get purge -y geppo >"$work/purge" 2>&1
[[ -s $root/var/lib/geppo/geppo.db && ! -e $root/etc/geppo/geppo.toml ]] || fail "a purge that nobody was asked about erased data"
grep -q '/var/lib/geppo holds' "$work/purge" || fail "a purge does not say what stays"
say "upgraded, removed and purged without an answer: the data stay"

within apt-get install -y --no-install-recommends /geppo.deb >/dev/null 2>&1
within sh -c 'echo "geppo geppo/erase boolean true" | debconf-set-selections'
within apt-get purge -y geppo >/dev/null 2>&1
[[ ! -e $root/var/lib/geppo ]] || fail "a purge that was told to erase the data kept them"
say "purged with the answer yes: the data are gone"

# No Fedora can be made here: the .rpm's files are unpacked, its scripts are read by the shell.
mkdir "$work/fedora"
rpm --root "$work/fedora" --initdb
rpm --root "$work/fedora" --install --nodeps --noscripts --nosignature "$rpm"
"$work/fedora/usr/bin/geppo" version >/dev/null
rpm --root "$work/fedora" --query --configfiles geppo | grep -qx /etc/geppo/geppo.toml || fail "the .rpm's geppo.toml is no configuration"
for script in prein postin preun postun; do
  rpm --query --package --nosignature --queryformat "%{${script^^}}\n" "$rpm" | sed 's/^(none)$//' | sh -n || fail "the .rpm's $script is no shell script"
done
rpm --root "$work/fedora" --erase --nodeps --noscripts geppo
say "the .rpm installs and goes"

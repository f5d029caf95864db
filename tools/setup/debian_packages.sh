#!/bin/sh
# Installs Debian packages that are missing, saying which; tells who isn't root what to run, and stops.
#   debian_packages.sh PACKAGE ...
set -eu
missing=""
for package in "$@"; do
  if command -v dpkg-query >/dev/null 2>&1; then
    [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" = installed ] || missing="$missing $package"
  else
    echo "jidoka: this isn't Debian or a child of it; please see to it yourself that these are there: $*" >&2
    exit 0
  fi
done
[ -n "$missing" ] || exit 0

echo "jidoka: missing Debian packages:$missing" >&2
if [ "$(id -u)" != 0 ]; then
  echo "jidoka: only root may install them; please run:  sudo apt-get install$missing" >&2
  exit 1
fi
echo "jidoka: installing them now (apt-get install$missing)" >&2
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
# a service that a package starts isn't wanted: the tests start their own
printf '#!/bin/sh\nexit 101\n' > /usr/sbin/policy-rc.d.jidoka
chmod +x /usr/sbin/policy-rc.d.jidoka
[ -e /usr/sbin/policy-rc.d ] || { mv /usr/sbin/policy-rc.d.jidoka /usr/sbin/policy-rc.d; made=1; }
# shellcheck disable=SC2086 -- one word a package is meant
apt-get install -y -qq --no-install-recommends $missing >/dev/null || status=$?
rm -f /usr/sbin/policy-rc.d.jidoka
[ -z "${made:-}" ] || rm -f /usr/sbin/policy-rc.d
exit "${status:-0}"

#!/usr/bin/env bash
# Installs what tests need of the system and pip does not have: PostgreSQL, Redis and Chromium.
# Nothing is done where they are there; no service is started. Debian and Ubuntu, as root or with
# sudo that asks for no password.
set -euo pipefail

missing=()
compgen -G "/usr/lib/postgresql/*/bin/initdb" >/dev/null || command -v initdb >/dev/null \
	|| missing+=(postgresql)
command -v redis-server >/dev/null || missing+=(redis-server)
command -v chromium >/dev/null || command -v chromium-browser >/dev/null \
	|| command -v google-chrome >/dev/null || missing+=(chromium)
[ "${#missing[@]}" -gt 0 ] || exit 0

if ! command -v apt-get >/dev/null; then
	echo "Missing: ${missing[*]}. Install them with the package manager of this system." >&2
	exit 7
fi
root=()
if [ "$(id -u)" -ne 0 ]; then
	if ! sudo -n true 2>/dev/null; then
		echo "Missing: ${missing[*]}. Install them: sudo apt-get install ${missing[*]}" >&2
		exit 7
	fi
	root=(sudo -n)
fi

# Packages start their services unless this says that they must not.
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
	printf '#!/bin/sh\nexit 101\n' | "${root[@]}" tee "$policy" >/dev/null
	"${root[@]}" chmod 755 "$policy"
	trap '"${root[@]}" rm -f "$policy"' EXIT
fi
echo "Installing ${missing[*]}"
"${root[@]}" apt-get -qq update
"${root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -qq install --yes \
	--no-install-recommends "${missing[@]}" >/dev/null

#!/bin/sh
# The browser tests drive Debian's Chromium; a new machine has none.
set -eu
command -v chromium >/dev/null 2>&1 && fc-list 2>/dev/null | grep -qi 'noto.*cjk' && exit 0
if [ "$(id -u)" = 0 ]; then as=""; elif command -v sudo >/dev/null 2>&1; then as="sudo"; else
  echo "Browser tests need Chromium: ask an administrator for apt-get install chromium chromium-driver fonts-noto-cjk" >&2
  exit 1
fi
$as apt-get update -qq
DEBIAN_FRONTEND=noninteractive $as apt-get install -y -qq --no-install-recommends chromium chromium-driver fonts-noto-cjk fontconfig

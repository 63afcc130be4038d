#!/bin/sh
# Install Debian packages: sh apt.sh PACKAGE…
set -e
export DEBIAN_FRONTEND=noninteractive
case " $* " in *" gcc "*)
  # Debian's own Python keeps its C headers in a package of their own; the python images have them.
  header=$(python3 -c 'import sysconfig; print(sysconfig.get_path("include"))')/Python.h
  [ -e "$header" ] || set -- "$@" python3-dev ;;
esac
# A mirror that fails is an error of its own, not one of packages that cannot be found.
apt() { apt-get -qq -o Acquire::Retries=2 -o Acquire::http::Timeout=20 -o Acquire::https::Timeout=20 "$@"; }
apt update -o APT::Update::Error-Mode=any
apt install -y --no-install-recommends "$@"
rm -rf /var/lib/apt/lists/*

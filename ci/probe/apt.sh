#!/bin/sh
# Install Debian packages: sh apt.sh PACKAGE…
set -e
export DEBIAN_FRONTEND=noninteractive
case " $* " in *" gcc "*)
  # Debian's own Python keeps its C headers in a package of their own; the python images have them.
  header=$(python3 -c 'import sysconfig; print(sysconfig.get_path("include"))')/Python.h
  [ -e "$header" ] || set -- "$@" python3-dev ;;
esac
apt-get update -qq
apt-get install -y -qq --no-install-recommends "$@"
rm -rf /var/lib/apt/lists/*

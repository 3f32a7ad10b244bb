#!/usr/bin/env bash
# Install Nsight Systems from the distribution. Debian: package nsight-systems of the component non-free.
#
# The package depends on a driver library, libcuda.so.1 (>= 520), which on Debian pulls in a whole display
# driver stack of the component contrib. Tracing CPU and NVTX needs none of it, and a machine that does have
# an NVIDIA driver often has it from NVIDIA's own installer, which apt does not know and would overwrite. So
# where no Debian driver is installed, an empty package says that the driver library is taken care of.
set -euo pipefail

say() { printf 'nsys: %s\n' "$*"; }

if command -v nsys >/dev/null; then
    say "found $(nsys --version | head -n 1) at $(command -v nsys)"
    exit 0
fi
if ! command -v apt-get >/dev/null; then
    say "no apt-get here; get Nsight Systems from NVIDIA (README.md, 'Nsight Systems') and put nsys on PATH"
    exit 2
fi
root=()
if [ "$(id -u)" != 0 ]; then root=(sudo); fi

enable_non_free() {
    # deb822 first (Debian 12), then the one-line format; only Debian's own entries that have 'main'.
    local file
    for file in /etc/apt/sources.list.d/*.sources; do
        [ -e "$file" ] || continue
        grep -q debian-archive-keyring "$file" || continue
        "${root[@]}" sed -i -E '/^Components:/ { /(^|[[:space:]])non-free([[:space:]]|$)/! s/$/ non-free/ }' "$file"
    done
    if [ -e /etc/apt/sources.list ]; then
        "${root[@]}" sed -i -E '/^deb .*[[:space:]]main([[:space:]]|$)/ { /(^|[[:space:]])non-free([[:space:]]|$)/! s/$/ non-free/ }' /etc/apt/sources.list
    fi
}

available() { [[ "$(apt-cache policy nsight-systems 2>/dev/null)" == *Candidate:\ [0-9]* ]]; }

driver_stand_in() {
    # An empty package that provides libcuda.so.1 for dependency resolution only.
    local tree
    tree=$(mktemp -d)
    mkdir -p "$tree/DEBIAN"
    cat >"$tree/DEBIAN/control" <<'CONTROL'
Package: libcuda-stand-in
Version: 520
Architecture: amd64
Maintainer: flopprof <flopprof@localhost>
Provides: libcuda.so.1 (= 520)
Description: empty package that satisfies nsight-systems' dependency on a CUDA driver
 Installed by flopprof's 'make nsys' where no Debian NVIDIA driver is installed.
CONTROL
    dpkg-deb --build --root-owner-group "$tree" "$tree/libcuda-stand-in.deb" >/dev/null
    "${root[@]}" dpkg -i "$tree/libcuda-stand-in.deb" >/dev/null
    rm -rf "$tree"
}

"${root[@]}" apt-get update -qq
if ! available; then
    enable_non_free
    "${root[@]}" apt-get update -qq
fi
if ! available; then
    say "this distribution has no package nsight-systems; see README.md, 'Nsight Systems'"
    exit 2
fi
if [[ "$(dpkg-query -W -f '${Status}' libcuda1 2>/dev/null)" != *"ok installed"* ]]; then driver_stand_in; fi
DEBIAN_FRONTEND=noninteractive "${root[@]}" apt-get install -y -qq --no-install-recommends nsight-systems >/dev/null
say "installed $(nsys --version | head -n 1)"

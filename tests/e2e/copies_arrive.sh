#!/bin/sh
# SPDX-License-Identifier: MIT
# usage: copies_arrive.sh SWIOMMU IOAT_COPY KIND
# What ioat-copy writes is what it has read, whatever the sizes of file and blocks.
set -eu
swiommu=$1 ioat_copy=$2 kind=$3
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

# SIZE BLOCK
copy() {
	head -c "$1" /dev/urandom >"$dir/in"
	"$swiommu" run --memlock unlimited --iommu "$kind" -- "$ioat_copy" --block "$2" "$dir/in" "$dir/out"
	cmp "$dir/in" "$dir/out"
}

copy 0 4k
copy 1 1M
copy 100000 64
copy 1000003 777
copy 70000001 1M # more than one bufferful

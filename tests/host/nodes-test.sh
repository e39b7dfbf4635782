#!/bin/bash
# SPDX-License-Identifier: MIT
# The emulated nodes themselves, under the real libraries and xenstored: nodes/selftest.c says what is promised.
set -eu
# shellcheck source=tests/host/lib.sh
. "$(dirname "$0")/lib.sh"

host_start
export XENNODES=$BUILD/tests/host/xennodes
as_guest "$BUILD/tests/host/nodes-selftest"

# SPDX-License-Identifier: MIT
# shellcheck shell=sh
# In the guest: PERIOD/BUFFER in frames is the argument.
sizes=$1
aplay -D xenhw --period-size="${sizes%/*}" --buffer-size="${sizes#*/}" /files/ten.wav 2>/tmp/said
cat /tmp/said
check "periods of $sizes frames: aplay saw 0 underruns" sh -c '! grep -qi underrun /tmp/said'

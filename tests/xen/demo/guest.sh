# SPDX-License-Identifier: MIT
# shellcheck shell=sh
# In the guest: what anybody would type.
uname -r
[ -e /proc/asound ] && echo 'this kernel has a sound subsystem' || echo 'this kernel has no sound subsystem'
aplay -D xen /files/demo.wav

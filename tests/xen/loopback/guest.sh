# SPDX-License-Identifier: MIT
# shellcheck shell=sh
lab_await record
aplay -q -D xenhw /files/four.wav

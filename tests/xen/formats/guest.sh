# SPDX-License-Identifier: MIT
# shellcheck shell=sh
# In the guest: first what the card offers, one by one, through the bare PCM; then everything through the converting one.
while read -r name; do
	aplay -q -D xenhw "/files/$name.wav"
done </files/formats
while read -r name; do
	check "$name plays through xen" aplay -q -D xen "/files/$name.wav"
done </files/converted

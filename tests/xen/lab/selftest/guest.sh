# SPDX-License-Identifier: MIT
# shellcheck shell=sh
# What a guest of the self test looks at.

check "$(uname -r): the guest gets its arguments" [ "$*" = "two words" ]
for node in xenbus evtchn gntalloc gntdev; do
	check "the guest has /dev/xen/$node" [ -c "/dev/xen/$node" ]
done
check "the card is in XenStore" [ "$(xenstore-read device/vsnd/0/short-name)" = Main ]
check "lists are stored with commas" [ "$(xenstore-read device/vsnd/0/sample-rates)" = 44100,48000 ]
check "the streams are in XenStore" [ "$(xenstore-read device/vsnd/0/0/1/type)" = c ]
check "aplay runs" sh -c 'aplay --version'
case $(uname -r) in
*cloud*) check "the cloud kernel has no sound" [ ! -e /proc/asound ] ;;
*)
	# the driver itself would wait for half a minute for a backend that there is not
	check "what the generic kernel's own frontend needs loads" load_module -a snd-pcm xen-front-pgdir-shbuf
	check "the generic kernel's own frontend is there" [ -e "/lib/modules/$(uname -r)/kernel/sound/xen/snd_xen_front.ko" ]
	;;
esac
seq 1 20000 >/tmp/given
lab_give /tmp/given
echo 'waits for go'
lab_await go
exit 7

# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2034
# Sourced after lib.sh: a host with a backend that writes WAV files, and a guest whose ALSA knows the plugin.

WAVTOOL=$BUILD/tests/tools/wavtool
SOUND_OUT=
SOUND_ENV=()
SOUND_BACKEND=
SOUND_CARD=()

# sound_start [CARD-KEY=VALUE...]: card 0, one playback device with everything that WAV files can carry
sound_start()
{
	host_start
	SOUND_OUT=$HOST_DIR/out
	mkdir "$SOUND_OUT"
	sound_alsa_conf >"$HOST_DIR/alsa.conf"
	SOUND_ENV=(env "ALSA_CONFIG_PATH=/usr/share/alsa/alsa.conf:$HOST_DIR/alsa.conf")
	host_guest 7
	SOUND_CARD=(short-name=Test 'sample-rates=8000,22050,44100,48000,96000'
		'sample-formats=u8,s16_le,s32_le,float_le' channels-max=2 buffer-size=131072 0/name=Test 0/0/type=p
		'0/0/unique-id=wav<out.wav>' 0/1/type=c '0/1/unique-id=null' "$@")
	host_card 0 "${SOUND_CARD[@]}"
	sound_backend_start
}

# The plugin from the build tree, by the configuration that is installed.
sound_alsa_conf()
{
	printf 'pcm_type.xen.lib "%s/.libs/libasound_module_pcm_xen.so"\n' "$BUILD"
	printf '<%s/../../conf/50-xen.conf>\n' "$HOST_TESTS"
}

sound_backend_start()
{
	sound_backend_run
	store_wait "$(host_backend 0)/state" 2
}

sound_backend_run()
{
	start_dom0 SOUND_BACKEND "$BUILD/xensnd-backend" --wav-dir "$SOUND_OUT" -v 2>>"$HOST_DIR/backend.log"
}

# Ends everything and checks that both ends gave back what they took.
sound_end()
{
	host_end "$SOUND_BACKEND"
	check 'nothing is left shared or bound' nodes_ctl wait grants=0 mapped=0 ports=0
}

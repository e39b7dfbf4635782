/* SPDX-License-Identifier: MIT */
/*
 * A whole session of the backend against a hostile guest: any request at any time, directories that
 * loop or overlap, indices from nowhere, pages rewritten between any two turns.
 *
 * The input: a stream's configuration, then steps of the guest, of the backend's thread and of
 * time. The device is the one that plays nothing by the clock, or the same with faults.
 */
#include "fuzz.h"

#include <errno.h>
#include <sys/mman.h>

#include "backend/session.h"
#include "protocol/format.h"
#include "protocol/hw_param.h"
#include "protocol/page_directory.h"

#include "guest.h"

enum { RING_PAGE, EVENT_PAGE };

struct asked {
	uint16_t id;
	uint8_t operation;
	bool waits;
};

struct world {
	struct xengntdev_handle guest;
	struct xensnd_stream_setup setup;
	struct xensnd_memory_limit memory;
	struct xensnd_device_host host;
	struct xensnd_log log;
	struct xensnd_session session;
	struct asked asked[XENSND_RING_SLOTS]; /* by the guest, and not answered */
	uint32_t req_prod, rsp_cons, evt_cons; /* the guest's indices */
	uint16_t next_id;
	bool tampered;      /* the guest broke its own rings; only the backend's state is checked */
	unsigned int opens; /* when this was the position: */
	uint64_t position;  /* frames, in the backend */
	uint64_t event_position; /* bytes, as told to the guest */
};

/* Which operations of the device fail from now on, by bit, and what it says of its buffer. */
static struct {
	uint8_t fails;
	uint8_t lies;
} faults;

enum {
	FAIL_WRITE = 1,
	FAIL_READ = 2,
	FAIL_START = 4,
	FAIL_DROP = 8,
	FAIL_PAUSE = 16,
	FAIL_STATUS = 32,
	FAIL_OPEN = 64
};

/* ---- a device with faults, in the place of the host's sound card ---- */

static int faulty_open(struct xensnd_device **device, const struct xensnd_device_spec *spec,
	const struct xensnd_pcm_params *params, bool capture, struct xensnd_device_host *host)
{
	int ret = faults.fails & FAIL_OPEN
			  ? -EBUSY
			  : xensnd_device_null.open(device, spec, params, capture, host);

	if (ret == 0)
		(*device)->ops = &xensnd_device_alsa;
	return ret;
}

static int faulty_query(
	const struct xensnd_device_spec *spec, bool capture, struct xensnd_query_hw_param *set)
{
	(void)spec;
	(void)capture;
	(void)set;
	return faults.fails & FAIL_OPEN ? -EBUSY : 0;
}

static void faulty_close(struct xensnd_device *device)
{
	xensnd_device_null.close(device);
}

static int64_t faulty_write(struct xensnd_device *device, const void *data, uint32_t frames)
{
	return faults.fails & FAIL_WRITE ? -EIO : xensnd_device_null.write(device, data, frames);
}

static int64_t faulty_read(struct xensnd_device *device, void *data, uint32_t frames)
{
	return faults.fails & FAIL_READ ? -EIO : xensnd_device_null.read(device, data, frames);
}

static int faulty_start(struct xensnd_device *device)
{
	return faults.fails & FAIL_START ? -EPIPE : xensnd_device_null.start(device);
}

static int faulty_drop(struct xensnd_device *device)
{
	return faults.fails & FAIL_DROP ? -ENODEV : xensnd_device_null.drop(device);
}

static int faulty_pause(struct xensnd_device *device, bool on)
{
	return faults.fails & FAIL_PAUSE ? -ENOSYS : xensnd_device_null.pause(device, on);
}

static int faulty_status(struct xensnd_device *device, struct xensnd_device_status *status)
{
	int ret = faults.fails & FAIL_STATUS ? -ENODEV : xensnd_device_null.status(device, status);

	if (ret == 0 && faults.lies)
		status->held_frames += faults.lies;
	return ret;
}

static int64_t faulty_when(struct xensnd_device *device, uint64_t frames)
{
	return xensnd_device_null.when(device, frames);
}

static unsigned int faulty_poll_fds(
	struct xensnd_device *device, struct pollfd *fds, unsigned int max)
{
	(void)device;
	FUZZ_CHECK(max > 0);
	fds[0] = (struct pollfd){ .fd = 0, .events = POLLIN };
	return 1;
}

static void faulty_poll_done(struct xensnd_device *device, struct pollfd *fds, unsigned int n)
{
	(void)device;
	(void)fds;
	FUZZ_CHECK(n == 1);
}

const struct xensnd_device_ops xensnd_device_alsa = {
	.open = faulty_open,
	.query = faulty_query,
	.close = faulty_close,
	.write = faulty_write,
	.read = faulty_read,
	.start = faulty_start,
	.drop = faulty_drop,
	.pause = faulty_pause,
	.status = faulty_status,
	.when = faulty_when,
	.poll_fds = faulty_poll_fds,
	.poll_done = faulty_poll_done,
};

/* ---- the guest ---- */

static struct xen_sndif_sring *ring_of(struct world *world)
{
	return (struct xen_sndif_sring *)(void *)guest_page(&world->guest, RING_PAGE);
}

static struct xensnd_event_page *events_of(struct world *world)
{
	return (struct xensnd_event_page *)(void *)guest_page(&world->guest, EVENT_PAGE);
}

static struct xensnd_open_req open_make(struct world *world, struct fuzz_input *input)
{
	const struct xensnd_params *limits = &world->setup.config.params;
	uint8_t shape = fuzz_u8(input);
	struct xensnd_open_req open = { .pcm_rate = limits->rates[shape % limits->n_rates],
		.pcm_format = XENSND_PCM_FORMAT_S16_LE,
		.pcm_channels = 1,
		.gref_directory = 3u + shape / 4 % 4 };
	uint32_t frame_bytes = 2, frames = fuzz_u16(input), period = fuzz_u16(input);

	if (shape & 0x10)
		open.pcm_format = fuzz_u8(input) % (XENSND_FORMATS + 1);
	if (shape & 0x20)
		open.pcm_channels = fuzz_u8(input);
	if (xensnd_format_bytes(open.pcm_format) * open.pcm_channels > 0)
		frame_bytes = xensnd_format_bytes(open.pcm_format) * open.pcm_channels;
	if (shape & 0x40)
		frames *= 256;
	open.buffer_sz = frames * frame_bytes;
	open.period_sz = period * frame_bytes;
	return open;
}

static struct xensnd_rw_req rw_make(struct fuzz_input *input)
{
	uint8_t shape = fuzz_u8(input);
	struct xensnd_rw_req rw = { .offset = fuzz_u16(input), .length = fuzz_u16(input) };

	if (shape & 1)
		rw.length *= 8;
	if (shape & 2)
		rw.offset *= 64;
	if (shape & 4)
		rw.length = UINT32_MAX - rw.length;
	if (shape & 8)
		rw.offset = UINT32_MAX - rw.offset;
	return rw;
}

static struct xensnd_req request_make(struct world *world, struct fuzz_input *input)
{
	static const uint8_t operations[] = { XENSND_OP_OPEN, XENSND_OP_CLOSE, XENSND_OP_WRITE,
		XENSND_OP_READ, XENSND_OP_TRIGGER, XENSND_OP_HW_PARAM_QUERY, XENSND_OP_WRITE };
	struct xensnd_req req = { .id = world->next_id++ };
	uint8_t which = fuzz_u8(input) % (FUZZ_COUNT(operations) + 1);

	if (which == FUZZ_COUNT(operations)) {
		req.operation = fuzz_u8(input);
		fuzz_take(input, &req.op, sizeof(req.op));
		return req;
	}
	req.operation = operations[which];
	/* Most WRITEs and READs are in the stream's direction. */
	if (which == 6)
		req.operation = world->setup.config.capture ? XENSND_OP_READ : XENSND_OP_WRITE;
	if (req.operation == XENSND_OP_OPEN)
		req.op.open = open_make(world, input);
	else if (req.operation == XENSND_OP_WRITE || req.operation == XENSND_OP_READ)
		req.op.rw = rw_make(input);
	else if (req.operation == XENSND_OP_TRIGGER)
		req.op.trigger.type = fuzz_u8(input) % 5;
	else if (req.operation == XENSND_OP_HW_PARAM_QUERY)
		fuzz_take(input, &req.op.hw_param, sizeof(req.op.hw_param));
	return req;
}

static void step_request(struct world *world, struct fuzz_input *input)
{
	struct xen_sndif_sring *ring = ring_of(world);
	struct xensnd_req req = request_make(world, input);

	if (world->req_prod - world->rsp_cons >= XENSND_RING_SLOTS)
		return;
	memcpy(&ring->ring[world->req_prod % XENSND_RING_SLOTS], &req, sizeof(req));
	ring->req_prod = ++world->req_prod;
	for (unsigned int i = 0; i < XENSND_RING_SLOTS; i++) {
		if (world->asked[i].waits)
			continue;
		world->asked[i] =
			(struct asked){ .id = req.id, .operation = req.operation, .waits = true };
		return;
	}
}

/* A page of a directory: a link, and references in some order. */
static void step_directory(struct world *world, struct fuzz_input *input)
{
	unsigned int page = 2 + fuzz_u8(input) % 4;
	uint32_t *words = (uint32_t *)(void *)guest_page(&world->guest, page);
	uint32_t first = fuzz_u8(input), step = fuzz_u8(input), n = fuzz_u16(input);

	words[0] = fuzz_u8(input) % (GUEST_PAGES + 2);
	for (uint32_t i = 0; i < XENSND_DIRECTORY_GREFS; i++)
		words[1 + i] = i < n ? 1 + (first + i * step) % GUEST_PAGES : 0;
}

static void step_scribble(struct world *world, struct fuzz_input *input)
{
	unsigned int page = fuzz_u8(input) % GUEST_PAGES;
	size_t at = fuzz_u16(input) % 1024u * 4u;
	uint32_t value = fuzz_u32(input);

	memcpy(guest_page(&world->guest, page) + at, &value, sizeof(value));
	if (page == RING_PAGE || page == EVENT_PAGE)
		world->tampered = true;
}

/* The guest acknowledges its events, or says that it took any number. */
static void step_events(struct world *world, struct fuzz_input *input)
{
	struct xensnd_event_page *events = events_of(world);
	uint8_t lie = fuzz_u8(input);

	events->in_cons = lie & 1 ? world->session.events.prod - lie / 2 : world->evt_cons;
	world->tampered = world->tampered || lie & 1;
}

/* ---- the backend's turn, and what has to hold after it ---- */

static void answer_check(struct world *world, const struct xensnd_resp *rsp)
{
	struct xensnd_query_hw_param all;

	FUZZ_CHECK(rsp->status <= 0 && rsp->status >= -133);
	if (rsp->operation == XENSND_OP_HW_PARAM_QUERY && rsp->status == 0) {
		const struct xensnd_query_hw_param *set = &rsp->resp.hw_param;

		xensnd_query_all(&all, &world->setup.config.params);
		FUZZ_CHECK(xensnd_hw_param_is_possible(set));
		FUZZ_CHECK((set->formats & ~all.formats) == 0);
		FUZZ_CHECK(set->buffer.max <= all.buffer.max);
		FUZZ_CHECK(set->channels.max <= all.channels.max);
	}
	for (unsigned int i = 0; i < XENSND_RING_SLOTS; i++) {
		struct asked *asked = &world->asked[i];

		if (!asked->waits || asked->id != rsp->id)
			continue;
		FUZZ_CHECK(asked->operation == rsp->operation);
		asked->waits = false;
		return;
	}
	fprintf(stderr, "an answer to no request: id %u\n", rsp->id);
	abort();
}

static void answers_take(struct world *world)
{
	struct xen_sndif_sring *ring = ring_of(world);
	unsigned int waiting = 0;

	if (world->tampered || world->guest.data_has_rings)
		return;
	FUZZ_CHECK(ring->rsp_prod - world->rsp_cons <= world->req_prod - world->rsp_cons);
	/* Those words are the guest's. */
	FUZZ_CHECK(ring->req_prod == world->req_prod);
	while (world->rsp_cons != ring->rsp_prod) {
		struct xensnd_resp rsp;

		memcpy(&rsp, &ring->ring[world->rsp_cons++ % XENSND_RING_SLOTS], sizeof(rsp));
		answer_check(world, &rsp);
	}
	for (unsigned int i = 0; i < XENSND_RING_SLOTS; i++)
		waiting += world->asked[i].waits;
	FUZZ_CHECK(waiting == world->req_prod - world->rsp_cons);
}

/* The position that the guest is told never goes back from OPEN to CLOSE. */
static void events_look(struct world *world, unsigned int opens_before)
{
	struct xensnd_event_page *events = events_of(world);
	uint32_t prod = events->in_prod;

	if (world->tampered || world->guest.data_has_rings)
		return;
	FUZZ_CHECK(prod - events->in_cons <= XENSND_EVENT_SLOTS);
	/* Some of these events may be of one OPEN, and some of the next. */
	if (world->guest.opens != opens_before) {
		world->evt_cons = prod;
		world->event_position = 0;
	}
	while (world->evt_cons != prod) {
		const struct xensnd_evt *evt = &XENSND_IN_RING_REF(events, world->evt_cons++);

		FUZZ_CHECK(evt->type == XENSND_EVT_CUR_POS);
		FUZZ_CHECK(evt->op.cur_pos.position >= world->event_position);
		world->event_position = evt->op.cur_pos.position;
	}
}

static void pending_check(const struct xensnd_session *session)
{
	FUZZ_CHECK(session->n_pending <= XENSND_RING_SLOTS);
	/* Every request that was taken was answered, or waits. */
	FUZZ_CHECK(session->ring.req_cons - session->ring.rsp_prod == session->n_pending);
	for (unsigned int i = 0; i < session->n_pending; i++) {
		const struct xensnd_pending_transfer *pending =
			&session->pending[(session->pending_first + i) % XENSND_RING_SLOTS];

		FUZZ_CHECK((uint64_t)pending->offset_bytes + pending->left_bytes <=
			   session->buffer.bytes);
		FUZZ_CHECK(pending->left_bytes % session->pcm->params.frame_bytes == 0);
	}
}

static void position_check(struct world *world)
{
	const struct xensnd_pcm *pcm = world->session.pcm;
	const struct xensnd_position *position = &pcm->position;

	FUZZ_CHECK(pcm->ready_frames <= pcm->params.buffer_frames);
	FUZZ_CHECK(position->reported <= position->frames);
	if (!world->setup.config.capture)
		FUZZ_CHECK(position->frames <= position->transferred);
	FUZZ_CHECK(position->period_frames == 0 || position->boundary > position->frames);
	if (world->opens == world->guest.opens)
		FUZZ_CHECK(position->frames >= world->position);
	world->opens = world->guest.opens;
	world->position = position->frames;
}

static void world_check(struct world *world)
{
	const struct xensnd_session *session = &world->session;
	const struct guest_mapping *data = &world->guest.data;
	bool open = session->pcm->device != NULL;

	pending_check(session);
	FUZZ_CHECK(open == (data->at != NULL));
	FUZZ_CHECK(session->buffer.data == data->at && session->buffer.pages == data->pages);
	FUZZ_CHECK(world->memory.pages == data->pages && data->pages <= world->memory.pages_max);
	FUZZ_CHECK(world->guest.directory.at == NULL);
	FUZZ_CHECK(open || session->n_pending == 0);
	if (open)
		position_check(world);
	else
		world->opens = 0;
}

/* Whether the guest shows more requests than there can be. */
static bool ring_is_broken(struct world *world)
{
	const struct xensnd_back_ring *ring = &world->session.ring;

	return ring->broken || ring_of(world)->req_prod - ring->req_cons >
				       XENSND_RING_SLOTS - (ring->req_cons - ring->rsp_prod);
}

/* 0: the backend would sleep now; 1: it has more to do; negative: it has given up. */
static int step_work(struct world *world)
{
	unsigned int opens_before = world->guest.opens;
	uint32_t evt_prod = world->session.events.prod;
	uint32_t evt_cons = events_of(world)->in_cons;
	bool notify_ring, notify_events, broken = ring_is_broken(world);
	int ret;

	world->guest.directories = 0;
	ret = xensnd_session_work(&world->session);
	FUZZ_CHECK(ret == 0 || ret == 1 || ret == -EPROTO);
	FUZZ_CHECK((ret == -EPROTO) == broken || world->guest.data_has_rings);
	FUZZ_CHECK(world->session.events.prod == evt_prod || world->guest.data_has_rings ||
		   world->session.events.prod - evt_cons <= XENSND_EVENT_SLOTS);
	world_check(world);
	if (ret < 0) {
		FUZZ_CHECK(world->tampered || world->guest.data_has_rings);
		FUZZ_CHECK(xensnd_session_work(&world->session) == -EPROTO);
		return ret;
	}
	xensnd_session_push(&world->session, &notify_ring, &notify_events);
	answers_take(world);
	events_look(world, opens_before);
	return ret;
}

/* A guest must not be able to keep the thread from sleeping, at any time. */
static int step_sleep(struct world *world, struct fuzz_input *input)
{
	int64_t until_ns = 0, longest_ns = (int64_t)fuzz_u16(input) << fuzz_u8(input) % 32;
	struct pollfd fds[XENSND_DEVICE_FDS_MAX];
	unsigned int turns = 0, n = 0;
	bool ready = fuzz_u8(input) & 1;
	int ret = step_work(world);

	while (ret >= 0) {
		FUZZ_CHECK(turns++ < 4);
		if (ret == 0) {
			n = xensnd_session_wait(
				&world->session, fds, XENSND_DEVICE_FDS_MAX, &until_ns);
			FUZZ_CHECK(n <= 1);
			if (n > 0 && ready)
				xensnd_session_woken(&world->session, fds, n);
			if (until_ns > guest_now_ns)
				break;
		}
		ret = step_work(world);
	}
	if (ret < 0)
		return ret;
	if (until_ns - guest_now_ns < longest_ns)
		longest_ns = until_ns - guest_now_ns;
	guest_now_ns += longest_ns;
	return 0;
}

/* Negative: the backend has given up. */
static int world_step(struct world *world, struct fuzz_input *input)
{
	switch (fuzz_u8(input) % 10) {
	case 0:
	case 1:
	case 2:
		step_request(world, input);
		return 0;
	case 3:
	case 4:
		return step_work(world);
	case 5:
		return step_sleep(world, input);
	case 6:
		step_directory(world, input);
		return 0;
	case 7:
		step_events(world, input);
		return 0;
	case 8:
		step_scribble(world, input);
		return 0;
	default:
		faults.fails = fuzz_u8(input);
		faults.lies = fuzz_u8(input);
		guest_now_ns += (int64_t)fuzz_u16(input) << fuzz_u8(input) % 32;
		return 0;
	}
}

/* ---- the stream ---- */

static void line_write(void *context, enum xensnd_log_level level, const char *line)
{
	(void)context;
	FUZZ_CHECK(level <= XENSND_LOG_DEBUG && strlen(line) < 512);
}

static void config_make(struct world *world, struct fuzz_input *input)
{
	static const uint32_t buffers[] = { 65536, 4096, 1u << 22, XENSND_MAX_BUFFER_BYTES };
	static const uint32_t memories[] = { 64, 8, 1100, 4200 };
	uint8_t shape = fuzz_u8(input);
	const struct xensnd_params params = {
		.formats = XENSND_FORMAT_BIT(XENSND_PCM_FORMAT_S16_LE) |
			   (shape & 1 ? XENSND_FORMAT_BIT(XENSND_FORMATS) - 1 : 0),
		.rates = { 1, 8000, 48000, XENSND_MAX_RATE },
		.n_rates = 4,
		.channels_min = 1,
		.channels_max = shape & 2 ? XENSND_MAX_CHANNELS : 2,
		.buffer_bytes_max = buffers[shape / 16 % 4]
	};

	world->setup.config.capture = shape & 4;
	world->setup.config.params = params;
	world->setup.device.kind = shape & 8 ? XENSND_DEVICE_ALSA : XENSND_DEVICE_NULL;
	world->memory.pages_max = memories[shape / 64 % 4];
	world->guest.data_protection = PROT_READ | (shape & 4 ? PROT_WRITE : 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input input = { .at = data, .left = size };
	struct world *world = calloc(1, sizeof(*world));

	FUZZ_CHECK(world != NULL);
	guest_now_ns = 1000000000;
	memset(&faults, 0, sizeof(faults));
	guest_start(&world->guest);
	config_make(world, &input);
	world->log = (struct xensnd_log){ .write = line_write, .level = XENSND_LOG_DEBUG };
	world->host.log = &world->log;
	world->setup.domid = GUEST_DOMID;
	world->setup.memory = &world->memory;
	world->setup.host = &world->host;
	/* Before anything is scribbled: a directory as it should be. */
	for (uint32_t i = 0; i < 10; i++)
		memcpy(guest_page(&world->guest, 2) + 4 + i * 4, &(uint32_t){ 7 + i }, 4);
	xensnd_session_init(&world->session, &world->setup, &world->guest,
		guest_page(&world->guest, RING_PAGE), guest_page(&world->guest, EVENT_PAGE));
	while (input.left > 0 && world_step(world, &input) >= 0)
		;
	xensnd_session_end(&world->session);
	FUZZ_CHECK(world->memory.pages == 0);
	guest_end(&world->guest);
	free(world);
	return 0;
}

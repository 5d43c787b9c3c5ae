/* SPDX-License-Identifier: BSD-2-Clause */
/* The state machine of one binding: each event in each state. */
/* links: ha-agent/binding.c ha-agent/bcache.c common/core/in6.c common/core/hash.c common/core/timer.c common/core/log.c */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <errno.h>
#include <string.h>

#include "common/core/log.h"
#include "ha-agent/discovery.h"
#include "ha-agent/proxy.h"

#define S(n)	((usec_t)(n) * USEC_S)

static struct {
	unsigned int set, del, stored, forgotten, told, reviewed, dropped, registered, ended;
	int set_error;
	unsigned int looks;
	usec_t look_before_end;
	struct in6_addr remote;
	enum ha_event_type last;
} seen;

/* The rest of the home agent, as far as a binding speaks to it. */
bool ha_log_routine(struct ha *h, usec_t now)
{
	(void)h;
	(void)now;
	return false;
}

void ha_tell(struct ha *ha, const struct ha_event *e)
{
	(void)ha;
	seen.told++;
	seen.last = e->type;
}

void revoke_drop(struct binding *b, usec_t now)
{
	(void)b;
	(void)now;
	seen.dropped++;
}

void nd_lease_review(struct ha *ha, struct lease *l, usec_t now)
{
	(void)ha;
	(void)now;
	assert_int_equal(l->bindings, 0);
	seen.reviewed++;
}

void mpd_registered(struct binding *b, usec_t now)
{
	(void)now;
	assert_int_equal(b->state, BINDING_BOUND);
	seen.registered++;
}

void mpd_end(struct binding *b)
{
	assert_int_not_equal(b->state, BINDING_BOUND);
	seen.ended++;
}

usec_t refresh_at(const struct binding *b)
{
	return b->looks == 0 && seen.look_before_end ? b->expires - seen.look_before_end :
	       b->expires;
}

void refresh_look(struct binding *b, usec_t now)
{
	assert_int_equal(b->state, BINDING_BOUND);
	assert_true(now < b->expires);
	seen.looks++;
	b->looks++;
}

/* Shared home links: test_proxy.c. */
int proxy_hold(struct binding *b, const struct binding_request *req)
{
	(void)b;
	(void)req;
	return -ENOMEM;
}

struct proxy_held proxy_let_go(struct binding *b)
{
	(void)b;
	return (struct proxy_held){ .ack = { .status = 0 } };
}

bool proxy_can_ask(const struct binding *b)
{
	(void)b;
	return false;
}

void proxy_ask(struct binding *b)
{
	(void)b;
}

void proxy_defend(struct binding *b, usec_t now)
{
	(void)b;
	(void)now;
}

void proxy_end(struct binding *b)
{
	(void)b;
}

void update_tested(struct ha *h, const struct ha_ack *ack, bool duplicate, int err, usec_t now)
{
	(void)h;
	(void)ack;
	(void)duplicate;
	(void)err;
	(void)now;
}

bool past_keep(const struct binding *b, usec_t now)
{
	(void)now;
	return b->spi != 0;
}

/* Nothing here has several ways. */
bool steer_concerns(const struct binding *b)
{
	(void)b;
	return false;
}

int steer_set(const struct binding *b, const struct in6_addr *coa)
{
	(void)b;
	(void)coa;
	return -ENOSYS;
}

static int dp_set(void *ctx, const struct dp_binding *b)
{
	(void)ctx;
	seen.set++;
	if (seen.set_error == 0)
		seen.remote = b->remote;
	return seen.set_error;
}

static int dp_del(void *ctx, const struct in6_prefix *inner)
{
	(void)ctx;
	assert_int_equal(inner->len, 128);
	seen.del++;
	return 0;
}

static void binding_store(void *ctx, struct ha_binding_record *r)
{
	(void)ctx;
	if (r->place == 0)
		r->place = 7;
	assert_int_equal(r->place, 7);
	/* What is over is not there for a restart, but for its numbers. */
	if (r->past)
		seen.forgotten++;
	else
		seen.stored++;
}

static void binding_forget(void *ctx, const struct in6_addr *hoa, uint32_t place)
{
	(void)ctx;
	(void)hoa;
	assert_int_equal(place, 7);
	seen.forgotten++;
}

static const struct ha_ops ops = {
	.dp_set = dp_set, .dp_del = dp_del, .binding_store = binding_store,
	.binding_forget = binding_forget,
};

static const struct ha_config cfg;
static struct timers timers;
static struct ha ha;
static struct ha_home home = { .ha = &ha };
static struct lease lease;

static struct binding_request request(const char *coa, uint16_t seq, uint32_t lifetime_s)
{
	struct binding_request r = { .sequence = seq, .spi = 300, .lifetime_s = lifetime_s };

	assert_int_equal(in6_parse(coa, &r.coa), 0);
	return r;
}

static struct binding *begin(void)
{
	struct in6_addr hoa;
	struct binding *b;

	memset(&seen, 0, sizeof(seen));
	memset(&lease, 0, sizeof(lease));
	timers_init(&timers);
	ha = (struct ha){ .cfg = &cfg, .ops = &ops, .timers = &timers };
	bcache_init(&ha.bcache, 10);
	assert_int_equal(in6_parse("2001:db8:1:101::5", &hoa), 0);
	b = bcache_add(&ha.bcache, &hoa, &home, &lease);
	assert_non_null(b);
	binding_init(b);
	return b;
}

static struct binding *begin_bound(void)
{
	struct binding_request r = request("2001:db8:2::1", 1, 100);
	struct binding *b = begin();

	assert_int_equal(binding_event(b, BINDING_EVENT_REGISTER, &r, S(1000)), 0);
	return b;
}

static void end(void)
{
	struct binding *b, *next;

	HASH_ITER(by_hoa, ha.bcache.by_hoa, b, next)
		timer_stop(&timers, &b->timer);
	bcache_free(&ha.bcache);
	timers_free(&timers);
}

static void registered(void **state)
{
	struct binding *b = begin_bound();

	(void)state;
	assert_int_equal(b->state, BINDING_BOUND);
	assert_true(b->expires == S(1100));
	assert_int_equal(seen.set, 1);
	assert_int_equal(seen.stored, 1);
	assert_int_equal(seen.last, HA_EVENT_BINDING_NEW);
	end();
}

static void new_one_that_fails_is_gone(void **state)
{
	struct binding_request r = request("2001:db8:2::1", 1, 100);
	struct binding *b = begin();

	(void)state;
	seen.set_error = -ENOMEM;
	assert_int_equal(binding_event(b, BINDING_EVENT_REGISTER, &r, S(1000)), -ENOMEM);
	assert_int_equal(ha.bcache.n, 0);
	assert_int_equal(seen.reviewed, 1);
	assert_int_equal(seen.stored, 0);
	assert_true(timers_next(&timers) == USEC_NEVER);
	end();
}

static void refreshed_and_moved(void **state)
{
	struct binding_request r = request("2001:db8:2::1", 2, 50);
	struct binding *b = begin_bound();

	(void)state;
	assert_int_equal(binding_event(b, BINDING_EVENT_REGISTER, &r, S(1010)), 0);
	assert_int_equal(seen.set, 1);			/* the kernel was left alone */
	assert_true(b->expires == S(1060));		/* shorter is honoured too */
	assert_int_equal(b->sequence, 2);
	assert_int_equal(seen.last, HA_EVENT_BINDING_REFRESHED);
	r = request("2001:db8:3::1", 3, 50);
	assert_int_equal(binding_event(b, BINDING_EVENT_REGISTER, &r, S(1020)), 0);
	assert_int_equal(seen.set, 2);
	assert_int_equal(seen.del, 0);
	assert_true(in6_eq(&seen.remote, &r.coa));
	assert_int_equal(seen.last, HA_EVENT_BINDING_MOVED);
	end();
}

static void failed_move_changes_nothing(void **state)
{
	struct binding_request r = request("2001:db8:3::1", 2, 50);
	struct binding *b = begin_bound();
	struct in6_addr coa = b->coa;

	(void)state;
	seen.set_error = -EIO;
	assert_int_equal(binding_event(b, BINDING_EVENT_REGISTER, &r, S(1010)), -EIO);
	assert_int_equal(b->state, BINDING_BOUND);
	assert_true(in6_eq(&b->coa, &coa));
	assert_int_equal(b->sequence, 1);
	assert_true(b->expires == S(1100));
	end();
}

static void expires(void **state)
{
	(void)state;
	begin_bound();
	timers_run(&timers, S(1099));
	assert_int_equal(ha.bcache.n, 1);
	timers_run(&timers, S(1100));
	assert_int_equal(ha.bcache.n, 0);
	assert_int_equal(seen.del, 1);
	assert_int_equal(seen.forgotten, 1);
	assert_int_equal(seen.reviewed, 1);
	assert_int_equal(seen.last, HA_EVENT_BINDING_EXPIRED);
	end();
}

/* Once before the end; anew after a refresh; not any more when it was released or revoked. */
static void looked_at_before_the_end(void **state)
{
	struct binding_request r = request("2001:db8:2::1", 2, 100);
	struct binding *b = begin();

	(void)state;
	seen.look_before_end = S(10);
	assert_int_equal(binding_event(b, BINDING_EVENT_REGISTER, &r, S(1000)), 0);
	timers_run(&timers, S(1089));
	assert_int_equal(seen.looks, 0);
	timers_run(&timers, S(1090));
	timers_run(&timers, S(1091));
	assert_int_equal(seen.looks, 1);
	assert_int_equal(binding_event(b, BINDING_EVENT_REGISTER, &r, S(1095)), 0);
	timers_run(&timers, S(1184));
	assert_int_equal(seen.looks, 1);
	timers_run(&timers, S(1185));
	assert_int_equal(seen.looks, 2);
	timers_run(&timers, S(1195));
	assert_int_equal(ha.bcache.n, 0);
	end();

	b = begin();
	seen.look_before_end = S(10);
	assert_int_equal(binding_event(b, BINDING_EVENT_REGISTER, &r, S(1000)), 0);
	assert_int_equal(binding_event(b, BINDING_EVENT_REVOKE, NULL, S(1001)), 0);
	timers_run(&timers, S(1099));
	assert_int_equal(ha.bcache.n, 1);
	timers_run(&timers, S(1100));
	assert_int_equal(ha.bcache.n, 0);
	assert_int_equal(seen.looks, 0);
	end();

	b = begin();
	seen.look_before_end = S(10);
	assert_int_equal(binding_event(b, BINDING_EVENT_REGISTER, &r, S(1000)), 0);
	assert_int_equal(binding_event(b, BINDING_EVENT_RELEASE, &r, S(1085)), 0);
	timers_run(&timers, S(1094));
	assert_int_equal(ha.bcache.n, 1);
	timers_run(&timers, S(1095));
	assert_int_equal(ha.bcache.n, 0);
	assert_int_equal(seen.looks, 0);
	end();
}

static void released_then_gone(void **state)
{
	struct binding_request r = { .sequence = 5 };
	struct binding *b = begin_bound();

	(void)state;
	assert_int_equal(binding_event(b, BINDING_EVENT_RELEASE, &r, S(1010)), 0);
	assert_int_equal(b->state, BINDING_RELEASED);
	assert_int_equal(b->sequence, 5);
	assert_int_equal(seen.del, 1);
	assert_int_equal(seen.forgotten, 1);
	/* Once more: heard, and nothing to do. */
	r.sequence = 6;
	assert_int_equal(binding_event(b, BINDING_EVENT_RELEASE, &r, S(1011)), 0);
	assert_int_equal(seen.del, 1);
	assert_int_equal(b->sequence, 6);
	timers_run(&timers, S(1020));
	assert_int_equal(ha.bcache.n, 1);	/* MAX_DELETE_BCE_TIMEOUT counts anew */
	timers_run(&timers, S(1021));
	assert_int_equal(ha.bcache.n, 0);
	assert_int_equal(seen.del, 1);
	assert_int_equal(seen.forgotten, 2);	/* its number was written down again */
	end();
}

static void released_then_registered(void **state)
{
	struct binding_request release = { .sequence = 5 };
	struct binding_request r = request("2001:db8:2::1", 6, 100);
	struct binding *b = begin_bound();

	(void)state;
	binding_event(b, BINDING_EVENT_RELEASE, &release, S(1010));
	assert_int_equal(binding_event(b, BINDING_EVENT_REGISTER, &r, S(1012)), 0);
	assert_int_equal(b->state, BINDING_BOUND);
	assert_int_equal(seen.set, 2);		/* the same care-of address, put in again */
	assert_true(b->expires == S(1112));
	timers_run(&timers, S(1100));
	assert_int_equal(ha.bcache.n, 1);
	end();
}

static void restored(void **state)
{
	struct binding_request r = request("2001:db8:2::1", 9, 600);
	struct binding *b = begin();

	(void)state;
	r.expires = S(1033);
	r.place = 7;
	assert_int_equal(binding_event(b, BINDING_EVENT_RESTORE, &r, S(1000)), 0);
	assert_int_equal(b->state, BINDING_BOUND);
	assert_int_equal(seen.set, 1);
	assert_int_equal(seen.stored, 0);	/* that is where it comes from */
	assert_int_equal(seen.told, 0);
	timers_run(&timers, S(1033));
	assert_int_equal(ha.bcache.n, 0);
	end();
}

static void revoked_then_gone(void **state)
{
	struct binding_request late = request("2001:db8:3::1", 2, 100);
	struct binding_request over = { .sequence = 1, .reason = "because" };
	struct binding *b = begin_bound();

	(void)state;
	assert_int_equal(binding_event(b, BINDING_EVENT_REVOKE, NULL, S(1010)), 0);
	assert_int_equal(b->state, BINDING_REVOKING);
	assert_int_equal(seen.forgotten, 1);
	assert_int_equal(seen.del, 0);			/* in force until it is over */
	assert_true(b->expires == S(1100));
	assert_int_equal(binding_event(b, BINDING_EVENT_REGISTER, &late, S(1010)), -EBUSY);
	assert_int_equal(binding_event(b, BINDING_EVENT_REVOKED, &over, S(1011)), 0);
	assert_int_equal(b->state, BINDING_RELEASED);
	assert_int_equal(seen.last, HA_EVENT_BINDING_REVOKED);
	assert_int_equal(seen.del, 1);
	assert_int_equal(seen.dropped, 1);
	assert_int_equal(seen.forgotten, 2);	/* with the last number */
	timers_run(&timers, S(1021));
	assert_int_equal(ha.bcache.n, 0);
	assert_int_equal(seen.reviewed, 1);
	assert_int_equal(seen.del, 1);
	end();
}

static void revoking_ended_otherwise(void **state)
{
	struct binding_request release = { .sequence = 7 };
	struct binding *b = begin_bound();

	(void)state;
	binding_event(b, BINDING_EVENT_REVOKE, NULL, S(1010));
	assert_int_equal(binding_event(b, BINDING_EVENT_RELEASE, &release, S(1011)), 0);
	assert_int_equal(b->state, BINDING_RELEASED);
	assert_int_equal(seen.last, HA_EVENT_BINDING_RELEASED);
	assert_int_equal(seen.dropped, 1);
	end();
	b = begin_bound();
	binding_event(b, BINDING_EVENT_REVOKE, NULL, S(1099));
	timers_run(&timers, S(1100));
	assert_int_equal(ha.bcache.n, 0);
	assert_int_equal(seen.last, HA_EVENT_BINDING_EXPIRED);
	assert_int_equal(seen.dropped, 1);
	end();
}

static void names(void **state)
{
	(void)state;
	for (enum binding_event e = 0; e < BINDING_EVENT_MAX; e++)
		assert_non_null(binding_event_name(e));
	for (enum binding_state s = 0; s < BINDING_STATE_MAX; s++)
		assert_non_null(binding_state_name(s));
}

static int quiet(void **state)
{
	(void)state;
	log_set_level(LOG_LEVEL_ERROR);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(registered),
		cmocka_unit_test(new_one_that_fails_is_gone),
		cmocka_unit_test(refreshed_and_moved),
		cmocka_unit_test(failed_move_changes_nothing),
		cmocka_unit_test(expires),
		cmocka_unit_test(looked_at_before_the_end),
		cmocka_unit_test(released_then_gone),
		cmocka_unit_test(released_then_registered),
		cmocka_unit_test(restored),
		cmocka_unit_test(revoked_then_gone),
		cmocka_unit_test(revoking_ended_otherwise),
		cmocka_unit_test(names),
	};

	return cmocka_run_group_tests_name("binding", tests, quiet, NULL);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* What routers say of the size of tunnel packets reaches the tunnel, and nobody else can say. */
/* links: mn-agent/path.c mn-agent/anchor.c and what that uses, common/wire/tunnel.c */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <string.h>

#include "common/wire/cksum.h"
#include "common/wire/ext.h"
#include "common/wire/icmp6.h"
#include "common/wire/tunnel.h"
#include "mn-agent/mn.h"

#define HOA	"2001:db8:1:101::5"
#define HA	"2001:db8:1:100::1"
#define COA	"2001:db8:2::9"
#define CN	"2001:db8:c::2"
#define ROUTER	"2001:db8:f::1"

static struct mn mn;
static struct anchor anchor;
static unsigned int n_set;
static uint16_t set_mtu;

static struct in6_addr addr(const char *s)
{
	struct in6_addr a;

	assert_int_equal(in6_parse(s, &a), 0);
	return a;
}

static int tunnel_set(void *ctx, const struct dp_binding *b)
{
	(void)ctx;
	n_set++;
	set_mtu = b->mtu;
	return 0;
}

static const struct anchor_ops ops = { .tunnel_set = tunnel_set };

static void put_header(struct wbuf *w, const char *src, const char *dst, uint8_t next,
		       size_t payload)
{
	const struct in6_addr from = addr(src), to = addr(dst);

	wb_u32(w, 6U << 28);
	wb_u16(w, (uint16_t)payload);
	wb_u8(w, next);
	wb_u8(w, 64);
	wb_in6(w, &from);
	wb_in6(w, &to);
}

static void give(uint8_t type, uint32_t value, const char *coa, const char *ha, const char *hoa)
{
	const struct in6_addr from = addr(ROUTER), to = addr(COA);
	uint8_t room[256];
	struct wbuf w;

	wb_init(&w, room, sizeof(room));
	put_header(&w, ROUTER, COA, IP6_NH_ICMP6, 8 + 2 * IP6_HDR_LEN);
	wb_u8(&w, type);
	wb_u8(&w, 0);
	wb_u16(&w, 0);
	wb_u32(&w, value);
	put_header(&w, coa, ha, IP6_NH_TUNNEL, 1460);
	put_header(&w, hoa, CN, 17, 1420);
	wb_set_u16(&w, IP6_HDR_LEN + 2, cksum_ip6(&from, &to, IP6_NH_ICMP6, room + IP6_HDR_LEN,
						  w.len - IP6_HDR_LEN));
	assert_false(w.err);
	mn_rx_tunnel_error(&mn, room, w.len, 1000 * USEC_S);
}

static int setup(void **state)
{
	(void)state;
	memset(&mn, 0, sizeof(mn));
	anchor = (struct anchor){
		.hoa = addr(HOA), .ha = addr(HA), .coa = addr(COA), .via = addr(COA),
		.tunnelled = true,
		.mtu = 1460, .ops = &ops,
	};
	mn.anchors = &anchor;
	n_set = 0;
	return 0;
}

static void test_smaller(void **state)
{
	const struct in6_addr coa = addr(COA), elsewhere = addr("2001:db8:3::9");

	(void)state;
	give(ICMP6_TOO_BIG, 1400, COA, HA, HOA);
	assert_int_equal(n_set, 1);
	assert_int_equal(set_mtu, 1360);
	/* Never back up by what somebody says, and never below what every link has to carry. */
	give(ICMP6_TOO_BIG, 1450, COA, HA, HOA);
	assert_int_equal(n_set, 1);
	give(ICMP6_TOO_BIG, 0, COA, HA, HOA);
	assert_int_equal(set_mtu, 1280);
	assert_int_equal(mn.counters[MN_C_TOO_BIG], 3);
	/* The way from another care-of address is another one. */
	anchor_link_mtu(&anchor, 1460, &coa);
	assert_int_equal(anchor.mtu, 1280);
	anchor_link_mtu(&anchor, 1460, &elsewhere);
	assert_int_equal(anchor.mtu, 1460);
}

static void test_not_ours(void **state)
{
	(void)state;
	give(ICMP6_TOO_BIG, 1400, "2001:db8:2::a", HA, HOA);
	give(ICMP6_TOO_BIG, 1400, COA, ROUTER, HOA);
	give(ICMP6_TOO_BIG, 1400, COA, HA, "2001:db8:1:101::6");
	assert_int_equal(mn.counters[MN_C_TOO_BIG_UNKNOWN], 3);
	anchor.tunnelled = false;
	give(ICMP6_TOO_BIG, 1400, COA, HA, HOA);
	assert_int_equal(mn.counters[MN_C_TOO_BIG_UNKNOWN], 4);
	anchor.tunnelled = true;
	give(ICMP6_UNREACHABLE, 1400, COA, HA, HOA);
	mn_rx_tunnel_error(&mn, "x", 1, 1000 * USEC_S);
	assert_int_equal(mn.counters[MN_C_PACKET_BAD], 1);
	assert_int_equal(anchor.mtu, 1460);
	assert_int_equal(n_set, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_smaller, setup),
		cmocka_unit_test_setup(test_not_ours, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

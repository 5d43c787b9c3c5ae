/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The block "peer" of ha.conf: other access routers, and the key that each shares with this one.
 * Owns the peers of a struct ha_config; called by conf.c and reload.c.
 */
#include "ha-agent/conf_peers.h"

#include <stdlib.h>
#include <string.h>

#include "common/core/confkey.h"

/* What the block holds while it is read; there is one. The key comes first: it is the object
 * of the rows that all blocks with keys have. */
static struct {
	struct conf_key key;
	struct in6_addr address;
	struct ha_config *cfg;
} draft;

static const struct ha_peer *find(const struct ha_config *cfg, const struct in6_addr *address)
{
	for (unsigned int i = 0; i < cfg->n_peers; i++)
		if (in6_eq(&cfg->peers[i].address, address))
			return &cfg->peers[i];
	return NULL;
}

void *ha_conf_peer_open(struct conf *c, void *obj, const struct conf_word *kw,
			const struct conf_word *args, unsigned int n)
{
	struct ha_config *cfg = obj;

	(void)kw;
	(void)n;
	explicit_bzero(&draft, sizeof(draft));
	draft.cfg = cfg;
	if (!conf_addr(c, &args[0], &draft.address))
		return NULL;
	if (!in6_is_routable(&draft.address)) {
		conf_error(c, &args[0], "%s cannot be the address of another router; expected a "
			   "global one", args[0].text);
		return NULL;
	}
	if (find(cfg, &draft.address)) {
		conf_error(c, &args[0], "peer %s is there already; expected another address",
			   args[0].text);
		return NULL;
	}
	if (cfg->n_peers == HA_MAX_PEERS) {
		conf_error(c, &args[0], "too many peers; expected at most %d", HA_MAX_PEERS);
		return NULL;
	}
	if (!conf_key_begin(c, &args[1], true, &draft.key))
		return NULL;
	/* RFC 4285 8 has it for mobile nodes that know nothing better. */
	if (draft.key.spi == AUTH_SPI_HMAC_SHA1) {
		conf_error(c, &args[1], "SPI 3 is HMAC-SHA1-96, which is not used between "
			   "routers; expected an SPI from 256 up");
		return NULL;
	}
	return &draft;
}

void ha_conf_peer_close(struct conf *c, void *obj, const struct conf_word *kw)
{
	struct ha_config *cfg = draft.cfg;
	struct ha_peer *p;

	if (!obj)
		return;
	p = conf_key_grow(cfg->peers, cfg->n_peers, sizeof(*p));
	if (!p) {
		conf_error(c, kw, "no memory for peer %s", in6_str(&draft.address).s);
		return;
	}
	cfg->peers = p;
	p += cfg->n_peers;
	p->address = draft.address;
	if (conf_key_end(c, kw, &draft.key, &p->auth))
		cfg->n_peers++;
	explicit_bzero(&draft, sizeof(draft));
}

const struct conf_keyword ha_conf_peer_table[] = {
	CONF_KEY_ROWS,
	{ 0 }
};

bool ha_conf_same_peers(const struct ha_config *a, const struct ha_config *b)
{
	if (a->n_peers != b->n_peers || a->timestamp_window != b->timestamp_window)
		return false;
	for (unsigned int i = 0; i < a->n_peers; i++) {
		const struct auth_key *x = &a->peers[i].auth, *y;
		const struct ha_peer *other = find(b, &a->peers[i].address);

		if (!other)
			return false;
		y = &other->auth;
		if (x->spi != y->spi || x->secret_len != y->secret_len ||
		    !auth_equal(x->secret, y->secret, x->secret_len))
			return false;
	}
	return true;
}

void ha_conf_wipe_peers(struct ha_config *cfg)
{
	for (unsigned int i = 0; i < cfg->n_peers; i++)
		auth_key_wipe(&cfg->peers[i].auth);
	free(cfg->peers);
	cfg->peers = NULL;
	cfg->n_peers = 0;
}

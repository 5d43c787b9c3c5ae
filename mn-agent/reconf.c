/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Another configuration while the mobile node runs: one function for one topic, each compares
 * what was with what is and carries the difference out. Called by reload.c, which has put the
 * new configuration in the place of the old one. An anchor that is not concerned is not touched.
 */
#include <string.h>

#include "common/core/log.h"
#include "mn-agent/attach.h"
#include "mn-agent/bootstrap.h"
#include "mn-agent/handover.h"
#include "mn-agent/mn_private.h"

static bool same_key(const struct mn_key *a, const struct mn_key *b)
{
	if (!a || !b)
		return a == b;
	return a->key.spi == b->key.spi && a->key.algorithm == b->key.algorithm &&
	       a->key.secret_len == b->key.secret_len &&
	       auth_equal(a->key.secret, b->key.secret, a->key.secret_len) &&
	       a->timestamps == b->timestamps;
}

/* The old configuration's key that the anchor has used so far: where it stood, there is one of
 * the new configuration now. */
static const struct mn_key *key_before(const struct mn *mn, const struct mn_config *old,
				       const struct anchor *a)
{
	for (unsigned int n = 0; n < old->n_keys; n++)
		if (a->key == &mn->cfg->keys[n].key)
			return &old->keys[n];
	return NULL;
}

static void apply_keys(struct mn *mn, const struct mn_config *old, usec_t now)
{
	for (struct anchor *a = mn->anchors; a; a = a->next) {
		const struct mn_key *before = key_before(mn, old, a);
		const struct mn_key *k = mn_key_for(mn, a, &a->ha);
		const struct auth_key *was = a->key;
		bool timestamps = a->timestamps;

		mn_set_key(mn, a);
		if (before || k ? same_key(before, k) : a->key == was)
			a->timestamps = timestamps;	/* perhaps by the HA's wish */
		else
			anchor_rekeyed(a, now);
	}
}

static void apply_interfaces(struct mn *mn, usec_t now)
{
	for (struct mn_iface *i = mn->ifaces, *next; i; i = next) {
		int pref = mn_preference(mn->cfg, i->link.name);

		next = i->next;
		if (pref >= 0)
			i->preference = (unsigned int)pref;
		else
			mn_link_gone(mn, i->link.ifindex, now);
	}
}

/* Linger counts from the next end of a flow on, the lifetime is asked for in the next
 * registration: both are read where they are used. */
void mn_reconfigured(struct mn *mn, const struct mn_config *old, usec_t now)
{
	apply_keys(mn, old, now);
	bootstrap_reconfigured(mn, now);
	mn_homes(mn, now);
	apply_interfaces(mn, now);
	mn_count_flows(mn, now);
	/* Preference, the cap on anchors and the size of packets into tunnels. */
	handover_evaluate(mn, now);
}

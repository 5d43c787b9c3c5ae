/* SPDX-License-Identifier: BSD-2-Clause */
/* See mend.h. Called by the edges of both daemons. */
#include "common/core/mend.h"

static usec_t pause_of(const struct mend *m)
{
	return m->pause ? m->pause : MEND_PAUSE;
}

usec_t mend_when(const struct mend *m, usec_t now)
{
	usec_t soon = now + MEND_DELAY, next = m->last + pause_of(m);

	return m->last && next > soon ? next : soon;
}

void mend_done(struct mend *m, bool by_others, usec_t now)
{
	bool again = mend_recent(m, now);

	m->last = now;
	if (!by_others)
		return;
	m->repairs++;
	m->row = again ? m->row + 1 : 1;
	if (m->row <= MEND_PATIENCE)
		m->pause = MEND_PAUSE;
	else if (m->pause < MEND_PAUSE_MAX)
		m->pause *= 2;
}

bool mend_recent(const struct mend *m, usec_t now)
{
	return m->row > 0 && now < m->last + pause_of(m) + MEND_CALM;
}

bool mend_contested(const struct mend *m, usec_t now)
{
	return m->row > MEND_PATIENCE && mend_recent(m, now);
}

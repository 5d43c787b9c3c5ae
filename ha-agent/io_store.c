/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the home agent wants to be kept, handed to store.c, which owns it. The ops of ha.h; io.c
 * puts them into its table.
 */
#include "ha-agent/io_store.h"

#include "ha-agent/io.h"

void io_home_store(void *ctx, const struct ha_home_record *r)
{
	struct io *io = ctx;

	store_home(io->store, r);
}

void io_home_forget(void *ctx, const struct in6_prefix *prefix)
{
	struct io *io = ctx;

	store_forget_home(io->store, prefix);
}

int io_lease_store(void *ctx, const struct ha_lease_record *r, bool durable)
{
	struct io *io = ctx;

	return store_lease(io->store, r, durable);
}

void io_binding_store(void *ctx, struct ha_binding_record *r)
{
	struct io *io = ctx;

	store_binding(io->store, r);
}

void io_timestamp_floor(void *ctx, uint64_t floor)
{
	struct io *io = ctx;

	store_floor(io->store, floor);
}

void io_binding_forget(void *ctx, const struct in6_addr *hoa, uint32_t place)
{
	struct io *io = ctx;

	store_forget_binding(io->store, hoa, place);
}

int io_sa_store(void *ctx, struct sa_record *r)
{
	struct io *io = ctx;

	return store_key(io->store, r);
}

void io_sa_forget(void *ctx, uint32_t spi, uint32_t place)
{
	struct io *io = ctx;

	store_forget_key(io->store, spi, place);
}

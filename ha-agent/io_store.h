/* SPDX-License-Identifier: BSD-2-Clause */
/* Ops of the home agent that only hand on to store.h; ctx is a struct io. */
#ifndef DMIP6_HA_IO_STORE_H
#define DMIP6_HA_IO_STORE_H

#include "ha-agent/ha.h"
#include "ha-agent/sa.h"

void io_home_store(void *ctx, const struct ha_home_record *r);
void io_home_forget(void *ctx, const struct in6_prefix *prefix);
int io_lease_store(void *ctx, const struct ha_lease_record *r, bool durable);
void io_binding_store(void *ctx, struct ha_binding_record *r);
void io_timestamp_floor(void *ctx, uint64_t floor);
void io_binding_forget(void *ctx, const struct in6_addr *hoa, uint32_t place);
int io_sa_store(void *ctx, struct sa_record *r);
void io_sa_forget(void *ctx, uint32_t spi, uint32_t place);

#endif

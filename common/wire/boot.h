/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Bootstrapping a security association: the requests and responses that a mobile node and a
 * home agent exchange inside of a TLS session. Framing and names are those of RFC 6618
 * sections 5.1, 5.2, 5.5 to 5.7, where it has any; names of our own begin with "dmip6-".
 *
 *	request		mn-id			who asks (RFC 4282); "" where the mode tells
 *			auth-method		what the asker takes, the preferred one first
 *			mip6-ip6-hoa		the home address that a key is wanted for
 *			mip6-sas		0: signalling only
 *	response	status-code		200, or why not (5.5.4)
 *			auth-method		the one of this session
 *			mip6-spi		28 bits (5.6.1)
 *			dmip6-integrity		hmac-sha-256-128
 *			mip6-sa-validity-end	rfc1123-date
 *			dmip6-sa-lifetime	the same in seconds from now: clocks differ
 *			mip6-ip6-hnp		what the key is good for: a prefix, or one /128
 *			mip6-haa-ip6		the home agent's address
 *			mip6-sas		0
 *			retry-after, dmip6-retry-after	date and seconds; with 503
 *			dmip6-reason		a sentence for people; not with 200
 *
 * The key is not among them: both ends export it from the session (RFC 5705), with
 * boot_key_context() as the context.
 */
#ifndef DMIP6_WIRE_BOOT_H
#define DMIP6_WIRE_BOOT_H

#include "common/wire/buf.h"

#define BOOT_PORT		7872		/* RFC 6618 11: mipv6tls */
#define BOOT_HEADER		4		/* octets: version, identifier, length */
#define BOOT_CONTENT_MAX	2048		/* that we take; RFC 6618 5.1 would allow 65535 */
#define BOOT_MESSAGE_MAX	(BOOT_HEADER + BOOT_CONTENT_MAX)
#define BOOT_ID_MAX		64		/* of a mobile node's name, with its 0 */
#define BOOT_REASON_MAX		128
#define BOOT_SPI_MAX		0x0fffffffU	/* RFC 6618 5.6.1: 28 bits, not 0 */
#define BOOT_SPI_FIRST		0x01000000U	/* ours; below are those of configurations */
#define BOOT_REQUESTS_MAX	255		/* in one session (RFC 6618 5.3) */

#define BOOT_EXPORTER_LABEL	"EXPORTER-dmip6-mn-ha"
#define BOOT_KEY_LEN		32
#define BOOT_CONTEXT_LEN	37

/* How the two know each other, strongest first. */
enum boot_mode {
	BOOT_CERTIFICATE,	/* mutual, of the operator's authority */
	BOOT_PSK,		/* external pre-shared key, of one mobile node or of a group */
	BOOT_ON_LINK,		/* who holds the address now may move it later */
	BOOT_MODE_MAX
};
const char *boot_mode_name(enum boot_mode m);	/* "certificate", "psk", "on-link" */
/* In any case, as the grammar of RFC 2616 2.1 has it. 0, -EINVAL. */
int boot_mode_parse(const char *name, size_t len, enum boot_mode *ret);

enum boot_status {			/* RFC 6618 5.5.4 */
	BOOT_OK = 200,
	BOOT_BAD_REQUEST = 400,
	BOOT_UNAUTHORIZED = 401,
	BOOT_INTERNAL_ERROR = 500,
	BOOT_NOT_IMPLEMENTED = 501,
	BOOT_UNAVAILABLE = 503,		/* with retry-after */
};

struct boot_modes {			/* an ordered set */
	unsigned int n;
	enum boot_mode mode[BOOT_MODE_MAX];
};
bool boot_modes_have(const struct boot_modes *s, enum boot_mode m);

struct boot_request {
	uint8_t id;			/* 1, 2, ... in each session */
	char mn_id[BOOT_ID_MAX];	/* visible ASCII */
	struct boot_modes methods;	/* decoded: those that we know, none of them twice */
	struct in6_addr hoa;
};

struct boot_response {
	uint8_t id;			/* of the request */
	uint16_t status;		/* enum boot_status, or another of three digits */
	/* with BOOT_OK: */
	enum boot_mode mode;
	uint32_t spi;
	int64_t validity_end_s;		/* seconds of the epoch */
	uint32_t lifetime_s;		/* from now; goes before the date */
	struct in6_addr hnp;
	uint8_t hnp_len;
	struct in6_addr ha;
	/* otherwise: */
	uint32_t retry_after_s;		/* from now; 0: not said */
	int64_t retry_at_s;		/* the same in seconds of the epoch; 0: not said */
	char reason[BOOT_REASON_MAX];	/* printable; "" */
};

enum boot_err {
	BOOT_ERR_NONE = 0,
	BOOT_ERR_MORE,		/* a whole message is not there yet: no error */
	BOOT_ERR_VERSION,	/* version or reserved bits not 0 (RFC 6618 5.1) */
	BOOT_ERR_ID,		/* identifier 0 */
	BOOT_ERR_LENGTH,	/* content empty, or longer than BOOT_CONTENT_MAX */
	BOOT_ERR_SYNTAX,	/* no header "name:value" CRLF, or the end (5.5.7) is missing */
	BOOT_ERR_DUPLICATE,	/* a header twice */
	BOOT_ERR_MISSING,	/* one that has to be there is not */
	BOOT_ERR_VALUE,		/* a value that cannot be */
	BOOT_ERR_UNSUPPORTED,	/* integrity or scope that we do not have */
	BOOT_ERR_MAX
};
const char *boot_err_name(enum boot_err e);	/* counter: "missing" */
const char *boot_err_text(enum boot_err e);	/* a sentence */

/* How many octets the message at data has: BOOT_ERR_NONE and *ret_len once its header is
 * there; BOOT_ERR_MORE before; otherwise it is none, and nothing can be read after it. */
enum boot_err boot_length(const void *data, size_t len, size_t *ret_len);
/* One whole message of boot_length() octets: BOOT_ERR_MORE with fewer, BOOT_ERR_LENGTH with
 * more. Unknown headers are skipped; what does not go with the status of a response is, too, and
 * its fields are 0. On error *ret is untouched, but ret->id of a request is set where it could
 * be read. */
enum boot_err boot_decode_request(const void *data, size_t len, struct boot_request *ret);
enum boot_err boot_decode_response(const void *data, size_t len, struct boot_response *ret);
/* Appends one. 0, -ENOSPC, or -EINVAL for what cannot be written. */
int boot_encode_request(struct wbuf *w, const struct boot_request *r);
int boot_encode_response(struct wbuf *w, const struct boot_response *r);

/* The exporter's context (RFC 5705 4): what the key is good for and nothing else. Bits of hnp
 * behind its length count as 0. */
void boot_key_context(const struct in6_addr *hnp, uint8_t hnp_len, const struct in6_addr *ha,
		      uint32_t spi, uint8_t ret[BOOT_CONTEXT_LEN]);

#endif

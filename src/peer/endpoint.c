/* Socket addresses as text. */
#include "base/ip.h"
#include "peer/net.h"
#include <stdio.h>
#include <string.h>

size_t endpoint_format(struct endpoint e, char out[ENDPOINT_TEXT])
{
	int n = snprintf(out, ENDPOINT_TEXT, "%u.%u.%u.%u", e.ip >> 24, e.ip >> 16 & 255U, e.ip >> 8 & 255U,
			 e.ip & 255U);

	if (n > 0 && e.port != 0)
		n += snprintf(out + n, ENDPOINT_TEXT - (size_t)n, ":%u", e.port);
	return n < 0 ? 0 : (size_t)n;
}

/* 1 to 65535, without signs, blanks and leading zeros. */
static bool port_parse(const char *text, uint16_t *port)
{
	unsigned value = 0;
	size_t length = strspn(text, "0123456789");

	if (length < 1 || length > 5 || text[length] != '\0' || *text == '0')
		return false;
	for (; *text; text++)
		value = value * 10 + (unsigned)(*text - '0');
	*port = (uint16_t)value;
	return value <= UINT16_MAX;
}

bool endpoint_parse(const char *text, struct endpoint *out)
{
	char host[sizeof "255.255.255.255"];
	size_t length = strcspn(text, ":");
	struct endpoint e = { 0 };
	struct ip ip;

	if (length >= sizeof host)
		return false;
	memcpy(host, text, length);
	host[length] = '\0';
	if (!ip_parse(host, &ip) || !ip_is_v4(&ip))
		return false;
	if (text[length] == ':' && !port_parse(text + length + 1, &e.port))
		return false;
	for (int i = 12; i < 16; i++)
		e.ip = e.ip << 8 | ip.b[i];
	*out = e;
	return true;
}

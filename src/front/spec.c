// SPDX-License-Identifier: MIT
/* The words after `--device`, and the complaints about them. */
#include "front/spec.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int front_fail(const struct front_message *message, int error, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(message->text, message->size, fmt, args);
	va_end(args);
	return error;
}

/* Exactly `digits` hexadecimal digits at *text, then the character `after`. */
static bool take_hex(const char **text, unsigned digits, char after, uint32_t *value)
{
	*value = 0;
	for (unsigned i = 0; i < digits; i++, (*text)++) {
		char c = **text;

		if (c >= '0' && c <= '9')
			*value = *value << 4 | (uint32_t)(c - '0');
		else if ((c | 32) >= 'a' && (c | 32) <= 'f')
			*value = *value << 4 | (uint32_t)((c | 32) - 'a' + 10);
		else
			return false;
	}
	if (**text != after)
		return false;
	if (after)
		(*text)++;
	return true;
}

static bool parse_bdf(const char *text, uint32_t *bdf)
{
	uint32_t domain, bus, device, function;

	if (!take_hex(&text, 4, ':', &domain) || !take_hex(&text, 2, ':', &bus) ||
	    !take_hex(&text, 2, '.', &device) || !take_hex(&text, 1, 0, &function))
		return false;
	if (device > 31 || function > 7)
		return false;
	*bdf = domain << 16 | bus << 8 | device << 3 | function;
	return true;
}

static int set_bdf(struct front_spec *spec, const char *value, const struct front_message *message)
{
	if (spec->has_bdf)
		return front_fail(message, -EINVAL, "bdf is given twice: write it once");
	if (!parse_bdf(value, &spec->bdf))
		return front_fail(message, -EINVAL,
				  "no PCI address '%s': write bdf=DDDD:BB:DD.F in hexadecimal, "
				  "for example bdf=0000:6a:01.0",
				  value);
	spec->has_bdf = true;
	return 0;
}

static int set_group(struct front_spec *spec, const char *value,
		     const struct front_message *message)
{
	if (spec->has_group)
		return front_fail(message, -EINVAL, "group is given twice: write it once");
	if (!front_number_parse(value, &spec->group))
		return front_fail(message, -EINVAL,
				  "no group number '%s': write a decimal number below 2^20, "
				  "for example group=26",
				  value);
	spec->has_group = true;
	return 0;
}

static int set_iommu(struct front_spec *spec, const char *value,
		     const struct front_message *message)
{
	if (spec->iommu)
		return front_fail(message, -EINVAL, "iommu is given twice: write it once");
	spec->iommu = value;
	return 0;
}

static const struct {
	const char *name;
	int (*set)(struct front_spec *spec, const char *value, const struct front_message *message);
} keys[] = {
	{"bdf", set_bdf},
	{"group", set_group},
	{"iommu", set_iommu},
};

/* Take `word` if its key is one of ours; *ours tells. */
static int apply_common(struct front_spec *spec, const char *word, bool *ours,
			const struct front_message *message)
{
	const char *value = strchr(word, '=');

	*ours = false;
	if (!value || value == word)
		return front_fail(message, -EINVAL, "no option '%s': write KEY=VALUE", word);
	for (size_t i = 0; i < base_array_size(keys); i++)
		if ((size_t)(value - word) == strlen(keys[i].name) &&
		    !strncmp(word, keys[i].name, strlen(keys[i].name))) {
			*ours = true;
			return keys[i].set(spec, value + 1, message);
		}
	return 0;
}

static int split(struct front_spec *spec, const struct front_message *message)
{
	char *rest = spec->text;
	size_t count = 0;
	bool ours;
	int rc;

	spec->model = strsep(&rest, ",");
	while (rest) {
		const char *word = strsep(&rest, ",");

		rc = apply_common(spec, word, &ours, message);
		if (rc)
			return rc;
		if (!ours)
			spec->options[count++] = word;
	}
	spec->options[count] = NULL;
	return 0;
}

/* One option for each comma at most, and the NULL. */
static size_t count_options(const char *text)
{
	size_t count = 1;

	while ((text = strchr(text, ',')) != NULL) {
		text++;
		count++;
	}
	return count;
}

int front_spec_init(struct front_spec *spec, const char *text, const struct front_message *message)
{
	size_t length = strlen(text) + 1;
	int rc;

	memset(spec, 0, sizeof(*spec));
	spec->text = base_alloc(length);
	spec->options = base_alloc(count_options(text) * sizeof(*spec->options));
	if (!spec->text || !spec->options) {
		front_spec_fini(spec);
		return front_fail(message, -ENOMEM, "out of memory");
	}
	memcpy(spec->text, text, length);
	rc = split(spec, message);
	if (rc)
		front_spec_fini(spec);
	return rc;
}

void front_spec_fini(struct front_spec *spec)
{
	base_free(spec->options);
	base_free(spec->text);
}

// SPDX-License-Identifier: MIT
/* Small files of text, as /proc and debugfs have them: a value that is read and written whole. */
#include "front/preload/preload.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

ssize_t preload_text_read(struct mem_client *client, uint64_t addr, size_t count, uint64_t pos,
			  const char *text)
{
	size_t size = strlen(text);

	if (pos >= size)
		return 0;
	count = base_min_u64(count, size - pos);
	return mem_copy_out(client, addr, text + pos, count) ? -EFAULT : (ssize_t)count;
}

int preload_text_take(struct mem_client *client, uint64_t addr, size_t count,
		      char text[PRELOAD_TEXT_SIZE])
{
	if (count >= PRELOAD_TEXT_SIZE)
		return -EINVAL;
	if (mem_copy_in(client, text, addr, count))
		return -EFAULT;
	text[count] = '\0';
	if (strlen(text) != count)
		return -EINVAL;
	if (count && text[count - 1] == '\n')
		text[count - 1] = '\0';
	return 0;
}

int preload_text_number(const char *text, uint64_t max, uint64_t *number)
{
	int saved = errno, rc;
	char *end;

	errno = 0;
	*number = strtoull(text, &end, 0);
	rc = !isdigit((unsigned char)*text) || *end ? -EINVAL
	     : errno || *number > max		    ? -ERANGE
						    : 0;
	errno = saved;
	return rc;
}

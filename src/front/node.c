// SPDX-License-Identifier: MIT
/* Paths of device files, by their exact spelling. */
#include "front/front.h"

#include <string.h>

#define DEVICE_PREFIX "/dev/vfio/devices/vfio"

bool front_number_parse(const char *text, uint32_t *number)
{
	uint32_t value = 0;

	if (!*text || (*text == '0' && text[1]))
		return false;
	for (; *text; text++) {
		if (*text < '0' || *text > '9')
			return false;
		value = value * 10 + (uint32_t)(*text - '0');
		if (value >= 1u << 20)
			return false;
	}
	*number = value;
	return true;
}

struct front_node front_node_parse(const char *path)
{
	struct front_node node = {FRONT_NODE_NONE, 0};

	if (strncmp(path, "/dev/", 5))
		return node;
	if (!strcmp(path, "/dev/iommu")) {
		node.type = FRONT_NODE_IOMMUFD;
	} else if (!strcmp(path, "/dev/vfio/vfio")) {
		node.type = FRONT_NODE_CONTAINER;
	} else if (!strcmp(path, "/dev/vfio") || !strcmp(path, "/dev/vfio/devices")) {
		node.type = FRONT_NODE_DIR;
		node.number = path[strlen("/dev/vfio")] == '/';
	} else if (!strncmp(path, DEVICE_PREFIX, strlen(DEVICE_PREFIX)) &&
		   front_number_parse(path + strlen(DEVICE_PREFIX), &node.number)) {
		node.type = FRONT_NODE_DEVICE;
	}
	return node;
}

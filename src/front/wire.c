// SPDX-License-Identifier: MIT
/* The names by which sockets are known. */
#include "front/wire.h"

/* A bad name is nobody's, whatever its magic. */
static bool is_sound(const struct front_name *name)
{
	return name->magic == FRONT_NAME_MAGIC && name->key && !name->zero;
}

bool front_name_get(int fd, struct front_name *name)
{
	if (base_socket_name(fd, true, name, sizeof(*name)) || !is_sound(name) || !name->serial)
		return false;
	return name->access <= 2 &&
	       (name->type == FRONT_NODE_IOMMUFD || name->type == FRONT_NODE_CONTAINER ||
		name->type == FRONT_NODE_DEVICE || name->type == FRONT_NODE_QUEUE);
}

bool front_name_is_own(int fd)
{
	struct front_name name;

	if (!base_socket_name(fd, false, &name, sizeof(name)))
		return is_sound(&name);
	return !base_socket_name(fd, true, &name, sizeof(name)) && is_sound(&name) && !name.serial;
}

struct front_name front_name_of_server(uint64_t key)
{
	return (struct front_name){.magic = FRONT_NAME_MAGIC, .key = key};
}

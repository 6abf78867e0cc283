// SPDX-License-Identifier: MIT
/* The test ABI in a program, as the kernel's own tests use it: a child for each test. */
#include "e2e.h"

#include "uapi/test.h"

#include <sys/mman.h>

#define PAGE ((size_t)4096)
#define IOVA 0x2000000u

static int test_cmd(int fd, uint32_t op, struct iommu_test_cmd *cmd)
{
	cmd->size = sizeof(*cmd);
	cmd->op = op;
	return ioctl(fd, IOMMU_TEST_CMD, cmd);
}

static int check_refs(int fd, const void *memory, uint32_t refs)
{
	struct iommu_test_cmd cmd = {
		.check_refs = {.length = PAGE, .uptr = (uintptr_t)memory, .refs = refs},
	};

	return test_cmd(fd, IOMMU_TEST_OP_MD_CHECK_REFS, &cmd);
}

static int map_page(int fd, uint32_t ioas, const void *memory)
{
	struct iommu_ioas_map cmd = {
		.size = sizeof(cmd),
		.flags = IOMMU_IOAS_MAP_FIXED_IOVA | IOMMU_IOAS_MAP_WRITEABLE |
			 IOMMU_IOAS_MAP_READABLE,
		.ioas_id = ioas,
		.user_va = (uintptr_t)memory,
		.length = PAGE,
		.iova = IOVA,
	};

	return ioctl(fd, IOMMU_IOAS_MAP, &cmd);
}

/* On a fresh context: a device, a page that it sees, both gone again when the number is closed. */
static int use_a_mock_device(int unused)
{
	uint8_t *memory =
		mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int fd = open(IOMMU_PATH, O_RDWR);
	struct iommu_test_cmd domain = {.id = new_ioas(fd)}, check;

	(void)unused;
	child_check(!test_cmd(fd, IOMMU_TEST_OP_MOCK_DOMAIN, &domain));
	child_check(domain.mock_domain.out_stdev_id == 2 && domain.mock_domain.out_idev_id == 3);
	child_check(!map_page(fd, domain.id, memory));
	check = (struct iommu_test_cmd){
		.id = domain.mock_domain.out_hwpt_id,
		.check_map = {.iova = IOVA, .length = PAGE, .uptr = (uintptr_t)memory},
	};
	child_check(!test_cmd(fd, IOMMU_TEST_OP_MD_CHECK_MAP, &check));
	child_check(!check_refs(fd, memory, 1));
	child_check(!close(fd));
	fd = open(IOMMU_PATH, O_RDWR);
	child_check(!check_refs(fd, memory, 0));
	child_check(!close(fd));
	return 0;
}

static void the_program_has_the_test_abi(void **state)
{
	(void)state;
	assert_int_equal(use_a_mock_device(0), 0);
}

static void its_children_have_it_too(void **state)
{
	(void)state;
	assert_int_equal(in_child(use_a_mock_device, 0), 0);
}

static uint8_t *pinned; /* by the parent */

static int see_no_pins(int unused)
{
	int fd = open(IOMMU_PATH, O_RDWR);

	(void)unused;
	child_check(!check_refs(fd, pinned, 0));
	return use_a_mock_device(0);
}

/* The pins of the parent are not the child's. */
static void children_begin_without_pins(void **state)
{
	int fd = open_iommufd();
	struct iommu_test_cmd domain = {.id = new_ioas(fd)};
	uint8_t *memory =
		mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	(void)state;
	assert_int_equal(test_cmd(fd, IOMMU_TEST_OP_MOCK_DOMAIN, &domain), 0);
	assert_int_equal(map_page(fd, domain.id, memory), 0);
	assert_int_equal(check_refs(fd, memory, 1), 0);
	pinned = memory;
	assert_int_equal(in_child(see_no_pins, 0), 0);
	assert_int_equal(check_refs(fd, memory, 1), 0);
	close(fd);
}

/* ---- files that calls make (13, 5.1) ---- */

static const int dmabuf_flags[] = {
	0,
	O_CLOEXEC,
	O_RDWR,
	O_WRONLY,
	O_RDWR | O_CLOEXEC,
	O_NONBLOCK,
	O_RDWR | O_NONBLOCK | O_CLOEXEC,
};

static bool is_open_so(int fd, int flags)
{
	return fcntl(fd, F_GETFD) == (flags & O_CLOEXEC ? FD_CLOEXEC : 0) &&
	       (fcntl(fd, F_GETFL) & (O_ACCMODE | O_NONBLOCK)) == (flags & ~O_CLOEXEC);
}

/* On a context of one's own or of the parent. */
static int make_files(int fd)
{
	struct iommu_test_cmd access = {.id = new_ioas(fd)};

	for (size_t i = 0; i < sizeof(dmabuf_flags) / sizeof(dmabuf_flags[0]); i++) {
		struct iommu_test_cmd cmd = {
			.dmabuf_get = {.length = 1, .open_flags = (uint32_t)dmabuf_flags[i]},
		};
		int dmabuf = test_cmd(fd, IOMMU_TEST_OP_DMABUF_GET, &cmd);

		child_check(dmabuf > fd && is_open_so(dmabuf, dmabuf_flags[i]));
		child_check(!close(dmabuf));
	}
	child_check(!test_cmd(fd, IOMMU_TEST_OP_CREATE_ACCESS, &access));
	child_check(is_open_so((int)access.create_access.out_access_fd, O_RDWR | O_CLOEXEC));
	child_check(!close((int)access.create_access.out_access_fd));
	return 0;
}

static void dma_bufs_are_open_as_they_are_asked_for(void **state)
{
	int fd = open_iommufd();

	(void)state;
	assert_int_equal(make_files(fd), 0);
	assert_int_equal(in_child(make_files, fd), 0);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_program_has_the_test_abi),
		cmocka_unit_test(its_children_have_it_too),
		cmocka_unit_test(children_begin_without_pins),
		cmocka_unit_test(dma_bufs_are_open_as_they_are_asked_for),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

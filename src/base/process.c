// SPDX-License-Identifier: MIT
/* Memory and descriptors of other processes. */
#include "base/process.h"
#include "base/sys.h"
#include "base/syscall.h"

#include <errno.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/uio.h>
#include <time.h>

/* Read n bytes and, in the same call, the token that tells whose they are. */
int base_process_read(const struct base_process *process, void *dst, uint64_t addr, size_t n)
{
	uint64_t token = 0;
	struct iovec local[] = {{&token, sizeof(token)}, {dst, n}};
	struct iovec remote[] = {{(void *)(uintptr_t)process->token_addr, sizeof(token)},
				 {(void *)(uintptr_t)addr, n}};
	long rc = base_syscall(SYS_process_vm_readv, process->pid, local, 2, remote, 2, 0);

	return rc == (long)(sizeof(token) + n) && token == process->token ? 0 : -EFAULT;
}

int base_process_write(const struct base_process *process, uint64_t addr, const void *src, size_t n)
{
	struct iovec local = {(void *)src, n}, remote = {(void *)(uintptr_t)addr, n};
	int rc = base_process_read(process, NULL, 0, 0);

	if (rc || !n)
		return rc;
	return base_syscall(SYS_process_vm_writev, process->pid, &local, 1, &remote, 1, 0) ==
			       (long)n
		       ? 0
		       : -EFAULT;
}

int base_process_fd(const struct base_process *process, int fd)
{
	int handle = (int)base_syscall(SYS_pidfd_open, process->pid, 0), rc;

	if (handle < 0)
		return handle;
	rc = base_process_read(process, NULL, 0, 0) ? -ESRCH : 0;
	if (!rc)
		rc = (int)base_syscall(SYS_pidfd_getfd, handle, fd, 0);
	base_sys_close(handle);
	return rc;
}

uint64_t base_process_memlock_limit(pid_t pid)
{
	struct rlimit limit;

	if (base_syscall(SYS_prlimit64, pid, RLIMIT_MEMLOCK, NULL, &limit))
		return 0;
	return limit.rlim_cur == RLIM_INFINITY ? UINT64_MAX : limit.rlim_cur;
}

void base_process_admit(pid_t pid)
{
	base_syscall(SYS_prctl, PR_SET_PTRACER, pid, 0, 0, 0);
}

uint64_t base_process_random(void)
{
	uint64_t number = 0;

	while (base_syscall(SYS_getrandom, &number, sizeof(number), 0) != sizeof(number) || !number)
		;
	return number;
}

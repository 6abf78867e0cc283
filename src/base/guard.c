// SPDX-License-Identifier: MIT
/* The fault handler that knows the allowed fault sites of guard_x86_64.S. */
#include "base/guard.h"

#ifdef __x86_64__

#include "base/sync.h"
#include "base/sys.h"
#include "base/syscall.h"

#include <ucontext.h>
#include <unistd.h>

/* From any address in [start, end) the handler goes on at `fixup`. */
struct guard_site {
	uintptr_t start, end, fixup;
};

extern const struct guard_site base_guard_sites[2] __attribute__((visibility("hidden")));
extern void base_guard_restorer(void) __attribute__((visibility("hidden")));

/* May base_guard_copy() use AVX? */
uint8_t base_guard_has_avx __attribute__((visibility("hidden")));

/* As the kernel has it (not libc's sigaction, which a preloaded library wraps). */
struct action {
	union {
		void (*handler)(int signo);
		void (*sigaction)(int signo, siginfo_t *info, void *ucontext);
	};
	unsigned long flags;
	void (*restorer)(void);
	uint64_t mask;
};

#define SA_RESTORER 0x04000000ul

/* What was there before us: SIGSEGV, SIGBUS. */
static struct action previous[2];
static struct base_mutex install_lock = BASE_MUTEX_INIT(RANK_LEAF);
static bool installed;

static int change_action(int signo, const struct action *action, struct action *old)
{
	return (int)base_syscall(SYS_rt_sigaction, signo, action, old, sizeof(old->mask));
}

/* A signal that the faulting instruction raised, and would raise again; not kill(2). */
static bool is_fault(const siginfo_t *info)
{
	return info->si_code > 0;
}

bool base_guard_handle(int signo, siginfo_t *info, void *ucontext)
{
	greg_t *pc = &((ucontext_t *)ucontext)->uc_mcontext.gregs[REG_RIP];

	if ((signo != SIGSEGV && signo != SIGBUS) || !is_fault(info))
		return false;
	for (size_t i = 0; i < base_array_size(base_guard_sites); i++) {
		const struct guard_site *site = &base_guard_sites[i];

		if ((uintptr_t)*pc >= site->start && (uintptr_t)*pc < site->end) {
			*pc = (greg_t)site->fixup;
			return true;
		}
	}
	return false;
}

/* Nobody wants it: a fault happens again and ends the process where it began. */
static void default_action(int signo, siginfo_t *info)
{
	struct action action = {.handler = SIG_DFL};

	change_action(signo, &action, NULL);
	if (!is_fault(info))
		base_syscall(SYS_rt_tgsigqueueinfo, base_syscall(SYS_getpid), base_sys_gettid(),
			     signo, info);
}

/* As the kernel would call it: with its own signals blocked until the return. */
static void call_handler(struct action *old, int signo, siginfo_t *info, void *ucontext)
{
	struct action action = *old;
	uint64_t mask = action.mask;

	if (!(action.flags & SA_NODEFER))
		mask |= 1ull << (signo - 1);
	base_syscall(SYS_rt_sigprocmask, SIG_BLOCK, &mask, NULL, sizeof(mask));
	if (action.flags & SA_RESETHAND)
		old->handler = SIG_DFL;
	if (action.flags & SA_SIGINFO)
		action.sigaction(signo, info, ucontext);
	else
		action.handler(signo);
}

static void on_fault(int signo, siginfo_t *info, void *ucontext)
{
	struct action *old = &previous[signo == SIGBUS];

	if (base_guard_handle(signo, info, ucontext))
		return;
	if (old->handler == SIG_IGN && !is_fault(info))
		return;
	if (old->handler == SIG_IGN || old->handler == SIG_DFL)
		default_action(signo, info);
	else
		call_handler(old, signo, info, ucontext);
}

/*
 * The handler must run on the program's alternate stack, if it has one (its own
 * handler may be there for stack overflows), and also inside another handler.
 */
static int install_one(int signo, struct action *old)
{
	struct action action = {.sigaction = on_fault, .restorer = base_guard_restorer};
	int rc = change_action(signo, NULL, old);

	if (rc)
		return rc;
	action.flags =
		SA_SIGINFO | SA_NODEFER | SA_ONSTACK | SA_RESTORER | (old->flags & SA_RESTART);
	return change_action(signo, &action, NULL);
}

int base_guard_install(void)
{
	base_scoped_lock(&install_lock);
	int rc;

	if (installed)
		return 0;
	base_guard_has_avx = __builtin_cpu_supports("avx") != 0;
	rc = install_one(SIGSEGV, &previous[0]);
	if (!rc)
		rc = install_one(SIGBUS, &previous[1]);
	installed = !rc;
	return rc;
}

#else

int base_guard_install(void)
{
	return 0;
}

bool base_guard_handle(int signo, siginfo_t *info, void *ucontext)
{
	(void)signo, (void)info, (void)ucontext;
	return false;
}

#endif

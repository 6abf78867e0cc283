// SPDX-License-Identifier: MIT
/*
 * SIGSEGV and SIGBUS. Our handler sees each fault first, because a bad pointer in
 * a call is an error of the call. The program's own action is kept here, shown
 * to it as if it were installed, and taken for faults that are not ours.
 *
 * The two signals are never blocked: a fault while its signal is blocked ends
 * the process. The exception is the program's own handler of the same signal,
 * where it is blocked as the program expects.
 */
#include "front/preload/preload.h"

#include <string.h>

/* libc's sets are larger, and what follows is not always initialised. */
#define KERNEL_MASK_SIZE 8

/* An action of the program. Never changed or freed, since a handler may be looking. */
struct action {
	struct sigaction act;
	const struct action *next;
};

static const struct action action_default = {.act.sa_handler = SIG_DFL};
static const struct action action_ignore = {.act.sa_handler = SIG_IGN, .next = &action_default};

/* All that there ever were: programs change between few. */
static const struct action *actions = &action_ignore;

/* What the program has set for SIGSEGV and SIGBUS. */
static const struct action *program[2] = {&action_default, &action_default};
static bool taken;

static bool is_special(sighandler_t handler)
{
	return handler == SIG_DFL || handler == SIG_IGN;
}

/* Without a handler, flags and mask mean nothing. */
static bool is_same(const struct sigaction *a, const struct sigaction *b)
{
	if (a->sa_handler != b->sa_handler)
		return false;
	return is_special(a->sa_handler) ||
	       (a->sa_flags == b->sa_flags && !memcmp(&a->sa_mask, &b->sa_mask, KERNEL_MASK_SIZE));
}

/*
 * The kept copy of `act`, NULL if memory is short. Takes no lock, so that a
 * handler may call it; allocates only for an action that is new.
 */
static const struct action *action_keep(const struct sigaction *act)
{
	const struct action *head = base_load(&actions);
	struct action *added;

	for (const struct action *action = head; action; action = action->next)
		if (is_same(&action->act, act))
			return action;
	added = base_zalloc(sizeof(*added));
	if (!added)
		return NULL;
	added->act = *act;
	do
		added->next = head;
	while (!base_cas(&actions, &head, (const struct action *)added));
	return added;
}

/* ---- faults that are not ours ---- */

/* A fault happens again and ends the process where it began; a signal that was sent is sent again.
 */
static void default_action(int signo, const siginfo_t *info)
{
	libc_sigaction(signo, &action_default.act, NULL);
	if (info->si_code <= 0)
		raise(signo);
}

/* As the kernel would call it; the mask is the kernel's again when the handler returns. */
static void call_handler(const struct sigaction *act, int signo, siginfo_t *info, void *ucontext)
{
	sigset_t mask = act->sa_mask;

	if (!(act->sa_flags & SA_NODEFER))
		sigaddset(&mask, signo);
	libc_pthread_sigmask(SIG_BLOCK, &mask, NULL);
	if (act->sa_flags & SA_SIGINFO)
		act->sa_sigaction(signo, info, ucontext);
	else
		act->sa_handler(signo);
}

static void on_fault(int signo, siginfo_t *info, void *ucontext)
{
	const struct action **current = &program[signo == SIGBUS];
	const struct action *action = base_load(current);

	if (base_guard_handle(signo, info, ucontext))
		return;
	if (action->act.sa_handler == SIG_IGN && info->si_code <= 0)
		return;
	if (is_special(action->act.sa_handler)) {
		default_action(signo, info);
		return;
	}
	if (action->act.sa_flags & (int)SA_RESETHAND)
		base_store(current, &action_default);
	call_handler(&action->act, signo, info, ucontext);
}

/* ---- taking over ---- */

static int keep_current(int signo)
{
	const struct action *action;
	struct sigaction before;

	libc_sigaction(signo, NULL, &before);
	action = action_keep(&before);
	if (!action)
		return -ENOMEM;
	program[signo == SIGBUS] = action;
	return 0;
}

/* base_guard_install() does more than to install its handler, which ours replaces. */
int preload_signals_take(void)
{
	static const struct sigaction ours = {.sa_sigaction = on_fault,
					      .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER};
	int rc = keep_current(SIGSEGV);

	if (!rc)
		rc = keep_current(SIGBUS);
	if (!rc)
		rc = base_guard_install();
	if (rc)
		return rc;
	base_store(&taken, true);
	libc_sigaction(SIGSEGV, &ours, NULL);
	libc_sigaction(SIGBUS, &ours, NULL);
	return 0;
}

/* ---- the program's calls ---- */

static bool is_ours(int signo)
{
	return (signo == SIGSEGV || signo == SIGBUS) && base_load(&taken);
}

static int program_sigaction(int signo, const struct sigaction *act, struct sigaction *old)
{
	const struct action **current = &program[signo == SIGBUS];
	const struct action *before = base_load(current);

	if (act) {
		const struct action *after = action_keep(act);

		if (!after) {
			errno = ENOMEM;
			return -1;
		}
		before = base_exchange(current, after);
	}
	if (old)
		*old = before->act;
	return 0;
}

static void strip(sigset_t *set)
{
	sigdelset(set, SIGSEGV);
	sigdelset(set, SIGBUS);
}

int preload_sigaction(int signo, const struct sigaction *act, struct sigaction *old)
{
	struct sigaction copy;

	if (is_ours(signo))
		return program_sigaction(signo, act, old);
	if (!act)
		return libc_sigaction(signo, NULL, old);
	copy = *act;
	strip(&copy.sa_mask);
	return libc_sigaction(signo, &copy, old);
}

static sighandler_t program_signal(int signo, sighandler_t handler, int flags)
{
	struct sigaction act = {.sa_handler = handler, .sa_flags = flags}, old;

	if (!(flags & SA_NODEFER))
		sigaddset(&act.sa_mask, signo);
	return program_sigaction(signo, &act, &old) ? SIG_ERR : old.sa_handler;
}

sighandler_t preload_signal(int signo, sighandler_t handler)
{
	if (!is_ours(signo) || handler == SIG_ERR)
		return libc_signal(signo, handler);
	return program_signal(signo, handler, SA_RESTART);
}

sighandler_t preload_sysv_signal(int signo, sighandler_t handler)
{
	if (!is_ours(signo) || handler == SIG_ERR)
		return libc___sysv_signal(signo, handler);
	return program_signal(signo, handler, (int)(SA_RESETHAND | SA_NODEFER));
}

int preload_sigprocmask(int how, const sigset_t *set, sigset_t *old)
{
	sigset_t copy;

	if (!set)
		return libc_sigprocmask(how, NULL, old);
	copy = *set;
	strip(&copy);
	return libc_sigprocmask(how, &copy, old);
}

int preload_pthread_sigmask(int how, const sigset_t *set, sigset_t *old)
{
	sigset_t copy;

	if (!set)
		return libc_pthread_sigmask(how, NULL, old);
	copy = *set;
	strip(&copy);
	return libc_pthread_sigmask(how, &copy, old);
}

// SPDX-License-Identifier: MIT
/*
 * base/guard.h: the fault handler among other handlers. What installs it runs in
 * a child process, since that is done once per process.
 */
#include "base/guard.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <ucontext.h>
#include <unistd.h>
#include <cmocka.h>

#ifdef __x86_64__

#define PAGE 4096

/* The second page of a file that has one. */
static char *past_end;

static int map_file(void **state)
{
	int fd = memfd_create("guard", MFD_CLOEXEC);

	(void)state;
	if (ftruncate(fd, PAGE))
		return -1;
	past_end = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	past_end += PAGE;
	return close(fd);
}

extern void __tsan_init(void) __attribute__((weak));

static sigjmp_buf escape;
static volatile int chained;
static void *volatile chained_addr;

/* The status of a child that has done nothing yet but run body(). */
static int child_status(void (*body)(void))
{
	struct rlimit none = {0, 0};
	pid_t pid = fork();
	int status;

	if (!pid) {
		setrlimit(RLIMIT_CORE, &none);
		body();
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

static void assert_passes(void (*body)(void))
{
	int status = child_status(body);

	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

static void assert_dies_of(int signo, void (*body)(void))
{
	int status = child_status(body);

	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), signo);
}

static void handle(int signo, void (*handler)(int), int flags)
{
	struct sigaction action = {.sa_handler = handler, .sa_flags = flags};

	if (sigaction(signo, &action, NULL))
		_exit(2);
}

static void require(bool ok)
{
	if (!ok)
		_exit(1);
}

/* A real crash, in code that no sanitizer looks at. */
static void crash_at(void *addr)
{
	__asm__ volatile("movb $1, (%0)" : : "r"(addr) : "memory");
}

static void guarded_fault(void)
{
	char buffer[8];

	require(base_guard_copy(buffer, (void *)16, 8) == -EFAULT);
}

static void leave(int signo)
{
	(void)signo;
	chained++;
	siglongjmp(escape, 1);
}

static void leave_with_info(int signo, siginfo_t *info, void *ucontext)
{
	(void)ucontext;
	chained_addr = info->si_addr;
	leave(signo);
}

static void earlier_handler_gets_other_faults(void)
{
	struct sigaction action = {.sa_sigaction = leave_with_info, .sa_flags = SA_SIGINFO};

	sigaction(SIGSEGV, &action, NULL);
	handle(SIGBUS, leave, 0);
	require(base_guard_install() == 0);
	for (volatile int i = 0; i < 3; i++) {
		guarded_fault();
		require(chained == 2 * i);
		if (!sigsetjmp(escape, 1))
			crash_at((char *)64 + i);
		require(chained == 2 * i + 1 && chained_addr == (char *)64 + i);
		if (!sigsetjmp(escape, 1))
			crash_at(past_end);
		require(chained == 2 * i + 2);
	}
}

static void no_handler_dies_at_the_fault(void)
{
	handle(SIGSEGV, SIG_DFL, 0);
	require(base_guard_install() == 0);
	guarded_fault();
	crash_at((void *)64);
}

static void ignoring_a_fault_dies_of_it(void)
{
	handle(SIGBUS, SIG_IGN, 0);
	require(base_guard_install() == 0);
	crash_at(past_end);
}

static void an_ignored_kill_is_ignored(void)
{
	handle(SIGSEGV, SIG_IGN, 0);
	require(base_guard_install() == 0);
	kill(getpid(), SIGSEGV);
	guarded_fault();
}

static void a_kill_kills(void)
{
	handle(SIGSEGV, SIG_DFL, 0);
	require(base_guard_install() == 0);
	kill(getpid(), SIGSEGV);
}

static void a_one_shot_handler_runs_once(void)
{
	handle(SIGSEGV, leave, SA_RESETHAND);
	require(base_guard_install() == 0);
	if (!sigsetjmp(escape, 1))
		crash_at((void *)64);
	require(chained == 1);
	guarded_fault();
	if (sigsetjmp(escape, 1))
		_exit(3);
	crash_at((void *)64);
}

static void check_mask(int signo)
{
	sigset_t now;

	sigprocmask(SIG_SETMASK, NULL, &now);
	require(sigismember(&now, signo) && sigismember(&now, SIGUSR1));
	leave(signo);
}

static void a_handler_runs_with_its_mask(void)
{
	struct sigaction action = {.sa_handler = check_mask};
	sigset_t now;

	sigaddset(&action.sa_mask, SIGUSR1);
	sigaction(SIGSEGV, &action, NULL);
	require(base_guard_install() == 0);
	if (!sigsetjmp(escape, 1))
		crash_at((void *)64);
	sigprocmask(SIG_SETMASK, NULL, &now);
	require(chained == 1 && sigisemptyset(&now));
}

static void use_guard(int signo)
{
	guarded_fault();
	leave(signo);
}

static void the_guard_works_in_a_handler(void)
{
	handle(SIGSEGV, use_guard, SA_NODEFER);
	require(base_guard_install() == 0);
	if (!sigsetjmp(escape, 1))
		crash_at((void *)64);
	require(chained == 1);
}

static void installing_again_changes_nothing(void)
{
	struct sigaction ours, now;

	require(base_guard_install() == 0);
	sigaction(SIGSEGV, NULL, &ours);
	handle(SIGSEGV, leave, 0);
	require(base_guard_install() == 0);
	sigaction(SIGSEGV, NULL, &now);
	require(now.sa_handler == leave);
	sigaction(SIGSEGV, &ours, NULL);
	guarded_fault();
}

static void earlier_handlers_are_called(void **state)
{
	(void)state;
	assert_passes(earlier_handler_gets_other_faults);
	assert_passes(a_handler_runs_with_its_mask);
	if (!__tsan_init) /* which blocks all signals in any handler */
		assert_passes(the_guard_works_in_a_handler);
	assert_dies_of(SIGSEGV, a_one_shot_handler_runs_once);
}

static void without_a_handler_the_default_is_kept(void **state)
{
	(void)state;
	assert_dies_of(SIGSEGV, no_handler_dies_at_the_fault);
	assert_dies_of(SIGBUS, ignoring_a_fault_dies_of_it);
	assert_dies_of(SIGSEGV, a_kill_kills);
	assert_passes(an_ignored_kill_is_ignored);
}

static void only_the_first_install_counts(void **state)
{
	(void)state;
	assert_passes(installing_again_changes_nothing);
}

/* Did the handler take a fault at `pc`, and move the context? */
static bool takes(int signo, int code, uintptr_t pc)
{
	siginfo_t info = {.si_signo = signo, .si_code = code};
	ucontext_t context = {0};
	bool taken;

	context.uc_mcontext.gregs[REG_RIP] = (greg_t)pc;
	taken = base_guard_handle(signo, &info, &context);
	assert_int_equal(taken, context.uc_mcontext.gregs[REG_RIP] != (greg_t)pc);
	return taken;
}

static void only_faults_at_our_sites_are_ours(void **state)
{
	uintptr_t site = (uintptr_t)base_guard_copy + 2;

	(void)state;
	assert_true(takes(SIGSEGV, SEGV_MAPERR, site));
	assert_true(takes(SIGBUS, BUS_ADRERR, site));
	assert_false(takes(SIGILL, ILL_ILLOPC, site));
	assert_false(takes(SIGSEGV, SI_USER, site));
	assert_false(takes(SIGSEGV, SEGV_MAPERR, (uintptr_t)base_guard_handle + 2));
	assert_false(takes(SIGSEGV, SEGV_MAPERR, 0));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(earlier_handlers_are_called),
		cmocka_unit_test(without_a_handler_the_default_is_kept),
		cmocka_unit_test(only_the_first_install_counts),
		cmocka_unit_test(only_faults_at_our_sites_are_ours),
	};

	return cmocka_run_group_tests(tests, map_file, NULL);
}

#else

int main(void)
{
	puts("there is no fault handler on this machine");
	return 77;
}

#endif

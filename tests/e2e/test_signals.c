// SPDX-License-Identifier: MIT
/*
 * SIGSEGV and SIGBUS: the library needs them for the bad pointers that programs
 * pass, and the program still has its own. Each test runs in a child, where the
 * machine is not there yet.
 */
#include "e2e.h"

#include <sys/mman.h>
#include <sys/resource.h>

static char *volatile nowhere = (char *)8;
static sigjmp_buf escape;
static volatile int hits, hit_signal;
static volatile uintptr_t hit_address;

static bool bad_pointer_is_efault(int fd)
{
	return ioctl(fd, IOMMU_IOAS_ALLOC, nowhere) == -1 && errno == EFAULT;
}

static void on_signal(int signo)
{
	hits++;
	hit_signal = signo;
	siglongjmp(escape, 1);
}

static void on_signal_info(int signo, siginfo_t *info, void *ucontext)
{
	(void)ucontext;
	hit_address = (uintptr_t)info->si_addr;
	on_signal(signo);
}

/* The program's own mistake reaches its own handler. */
static bool own_fault_hits(int signo)
{
	int before = hits;

	if (!sigsetjmp(escape, 1))
		*nowhere = 1;
	return hits == before + 1 && hit_signal == signo;
}

static int efault_without_a_handler(int arg)
{
	int fd = open_iommufd();

	(void)arg;
	child_check(bad_pointer_is_efault(fd));
	child_check(is_iommufd(fd));
	return 0;
}

static int handler_set_before_the_first_open(int arg)
{
	struct sigaction action = {.sa_sigaction = on_signal_info, .sa_flags = SA_SIGINFO}, now;
	int fd;

	(void)arg;
	child_check(!sigaction(SIGSEGV, &action, NULL));
	child_check(own_fault_hits(SIGSEGV));
	fd = open_iommufd();
	child_check(bad_pointer_is_efault(fd));
	child_check(own_fault_hits(SIGSEGV) && hit_address == 8);
	child_check(bad_pointer_is_efault(fd));
	child_check(!sigaction(SIGSEGV, NULL, &now) && now.sa_sigaction == on_signal_info);
	return 0;
}

static int handler_set_after_it(int arg)
{
	int fd = open_iommufd();

	(void)arg;
	child_check(signal(SIGSEGV, on_signal) == SIG_DFL);
	child_check(own_fault_hits(SIGSEGV));
	child_check(bad_pointer_is_efault(fd));
	child_check(signal(SIGSEGV, SIG_DFL) == on_signal);
	child_check(bad_pointer_is_efault(fd));
	child_check(sysv_signal(SIGSEGV, on_signal) == SIG_DFL);
	child_check(own_fault_hits(SIGSEGV));
	child_check(signal(SIGSEGV, SIG_IGN) == SIG_DFL);
	child_check(bad_pointer_is_efault(fd));
	return 0;
}

static int once_only_handler(int arg)
{
	struct sigaction action = {.sa_handler = on_signal, .sa_flags = (int)SA_RESETHAND}, now;

	(void)arg;
	open_iommufd();
	child_check(!sigaction(SIGSEGV, &action, NULL));
	child_check(own_fault_hits(SIGSEGV));
	child_check(!sigaction(SIGSEGV, NULL, &now) && now.sa_handler == SIG_DFL);
	return 0;
}

static int bus_errors(int arg)
{
	int fd = open_iommufd(), file = memfd_create("empty", MFD_CLOEXEC);
	char *past_end = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);

	(void)arg;
	nowhere = past_end;
	child_check(signal(SIGBUS, on_signal) == SIG_DFL);
	child_check(bad_pointer_is_efault(fd));
	child_check(own_fault_hits(SIGBUS));
	return 0;
}

static int blocked_signals(int arg)
{
	int fd = open_iommufd();
	sigset_t all, now;

	(void)arg;
	sigfillset(&all);
	child_check(!sigprocmask(SIG_BLOCK, &all, NULL));
	child_check(bad_pointer_is_efault(fd));
	child_check(!pthread_sigmask(SIG_SETMASK, &all, NULL));
	child_check(bad_pointer_is_efault(fd));
	child_check(!sigprocmask(SIG_BLOCK, NULL, &now));
	child_check(sigismember(&now, SIGTERM) && !sigismember(&now, SIGSEGV));
	return 0;
}

static int handler_fd;
static volatile bool handler_result;

static void use_bad_pointer(int signo)
{
	(void)signo;
	handler_result = bad_pointer_is_efault(handler_fd);
}

static int inside_other_handlers(int arg)
{
	struct sigaction action = {.sa_handler = use_bad_pointer};

	(void)arg;
	sigfillset(&action.sa_mask);
	handler_fd = open_iommufd();
	child_check(!sigaction(SIGUSR1, &action, NULL));
	raise(SIGUSR1);
	child_check(handler_result);
	return 0;
}

/* In the handler the signal and its mask are blocked; a flag takes the first away. */
static sigset_t mask_inside;

static void note_mask(int signo)
{
	sigprocmask(SIG_BLOCK, NULL, &mask_inside);
	on_signal(signo);
}

static int masks_inside_the_handler(int arg)
{
	struct sigaction action = {.sa_handler = note_mask};
	sigset_t now;

	(void)arg;
	open_iommufd();
	sigaddset(&action.sa_mask, SIGUSR2);
	child_check(!sigaction(SIGSEGV, &action, NULL));
	child_check(own_fault_hits(SIGSEGV));
	child_check(sigismember(&mask_inside, SIGSEGV) && sigismember(&mask_inside, SIGUSR2));
	child_check(!sigprocmask(SIG_BLOCK, NULL, &now) && !sigismember(&now, SIGUSR2));
	action.sa_flags = SA_NODEFER;
	child_check(!sigaction(SIGSEGV, &action, NULL));
	child_check(own_fault_hits(SIGSEGV));
	child_check(!sigismember(&mask_inside, SIGSEGV));
	return 0;
}

static void no_core(void)
{
	setrlimit(RLIMIT_CORE, &(struct rlimit){0});
}

static int die_of_own_fault(int arg)
{
	(void)arg;
	no_core();
	open_iommufd();
	*nowhere = 1;
	return 0;
}

static int die_of_own_fault_when_ignored(int arg)
{
	(void)arg;
	no_core();
	open_iommufd();
	signal(SIGSEGV, SIG_IGN);
	raise(SIGSEGV);
	*nowhere = 1;
	return 0;
}

static int die_of_a_sent_signal(int arg)
{
	(void)arg;
	no_core();
	open_iommufd();
	raise(SIGSEGV);
	return 0;
}

/* cmocka has handlers of its own in the parent: the child starts without. */
static int (*scenario)(int arg);

static int run_scenario(int arg)
{
	signal(SIGSEGV, SIG_DFL);
	signal(SIGBUS, SIG_DFL);
	return scenario(arg);
}

static int outcome(int (*fn)(int arg))
{
	scenario = fn;
	return in_child(run_scenario, 0);
}

#define SCENARIO(name)                              \
	static void test_##name(void **state)       \
	{                                           \
		(void)state;                        \
		assert_int_equal(outcome(name), 0); \
	}

SCENARIO(efault_without_a_handler)
SCENARIO(handler_set_before_the_first_open)
SCENARIO(handler_set_after_it)
SCENARIO(once_only_handler)
SCENARIO(bus_errors)
SCENARIO(blocked_signals)
SCENARIO(inside_other_handlers)
SCENARIO(masks_inside_the_handler)

static void own_faults_still_end_the_program(void **state)
{
	(void)state;
	assert_int_equal(WTERMSIG(outcome(die_of_own_fault)), SIGSEGV);
	assert_int_equal(WTERMSIG(outcome(die_of_own_fault_when_ignored)), SIGSEGV);
	assert_int_equal(WTERMSIG(outcome(die_of_a_sent_signal)), SIGSEGV);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_efault_without_a_handler),
		cmocka_unit_test(test_handler_set_before_the_first_open),
		cmocka_unit_test(test_handler_set_after_it),
		cmocka_unit_test(test_once_only_handler),
		cmocka_unit_test(test_bus_errors),
		cmocka_unit_test(test_blocked_signals),
		cmocka_unit_test(test_inside_other_handlers),
		cmocka_unit_test(test_masks_inside_the_handler),
		cmocka_unit_test(own_faults_still_end_the_program),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: MIT
/* Threads of our own, and what happens at the end of a thread and at fork. */
#include "base/thread.h"
#include "base/alloc.h"
#include "base/sync.h"
#include "base/syscall.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/stat.h>

struct start {
	void (*fn)(void *arg);
	void *arg;
};

static unsigned running;

static void *run(void *ptr)
{
	struct start start = *(struct start *)ptr;

	base_free(ptr);
	start.fn(start.arg);
	base_sub(&running, 1);
	return NULL;
}

/* A folder of /proc has a link for each thread, and two more. */
bool base_thread_is_only_one(void)
{
	unsigned ours = base_load(&running);
	struct stat st;

	if (base_syscall(SYS_newfstatat, AT_FDCWD, "/proc/self/task", &st, 0))
		return false;
	return st.st_nlink <= 2 + 1 + ours;
}

void base_thread_after_fork(void)
{
	running = 0;
}

/* libc keeps its own two signals (cancel, setuid) out of any mask. */
static void block_signals(sigset_t *saved)
{
	sigset_t set;

	sigfillset(&set);
	sigdelset(&set, SIGSEGV);
	sigdelset(&set, SIGBUS);
	pthread_sigmask(SIG_SETMASK, &set, saved);
}

/* A new thread inherits the mask of the one that starts it. */
static int create(pthread_attr_t *attr, struct start *start)
{
	pthread_t thread;
	sigset_t saved;
	int rc;

	block_signals(&saved);
	rc = pthread_create(&thread, attr, run, start);
	pthread_sigmask(SIG_SETMASK, &saved, NULL);
	return -rc;
}

int base_thread_start(void (*fn)(void *arg), void *arg)
{
	struct start *start = base_alloc(sizeof(*start));
	pthread_attr_t attr;
	int rc;

	if (!start)
		return -ENOMEM;
	*start = (struct start){fn, arg};
	pthread_attr_init(&attr);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	base_add(&running, 1);
	rc = create(&attr, start);
	pthread_attr_destroy(&attr);
	if (rc) {
		base_sub(&running, 1);
		base_free(start);
	}
	return rc;
}

/* One key per function; a slot is complete once `fn` is set, and stays for good. */
static struct exit_slot {
	void (*fn)(void *arg);
	pthread_key_t key;
} exit_slots[4];
static struct base_mutex exit_lock = BASE_MUTEX_INIT(RANK_LEAF);

/* The slot of fn, else the first free one, else NULL. */
static struct exit_slot *find_slot(void (*fn)(void *arg))
{
	for (size_t i = 0; i < base_array_size(exit_slots); i++) {
		void (*other)(void *) = base_load(&exit_slots[i].fn);

		if (!other || other == fn)
			return &exit_slots[i];
	}
	return NULL;
}

static struct exit_slot *make_slot(void (*fn)(void *arg))
{
	base_scoped_lock(&exit_lock);
	struct exit_slot *slot = find_slot(fn);

	if (!slot || slot->fn)
		return slot;
	if (pthread_key_create(&slot->key, fn))
		return NULL;
	base_store(&slot->fn, fn);
	return slot;
}

int base_thread_at_exit(void (*fn)(void *arg), void *arg)
{
	struct exit_slot *slot = find_slot(fn);

	if (!slot || !base_load(&slot->fn))
		slot = make_slot(fn);
	return slot && !pthread_setspecific(slot->key, arg) ? 0 : -ENOMEM;
}

int base_thread_at_fork(void (*prepare)(void), void (*parent)(void), void (*child)(void))
{
	return -pthread_atfork(prepare, parent, child);
}

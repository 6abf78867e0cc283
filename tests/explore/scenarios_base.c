// SPDX-License-Identifier: MIT
/* base/ itself: its locks and waits as they are, down to the system calls. */
#include "words.h"
#include "world.h"

static void set_up_words(struct world *w)
{
	w->own = words_new();
}

static void set_up_three_owners(struct world *w)
{
	set_up_words(w);
	((struct words *)w->own)->ref.count = 3;
}

static void check_words(struct world *w)
{
	struct words *words = w->own;

	fact(w, "%u", words->counted + words->left);
	words_free(words);
}

OP(word_lock)
{
	words_do(w->own, WORD_LOCKED, 0, 1);
	return 0;
}

OP(word_read)
{
	return (int)words_do(w->own, WORD_READ, 0, 0);
}

OP(word_write)
{
	words_do(w->own, WORD_WRITE, 0, 1);
	return 0;
}

OP(word_wait)
{
	return (int)words_do(w->own, WORD_WAIT, 0, 0);
}

OP(word_wait_other)
{
	return (int)words_do(w->own, WORD_WAIT, 1, 0);
}

OP(word_set)
{
	return (int)words_do(w->own, WORD_SET, 0, 1);
}

OP(word_set_other)
{
	return (int)words_do(w->own, WORD_SET, 1, 1);
}

OP(word_put)
{
	return (int)words_do(w->own, WORD_PUT, 0, 0);
}

static const struct scenario list[] = {
	{
		.name = "base-mutex",
		.rows = "B1",
		.real_locks = true,
		.set_up = set_up_words,
		.threads = {{&word_lock, &word_lock}, {&word_lock}, {&word_lock}},
		.check = check_words,
		.outcomes = {"ok ok | ok | ok : 4"},
	},
	{
		.name = "base-rwlock-writers",
		.rows = "B1",
		.real_locks = true,
		.set_up = set_up_words,
		.threads = {{&word_write}, {&word_write}, {&word_read}},
		.check = check_words,
		.outcomes = {"ok | ok | ok : 2", "ok | ok | 1 : 2", "ok | ok | 2 : 2"},
	},
	{
		.name = "base-rwlock-readers",
		.rows = "B1",
		.real_locks = true,
		.set_up = set_up_words,
		.threads = {{&word_read}, {&word_write}, {&word_read}},
		.check = check_words,
		.outcomes = {"ok | ok | ok : 1", "1 | ok | ok : 1", "ok | ok | 1 : 1",
			     "1 | ok | 1 : 1"},
	},
	{
		.name = "base-wait",
		.rows = "B2",
		.bound = 3,
		.set_up = set_up_words,
		.threads = {{&word_wait}, {&word_set}},
		.check = check_words,
		.outcomes = {"1 | ok : 0"},
	},
	{
		.name = "base-wait-two",
		.rows = "B2",
		.set_up = set_up_words,
		.threads = {{&word_wait}, {&word_wait}, {&word_set}},
		.check = check_words,
		.outcomes = {"1 | 1 | ok : 0"},
	},
	{
		.name = "base-wait-each",
		.rows = "B2",
		.set_up = set_up_words,
		.threads = {{&word_wait}, {&word_wait_other}, {&word_set, &word_set_other}},
		.check = check_words,
		.outcomes = {"1 | 1 | ok ok : 0"},
	},
	{
		.name = "base-put",
		.rows = "B3",
		.set_up = set_up_three_owners,
		.threads = {{&word_put}, {&word_put}, {&word_put}},
		.outcomes = {"2 | 1 | ok", "2 | ok | 1", "1 | 2 | ok", "1 | ok | 2", "ok | 2 | 1",
			     "ok | 1 | 2"},
	},
};
SCENARIOS(scenarios_base, list);

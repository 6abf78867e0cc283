// SPDX-License-Identifier: MIT
/* Small uses of locks, atomics and waits. */
#include "words.h"

struct words *words_new(void)
{
	struct words *words = base_zalloc(sizeof(*words));

	base_mutex_init(&words->mutex, RANK_LEAF);
	base_rwlock_init(&words->rwlock, RANK_LEAF);
	base_waitq_init(&words->waitq);
	base_ref_init(&words->ref, 1);
	return words;
}

void words_free(struct words *words)
{
	base_free(words);
}

static uint32_t locked_add(struct words *words, uint32_t value)
{
	base_scoped_lock(&words->mutex);
	return words->counted += value;
}

static uint32_t locked_read(struct words *words)
{
	base_scoped_read(&words->rwlock);
	return words->left == words->right ? words->left : ~0u;
}

static uint32_t locked_write(struct words *words, uint32_t value)
{
	base_scoped_write(&words->rwlock);
	words->left += value;
	words->right += value;
	return 0;
}

static bool is_set(void *arg)
{
	return base_load((uint32_t *)arg) != 0;
}

static uint32_t set(struct words *words, unsigned index, uint32_t value)
{
	base_store(&words->word[index], value);
	base_waitq_wake(&words->waitq);
	return 0;
}

static uint32_t wait(struct words *words, unsigned index)
{
	base_waitq_wait(&words->waitq, is_set, &words->word[index], 1000);
	return base_load(&words->word[index]);
}

static uint32_t put(struct words *words)
{
	uint32_t left = base_ref_put(&words->ref);

	if (!left)
		base_free(words);
	return left;
}

static uint32_t swap(struct words *words, unsigned index, uint32_t value)
{
	uint32_t expected = 0;

	return base_cas(&words->word[index], &expected, value) ? ~0u : expected;
}

uint32_t words_do(struct words *words, enum word_op op, unsigned index, uint32_t value)
{
	switch (op) {
	case WORD_LOAD: return base_load(&words->word[index]);
	case WORD_STORE: base_store(&words->word[index], value); return 0;
	case WORD_ADD: return base_add(&words->word[index], value);
	case WORD_CAS: return swap(words, index, value);
	case WORD_LOCKED: return locked_add(words, value);
	case WORD_READ: return locked_read(words);
	case WORD_WRITE: return locked_write(words, value);
	case WORD_SET: return set(words, index, value);
	case WORD_WAIT: return wait(words, index);
	case WORD_PUT: return put(words);
	default: return 0;
	}
}

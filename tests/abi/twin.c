// SPDX-License-Identifier: MIT
/*
 * An IOAS beside a dumb twin of it: a note for each 2 KiB of IOVA space, and every
 * rule of iommufd-ioctls.md 3, 6, 7, 9, 10 tried out by walking over the notes. Random
 * calls; after each the results, the usable ranges and what DMA reaches are compared.
 */
#include "abi.h"

#define STEPS	   2500
#define UNIT	   2048ull
#define UNITS	   20480u /* 40 MiB: nothing goes beyond */
#define SPACE	   (UNITS * UNIT)
#define AREAS	   200
#define ALLOWED	   4
#define PAGES	   64		  /* of memory; each unit of it begins with its number */
#define BAD_OFFSET (PAGES * PAGE) /* behind the memory there is none */

/* ---- random numbers, the same in each run (splitmix64) ---- */

static uint64_t seed;

static uint64_t any(void)
{
	uint64_t x = seed += 0x9e3779b97f4a7c15ull;

	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9ull;
	x = (x ^ x >> 27) * 0x94d049bb133111ebull;
	return x ^ x >> 31;
}

static uint64_t below(uint64_t bound)
{
	return any() % bound;
}

static bool one_in(uint64_t n)
{
	return !below(n);
}

/* ---- the twin ---- */

struct area {
	bool used;
	uint64_t start, length, offset; /* offset: in the memory */
	uint32_t prot;
	bool writable; /* the mapping that it was copied from, in the end */
};

static struct twin {
	bool mock;
	uint8_t owner[UNITS]; /* index into areas + 1, 0: free */
	struct area areas[AREAS];
	struct iommu_iova_range allowed[ALLOWED];
	unsigned allowed_count;
	bool attached[2];
} twin;

static bool has_domain(void)
{
	return twin.attached[0] || twin.attached[1];
}

static uint64_t alignment(void)
{
	return !has_domain() ? 1 : twin.mock ? 2048 : PAGE;
}

/* Only the mock reserves something below SPACE. */
static uint64_t first_usable(void)
{
	return has_domain() && twin.mock ? MOCK_APERTURE_START : 0;
}

static bool is_taken(uint64_t iova)
{
	return iova < first_usable() || (iova < SPACE && twin.owner[iova / UNIT]);
}

static bool is_bad(uint64_t offset, uint64_t length)
{
	return offset + length > BAD_OFFSET;
}

static void note(struct area *area, uint8_t owner)
{
	for (uint64_t at = area->start; at < area->start + area->length; at += UNIT)
		twin.owner[at / UNIT] = owner;
}

static void twin_add(uint64_t iova, uint64_t offset, uint64_t length, uint32_t prot, bool writable)
{
	unsigned i = 0;

	while (twin.areas[i].used)
		i++;
	twin.areas[i] = (struct area){true, iova, length, offset, prot, writable};
	note(&twin.areas[i], (uint8_t)(i + 1));
}

static void twin_remove(struct area *area)
{
	note(area, 0);
	area->used = false;
}

/* ---- where a mapping goes (3.2, 3.3) ---- */

/* The first of the free blocks of [start, last] that takes it. */
static bool fit_in_holes(uint64_t start, uint64_t last, uint64_t length, uint64_t g, uint64_t off,
			 uint64_t *iova)
{
	uint64_t at = start;

	while (at <= last && at < SPACE) {
		uint64_t hole, end;

		while (at <= last && is_taken(at))
			at += UNIT;
		hole = at;
		while (at < SPACE && at <= last && !is_taken(at))
			at += UNIT;
		end = at >= SPACE ? last : at - 1 < last ? at - 1 : last;
		*iova = ((hole + g - 1) & ~(g - 1)) | off;
		if (hole <= last && *iova < end && end - *iova >= length - 1)
			return true;
	}
	return false;
}

static bool fit_in_window(uint64_t start, uint64_t last, uint64_t length, uint64_t g, uint64_t off,
			  uint64_t *iova)
{
	start = ((start + g - 1) & ~(g - 1)) | off;
	if (start >= last || last - start < length - 1)
		return false;
	return fit_in_holes(start, last, length, g, off, iova);
}

/* The allowed ranges in ascending order, adjacent ones merged, without the first page. */
static unsigned windows(struct iommu_iova_range *out)
{
	struct iommu_iova_range sorted[ALLOWED];
	unsigned count = 0;

	memcpy(sorted, twin.allowed, sizeof(sorted));
	for (unsigned i = 0; i < twin.allowed_count; i++)
		for (unsigned j = 0; j + 1 < twin.allowed_count; j++)
			if (sorted[j].start > sorted[j + 1].start) {
				struct iommu_iova_range swap = sorted[j];

				sorted[j] = sorted[j + 1];
				sorted[j + 1] = swap;
			}
	for (unsigned i = 0; i < twin.allowed_count; i++)
		if (count && out[count - 1].last + 1 == sorted[i].start)
			out[count - 1].last = sorted[i].last;
		else
			out[count++] = sorted[i];
	for (unsigned i = 0; i < count; i++)
		if (out[i].start < PAGE)
			out[i].start = PAGE;
	return count;
}

static int place_auto(uint64_t addr, uint64_t length, uint64_t *iova)
{
	struct iommu_iova_range window[ALLOWED] = {{PAGE, ULAST - PAGE}};
	unsigned count = twin.allowed_count ? windows(window) : 1;
	uint64_t g = 1;

	if (length % alignment())
		return -EINVAL;
	while (g < length)
		g *= 2;
	if (g > (addr & -addr))
		g = addr & -addr;
	if (g > MIB(2))
		g = MIB(2);
	if (g < alignment())
		return -EINVAL;
	for (unsigned i = 0; i < count; i++)
		if (fit_in_window(window[i].start, window[i].last, length, g, addr % PAGE, iova))
			return 0;
	return -ENOSPC;
}

static int place_fixed(uint64_t length, uint64_t iova)
{
	if (length % alignment() || iova % alignment())
		return -EINVAL;
	if (iova < first_usable())
		return -EINVAL;
	for (uint64_t at = iova; at < iova + length; at += UNIT)
		if (is_taken(at))
			return -EEXIST;
	return 0;
}

/* ---- the calls, on both ---- */

static struct {
	struct abi *abi;
	uint32_t ioas;
	uint8_t *memory;
} real;

static uint64_t random_length(void)
{
	uint64_t units = one_in(4) ? 1 + below(300) : 1 + below(6);

	if (units * UNIT > PAGES * PAGE)
		units = PAGES;
	return (one_in(2) ? units : (units + 1) & ~1ull) * UNIT;
}

static uint64_t random_iova(void)
{
	uint64_t iova = below(UNITS - 512) * UNIT;

	return one_in(3) ? iova : MOCK_APERTURE_START + iova % MIB(1);
}

/* The area with the lowest start that meets [start, last]. */
static struct area *lowest(uint64_t start, uint64_t last)
{
	struct area *found = NULL;

	for (unsigned i = 0; i < AREAS; i++) {
		struct area *a = &twin.areas[i];

		if (a->used && a->start <= last && a->start + a->length > start &&
		    (!found || a->start < found->start))
			found = a;
	}
	return found;
}

static void map_step(void)
{
	static const uint32_t prots[] = {R, W, RW, RW};
	uint64_t length = random_length(), iova = random_iova(), wanted = iova, offset;
	uint32_t prot = prots[below(4)], fixed = one_in(2) ? FIXED : 0;
	int want;

	offset = below((PAGES * PAGE - length) / UNIT + 1) * UNIT;
	if (one_in(2))
		offset &= ~(PAGE - 1);
	if (one_in(25))
		offset = BAD_OFFSET - (one_in(2) ? 0 : PAGE);
	want = fixed ? place_fixed(length, iova)
		     : place_auto(ADDR(real.memory) + offset, length, &wanted);
	if (!want && (ADDR(real.memory) + offset) % alignment())
		want = -EINVAL;
	if (!want && has_domain() && is_bad(offset, length))
		want = -EFAULT;
	expect(abi_map(real.abi, real.ioas, prot | fixed, ADDR(real.memory) + offset, length,
		       &iova),
	       want);
	if (want)
		return;
	assert_int_equal(iova, wanted);
	assert_true(iova + length <= SPACE);
	twin_add(iova, offset, length, prot, prot & W);
}

/* What of the areas is in [start, start + length - 1], start relative to it. False: a gap (9.5). */
static bool collect(uint64_t start, uint64_t length, struct area *pieces, unsigned *count)
{
	uint64_t at = start;

	for (*count = 0; at < start + length; at += pieces[(*count)++].length) {
		const struct area *area;

		if (at >= SPACE || !twin.owner[at / UNIT])
			return false;
		area = &twin.areas[twin.owner[at / UNIT] - 1];
		pieces[*count] = *area;
		pieces[*count].start = at - start;
		pieces[*count].offset += at - area->start;
		pieces[*count].length = area->start + area->length - at;
		if (pieces[*count].length > start + length - at)
			pieces[*count].length = start + length - at;
	}
	return true;
}

/* 9.7, 9.8 */
static int judge_pieces(const struct area *pieces, unsigned count, uint64_t iova, uint32_t prot)
{
	int rc = 0;

	for (unsigned i = 0; i < count; i++) {
		if (prot & W && !pieces[i].writable)
			return -EPERM;
		if ((pieces[i].offset | (iova + pieces[i].start)) % alignment())
			return -EINVAL;
		if (has_domain() && is_bad(pieces[i].offset, pieces[i].length))
			rc = -EFAULT;
	}
	return rc;
}

static unsigned area_count(void)
{
	unsigned count = 0;

	for (unsigned i = 0; i < AREAS; i++)
		count += twin.areas[i].used;
	return count;
}

static void copy_step(void)
{
	static struct area pieces[UNITS];
	uint64_t length = random_length(), iova = random_iova(), start = random_iova();
	uint64_t wanted = iova;
	const struct area *area = lowest(start, ULAST);
	uint32_t prot = one_in(2) ? R : RW, fixed = one_in(2) ? FIXED : 0;
	unsigned count;
	int want;

	if (area)
		start = area->start + below(area->length / UNIT) * UNIT;
	if (area && !one_in(3) && start + length > area->start + area->length)
		length = area->start + area->length - start;
	want = collect(start, length, pieces, &count) ? 0 : -ENOENT;
	if (!want && area_count() + count > AREAS)
		return;
	if (!want)
		want = fixed ? place_fixed(length, iova)
			     : place_auto(ADDR(real.memory) + pieces[0].offset, length, &wanted);
	if (!want)
		want = judge_pieces(pieces, count, wanted, prot);
	expect(abi_copy(real.abi, real.ioas, prot | fixed, real.ioas, start, length, &iova), want);
	if (want)
		return;
	assert_int_equal(iova, wanted);
	for (unsigned i = 0; i < count; i++)
		twin_add(iova + pieces[i].start, pieces[i].offset, pieces[i].length, prot,
			 pieces[i].writable);
}

static int twin_unmap(uint64_t start, uint64_t last, uint64_t *unmapped)
{
	struct area *area;

	*unmapped = 0;
	while ((area = lowest(start, last))) {
		if (area->start < start || area->start + area->length - 1 > last)
			return -ENOENT;
		*unmapped += area->length;
		twin_remove(area);
	}
	return 0;
}

static void unmap_step(void)
{
	uint64_t start = random_iova(), length = random_length(), unmapped, got;
	struct area *area = lowest(start, ULAST);
	bool all = one_in(60);
	int want;

	if (area && !one_in(4)) {
		start = area->start;
		length = area->length + (one_in(4) ? random_length() : 0);
	}
	if (one_in(10))
		length = MIB(1 + below(8));
	want = twin_unmap(all ? 0 : start, all ? ULAST : start + length - 1, &unmapped);
	if (!want && !unmapped && !all)
		want = -ENOENT;
	expect(all ? abi_unmap_all(real.abi, real.ioas, &got)
		   : abi_unmap(real.abi, real.ioas, start, length, &got),
	       want);
	if (!want)
		assert_int_equal(got, unmapped);
}

static int judge_allowed(const struct iommu_iova_range *ranges, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		if (ranges[i].start >= ranges[i].last)
			return -EINVAL;
		for (unsigned j = 0; j < i; j++)
			if (ranges[i].start <= ranges[j].last && ranges[j].start <= ranges[i].last)
				return -EINVAL;
	}
	for (unsigned i = 0; i < count; i++)
		if (ranges[i].start < first_usable())
			return -EADDRINUSE;
	return 0;
}

static void allow_step(void)
{
	struct iommu_iova_range ranges[ALLOWED];
	unsigned count = one_in(2) ? 0 : (unsigned)below(ALLOWED + 1);
	int want;

	for (unsigned i = 0; i < count; i++) {
		uint64_t start = random_iova(), length = UNIT * below(one_in(2) ? 40 : 2000);

		if (i && one_in(3))
			start = ranges[i - 1].last + 1;
		if (start + length > SPACE)
			length = SPACE - start;
		ranges[i] = (struct iommu_iova_range){start, start + length - 1};
	}
	want = judge_allowed(ranges, count);
	expect(abi_allow(real.abi, real.ioas, ranges, count), want);
	if (want)
		return;
	memcpy(twin.allowed, ranges, sizeof(ranges));
	twin.allowed_count = count;
}

/* 10.5, 11: does what is there suit a domain? */
static int judge_join(void)
{
	uint64_t a = twin.mock ? 2048 : PAGE, bottom = twin.mock ? MOCK_APERTURE_START : 0;
	int rc = 0;

	for (unsigned i = 0; i < AREAS; i++) {
		const struct area *area = &twin.areas[i];

		if (!area->used)
			continue;
		if (area->start % a || area->length % a || area->offset % a || area->start < bottom)
			return -EADDRINUSE;
		if (is_bad(area->offset, area->length))
			rc = -EFAULT;
	}
	for (unsigned i = 0; i < twin.allowed_count; i++)
		if (twin.allowed[i].start < bottom)
			return -EADDRINUSE;
	return rc;
}

static void attach_step(void)
{
	unsigned n = (unsigned)below(2);
	int want = has_domain() ? 0 : judge_join();

	if (twin.attached[n] && one_in(3)) {
		ok(abi_detach(real.abi, n));
		twin.attached[n] = false;
		return;
	}
	expect(abi_attach_to(real.abi, n, real.ioas), want);
	twin.attached[n] = !want;
}

/* What stands in the way of a domain goes, or one would rarely join. */
static void tidy_step(void)
{
	uint64_t unmapped;

	if (has_domain() || !judge_join())
		return;
	ok(twin_unmap(0, ULAST, &unmapped));
	ok(abi_unmap_all(real.abi, real.ioas, &unmapped));
	twin.allowed_count = 0;
	ok(abi_allow(real.abi, real.ioas, NULL, 0));
}

/* ---- comparing ---- */

static void compare_ranges(void)
{
	if (!has_domain())
		expect_full_ranges(real.abi, real.ioas);
	else if (twin.mock)
		expect_ranges(real.abi, real.ioas, 2048, {MOCK_APERTURE_START, MOCK_APERTURE_LAST});
	else
		expect_ranges(real.abi, real.ioas, PAGE, {0, MSI_START - 1},
			      {MSI_LAST + 1, VTD_FS_LAST});
}

/* The first bytes of a unit are the number of the memory behind it. */
static void compare_unit(unsigned n, unsigned unit)
{
	const struct area *area = twin.owner[unit] ? &twin.areas[twin.owner[unit] - 1] : NULL;
	struct swiommu_device *device = real.abi->device[n];
	bool there = area && twin.attached[n];
	bool reads = there && (area->prot & R || !twin.mock), writes = there && area->prot & W;
	uint64_t iova = unit * UNIT;
	uint32_t number = 0, want = 0;

	if (there)
		want = (uint32_t)((area->offset + iova - area->start) / UNIT);
	expect(swiommu_dma_read(device, 0, iova, &number, sizeof(number), NULL),
	       reads ? 0 : -EFAULT);
	if (reads)
		assert_int_equal(number, want);
	expect(swiommu_dma_write(device, 0, iova, &want, sizeof(want), NULL), writes ? 0 : -EFAULT);
}

static void compare(unsigned step)
{
	compare_ranges();
	for (unsigned n = 0; n < 2; n++) {
		for (unsigned i = 0; i < 16; i++)
			compare_unit(n, (unsigned)below(UNITS));
		for (unsigned i = 0; i < AREAS; i += 7)
			if (twin.areas[i].used)
				compare_unit(n, (unsigned)(twin.areas[i].start / UNIT));
		if (step % 100 == 0)
			for (unsigned unit = 0; unit < UNITS; unit++)
				compare_unit(n, unit);
	}
}

static void step(void)
{
	uint64_t kind = below(100);

	if (kind < 40 && area_count() < AREAS)
		map_step();
	else if (kind < 50)
		copy_step();
	else if (kind < 75)
		unmap_step();
	else if (kind < 85)
		allow_step();
	else if (kind < 95)
		attach_step();
	else
		tidy_step();
}

static void make_real(struct abi *abi)
{
	uint8_t *edge;

	abi_bound(abi, 0);
	abi_bound(abi, 1);
	real.abi = abi;
	real.ioas = abi_ioas(abi);
	edge = abi_edge_of(abi, PAGES);
	real.memory = edge - PAGES * PAGE;
	for (uint32_t i = 0; i < PAGES * PAGE / UNIT; i++)
		memcpy(real.memory + i * UNIT, &i, sizeof(i));
}

struct seed_row {
	const char *name;
	const struct abi_machine *machine;
	uint64_t seed;
};

static const struct seed_row seeds[] = {
	{"vtd, 1", &abi_vtd, 1},   {"vtd, 2", &abi_vtd, 2},   {"vtd, 3", &abi_vtd, 3},
	{"mock, 1", &abi_mock, 4}, {"mock, 2", &abi_mock, 5}, {"mock, 3", &abi_mock, 6},
};

static void the_ioas_does_as_its_twin(struct abi *abi)
{
	const struct seed_row *row = abi->row;

	abi_init(abi, row->machine);
	memset(&twin, 0, sizeof(twin));
	twin.mock = abi->mock;
	seed = row->seed;
	make_real(abi);
	for (unsigned i = 1; i <= STEPS; i++) {
		step();
		compare(i);
	}
	abi_fini(abi);
}

int main(void)
{
	abi_rows(abi_none, seeds, the_ioas_does_as_its_twin);
	return abi_run("twin");
}

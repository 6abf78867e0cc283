/* SPDX-License-Identifier: MIT */
/*
 * The accesses of base/guard.h on x86-64. guard.c holds the handler.
 *
 * Everything between guard_begin and guard_end may fault. None of it calls,
 * touches the stack or a callee-saved register, or changes the direction flag:
 * so from any instruction one may jump to the fixup, which returns -EFAULT.
 * Only the stretch that uses AVX has to tidy up first. All stores go up (in
 * the backward half of base_guard_move: down), and every byte is stored once.
 */
#ifdef __x86_64__

#define EFAULT 14

#define FUNCTION(name)                                                         \
	.globl	name;                                                          \
	.hidden	name;                                                          \
	.type	name, @function;                                               \
	.p2align 5;                                                            \
name:                                                                          \
	.cfi_startproc
#define END(name)                                                              \
	.cfi_endproc;                                                          \
	.size	name, . - name

	.text
guard_begin:

/* int base_guard_copy(void *dst: rdi, const void *src: rsi, size_t n: rdx) */
FUNCTION(base_guard_copy)
	cmpq	$64, %rdx
	jae	.Lcopy_large
	leaq	.Lcopy_table(%rip), %rcx
	movslq	(%rcx, %rdx, 4), %rax
	addq	%rcx, %rax
	jmp	*%rax

	/* Multiples of 4 below 64, of which structs are made: straight lines. */
	.irp	size, 0, 4, 8, 12, 16, 20, 24, 28, 32, 36, 40, 44, 48, 52, 56, 60
.Lcopy_\size:
	.set	at, 0
	.rept	\size / 16
	movups	at(%rsi), %xmm0
	movups	%xmm0, at(%rdi)
	.set	at, at + 16
	.endr
	.if	\size & 8
	movq	at(%rsi), %rax
	movq	%rax, at(%rdi)
	.set	at, at + 8
	.endif
	.if	\size & 4
	movl	at(%rsi), %eax
	movl	%eax, at(%rdi)
	.endif
	xorl	%eax, %eax
	ret
	.endr

.Lcopy_odd:
	testb	$32, %dl
	jz	1f
	movups	(%rsi), %xmm0
	movups	16(%rsi), %xmm1
	movups	%xmm0, (%rdi)
	movups	%xmm1, 16(%rdi)
	addq	$32, %rsi
	addq	$32, %rdi
1:	testb	$16, %dl
	jz	1f
	movups	(%rsi), %xmm0
	movups	%xmm0, (%rdi)
	addq	$16, %rsi
	addq	$16, %rdi
1:	testb	$8, %dl
	jz	1f
	movq	(%rsi), %rax
	movq	%rax, (%rdi)
	addq	$8, %rsi
	addq	$8, %rdi
1:	testb	$4, %dl
	jz	1f
	movl	(%rsi), %eax
	movl	%eax, (%rdi)
	addq	$4, %rsi
	addq	$4, %rdi
1:	testb	$2, %dl
	jz	1f
	movzwl	(%rsi), %eax
	movw	%ax, (%rdi)
	addq	$2, %rsi
	addq	$2, %rdi
1:	testb	$1, %dl
	jz	.Lcopy_0
	movb	(%rsi), %al
	movb	%al, (%rdi)
	xorl	%eax, %eax
	ret

.Lcopy_large:
	cmpq	$256, %rdx
	jae	.Lcopy_huge
	.p2align 4
.Lcopy_64:
	movups	(%rsi), %xmm0
	movups	16(%rsi), %xmm1
	movups	32(%rsi), %xmm2
	movups	48(%rsi), %xmm3
	movups	%xmm0, (%rdi)
	movups	%xmm1, 16(%rdi)
	movups	%xmm2, 32(%rdi)
	movups	%xmm3, 48(%rdi)
	addq	$64, %rsi
	addq	$64, %rdi
	subq	$64, %rdx
	cmpq	$64, %rdx
	jae	.Lcopy_64
	jmp	base_guard_copy

	/* Not rep movsb: 15 times slower here for some distances of src and dst. */
.Lcopy_huge:
	testb	$31, %dil
	jz	.Lcopy_aligned
	testb	$1, %dil
	jz	1f
	movb	(%rsi), %al
	movb	%al, (%rdi)
	incq	%rsi
	incq	%rdi
	decq	%rdx
1:	testb	$2, %dil
	jz	1f
	movzwl	(%rsi), %eax
	movw	%ax, (%rdi)
	addq	$2, %rsi
	addq	$2, %rdi
	subq	$2, %rdx
1:	testb	$4, %dil
	jz	1f
	movl	(%rsi), %eax
	movl	%eax, (%rdi)
	addq	$4, %rsi
	addq	$4, %rdi
	subq	$4, %rdx
1:	testb	$8, %dil
	jz	1f
	movq	(%rsi), %rax
	movq	%rax, (%rdi)
	addq	$8, %rsi
	addq	$8, %rdi
	subq	$8, %rdx
1:	testb	$16, %dil
	jz	1f
	movups	(%rsi), %xmm0
	movups	%xmm0, (%rdi)
	addq	$16, %rsi
	addq	$16, %rdi
	subq	$16, %rdx
1:
.Lcopy_aligned: /* dst is a multiple of 32. */
	cmpb	$0, base_guard_has_avx(%rip)
	je	.Lcopy_64
guard_avx_begin:
	subq	$512, %rdx
	jb	2f
	.p2align 5
1:	.irp	reg, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
	vmovups	32 * \reg(%rsi), %ymm\reg
	.endr
	.irp	reg, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
	vmovaps	%ymm\reg, 32 * \reg(%rdi)
	.endr
	addq	$512, %rsi
	addq	$512, %rdi
	subq	$512, %rdx
	jae	1b
2:	addq	$512, %rdx
	cmpq	$128, %rdx
	jb	2f
	.p2align 5
1:	vmovups	(%rsi), %ymm0
	vmovups	32(%rsi), %ymm1
	vmovups	64(%rsi), %ymm2
	vmovups	96(%rsi), %ymm3
	vmovaps	%ymm0, (%rdi)
	vmovaps	%ymm1, 32(%rdi)
	vmovaps	%ymm2, 64(%rdi)
	vmovaps	%ymm3, 96(%rdi)
	addq	$128, %rsi
	addq	$128, %rdi
	subq	$128, %rdx
	cmpq	$128, %rdx
	jae	1b
2:
guard_avx_end:
	vzeroupper
	jmp	base_guard_copy
END(base_guard_copy)

/* int base_guard_move(void *dst: rdi, const void *src: rsi, size_t n: rdx) */
FUNCTION(base_guard_move)
	movq	%rdi, %rax
	subq	%rsi, %rax
	cmpq	%rdx, %rax
	jae	base_guard_copy
	cmpq	$64, %rdx
	jb	2f
	.p2align 4
1:	movups	-16(%rsi, %rdx), %xmm0
	movups	-32(%rsi, %rdx), %xmm1
	movups	-48(%rsi, %rdx), %xmm2
	movups	-64(%rsi, %rdx), %xmm3
	movups	%xmm0, -16(%rdi, %rdx)
	movups	%xmm1, -32(%rdi, %rdx)
	movups	%xmm2, -48(%rdi, %rdx)
	movups	%xmm3, -64(%rdi, %rdx)
	subq	$64, %rdx
	cmpq	$64, %rdx
	jae	1b
2:	subq	$8, %rdx
	jb	2f
1:	movq	(%rsi, %rdx), %rax
	movq	%rax, (%rdi, %rdx)
	subq	$8, %rdx
	jae	1b
2:	addq	$8, %rdx
	jz	2f
1:	movb	-1(%rsi, %rdx), %al
	movb	%al, -1(%rdi, %rdx)
	decq	%rdx
	jnz	1b
2:	xorl	%eax, %eax
	ret
END(base_guard_move)

/* int base_guard_fill(void *dst: rdi, uint64_t pattern: rsi, size_t n: rdx) */
FUNCTION(base_guard_fill)
	movq	%rsi, %rax
	movq	%rdx, %rcx
	shrq	$3, %rcx
	rep stosq
	testb	$4, %dl
	jz	1f
	movl	%eax, (%rdi)
	addq	$4, %rdi
	shrq	$32, %rax
1:	testb	$2, %dl
	jz	1f
	movw	%ax, (%rdi)
	addq	$2, %rdi
	shrq	$16, %rax
1:	testb	$1, %dl
	jz	1f
	movb	%al, (%rdi)
1:	xorl	%eax, %eax
	ret
END(base_guard_fill)

/* int base_guard_load64(const uint64_t *addr: rdi, uint64_t *value: rsi) */
FUNCTION(base_guard_load64)
	movq	(%rdi), %rax
	movq	%rax, (%rsi)
	xorl	%eax, %eax
	ret
END(base_guard_load64)

/* int base_guard_store64(uint64_t *addr: rdi, uint64_t value: rsi) */
FUNCTION(base_guard_store64)
	movq	%rsi, (%rdi)
	xorl	%eax, %eax
	ret
END(base_guard_store64)

/*
 * int base_guard_cas64(uint64_t *addr: rdi, uint64_t *expected: rsi,
 *			uint64_t desired: rdx, bool *swapped: rcx)
 */
FUNCTION(base_guard_cas64)
	movq	(%rsi), %rax
	lock cmpxchgq %rdx, (%rdi)
	sete	(%rcx)
	movq	%rax, (%rsi)
	xorl	%eax, %eax
	ret
END(base_guard_cas64)

/*
 * int base_guard_is_zero(const void *addr: rdi, size_t n: rsi, bool *zero: rdx)
 * Aligned loads only: none reaches into the page behind a non-zero byte.
 */
FUNCTION(base_guard_is_zero)
	addq	%rdi, %rsi
	jmp	2f
1:	cmpb	$0, (%rdi)
	jne	.Lis_not_zero
	incq	%rdi
2:	testb	$7, %dil
	jz	2f
	cmpq	%rsi, %rdi
	jne	1b
	movb	$1, (%rdx)
	xorl	%eax, %eax
	ret
2:	movq	%rsi, %rcx
	subq	%rdi, %rcx
	subq	$8, %rcx
	jb	2f
1:	cmpq	$0, (%rdi)
	jne	.Lis_not_zero
	addq	$8, %rdi
	subq	$8, %rcx
	jae	1b
2:	cmpq	%rsi, %rdi
	je	2f
1:	cmpb	$0, (%rdi)
	jne	.Lis_not_zero
	incq	%rdi
	cmpq	%rsi, %rdi
	jne	1b
2:	movb	$1, (%rdx)
	xorl	%eax, %eax
	ret
.Lis_not_zero:
	movb	$0, (%rdx)
	xorl	%eax, %eax
	ret
END(base_guard_is_zero)

/*
 * int base_guard_touch(const void *addr: rdi, size_t n: rsi, bool write: dl)
 * The first page at addr, the others at their first byte, all inside the range.
 */
FUNCTION(base_guard_touch)
	subq	$1, %rsi
	jb	2f
	addq	%rdi, %rsi
	jc	guard_fixup
	movq	%rdi, %rax
	andq	$-4096, %rsi
	andq	$-4096, %rdi
	subq	%rsi, %rdi
	testb	%dl, %dl
	jnz	.Ltouch_write
	movb	(%rax), %cl
	testq	%rdi, %rdi
	jz	2f
	.p2align 4
1:	movzbl	4096(%rsi, %rdi), %eax
	addq	$4096, %rdi
	jnz	1b
2:	xorl	%eax, %eax
	ret
.Ltouch_write:
	lock orb $0, (%rax)
	testq	%rdi, %rdi
	jz	2b
	.p2align 4
1:	lock orb $0, 4096(%rsi, %rdi)
	addq	$4096, %rdi
	jnz	1b
	xorl	%eax, %eax
	ret
END(base_guard_touch)

guard_end:

FUNCTION(guard_fixup)
	movl	$-EFAULT, %eax
	ret
END(guard_fixup)

FUNCTION(guard_avx_fixup)
	vzeroupper
	movl	$-EFAULT, %eax
	ret
END(guard_avx_fixup)

/*
 * Where a signal handler returns to. No CFI and just these bytes: by them
 * debuggers and unwinders know a signal frame.
 */
	.globl	base_guard_restorer
	.hidden	base_guard_restorer
	.type	base_guard_restorer, @function
	nop
	.p2align 4
base_guard_restorer:
	movq	$15, %rax
	syscall
	.size	base_guard_restorer, . - base_guard_restorer

/* Where base_guard_copy() goes for each size below 64, relative to the table. */
	.section .rodata
	.p2align 2
.Lcopy_table:
	.irp	at, 0, 4, 8, 12, 16, 20, 24, 28, 32, 36, 40, 44, 48, 52, 56, 60
	.long	.Lcopy_\at - .Lcopy_table
	.rept	3
	.long	.Lcopy_odd - .Lcopy_table
	.endr
	.endr

/* struct guard_site of guard.c; the first match counts. */
	.section .data.rel.ro, "aw"
	.p2align 3
	.globl	base_guard_sites
	.hidden	base_guard_sites
	.type	base_guard_sites, @object
base_guard_sites:
	.quad	guard_avx_begin, guard_avx_end, guard_avx_fixup
	.quad	guard_begin, guard_end, guard_fixup
	.size	base_guard_sites, . - base_guard_sites

#endif

	.section .note.GNU-stack, "", @progbits

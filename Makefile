# SPDX-License-Identifier: MIT
# The door to everything. Meson builds, scripts/ has the steps.

BUILD ?= build
PREFIX ?= /usr/local
MINUTES ?= 1

.PHONY: all demo check explore kselftest bench errnos fuzz format install clean help

all: $(BUILD)/build.ninja
	@ninja -C $(BUILD)

$(BUILD)/build.ninja:
	@scripts/setup build
	@meson setup $(BUILD) --prefix=$(PREFIX) -Dtests=false

demo:
	@scripts/setup build
	@$(MAKE) --no-print-directory all
	@scripts/demo $(BUILD)

check:
	@scripts/check

explore:
	@scripts/explore

kselftest:
	@scripts/setup kselftest
	@$(MAKE) --no-print-directory all
	@scripts/kselftest $(BUILD) $(KERNEL)

bench:
	@scripts/setup bench
	@$(MAKE) --no-print-directory all
	@bench/run $(BUILD)

errnos:
	@scripts/setup check
	@scripts/errno-coverage build-errnos

fuzz:
	@scripts/setup fuzz
	@scripts/fuzz $(MINUTES)

format:
	@scripts/sources | xargs clang-format -i

install: all
	@meson configure $(BUILD) --prefix=$(PREFIX)
	@meson install -C $(BUILD)

clean:
	rm -rf $(BUILD) build-check build-errnos build-explore build-fuzz

help:
	@echo 'make            build (release) into $(BUILD)/'
	@echo 'make demo       install what is missing, build, run two programs on a software IOMMU'
	@echo 'make check      the whole gate: what CI runs; a few minutes'
	@echo 'make explore    all schedules of small scenarios; SEEDS=1: the bugs it has to find;'
	@echo '                SCENARIO= BOUND= for some, REPLAY=TOKEN GDB=1 for one schedule;'
	@echo '                STRESS=N: N random calls'
	@echo 'make kselftest  the Linux kernel'\''s own tests of iommufd, from Debian'\''s package'
	@echo 'make bench      instruction counts and DMA speed, as a table'
	@echo 'make errnos     which errnos of the specification the tests bring about'
	@echo 'make fuzz       random calls, guided by what they cover; MINUTES=1'
	@echo 'make format     lay out all C files by .clang-format'
	@echo 'make install    into $(PREFIX); PREFIX= and DESTDIR= as usual'
	@echo 'make clean      remove what was built'

# SPDX-License-Identifier: GPL-2.0-only
#
# The commands of the README. 'make help' lists them.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.ONESHELL:
# Every target drives the one .build; swift itself uses all cores.
.NOTPARALLEL:
.DEFAULT_GOAL := help
.PHONY: help setup build check mutate extract test bench fuzz demo docs install uninstall tarball deb clean

# What is checked. PATCH may name several files, in order; '-' is standard input.
KERNEL ?= debian:6.12
PATCH ?=
# Which mutants: one in SAMPLE, chosen by SEED.
SAMPLE ?= 1
SEED ?= 0

# What the tests count scenarios on.
TEST_KERNEL := debian:6.12
EXTRACTED := kernel-extract/out/kvm-mmu-roots/provenance.json
# What the commands run is optimised, and 'make test' adds the tests to that build; 'swift test' makes one
# of its own, with the program in it.
KSHIM := .build/release/kshim
# What the tests took, for 'test' to tell.
RESULTS := .build/tests.xml
# Options of 'bench'.
BENCH ?=
# How long 'fuzz' tries each reader.
SECONDS_EACH ?= 60
# Where 'install' puts it; DESTDIR stands in front, for who makes a package.
PREFIX ?= /usr/local
DESTDIR ?=

quote = '$(subst ','\'',$(1))'

# Sets the shell array "revision" to the options that name the kernel and the patches.
define revision
kernel=$(call quote,$(KERNEL))
revision=(--kernel "$${kernel/#\~\//$$HOME/}")
for patch in $(PATCH); do revision+=(--patch "$$patch"); done
endef

# Runs 'swift build $(1)'. What Package.swift found on this machine is remembered in .build, where
# 'make clean' forgets it. Shows how far it is on a terminal, all of it when it fails, and the
# warnings in kshim's own files. Those files are touched, so that the next build warns again.
define swift_build
mkdir -p .build
log=.build/make.log
swift build --manifest-cache local $(1) 2>&1 | tee "$$log" | while IFS= read -r line; do
	[[ ! -t 2 ]] || printf '\r\033[K%.78s' "$$line" >&2
done || { cat "$$log" >&2; exit 1; }
[[ ! -t 2 ]] || printf '\r\033[K' >&2
own=$(call quote,$(CURDIR))/
awk -v own="$$own" 'index($$0, own) == 1 && /: warning: / && !/\/\.build\//' "$$log" | sort -u > .build/warnings
cat .build/warnings >&2
sed 's/:.*//' .build/warnings | sort -u | while IFS= read -r file; do touch -c "$$file"; done
endef

help: ## List the targets
	@sed -nE 's/^([a-z]+):.*## (.*)/\1\t\2/p' Makefile | while IFS=$$'\t' read -r name text; do
		printf '  make %-9s %s\n' "$$name" "$$text"
	done
	echo
	echo "  KERNEL=  a kernel's directory, DIRECTORY@REVISION, DIRECTORY@BASE..HEAD, a tarball or debian:VERSION (default: debian:6.12)"
	echo "  PATCH=   one or more patch files, applied in order; '-' is standard input"
	echo "  SAMPLE=  of 'mutate': one mutant in so many, chosen by the number SEED="
	echo "  BENCH=   of 'bench': its options, as '--row edit --rounds 3'"
	echo "  SECONDS_EACH=  of 'fuzz': how long each reader is tried"
	echo "  PREFIX=, DESTDIR=  of 'install' and 'uninstall': where (default: /usr/local)"

setup: ## Install what is missing, or print the command that does
	@.ci/setup

build: setup ## Build kshim, optimised, into .build/release
	@[[ -x $(KSHIM) ]] || echo 'kshim: building; the first time takes some minutes' >&2
	$(call swift_build,-c release --product kshim)

check: build ## Search every scenario of KERNEL, with PATCH if given, and print a verdict
	@$(revision)
	$(KSHIM) check "$${revision[@]}"

mutate: build ## Try small wrong changes of KERNEL's functions, and say which go unnoticed
	@$(revision)
	$(KSHIM) mutate "$${revision[@]}" --sample $(call quote,$(SAMPLE)) --seed $(call quote,$(SEED))

extract: build ## Extract KERNEL, with PATCH if given, for 'swift test' or to read
	@$(revision)
	$(KSHIM) extract "$${revision[@]}"

test: setup ## Build without a warning, check the formatting, run the tests
	@unset KERNEL PATCH
	.ci/readers
	swift format lint --strict --recursive Sources Tests Package.swift Benchmarks/Sources Benchmarks/Package.swift Fuzzing/Sources/kshim-fuzz Fuzzing/Package.swift
	[[ -x $(KSHIM) ]] || echo 'kshim: building; the first time takes some minutes' >&2
	$(call swift_build,-c release --product kshim)
	mv .build/warnings .build/own-warnings
	tree=$$($(KSHIM) kernels path $(TEST_KERNEL))
	if ! grep -qs '"kernel" : "$(TEST_KERNEL)"' $(EXTRACTED) || grep -q '"file" :' $(EXTRACTED) ||
		[[ -n $$(find "$$tree"/.kshim.json shims kernel-extract/subjects kernel-extract/glue kernel-extract/table.inc \
			Sources/Extraction -newer $(EXTRACTED)) ]]; then
		$(KSHIM) extract --kernel $(TEST_KERNEL) >&2
	fi
	$(call swift_build,-c release --build-tests)
	if [[ -s .build/warnings || -s .build/own-warnings ]]; then
		echo 'kshim: the build is not free of warnings' >&2
		exit 1
	fi
	rm -f $(RESULTS)
	KSHIM_TESTED=$(call quote,$(CURDIR))/$(KSHIM) \
	swift test -c release --manifest-cache local --skip-build --disable-swift-testing --parallel \
		--num-workers "$$(nproc)" --xunit-output $(RESULTS) && failed=0 || failed=1
	[[ -s $(RESULTS) ]] || exit 1
	awk -v took="$$SECONDS" -f .ci/slowest.awk $(RESULTS) || failed=1
	exit $$failed

bench: build ## Measure what kshim promises, as ratios; BENCH='--help' lists what there is
	@unset KERNEL PATCH
	$(call swift_build,--package-path Benchmarks)
	Benchmarks/.build/debug/kshim-bench $(BENCH)

fuzz: setup ## Feed what kshim reads of others to libFuzzer, SECONDS_EACH=60 for each reader
	@.ci/fuzz $(call quote,$(SECONDS_EACH))

demo: build ## Tell what kshim says of a patch series, version by version, in a minute
	@KERNEL=$(call quote,$(KERNEL)) KSHIM=$(call quote,$(CURDIR))/$(KSHIM) docs/examples/demo

docs: build ## Write docs/reference.md from the commands' help, and the screenshots in docs/images
	@.ci/reference $(KSHIM) > .build/reference.md
	mv .build/reference.md docs/reference.md
	.ci/screenshots $(call quote,$(CURDIR))/$(KSHIM) docs/images
	echo docs/reference.md docs/images

install: ## Put what 'build' built, its files, docs, manual and completions below PREFIX
	@[[ -x $(KSHIM) ]] || { echo "kshim: there is no $(KSHIM) yet: run 'make build' first" >&2; exit 1; }
	.ci/install $(call quote,$(KSHIM)) $(call quote,$(PREFIX)) $(call quote,$(DESTDIR))

uninstall: ## Take away what 'install' put there
	@.ci/install --remove $(call quote,$(PREFIX)) $(call quote,$(DESTDIR))

tarball: setup ## Make a tarball that runs without the checkout and without Swift, in .build/packages
	@.ci/package tarball

deb: setup ## Make a Debian package of the same, in .build/packages
	@.ci/package deb

clean: ## Remove what was built, extracted and measured; the kernels in the cache stay
	@rm -rf .build Benchmarks/.build Benchmarks/results Fuzzing/.build Fuzzing/found kernel-extract/out

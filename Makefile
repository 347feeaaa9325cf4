# What to type. Building itself is CMake's: see CMakePresets.json.

BUILD = build
TEST_BUILD = build-test
FUZZ_BUILD = build-fuzz
PREFIX = /usr/local
SECONDS_OF_FUZZING = 60
LISTEN =

SOURCES = $(shell git ls-files '*.c' '*.h')

.PHONY: help run build install test bench soak fuzz check clean

help:
	@echo 'make run      builds emud and runs it with a demo board on http://127.0.0.1:3683 (LISTEN=127.0.0.1:3700: there)'
	@echo 'make build    release build: $(BUILD)/bin/emud'
	@echo 'make install  installs it (PREFIX=/usr/local, DESTDIR=)'
	@echo 'make test     every test, under AddressSanitizer and UBSan'
	@echo 'make bench    the numbers, as ratios to bare QEMU and bare libmicrohttpd'
	@echo 'make soak     thousands of starts and stops; nothing may be left (SOAK_CYCLES=2000, SOAK_RENODE_STARTS=1000)'
	@echo 'make fuzz     each fuzz target for SECONDS_OF_FUZZING=60'
	@echo 'make check    clang-format, clang-tidy, cppcheck; eslint and tsc for web/'
	@echo 'make clean    removes the build directories'

# exec: a Ctrl-C and a SIGTERM reach emud itself.
run: build
	@.ci/install run
	@exec $(BUILD)/bin/emud --demo $(if $(LISTEN),--listen $(LISTEN))

build:
	@.ci/install build
	@test -f $(BUILD)/build.ninja || cmake --preset release
	@cmake --build $(BUILD) -- --quiet

install: build
	cmake -S . -B $(BUILD) -DCMAKE_INSTALL_PREFIX=$(PREFIX) >/dev/null
	cmake --install $(BUILD)

$(TEST_BUILD)/build.ninja:
	@cmake --preset sanitize

$(FUZZ_BUILD)/build.ninja:
	@cmake --preset fuzz

tests/node_modules/.package-lock.json: tests/package.json tests/package-lock.json
	@cd tests && npm ci --no-audit --no-fund --loglevel=error
	@touch $@

test:
	@.ci/install build run test
	@$(MAKE) --no-print-directory $(TEST_BUILD)/build.ninja tests/node_modules/.package-lock.json
	@cmake --build $(TEST_BUILD) -- --quiet
	@node tests/run.mjs $(TEST_BUILD)

bench: build
	@.ci/install run bench
	@cmake --build $(BUILD) --target bench

soak: build
	@.ci/install run
	@cmake --build $(BUILD) --target test_firmware -- --quiet
	@node tests/soak/soak.mjs $(BUILD)
	@cd tests && EMUD_BUILD=$(abspath $(BUILD)) EMUD_RENODE_STARTS=$${SOAK_RENODE_STARTS:-1000} node --test \
		--test-reporter=./reporter.mjs --test-name-pattern='starts, 16 at a time' integration/renode.test.mjs

fuzz:
	@.ci/install build
	@$(MAKE) --no-print-directory $(FUZZ_BUILD)/build.ninja
	@cmake --build $(FUZZ_BUILD) -- --quiet
	@tests/fuzz/run $(FUZZ_BUILD) $(SECONDS_OF_FUZZING)

check:
	@.ci/install build check
	@test -f $(BUILD)/build.ninja || cmake --preset release
	@cmake --build $(BUILD) --target syscall_filter_table -- --quiet
	@clang-format --dry-run --Werror $(SOURCES)
	@git ls-files 'core/*.c' 'server/*.c' ':!server/targets' | xargs -P 2 -n 4 clang-tidy --quiet -p $(BUILD)
	@cd web && npm ci --no-audit --no-fund --loglevel=error && npm run --silent check
	@cppcheck --quiet --error-exitcode=1 --std=c11 --enable=warning,performance,portability --inline-suppr \
		--include=.ci/cppcheck.h --suppress=missingIncludeSystem --suppress=varFuncNullUB \
		--suppress=autoVariables --suppress=memleak --suppress=returnDanglingLifetime --suppress=uninitvar \
		-D_GNU_SOURCE -I. core server/api server/events server/http server/runs server/shims server/store server/watch

clean:
	rm -rf $(BUILD) $(TEST_BUILD) $(FUZZ_BUILD)

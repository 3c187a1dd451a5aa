# SPDX-License-Identifier: LGPL-2.1-or-later

PREFIX ?= /usr/local
DESTDIR ?=
# The distribution's own: a unit's user cannot reach an interpreter in somebody's home.
PYTHON ?= /usr/bin/python3
VENV = .venv

root = $(abspath $(DESTDIR))
# Folders of our own, which uninstall removes.
pkglibdir = $(PREFIX)/lib/cockpit-getmail
pkglibexecdir = $(PREFIX)/libexec/cockpit-getmail
sbindir = $(PREFIX)/sbin
mandir = $(PREFIX)/share/man/man8
# The folder's name is the package's, by which Cockpit knows it.
paneldir = $(PREFIX)/share/cockpit/getmail
# Where bash, zsh and fish look for completions of themselves; a fish below /usr looks at nothing in /usr/local.
bashdir = $(PREFIX)/share/bash-completion/completions
zshdir = $(PREFIX)/share/zsh/site-functions
fishdir = $(if $(filter /usr/local,$(PREFIX)),/etc/fish/completions,$(PREFIX)/share/fish/vendor_completions.d)
# systemd reads these below /usr, /usr/local and /etc; for another PREFIX name them.
unitdir = $(PREFIX)/lib/systemd/system
sysusersdir = $(PREFIX)/lib/sysusers.d
tmpfilesdir = $(PREFIX)/lib/tmpfiles.d
drop-ins = $(foreach unit,- @callback,'$(root)$(unitdir)/cockpit-getmail$(unit).service.d')
# What the timer starts.
command = $(sbindir)/cockpit-getmail
site = $(pkglibdir)/lib/python$(shell $(PYTHON) -c 'import sys; print("%d.%d" % sys.version_info[:2])')/site-packages

VERBS = read validate create update delete execute
# What is removed whole bears our name: a PREFIX or variable gone wrong must not take a system's folder.
check-own-folders = for folder in '$(pkglibdir)' '$(pkglibexecdir)' '$(paneldir)'; do \
	case $$folder in */cockpit-getmail | */cockpit/getmail) ;; *) echo "$$folder is not ours" >&2; exit 1 ;; esac; done
start-timer = if [ -z '$(root)' ] && [ -d /run/systemd/system ]; then \
	! systemctl is-enabled --quiet cockpit-getmail.timer || systemctl restart cockpit-getmail.timer; fi

VERSION = $(shell sed -n 's/^__version__ = "\(.*\)"/\1/p' lib/cockpit_getmail/__init__.py)
SOURCES = setup.cfg pyproject.toml setup.py $(shell find lib schemas -name '*.py' -o -name '*.json')
# What setup.py makes code of, and with.
SCHEMAS = $(wildcard schemas/*.json schemas/*/*.json) \
    $(addprefix lib/cockpit_getmail/,accept/__init__.py formats.py schema.py)
# What the demo needs beside Python: a real IMAP and POP3 server, a real systemd, a real Cockpit.
DEMO_PACKAGES = cockpit-bridge cockpit-system cockpit-ws dbus dovecot-imapd dovecot-pop3d man-db openssl procps sudo \
    systemd systemd-container
# And the tests: LMTP and sieve, ext4 images, another machine by ssh, shells that complete, a browser.
CHECK_PACKAGES = $(DEMO_PACKAGES) bash-completion ca-certificates chromium clamav-daemon dovecot-lmtpd dovecot-sieve e2fsprogs fish openssh-client openssh-server rspamd zsh

# Whom `make bench` measures this project beside; safecat delivers for fetchmail. getmail6 comes from PyPI.
BENCH_PACKAGES = $(DEMO_PACKAGES) e2fsprogs fdm fetchmail isync mpop safecat

PANEL = $(addprefix panel/,build.js translations.js index.html manifest.json tsconfig.json) \
    $(shell find panel/src -type f) $(wildcard po/*.po)

# An authorization server for tests.
OIDC = tests/support/oidc

# Tests are compiled once, also where somebody's environment has it otherwise: that takes as long as many of them.
PYTEST = PYTHONDONTWRITEBYTECODE= packaging/in-reach $(VENV)/bin/pytest

SHELL = /bin/sh
.ONESHELL:
.SHELLFLAGS = -euc
.DELETE_ON_ERROR:
.PHONY: help build demo check check-panel check-quick check-lower screenshots lint format \
    install install-panel install-systemd uninstall devel-install translations bench dist clean

help: ## Show this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' Makefile | expand -t 22

build: $(VENV)/.built panel/dist/.built ## Make .venv with all that the helpers and the command need, and the panel

$(VENV)/.built: setup.cfg pyproject.toml setup.py $(SCHEMAS)
	packaging/need-packages python3 python3-venv
	$(PYTHON) -m venv $(VENV)
	$(VENV)/bin/pip install --quiet $(addprefix --constraint ,$(CONSTRAINT)) --editable .
	touch $@

$(VENV)/.can-test: $(VENV)/.built
	$(VENV)/bin/pip install --quiet $(addprefix --constraint ,$(CONSTRAINT)) --editable '.[test]'
	touch $@

$(VENV)/.can-lint: $(VENV)/.can-test
	$(VENV)/bin/pip install --quiet --editable '.[lint]'
	touch $@

panel/node_modules/.installed: panel/package.json panel/package-lock.json
	command -v npm >/dev/null || packaging/need-packages nodejs npm
	npm --prefix panel ci --ignore-scripts --no-audit --no-fund --loglevel=error
	touch $@

$(OIDC)/node_modules/.installed: $(OIDC)/package.json $(OIDC)/package-lock.json
	command -v npm >/dev/null || packaging/need-packages nodejs npm
	npm --prefix $(OIDC) ci --ignore-scripts --no-audit --no-fund --loglevel=error
	touch $@

panel/dist/.built: panel/node_modules/.installed $(PANEL)
	cd panel
	node build.js
	touch dist/.built

demo: $(VENV)/.can-test ## Show the main job, step by step, on a machine of its own
	@packaging/need-packages $(DEMO_PACKAGES)
	$(VENV)/bin/python -m demo

check: lint check-panel check-lower build/wheels/.built panel/dist/.built $(OIDC)/node_modules/.installed ## Run every test, those on a booted machine included
	packaging/need-packages $(CHECK_PACKAGES)
	$(PYTEST) --numprocesses 2 tests/unit tests/api tests/bench
	$(PYTEST) --numprocesses 2 --dist loadgroup tests/machine tests/browser tests/mail

check-quick: lint ## Run linters, unit and API tests
	[ ! -w /dev/shm ] || export TMPDIR=/dev/shm
	$(PYTEST) --quiet --numprocesses 2 --hypothesis-profile quick -m 'not slow and not long' tests/unit tests/api

# In a copy, so that the helpers as processes find the lower bounds too. What only fetches meets no library of them.
check-lower: ## Test with the oldest versions that setup.cfg allows
	packaging/need-packages $(CHECK_PACKAGES)
	mkdir -p build/lower
	find build/lower -mindepth 1 -maxdepth 1 ! -name .venv -exec rm -rf {} +
	tar --create --exclude=./.git --exclude=./.venv --exclude=./build --exclude=node_modules --exclude=dist --exclude=dist.new --exclude='*.egg-info' \
	    --exclude=__pycache__ --exclude='./.*_cache' --exclude=./.hypothesis . | tar --extract --directory build/lower
	sed -n '/^install_requires/,/^$$/s/^ *\(.*\)>=/\1==/p' setup.cfg >build/lower-bounds
	$(MAKE) --no-print-directory --directory build/lower CONSTRAINT=../lower-bounds \
	    $(VENV)/.can-test $(OIDC)/node_modules/.installed
	cd build/lower
	$(PYTEST) --numprocesses 2 -m 'not slow and not fetch' tests/unit tests/api tests/mail

check-panel: panel/node_modules/.installed ## Check the panel's style and types, and test its pure parts
	npm --prefix panel run --silent lint
	npm --prefix panel run --silent test

translations: panel/node_modules/.installed ## Gather into po/ what is to be translated
	npm --prefix panel run --silent extract

screenshots: $(VENV)/.can-test panel/dist/.built ## Show the panel in docs/images anew
	packaging/need-packages $(CHECK_PACKAGES)
	packaging/in-reach $(VENV)/bin/python -m tests.browser.screenshots

lint: $(VENV)/.can-lint ## Check style and types
	@$(VENV)/bin/ruff check --quiet
	$(VENV)/bin/ruff format --check --quiet || { $(VENV)/bin/ruff format --check; exit 1; }
	$(VENV)/bin/mypy --no-error-summary

format: $(VENV)/.can-lint ## Format the sources, and mend what the linter can
	$(VENV)/bin/ruff check --fix
	$(VENV)/bin/ruff format

build/wheels/.built: $(VENV)/.built $(SOURCES)
	rm -rf build/wheels build/lib build/bdist.*
	$(VENV)/bin/pip wheel --quiet --wheel-dir build/wheels .
	touch $@

install: build/wheels/.built install-panel install-systemd ## Install below PREFIX (/usr/local); DESTDIR for packages
	umask 022
	$(check-own-folders)
	rm -rf '$(root)$(pkglibdir)'
	$(PYTHON) -m venv --without-pip '$(root)$(pkglibdir)'
	rm -f '$(root)$(pkglibdir)'/bin/[Aa]ctivate*
	sed -i /^command/d '$(root)$(pkglibdir)/pyvenv.cfg'
	$(VENV)/bin/pip install --quiet --no-index --find-links build/wheels --no-compile \
	    --target '$(root)$(site)' cockpit-getmail
	rm -rf '$(root)$(site)/bin'
	$(PYTHON) -m compileall -q -s '$(root)' -p / '$(root)$(site)'
	install -d '$(root)$(pkglibexecdir)' '$(root)$(sbindir)' '$(root)$(mandir)'
	for verb in $(VERBS); do
	    sed -e '/^import os$$/d' -e '/^root = /d' -e '/^venv = /d' -e 's|^sys\.path\[:0\] = .*|sys.path[:0] = ["$(site)"]|' \
	        api/$$verb >'$(root)$(pkglibexecdir)'/$$verb
	    grep -Fq '["$(site)"]' '$(root)$(pkglibexecdir)'/$$verb
	    chmod 755 '$(root)$(pkglibexecdir)'/$$verb
	done
	printf '%s\n' '#!$(pkglibdir)/bin/python -I' 'import sys' 'from cockpit_getmail.cli import entry' 'sys.exit(entry())' \
	    >'$(root)$(sbindir)/cockpit-getmail'
	chmod 755 '$(root)$(sbindir)/cockpit-getmail'
	sed -e 's|@libexecdir@|$(pkglibexecdir)|g' -e 's|@unitdir@|$(unitdir)|g' docs/cockpit-getmail.8 \
	    >'$(root)$(mandir)/cockpit-getmail.8'
	install -d '$(root)$(bashdir)' '$(root)$(zshdir)' '$(root)$(fishdir)'
	code='import sys, argcomplete as a; print(a.shellcode(["cockpit-getmail"], use_defaults=False, shell=sys.argv[1]))'
	complete() { PYTHONPATH='$(root)$(site)' $(PYTHON) -c "$$code" $$1; }
	complete bash >'$(root)$(bashdir)/cockpit-getmail'
	complete zsh >'$(root)$(zshdir)/_cockpit-getmail'
	complete fish >'$(root)$(fishdir)/cockpit-getmail.fish'
	$(start-timer)

install-panel: panel/dist/.built
	umask 022
	case '$(paneldir)' in */cockpit/getmail) ;; *) echo '$(paneldir) is not ours' >&2; exit 1 ;; esac
	rm -rf '$(root)$(paneldir)'
	install -d '$(root)$(paneldir)'
	install -m 644 panel/dist/* '$(root)$(paneldir)'
	sed -i 's|@libexecdir@|$(pkglibexecdir)|' '$(root)$(paneldir)/index.html'

# What systemd reads; all that a run from a checkout needs of an installation. The timer is enabled the first time:
# one that was disabled stays so.
install-systemd:
	umask 022
	[ -e '$(root)$(unitdir)/cockpit-getmail.timer' ] && first= || first=yes
	install -d $(drop-ins) '$(root)$(sysusersdir)' '$(root)$(tmpfilesdir)'
	install -m 644 systemd/cockpit-getmail.slice systemd/cockpit-getmail.timer '$(root)$(unitdir)'
	sed 's|@command@|$(command)|' systemd/cockpit-getmail.service >'$(root)$(unitdir)/cockpit-getmail.service'
	install -m 644 systemd/cockpit-getmail-.service.d/* '$(root)$(unitdir)/cockpit-getmail-.service.d'
	install -m 644 systemd/cockpit-getmail@callback.service.d/* '$(root)$(unitdir)/cockpit-getmail@callback.service.d'
	install -m 644 systemd/cockpit-getmail.sysusers '$(root)$(sysusersdir)/cockpit-getmail.conf'
	install -m 644 systemd/cockpit-getmail.tmpfiles '$(root)$(tmpfilesdir)/cockpit-getmail.conf'
	if [ -z '$(root)' ] && [ -d /run/systemd/system ]; then
	    systemd-sysusers '$(sysusersdir)/cockpit-getmail.conf'
	    systemd-tmpfiles --create '$(tmpfilesdir)/cockpit-getmail.conf'
	    systemctl daemon-reload
	    [ -z "$$first" ] || systemctl enable --quiet cockpit-getmail.timer
	fi

uninstall: ## Remove what install made; configuration, connectors and mail stay
	$(check-own-folders)
	if [ -z '$(root)' ] && [ -d /run/systemd/system ] && [ -e '$(unitdir)/cockpit-getmail.timer' ]; then
	    systemctl disable --quiet --now cockpit-getmail.timer
	    systemctl stop cockpit-getmail.service
	fi
	rm -rf '$(root)$(pkglibdir)' '$(root)$(paneldir)'
	rm -f $(foreach verb,$(VERBS),'$(root)$(pkglibexecdir)/$(verb)')
	rm -f '$(root)$(sbindir)/cockpit-getmail' '$(root)$(mandir)/cockpit-getmail.8' \
	    '$(root)$(bashdir)/cockpit-getmail' '$(root)$(zshdir)/_cockpit-getmail' \
	    '$(root)$(fishdir)/cockpit-getmail.fish' \
	    $(foreach type,slice timer service,'$(root)$(unitdir)/cockpit-getmail.$(type)') \
	    '$(root)$(unitdir)/cockpit-getmail-.service.d/10-fetch.conf' \
	    '$(root)$(unitdir)/cockpit-getmail@callback.service.d/10-callback.conf' \
	    '$(root)$(sysusersdir)/cockpit-getmail.conf' '$(root)$(tmpfilesdir)/cockpit-getmail.conf'
	for folder in '$(root)$(pkglibexecdir)' $(drop-ins); do
	    [ ! -d "$$folder" ] || rmdir --ignore-fail-on-non-empty "$$folder"
	done
	if [ -z '$(root)' ] && [ -d /run/systemd/system ]; then systemctl daemon-reload; fi

devel-install: command = $(CURDIR)/$(VENV)/bin/cockpit-getmail
devel-install: pkglibexecdir = $(CURDIR)/api
devel-install: build install-panel install-systemd ## Let this checkout's helpers, and its panel in Cockpit, work on this machine
	$(start-timer)

# DESTDIR=/ is nothing but an installation that leaves the running systemd alone.
bench: $(VENV)/.can-test ## Measure beside its peers, write bench/RESULTS.md; QUICK=1, ONLY=fetching
	@packaging/need-packages $(BENCH_PACKAGES)
	$(PYTHON) -m venv build/bench/venv
	build/bench/venv/bin/pip install --quiet --upgrade getmail6
	$(MAKE) --silent install DESTDIR=/ PREFIX='$(CURDIR)/build/bench/prefix'
	packaging/in-reach $(VENV)/bin/python -m bench $(if $(QUICK),--quick) $(if $(ONLY),--only '$(ONLY)')

dist: ## Pack the sources of the last commit
	mkdir -p dist
	git archive --prefix=cockpit-getmail-$(VERSION)/ --output=dist/cockpit-getmail-$(VERSION).tar.gz HEAD
	echo dist/cockpit-getmail-$(VERSION).tar.gz

clean: ## Remove all that make made in this folder
	rm -rf $(VENV) build dist panel/dist panel/dist.new panel/node_modules $(OIDC)/node_modules lib/*.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis
	rm -f lib/cockpit_getmail/accept/[a-z]*.py
	find lib tests demo bench -name __pycache__ -prune -exec rm -rf {} +

# SPDX-License-Identifier: LGPL-2.1-or-later
"""The panel in a real Cockpit in a booted machine, driven with Chromium; `screenshots` makes the manual's."""

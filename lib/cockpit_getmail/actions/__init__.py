# SPDX-License-Identifier: LGPL-2.1-or-later
"""One function per action. Each takes the checked input and the settings and returns its answer."""

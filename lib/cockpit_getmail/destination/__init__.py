# SPDX-License-Identifier: LGPL-2.1-or-later
"""Destinations: where messages are delivered. The table below chooses one."""

# SPDX-License-Identifier: LGPL-2.1-or-later
"""Changing: a module per action."""

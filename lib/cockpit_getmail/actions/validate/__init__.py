# SPDX-License-Identifier: LGPL-2.1-or-later
"""Whether create or update would take an input: a module per action."""

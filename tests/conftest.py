# SPDX-License-Identifier: LGPL-2.1-or-later
"""How many examples property tests try: `make check-quick` takes the profile quick. None has a time limit."""

from hypothesis import settings

settings.register_profile("full", deadline=None)
settings.register_profile("quick", deadline=None, max_examples=15)
settings.load_profile("full")

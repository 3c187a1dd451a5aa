# SPDX-License-Identifier: LGPL-2.1-or-later
"""How many examples property tests try: `make check-quick` takes the profile quick."""

from hypothesis import settings

settings.register_profile("quick", max_examples=15)

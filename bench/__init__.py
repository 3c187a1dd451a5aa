# SPDX-License-Identifier: LGPL-2.1-or-later
"""This project beside its peers, in one run: `make bench`."""

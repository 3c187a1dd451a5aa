# SPDX-License-Identifier: LGPL-2.1-or-later
"""unit, api, mail, machine: from what needs nothing to what boots a machine; support: what they share."""

# SPDX-License-Identifier: LGPL-2.1-or-later
"""Mail connectors: pull remote POP3 and IMAP accounts into local ones."""

__version__ = "0.1.0"

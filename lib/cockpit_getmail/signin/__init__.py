# SPDX-License-Identifier: LGPL-2.1-or-later
"""People signing in at the provider of a connector's tokens: one sign-in at a time for each connector.

record: what is known of it, root's alone. flow: how it begins, what is asked, how it ends. unit: the one that
waits for a person while nobody else does.
"""

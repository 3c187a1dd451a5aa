# SPDX-License-Identifier: LGPL-2.1-or-later
"""Access tokens in the place of passwords (OAuth2, RFC 6749).

providers: who is asked. flows: what is asked, and what answers mean. exchange: asking. broker: a connector's
token, as it is needed. hints: what a person can do.
"""

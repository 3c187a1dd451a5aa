# SPDX-License-Identifier: LGPL-2.1-or-later
"""`make demo`: the main job, from a log-in at a provider to mail in a local Maildir, on a test machine."""
